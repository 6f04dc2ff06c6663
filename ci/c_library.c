/* The C library on a platform that its tests in capi/tests do not run on: arenas, growth in place, errors. */
#include <errno.h>
#include <string.h>

#include "v_alloc.h"

#define MIB ((size_t)1 << 20)

#define CHECK(condition)                                                               \
    do {                                                                               \
        if (!(condition)) {                                                            \
            (void)fprintf(stderr, "%d: does not hold: %s\n", __LINE__, #condition);    \
            return 1;                                                                  \
        }                                                                              \
    } while (0)

static int arenas(void) {
    AllocInfo arena = {0};
    VAllocMark mark;
    char *first, *second;
    int i;
    errno = 99;
    first = (char *)v_alloc_push(&arena, 1);
    CHECK(first != NULL && first == arena.base && (uintptr_t)first % V_ALLOC_ALIGNMENT == 0);
    mark = v_alloc_mark(&arena);
    for (i = 0; i < 50000; ++i) { /* 5 MiB; a 32-bit machine gives it 8 */
        second = (char *)v_alloc_push_zeroed(&arena, 100);
        CHECK(second != NULL && second[0] == 0 && second[99] == 0);
        memset(second, i, 100);
    }
    CHECK(v_alloc_rewind(&arena, mark));
    second = v_alloc_printf(&arena, "%d, %s", 42, "text");
    CHECK(second == first + V_ALLOC_ALIGNMENT && strcmp(second, "42, text") == 0);
    CHECK(V_ALLOC_PUSH_ARRAY(&arena, double, SIZE_MAX / 2) == NULL);
    CHECK(v_alloc_error(&arena).cause == V_ALLOC_FULL);
    CHECK(v_alloc_trim(&arena, 0) >= 4 * MIB);
    CHECK(v_alloc_free(&arena) && arena.base == NULL);
    CHECK(!v_alloc_free(&arena));
    CHECK(v_alloc_reserve(&arena, 64 * MIB) && arena.reserved_size == 64 * MIB);
    CHECK(v_alloc_push(&arena, 65 * MIB) == NULL && v_alloc_push(&arena, 63 * MIB) != NULL);
    memset(arena.base, 1, 63 * MIB);
    CHECK(v_alloc_free(&arena));
    CHECK(errno == 99);
    return 0;
}

static int blocks(void) {
    VAllocOptions options = {0};
    VAllocError error;
    char text[160];
    size_t size, last = 64;
    char *block;
    options.reservation = 128 * MIB; /* the default may be less: 8 MiB on 32-bit machines */
    block = (char *)v_alloc_realloc_with(NULL, last, &options);
    CHECK(block != NULL && (uintptr_t)block % 64 == 0);
    memset(block, 7, last);
    for (size = 100; size <= 100 * MIB; size = size < 100 * MIB && size * 3 > 100 * MIB ? 100 * MIB : size * 3) {
        CHECK(v_alloc_realloc(block, size) == block && v_alloc_realloc_size(block) == size);
        memset(block + last, 7, size - last);
        last = size;
    }
    CHECK(last == 100 * MIB);
    for (size = 0; size < last; ++size) {
        CHECK(block[size] == 7);
    }
    CHECK(v_alloc_process_committed() >= 100 * MIB);
    CHECK(v_alloc_realloc(block, 200 * MIB) == NULL && v_alloc_realloc_size(block) == last);
    CHECK(v_alloc_realloc(block, 1000) == block && v_alloc_process_committed() < 16 * MIB);
    CHECK(v_alloc_realloc_error().cause == V_ALLOC_FULL);
    CHECK(v_alloc_realloc(block, 0) == NULL && v_alloc_realloc_size(block) == 0);
    CHECK(v_alloc_realloc(block, 0) == NULL);
    error = v_alloc_realloc_error();
    CHECK(error.operation == V_ALLOC_FREE && error.cause == V_ALLOC_NOT_A_BLOCK);
    (void)printf("a block freed twice: %s\n", v_alloc_error_text(error, text, sizeof text));
    CHECK(v_alloc_realloc(text, 10) == NULL && v_alloc_realloc_error().operation == V_ALLOC_RESIZE);
    return 0;
}

int main(void) {
    (void)printf("%u-bit, default reservation %lu MiB\n", (unsigned)sizeof(void *) * 8,
                 (unsigned long)(v_alloc_default_reservation() / MIB));
    return arenas() || blocks();
}
