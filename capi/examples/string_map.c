/* The hash map of string_map.h: open addressing with linear probing in a table of slots, apart from the entries,
 * so that only slots are moved when the table grows. */
#include "string_map.h"

enum { FIRST_SLOT_COUNT = 64 };

typedef struct StringMapSlot {
    uint32_t hash;
    uint32_t entry; /* its index and 1; 0 in a free slot */
} StringMapSlot;

/* FNV-1a, folded: the low bits of the product alone know too little of the first letters. */
static uint32_t hash_of(const char *key, size_t length) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < length; ++i) {
        hash = (hash ^ (unsigned char)key[i]) * UINT64_C(1099511628211);
    }
    return (uint32_t)(hash ^ (hash >> 32));
}

/* The slot of the key, or the free slot where it belongs. */
static StringMapSlot *slot_of(const StringMap *map, uint32_t hash, const char *key, size_t key_length) {
    for (size_t i = hash & (map->slot_count - 1);; i = (i + 1) & (map->slot_count - 1)) {
        StringMapSlot *slot = &map->slots[i];
        if (slot->entry == 0) {
            return slot;
        }
        if (slot->hash == hash) {
            const StringMapEntry *entry = &map->entries[slot->entry - 1];
            if (entry->key_length == key_length && memcmp(map->text + entry->key, key, key_length) == 0) {
                return slot;
            }
        }
    }
}

static bool set_slot_count(StringMap *map, size_t slot_count) {
    StringMapSlot *slots = (StringMapSlot *)map->reallocate(NULL, slot_count * sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    memset(slots, 0, slot_count * sizeof *slots);
    for (size_t old = 0; old < map->slot_count; ++old) {
        if (map->slots[old].entry != 0) {
            size_t new = map->slots[old].hash & (slot_count - 1);
            while (slots[new].entry != 0) {
                new = (new + 1) & (slot_count - 1);
            }
            slots[new] = map->slots[old];
        }
    }
    if (map->slots != NULL) {
        (void)map->reallocate(map->slots, 0);
    }
    map->slots = slots;
    map->slot_count = slot_count;
    return true;
}

bool string_map_init(StringMap *map, Reallocate reallocate) {
    *map = (StringMap){.reallocate = reallocate};
    if (array_init(map->entries, reallocate) && array_init(map->text, reallocate) &&
        set_slot_count(map, FIRST_SLOT_COUNT)) {
        return true;
    }
    string_map_free(map);
    return false;
}

size_t string_map_find(const StringMap *map, const char *key, size_t key_length) {
    const StringMapSlot *slot = slot_of(map, hash_of(key, key_length), key, key_length);
    return slot->entry != 0 ? slot->entry - 1 : STRING_MAP_NONE;
}

size_t string_map_insert(StringMap *map, const char *key, size_t key_length, size_t value) {
    const uint32_t hash = hash_of(key, key_length);
    const size_t index = array_count(map->entries);
    StringMapSlot *slot = slot_of(map, hash, key, key_length);
    if (slot->entry != 0) {
        return slot->entry - 1;
    }

    /* All that may fail comes first. */
    if (index == UINT32_MAX || key_length == SIZE_MAX || !array_make_room(map->text, key_length + 1)) {
        return STRING_MAP_NONE;
    }
    if (index + 1 > map->slot_count / 4 * 3) {
        if (!set_slot_count(map, 2 * map->slot_count)) {
            return STRING_MAP_NONE;
        }
        slot = slot_of(map, hash, key, key_length);
    }
    const size_t start = array_count(map->text);
    const StringMapEntry entry = {.key = start, .key_length = key_length, .value = value};
    if (!array_push(map->entries, entry)) {
        return STRING_MAP_NONE;
    }
    memcpy(map->text + start, key, key_length);
    map->text[start + key_length] = '\0';
    array_count(map->text) += key_length + 1;
    *slot = (StringMapSlot){.hash = hash, .entry = (uint32_t)index + 1};
    return index;
}

void string_map_free(StringMap *map) {
    if (map->slots != NULL) {
        (void)map->reallocate(map->slots, 0);
    }
    array_free(map->entries);
    array_free(map->text);
    *map = (StringMap){.reallocate = map->reallocate};
}
