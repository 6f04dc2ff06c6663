/* Small helpers for memory under test. */
#ifndef VALUES_H
#define VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "v_alloc.h"

/* An AllocInfo as programs begin with it. */
#ifdef __cplusplus
#define EMPTY {}
#else
#define EMPTY {0}
#endif

static inline bool holds(const void *memory, int value, size_t size) {
    const unsigned char *const bytes = (const unsigned char *)memory;
    size_t index;
    for (index = 0; index < size; ++index) {
        if (bytes[index] != (unsigned char)value) {
            return false;
        }
    }
    return true;
}

static inline bool is_aligned(const void *memory, size_t alignment) {
    return ((uintptr_t)memory & (alignment - 1)) == 0;
}

static inline size_t used(const AllocInfo *info) {
    return (size_t)(info->ptr - info->base);
}

static inline size_t committed(const AllocInfo *info) {
    return (size_t)(info->end - info->base);
}

static inline bool same_memory(const AllocInfo *left, const AllocInfo *right) {
    return left->base == right->base && left->ptr == right->ptr && left->end == right->end
           && left->reserved_size == right->reserved_size && left->page_size == right->page_size;
}

static inline bool is_zero(const AllocInfo *info) {
    const AllocInfo zero = EMPTY;
    return same_memory(info, &zero) && info->generation == 0 && info->flags == 0 && info->error.operation == 0
           && info->error.cause == 0 && info->error.os_code == 0 && info->error.bytes == 0;
}

#endif
