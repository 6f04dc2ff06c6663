/* The growable array and the string map of capi/examples, with a million elements each: pointers that were taken
 * early stay valid on v_alloc_realloc, the contents are right on any allocator, and a failure loses nothing. */
#include "client.h"
#include "string_map.h"

enum { ELEMENTS = 1000 * 1000, STEP = 1000, POINTERS = ELEMENTS / STEP };

static void array_of_a_million(Reallocate reallocate, bool never_moves) {
    static const uint64_t *taken[POINTERS];
    uint64_t *squares;
    uint64_t sum = 0;
    REQUIRE(array_init(squares, reallocate));
    const uint64_t *const first = squares;
    for (size_t i = 0; i < ELEMENTS; ++i) {
        REQUIRE(array_push(squares, (uint64_t)i * i));
        if (i % STEP == 0) {
            taken[i / STEP] = &squares[i];
        }
    }
    REQUIRE(array_count(squares) == ELEMENTS);
    for (size_t i = 0; i < ELEMENTS; ++i) {
        sum += squares[i];
    }
    if (never_moves) {
        REQUIRE(squares == first);
        for (size_t i = 0; i < POINTERS; ++i) {
            REQUIRE(taken[i] == &squares[i * STEP]);
            REQUIRE(*taken[i] == (uint64_t)(i * STEP) * (i * STEP));
        }
    }
    printf("array: %zu squares, their sum %llu\n", array_count(squares), (unsigned long long)sum);
    array_free(squares);
    REQUIRE(squares == NULL);
}

static size_t key_of(size_t number, char key[32]) {
    return (size_t)snprintf(key, 32, "%zu bottles", number);
}

static void map_of_a_million(Reallocate reallocate, bool never_moves) {
    static size_t *values[POINTERS];
    static const char *keys[POINTERS];
    StringMap map;
    char key[32];
    size_t sum = 0;
    REQUIRE(string_map_init(&map, reallocate));
    for (size_t i = 0; i < ELEMENTS; ++i) {
        const size_t length = key_of(i, key);
        REQUIRE(string_map_insert(&map, key, length, 2 * i) == i);
        if (i % STEP == 0) {
            values[i / STEP] = &map.entries[i].value;
            keys[i / STEP] = string_map_key(&map, i);
        }
    }
    REQUIRE(string_map_count(&map) == ELEMENTS);

    if (never_moves) {
        for (size_t i = 0; i < POINTERS; ++i) {
            (void)key_of(i * STEP, key);
            REQUIRE(values[i] == &map.entries[i * STEP].value);
            REQUIRE(*values[i] == 2 * i * STEP);
            REQUIRE(strcmp(keys[i], key) == 0);
            *values[i] += 1; /* seen through the map below */
        }
    } else {
        for (size_t i = 0; i < ELEMENTS; i += STEP) {
            map.entries[i].value += 1;
        }
    }

    for (size_t i = 0; i < ELEMENTS; ++i) {
        const size_t length = key_of(i, key);
        REQUIRE(string_map_find(&map, key, length) == i);
        REQUIRE(string_map_insert(&map, key, length, 7) == i);
        REQUIRE(map.entries[i].value == 2 * i + (i % STEP == 0));
        sum += map.entries[i].value;
    }
    REQUIRE(string_map_find(&map, "no bottle", strlen("no bottle")) == STRING_MAP_NONE);
    REQUIRE(string_map_count(&map) == ELEMENTS);
    printf("map: %zu keys, the sum of their values %zu\n", string_map_count(&map), sum);
    string_map_free(&map);
    string_map_free(&map); /* nothing left to free */
}

/* Keys may be anything, and nothing. */
static void unusual_keys(Reallocate reallocate) {
    StringMap map;
    REQUIRE(string_map_init(&map, reallocate));
    REQUIRE(string_map_find(&map, "", 0) == STRING_MAP_NONE);
    REQUIRE(string_map_insert(&map, "", 0, 10) == 0);
    REQUIRE(string_map_insert(&map, "\0", 1, 11) == 1);
    REQUIRE(string_map_insert(&map, "\0\0", 2, 12) == 2);
    REQUIRE(string_map_insert(&map, "prefix", 3, 13) == 3);
    REQUIRE(string_map_find(&map, "prefix", 6) == STRING_MAP_NONE);
    REQUIRE(string_map_find(&map, "pre", 3) == 3);
    REQUIRE(string_map_find(&map, "\0\0", 2) == 2);
    REQUIRE(string_map_find(&map, "", 0) == 0);
    REQUIRE(strcmp(string_map_key(&map, 3), "pre") == 0);
    string_map_free(&map);
}

static Reallocate limited_reallocate;
static size_t calls_left;
static size_t live_blocks;

static void *limited(void *data, size_t size) {
    if (size != 0 && calls_left == 0) {
        return NULL;
    }
    calls_left -= size != 0;
    void *block = limited_reallocate(data, size);
    live_blocks += data == NULL && block != NULL;
    live_blocks -= data != NULL && size == 0;
    return block;
}

/* Whichever call for memory fails: the map keeps what it has, goes on once there is memory, and leaks nothing. */
static void every_failure(Reallocate reallocate) {
    enum { KEYS = 500 };
    size_t failures = 0;
    limited_reallocate = reallocate;
    for (size_t calls = 0;; ++calls) {
        StringMap map;
        char key[32];
        bool failed = false;
        calls_left = calls;
        if (!string_map_init(&map, limited)) {
            REQUIRE(live_blocks == 0);
            ++failures;
            continue;
        }
        for (size_t i = 0; i < KEYS; ++i) {
            const size_t length = key_of(i, key);
            size_t index = string_map_insert(&map, key, length, i);
            if (index == STRING_MAP_NONE) {
                REQUIRE(!failed && string_map_count(&map) == i && string_map_find(&map, key, length) == STRING_MAP_NONE);
                failed = true;
                calls_left = SIZE_MAX;
                index = string_map_insert(&map, key, length, i);
            }
            REQUIRE(index == i);
        }
        for (size_t i = 0; i < KEYS; ++i) {
            const size_t length = key_of(i, key);
            REQUIRE(string_map_find(&map, key, length) == i && map.entries[i].value == i);
        }
        string_map_free(&map);
        REQUIRE(live_blocks == 0);
        failures += failed;
        if (!failed) {
            break;
        }
    }
    REQUIRE(failures > 20);
    printf("map: survived each of %zu failures\n", failures);
}

int main(int argument_count, char **arguments) {
    const bool v_alloc = client_uses_v_alloc(argument_count, arguments);
    const Reallocate reallocate = v_alloc ? v_alloc_realloc : malloc_realloc;
    array_of_a_million(reallocate, v_alloc);
    map_of_a_million(reallocate, v_alloc);
    unusual_keys(reallocate);
    every_failure(reallocate);
    client_report("containers", v_alloc, 0);
    return EXIT_SUCCESS;
}
