/* Each statement of v_alloc.h about its inline functions and macros. */
#include <errno.h>
#include <stdlib.h>
#include <wchar.h>

#include "check.h"
#include "v_alloc.h"
#include "values.h"

#define MIB ((size_t)1 << 20)

static size_t rounded(size_t size) {
    return (size + V_ALLOC_ALIGNMENT - 1) / V_ALLOC_ALIGNMENT * V_ALLOC_ALIGNMENT;
}

static void the_first_push_reserves(void) {
    AllocInfo info = EMPTY;
    char *const block = (char *)v_alloc_committ(&info, 1);
    CHECK(block != NULL && holds(block, 0, 1));
    CHECK_SAME(block, info.base);
    CHECK_SAME(info.reserved_size, MAX_ARENA_CAPACITY);
    CHECK(v_alloc_free(&info));
}

static void blocks_are_rounded_aligned_and_apart(void) {
    AllocInfo info = EMPTY;
    size_t size, index;
    for (size = 1; size < 300; ++size) {
        char *const block = (char *)v_alloc_push(&info, size);
        CHECK(block != NULL && is_aligned(block, V_ALLOC_ALIGNMENT) && holds(block, 0, size));
        CHECK_SAME(info.ptr, block + rounded(size));
        memset(block, (int)size, size);
    }
    for (size = 1, index = 0; size < 300; index += rounded(size), ++size) {
        CHECK(holds(info.base + index, (int)(size & 255), size));
    }
    CHECK_SAME(used(&info), index);
    CHECK(v_alloc_free(&info));
}

static void no_bytes_are_no_memory(void) {
    AllocInfo info = EMPTY;
    int round;
    for (round = 0; round < 2; ++round) {
        const size_t before = used(&info);
        CHECK(v_alloc_committ(&info, 0) == NULL);
        CHECK_SAME(v_alloc_error(&info).cause, V_ALLOC_ZERO_SIZE);
        CHECK(v_alloc_push(&info, 0) == NULL);
        CHECK(v_alloc_push_aligned(&info, 0, 8) == NULL);
        CHECK(v_alloc_push_aligned(&info, 0, 4096) == NULL);
        CHECK(v_alloc_push_zeroed(&info, 0) == NULL);
        CHECK(v_alloc_push_array(&info, 0, 8, 8) == NULL);
        CHECK(v_alloc_push_array(&info, 8, 0, 8) == NULL);
        CHECK(V_ALLOC_PUSH_ARRAY(&info, int, 0) == NULL);
        CHECK_SAME(v_alloc_error(&info).cause, V_ALLOC_ZERO_SIZE);
        CHECK_SAME(v_alloc_error(&info).bytes, 0);
        CHECK_SAME(used(&info), before);
        CHECK(v_alloc_push(&info, 1) != NULL);
    }
    CHECK(v_alloc_free(&info));
}

static void the_last_byte_can_be_had_and_no_more(void) {
    AllocInfo info = EMPTY;
    char *all;
    CHECK(v_alloc_reserve(&info, 64 * 1024));
    all = (char *)v_alloc_push(&info, 64 * 1024 - 16);
    CHECK_SAME(all, info.base);
    memset(all, 1, 64 * 1024 - 16);
    if (V_ALLOC_ALIGNMENT <= 16) {
        CHECK(v_alloc_push(&info, 17) == NULL);
        CHECK_ERROR(v_alloc_error(&info), V_ALLOC_COMMIT, V_ALLOC_FULL, 17);
        CHECK(v_alloc_push(&info, 16) == all + 64 * 1024 - 16);
    }
    CHECK_SAME(info.ptr, info.base + info.reserved_size);
    CHECK(v_alloc_push(&info, 1) == NULL);
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_COMMIT, V_ALLOC_FULL, 1);
    CHECK(v_alloc_push(&info, SIZE_MAX) == NULL);
    CHECK_SAME(v_alloc_error(&info).bytes, SIZE_MAX);
    CHECK_SAME(info.ptr, info.base + info.reserved_size);

    /* The reason stays until another takes its place. */
    v_alloc_reset(&info);
    CHECK(v_alloc_push(&info, 1) != NULL);
    CHECK_SAME(v_alloc_error(&info).bytes, SIZE_MAX);
    CHECK(v_alloc_free(&info));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_NOTHING, V_ALLOC_SUCCESS, 0);
}

