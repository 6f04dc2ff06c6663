/* A growable array of any type. It is a plain pointer to its elements, `int *squares`, so that `squares[3]` is all
 * there is to reading one; what it needs to grow lies before the first element.
 *
 * Its memory comes from a function of realloc's shape. With v_alloc_realloc the elements never move: a pointer to
 * one stays valid until the array is freed. With realloc, until the next push.
 *
 *     int *squares;
 *     bool done = array_init(squares, v_alloc_realloc) && array_push(squares, 4) && array_push(squares, 9);
 *     printf("%zu squares, the last is %d\n", array_count(squares), squares[array_count(squares) - 1]);
 *     array_free(squares);
 *
 * The macros evaluate `array` more than once.
 */
#ifndef GROWABLE_ARRAY_H
#define GROWABLE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Makes (data NULL), resizes, or frees (size 0) a block; NULL if there is no memory, and the block stays then. */
typedef void *(*Reallocate)(void *data, size_t size);

typedef struct GrowableArrayHeader {
    _Alignas(max_align_t) size_t count;
    size_t capacity;
    Reallocate reallocate;
} GrowableArrayHeader;

/* An empty array. False, and NULL in `array`, if there is no memory, as with any other call that gives false. */
#define array_init(array, reallocate) (((array) = growable_array_new(reallocate)) != NULL)

/* Appends an element. */
#define array_push(array, element) \
    (array_make_room((array), 1) && ((array)[array_count(array)] = (element), ++array_count(array), true))

/* Makes sure that `extra` elements can be written behind the last, for which array_count is increased then. */
#define array_make_room(array, extra) growable_array_make_room(&(array), sizeof *(array), (extra))

#define array_count(array) (growable_array_header(array)->count)

/* Frees the array, unless it is NULL. */
#define array_free(array) (growable_array_free(array), (array) = NULL)

static inline GrowableArrayHeader *growable_array_header(void *elements) {
    return (GrowableArrayHeader *)elements - 1;
}

static inline void *growable_array_new(Reallocate reallocate) {
    GrowableArrayHeader *header = (GrowableArrayHeader *)reallocate(NULL, sizeof *header);
    if (header == NULL) {
        return NULL;
    }
    *header = (GrowableArrayHeader){.count = 0, .capacity = 0, .reallocate = reallocate};
    return header + 1;
}

static inline bool growable_array_make_room(void *array, size_t element_size, size_t extra) {
    const size_t most = (SIZE_MAX - sizeof(GrowableArrayHeader)) / element_size;
    void *elements;
    /* The caller's variable is a pointer to whatever the elements are. */
    memcpy(&elements, array, sizeof elements);
    GrowableArrayHeader *header = growable_array_header(elements);
    if (extra <= header->capacity - header->count) {
        return true;
    }
    if (extra > most - header->count) {
        return false;
    }
    size_t capacity = header->capacity <= most / 2 ? 2 * header->capacity : most;
    if (capacity < header->count + extra) {
        capacity = header->count + extra;
    }
    header = (GrowableArrayHeader *)header->reallocate(header, sizeof *header + capacity * element_size);
    if (header == NULL) {
        return false;
    }
    header->capacity = capacity;
    elements = header + 1;
    memcpy(array, &elements, sizeof elements);
    return true;
}

static inline void growable_array_free(void *elements) {
    if (elements != NULL) {
        GrowableArrayHeader *header = growable_array_header(elements);
        (void)header->reallocate(header, 0);
    }
}

#endif
