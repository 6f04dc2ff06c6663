/* A hash map from strings to numbers: a count, or the index of something. It copies its keys, numbers its entries
 * in the order in which they come, and keeps them in one growable array, so that going through them is a loop.
 *
 * Its memory comes from a function of realloc's shape. With v_alloc_realloc the entries never move: a pointer to
 * an entry or its value, and the text of a key, stay valid until the map is freed, however much is inserted.
 * With realloc, until the next insertion.
 */
#ifndef STRING_MAP_H
#define STRING_MAP_H

#include "growable_array.h"

#define STRING_MAP_NONE SIZE_MAX

typedef struct StringMapEntry {
    size_t key; /* where it starts in the map's text */
    size_t key_length;
    size_t value;
} StringMapEntry;

typedef struct StringMap {
    StringMapEntry *entries;     /* a growable array */
    char *text;                  /* a growable array: the keys, each with a NUL */
    struct StringMapSlot *slots; /* where to find the entry of a hash */
    size_t slot_count;
    Reallocate reallocate;
} StringMap;

/* An empty map. False if there is no memory. */
bool string_map_init(StringMap *map, Reallocate reallocate);

/* The index of a key. A new key gets `value`; one that is there keeps its own. STRING_MAP_NONE if there is no
 * memory, and the map is as it was then. */
size_t string_map_insert(StringMap *map, const char *key, size_t key_length, size_t value);

/* The index of a key, or STRING_MAP_NONE. */
size_t string_map_find(const StringMap *map, const char *key, size_t key_length);

static inline size_t string_map_count(const StringMap *map) {
    return array_count(map->entries);
}

static inline const char *string_map_key(const StringMap *map, size_t index) {
    return map->text + map->entries[index].key;
}

/* Frees the map, and leaves nothing to free in it. */
void string_map_free(StringMap *map);

#endif