static void any_power_of_two_is_an_alignment(void) {
    AllocInfo info = EMPTY, empty = EMPTY;
    size_t alignment, before;
    for (alignment = 1; alignment <= 4 * MIB; alignment *= 2) {
        char *const block = (char *)v_alloc_push_aligned(&info, 3, alignment);
        char *const next = (char *)v_alloc_push(&info, 1);
        CHECK(block != NULL && is_aligned(block, alignment) && is_aligned(block, V_ALLOC_ALIGNMENT));
        CHECK(next >= block + 3 && is_aligned(next, V_ALLOC_ALIGNMENT));
        memset(block, 1, 3);
    }
    /* The same within what is committed: apart, and behind each other. */
    for (before = 0; before < 2000; ++before) {
        char *const start = (char *)info.ptr;
        char *const block = (char *)v_alloc_push_aligned(&info, 1 + before * 7919 % 300, (size_t)1 << before % 12);
        CHECK(block >= start && is_aligned(block, (size_t)1 << before % 12) && is_aligned(info.ptr, V_ALLOC_ALIGNMENT));
        CHECK((char *)info.ptr >= block + 1 + before * 7919 % 300 && (char *)info.ptr <= (char *)info.end);
    }
    before = used(&info);
    CHECK(v_alloc_push_aligned(&info, 5, (SIZE_MAX >> 1) + 1) == NULL);
    CHECK(v_alloc_error(&info).cause == V_ALLOC_FULL || v_alloc_error(&info).cause == V_ALLOC_TOO_LARGE);
    CHECK_SAME(v_alloc_error(&info).bytes, 5);
    CHECK(v_alloc_push_aligned(&info, 1, 0) == NULL);
    CHECK_SAME(v_alloc_error(&info).cause, V_ALLOC_ARGUMENT);
    CHECK(v_alloc_push_aligned(&info, 1, 3) == NULL);
    CHECK(v_alloc_push_aligned(&info, 1, 4095) == NULL);
    CHECK_SAME(v_alloc_error(&info).cause, V_ALLOC_ARGUMENT);
    CHECK_SAME(used(&info), before);
    CHECK(v_alloc_free(&info));

    /* What is committed goes by what is used. */
    CHECK(v_alloc_push_aligned(&empty, 1, 32 * MIB) != NULL);
    CHECK(committed(&empty) <= used(&empty) + 4 * MIB);
    CHECK(v_alloc_free(&empty));

    CHECK(v_alloc_push_aligned(&empty, 1, 12) == NULL);
    CHECK_SAME(v_alloc_error(&empty).cause, V_ALLOC_ARGUMENT);
    CHECK(empty.base == NULL);
}

static void zeroed_memory_reads_zero(void) {
    AllocInfo info = EMPTY;
    VAllocMark mark;
    char *block = (char *)v_alloc_push_zeroed(&info, 100);
    CHECK(block != NULL && is_aligned(block, V_ALLOC_ALIGNMENT) && holds(block, 0, 100));
    CHECK_SAME(info.ptr, block + rounded(100));
    memset(block, 1, 100);
    CHECK(v_alloc_push(&info, 100000) != NULL);
    memset(info.base, 1, used(&info));

    v_alloc_reset(&info);
    block = (char *)v_alloc_push_zeroed(&info, 50000);
    CHECK_SAME(block, info.base);
    CHECK(holds(block, 0, 50000));
    memset(block, 1, 50000);

    /* Through the inline functions, of which the library learns nothing. */
    mark = v_alloc_mark(&info);
    block = (char *)v_alloc_push(&info, 20000);
    memset(block, 1, 20000);
    CHECK(v_alloc_rewind(&info, mark));
    block = (char *)v_alloc_push(&info, 100);
    CHECK(holds(block, 1, 100));
    block = (char *)v_alloc_push_zeroed(&info, MIB);
    CHECK(block != NULL && holds(block, 0, MIB));
    memset(block, 1, MIB);

    CHECK(v_alloc_rewind(&info, mark));
    (void)v_alloc_trim(&info, 0);
    block = (char *)v_alloc_push_zeroed(&info, 2 * MIB);
    CHECK(block != NULL && holds(block, 0, 2 * MIB));
    memset(block, 1, 2 * MIB);

    CHECK(v_alloc_resize(&info, 10) == info.base);
    block = (char *)v_alloc_push_zeroed(&info, 3 * MIB);
    CHECK(block != NULL && holds(block, 0, 3 * MIB));
    CHECK(holds(info.base, 1, 10));
    CHECK(v_alloc_push_zeroed(&info, SIZE_MAX) == NULL);
    CHECK_SAME(v_alloc_error(&info).bytes, SIZE_MAX);
    CHECK(v_alloc_free(&info));
}

typedef struct Point {
    double x, y;
} Point;

static void types_have_their_size_and_alignment(void) {
    AllocInfo info = EMPTY;
    Point *const point = V_ALLOC_PUSH(&info, Point);
    short *const numbers = V_ALLOC_PUSH_ARRAY(&info, short, 1000);
    int *array;
    CHECK(point != NULL && numbers != NULL);
    point->x = 1.0;
    point->y = 2.0;
    CHECK((char *)numbers >= (char *)(point + 1));
    numbers[999] = 7;
    CHECK((char *)V_ALLOC_PUSH(&info, char) >= (char *)(numbers + 1000));
    CHECK(point->x + point->y > 2.5 && numbers[999] == 7);

    array = (int *)v_alloc_push_array(&info, 10, sizeof(int), 256);
    CHECK(array != NULL && is_aligned(array, 256));
    CHECK(v_alloc_push_array(&info, SIZE_MAX / 2 + 2, 2, 1) == NULL); /* 2, if the product wrapped */
    CHECK(v_alloc_error(&info).cause == V_ALLOC_TOO_LARGE || v_alloc_error(&info).cause == V_ALLOC_FULL);
    CHECK_SAME(v_alloc_error(&info).bytes, SIZE_MAX);
    CHECK(V_ALLOC_PUSH_ARRAY(&info, Point, SIZE_MAX / 8) == NULL);
    CHECK(v_alloc_free(&info));
}

static void rewinding_goes_back_only(void) {
    AllocInfo info = EMPTY;
    const VAllocMark start = v_alloc_mark(&info);
    VAllocMark middle, end;
    char *first, *second;
    CHECK(v_alloc_rewind(&info, start));
    CHECK(info.ptr == NULL);
    first = (char *)v_alloc_push(&info, 100);
    memset(first, 1, 100);
    middle = v_alloc_mark(&info);
    second = (char *)v_alloc_push(&info, MIB);
    end = v_alloc_mark(&info);
    CHECK(v_alloc_rewind(&info, end));
    CHECK_SAME(info.ptr, second + MIB);
    CHECK(v_alloc_rewind(&info, middle));
    CHECK_SAME(v_alloc_push(&info, 10), second);
    CHECK(!v_alloc_rewind(&info, end));
    CHECK_SAME(info.ptr, second + rounded(10));
    CHECK(v_alloc_rewind(&info, middle));
    CHECK(holds(first, 1, 100));
    CHECK(v_alloc_rewind(&info, start));
    CHECK_SAME(v_alloc_push(&info, 100), first);
    CHECK(v_alloc_free(&info));
}

static V_ALLOC_PRINTF_FORMAT(2, 3) char *through_a_list(AllocInfo *info, const char *format, ...) {
    va_list arguments;
    char *text;
    va_start(arguments, format);
    text = v_alloc_vprintf(info, format, arguments);
    va_end(arguments);
    return text;
}

static void text_is_as_sprintf_writes_it(void) {
    AllocInfo info = EMPTY;
    char *const text = v_alloc_printf(&info, "%s has %d bytes", "a", 42);
    char *const second = through_a_list(&info, "%d %s %.1f %c", 1, "two", 3.0, '4');
    char *const none = v_alloc_printf(&info, "%s", "");
    char *const large = v_alloc_printf(&info, "%0100000d", 7);
    size_t before;
    CHECK(text != NULL && strcmp(text, "a has 42 bytes") == 0);
    CHECK(second != NULL && strcmp(second, "1 two 3.0 4") == 0);
    CHECK(none != NULL && none[0] == '\0');
    CHECK(large != NULL && strlen(large) == 100000 && large[99999] == '7');
    CHECK_SAME(second, text + rounded(strlen(text) + 1));

    before = used(&info);
    {
        const wchar_t wrong[] = {(wchar_t)0x7fffffff, 0}; /* no character */
        CHECK(v_alloc_printf(&info, "%ls", wrong) == NULL);
    }
    CHECK_SAME(used(&info), before);
    CHECK(v_alloc_free(&info));

    CHECK(v_alloc_reserve(&info, 1));
    CHECK(v_alloc_push(&info, info.page_size) != NULL);
    CHECK(v_alloc_printf(&info, "%d", 12) == NULL);
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_COMMIT, V_ALLOC_FULL, 3);
    CHECK(v_alloc_free(&info));
}

/* What the inline functions call may be called by anyone, committed memory or not. */
static void the_slow_functions_do_the_same(void) {
    AllocInfo info = EMPTY;
    char *const first = (char *)v_alloc_push_slow(&info, 10, V_ALLOC_ALIGNMENT, MIB);
    char *const second = (char *)v_alloc_push_slow(&info, 10, V_ALLOC_ALIGNMENT, MIB);
    char *const third = (char *)v_alloc_push_zeroed_slow(&info, 10, V_ALLOC_ALIGNMENT, MIB);
    CHECK_SAME(info.reserved_size, MIB);
    CHECK_SAME(first, info.base);
    CHECK_SAME(second, first + rounded(10));
    CHECK_SAME(third, second + rounded(10));
    CHECK_SAME(info.ptr, third + rounded(10));
    CHECK(v_alloc_free(&info));
}

int main(void) {
    errno = 1234;
    the_first_push_reserves();
    blocks_are_rounded_aligned_and_apart();
    no_bytes_are_no_memory();
    the_last_byte_can_be_had_and_no_more();
    any_power_of_two_is_an_alignment();
    zeroed_memory_reads_zero();
    types_have_their_size_and_alignment();
    rewinding_goes_back_only();
    the_slow_functions_do_the_same();
    CHECK_SAME(errno, 1234);
    text_is_as_sprintf_writes_it();
    return failed_checks == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
