/* Each statement of v_alloc.h about reserving, freeing and resizing arenas. */
#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "process.h"
#include "v_alloc.h"
#include "values.h"

#define MIB ((size_t)1 << 20)

static void reserving_takes_addresses_but_no_memory(void) {
    AllocInfo info = EMPTY, first = EMPTY;
    size_t committed_before;
    /* The first of a size brings along what the library needs to know which addresses are taken. */
    CHECK(v_alloc_reserve(&first, 3 * MIB + 1));
    committed_before = v_alloc_process_committed();
    CHECK(v_alloc_reserve(&info, 3 * MIB + 1));
    CHECK(info.page_size >= 4096 && (info.page_size & (info.page_size - 1)) == 0);
    CHECK_SAME(info.reserved_size, 3 * MIB + info.page_size);
    CHECK(info.base != NULL && is_aligned(info.base, info.page_size));
    CHECK_SAME(info.ptr, info.base);
    CHECK_SAME(info.end, info.base);
    CHECK(v_alloc_process_reserved() >= first.reserved_size + info.reserved_size);
    CHECK_SAME(v_alloc_process_committed(), committed_before);
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_NOTHING, V_ALLOC_SUCCESS, 0);

    CHECK(v_alloc_push(&info, 1) == info.base);
    CHECK_SAME(v_alloc_process_committed(), committed_before + committed(&info));
    CHECK(v_alloc_free(&info));
    CHECK_SAME(v_alloc_process_committed(), committed_before);
    CHECK(v_alloc_free(&first));
}

static void reserving_fails_and_changes_nothing(void) {
    AllocInfo info = EMPTY, before;
    CHECK(!v_alloc_reserve(&info, 0));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_RESERVE, V_ALLOC_ZERO_SIZE, 0);
    CHECK(!v_alloc_reserve(&info, SIZE_MAX));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_RESERVE, V_ALLOC_TOO_LARGE, SIZE_MAX);
    CHECK(info.base == NULL && info.ptr == NULL && info.end == NULL && info.reserved_size == 0);

    CHECK(v_alloc_reserve(&info, MIB));
    CHECK(v_alloc_push(&info, 10) != NULL);
    before = info;
    CHECK(!v_alloc_reserve(&info, 2 * MIB));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_RESERVE, V_ALLOC_RESERVED_ALREADY, 2 * MIB);
    CHECK(!v_alloc_reserve_with(&info, NULL));
    CHECK_SAME(v_alloc_error(&info).cause, V_ALLOC_RESERVED_ALREADY);
    CHECK(same_memory(&info, &before));
    CHECK(v_alloc_push(&info, 10) != NULL);
    CHECK(v_alloc_free(&info));
}

static void options_choose_size_pages_and_name(void) {
    AllocInfo info = EMPTY;
    VAllocOptions options = EMPTY;
    char name[16] = "from_the_test";
    size_t reservation;

    CHECK(v_alloc_reserve_with(&info, NULL));
    CHECK(info.reserved_size >= MIB);
    reservation = info.reserved_size;
    CHECK(v_alloc_push(&info, 100) != NULL);
    CHECK(v_alloc_free(&info));
    CHECK(v_alloc_reserve_with(&info, &options));
    CHECK_SAME(info.reserved_size, reservation);
    CHECK(v_alloc_free(&info));

    options.reservation = 16 * MIB - 1;
    options.name = name;
    CHECK(v_alloc_reserve_with(&info, &options));
    name[0] = '!'; /* it was copied */
    CHECK_SAME(info.reserved_size, 16 * MIB);
    CHECK(v_alloc_push(&info, 16 * MIB) != NULL);
    {
        const Mapping mapping = mapping_of(info.base + 8 * MIB);
        /* Kernels without names show none. */
        CHECK(strstr(mapping.header, "anon") == NULL || strstr(mapping.header, "from_the_test") != NULL);
    }
    CHECK(v_alloc_free(&info));

    options.flags = V_ALLOC_NO_HUGE_PAGES;
    CHECK(v_alloc_reserve_with(&info, &options));
    CHECK(v_alloc_push(&info, 16 * MIB) != NULL);
    CHECK(strstr(mapping_of(info.base + 8 * MIB).flags, " hg") == NULL);
    CHECK(v_alloc_free(&info));

    options.flags = V_ALLOC_LATENCY;
    CHECK(v_alloc_reserve_with(&info, &options));
    CHECK(v_alloc_push(&info, 9 * MIB) != NULL);
    CHECK(strstr(mapping_of(info.base + 8 * MIB).flags, " hg") == NULL);
    {
        const size_t before = resident_bytes(info.page_size);
        CHECK(v_alloc_push(&info, MIB) != NULL);
        CHECK(resident_bytes(info.page_size) <= before + 64 * info.page_size);
    }
    CHECK(v_alloc_free(&info));

    options.reservation = SIZE_MAX;
    CHECK(!v_alloc_reserve_with(&info, &options));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_RESERVE, V_ALLOC_TOO_LARGE, SIZE_MAX);
}

static void an_arena_lives_in_a_buffer(void) {
    static char buffer[4096 + 64];
    AllocInfo info = EMPTY;
    char *first, *block;
    memset(buffer, 1, sizeof buffer);
    CHECK(v_alloc_from_buffer(&info, buffer + 1, 4096));
    CHECK(info.base > buffer && info.base <= buffer + V_ALLOC_ALIGNMENT);
    CHECK(is_aligned(info.base, V_ALLOC_ALIGNMENT));
    first = (char *)v_alloc_push(&info, 100);
    CHECK_SAME(first, info.base);
    memset(first, 2, 100);
    while ((block = (char *)v_alloc_push(&info, 100)) != NULL) {
        CHECK(block + 100 <= buffer + 1 + 4096);
        memset(block, 3, 100);
    }
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_COMMIT, V_ALLOC_FULL, 100);
    CHECK(holds(first, 2, 100));
    CHECK_SAME(buffer[0], 1);
    CHECK_SAME(buffer[4097], 1);

    /* Nothing of it goes to the system. */
    CHECK(!v_alloc_decommit(&info, 4096));
    CHECK_SAME(v_alloc_error(&info).operation, V_ALLOC_DECOMMIT);
    CHECK(holds(first, 2, 100));
    v_alloc_reset(&info);
    CHECK_SAME(v_alloc_trim(&info, 0), 0);
    CHECK_SAME(v_alloc_push(&info, 100), first);
    CHECK(holds(first, 2, 100));

    v_alloc_reset(&info);
    block = (char *)v_alloc_push_zeroed(&info, 1000);
    CHECK(block != NULL && holds(block, 0, 1000));
    block = (char *)v_alloc_push_aligned(&info, 100, 512);
    CHECK(block != NULL && is_aligned(block, 512) && block + 100 <= buffer + 1 + 4096);

    /* As a growing block. */
    v_alloc_reset(&info);
    block = (char *)v_alloc_resize(&info, 1000);
    CHECK_SAME(block, info.base);
    CHECK_SAME(v_alloc_resize(&info, 2000), block);
    CHECK(v_alloc_resize(&info, 5000) == NULL);
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_COMMIT, V_ALLOC_FULL, 5000);
    CHECK_SAME(used(&info), 2048);

    CHECK(v_alloc_free(&info));
    CHECK(is_zero(&info));
    buffer[100] = 1; /* still ours */
}

static void an_arena_in_a_buffer_has_memory_already(void) {
    static char buffer[4096], other[4096];
    AllocInfo info = EMPTY, before;
    CHECK(v_alloc_from_buffer(&info, buffer, sizeof buffer));
    CHECK(v_alloc_push(&info, 100) != NULL);
    before = info;
    CHECK(!v_alloc_from_buffer(&info, other, sizeof other));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_RESERVE, V_ALLOC_RESERVED_ALREADY, sizeof other);
    CHECK(!v_alloc_reserve(&info, MIB));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_RESERVE, V_ALLOC_RESERVED_ALREADY, MIB);
    CHECK(!v_alloc_decommit(&info, 1));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_DECOMMIT, V_ALLOC_IN_USE, 1);
    CHECK(same_memory(&info, &before));
    CHECK(v_alloc_free(&info));

    CHECK(v_alloc_reserve(&info, MIB));
    before = info;
    CHECK(!v_alloc_from_buffer(&info, buffer, sizeof buffer));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_RESERVE, V_ALLOC_RESERVED_ALREADY, sizeof buffer);
    CHECK(same_memory(&info, &before));
    CHECK(v_alloc_free(&info));
}

static void a_buffer_without_room_is_refused(void) {
    static char buffer[256];
    char *const odd = is_aligned(buffer, V_ALLOC_ALIGNMENT * 2) ? buffer + 1 : buffer;
    AllocInfo info = EMPTY;
    CHECK(!v_alloc_from_buffer(&info, NULL, 100));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_RESERVE, V_ALLOC_ARGUMENT, 100);
    CHECK(!v_alloc_from_buffer(&info, buffer, 0));
    CHECK_SAME(v_alloc_error(&info).operation, V_ALLOC_RESERVE);
    CHECK(!v_alloc_from_buffer(&info, buffer, SIZE_MAX));
    CHECK_SAME(v_alloc_error(&info).operation, V_ALLOC_RESERVE);
    if (V_ALLOC_ALIGNMENT > 1) {
        CHECK(!v_alloc_from_buffer(&info, odd, V_ALLOC_ALIGNMENT - 1));
        CHECK_SAME(v_alloc_error(&info).operation, V_ALLOC_RESERVE);
    }
    CHECK(!v_alloc_from_buffer_aligned(&info, buffer, sizeof buffer, 0));
    CHECK(!v_alloc_from_buffer_aligned(&info, buffer, sizeof buffer, 3));
    CHECK_SAME(v_alloc_error(&info).cause, V_ALLOC_ARGUMENT);
    CHECK(info.base == NULL && info.ptr == NULL && info.end == NULL);
    CHECK(v_alloc_push(&info, 100) != NULL);
    CHECK(v_alloc_free(&info));
}

static void freeing_zeroes_and_can_begin_again(void) {
    AllocInfo info = EMPTY;
    int round;
    CHECK(!v_alloc_free(&info));
    CHECK_SAME(v_alloc_error(&info).operation, V_ALLOC_FREE);
    CHECK(v_alloc_error(&info).cause != V_ALLOC_SUCCESS);
    for (round = 0; round < 3; ++round) {
        char *const block = (char *)v_alloc_push(&info, 5000);
        CHECK(block != NULL && holds(block, 0, 5000));
        if (block != NULL) {
            memset(block, 1, 5000);
        }
        CHECK(v_alloc_push(&info, 0) == NULL);
        CHECK(v_alloc_free(&info));
        CHECK(is_zero(&info));
    }
    CHECK(!v_alloc_free(&info));
}

static void resetting_keeps_the_memory(void) {
    AllocInfo info = EMPTY;
    char *const first = (char *)v_alloc_push(&info, MIB);
    const size_t committed_before = v_alloc_process_committed();
    char *const end = info.end;
    CHECK(first != NULL);
    memset(first, 1, MIB);
    v_alloc_reset(&info);
    CHECK_SAME(info.ptr, info.base);
    CHECK_SAME(info.end, end);
    CHECK_SAME(v_alloc_process_committed(), committed_before);
    CHECK_SAME(v_alloc_push(&info, MIB), first);
    memset(first, 2, MIB);
    CHECK(v_alloc_free(&info));
    v_alloc_reset(&info); /* of an empty one: nothing */
    CHECK(is_zero(&info));
}

static void decommitting_takes_only_what_is_free(void) {
    AllocInfo info = EMPTY;
    size_t before, all;
    char *block;
    CHECK(!v_alloc_decommit(&info, 1));
    CHECK_SAME(v_alloc_error(&info).operation, V_ALLOC_DECOMMIT);
    CHECK(v_alloc_error(&info).cause != V_ALLOC_SUCCESS);

    block = (char *)v_alloc_push(&info, 100);
    CHECK(v_alloc_push(&info, MIB) != NULL);
    memset(block, 7, 100);
    before = committed(&info);
    CHECK(!v_alloc_decommit(&info, before));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_DECOMMIT, V_ALLOC_IN_USE, before);
    CHECK(!v_alloc_decommit(&info, SIZE_MAX));
    CHECK_SAME(v_alloc_error(&info).operation, V_ALLOC_DECOMMIT);
    CHECK_SAME(committed(&info), before);

    v_alloc_reset(&info);
    CHECK_SAME(v_alloc_push(&info, 100), block);
    all = v_alloc_process_committed();
    CHECK(v_alloc_decommit(&info, 1));
    CHECK_SAME(committed(&info), before - info.page_size);
    CHECK_SAME(v_alloc_process_committed(), all - info.page_size);
    CHECK(v_alloc_decommit(&info, info.page_size + 1));
    CHECK_SAME(committed(&info), before - 3 * info.page_size);
    CHECK(!v_alloc_decommit(&info, committed(&info) - info.page_size + 1));
    CHECK(v_alloc_decommit(&info, committed(&info) - info.page_size));
    CHECK_SAME(committed(&info), info.page_size);
    CHECK(!v_alloc_decommit(&info, 1));
    CHECK(holds(block, 7, 100));

    /* What comes back is new. */
    block = (char *)v_alloc_push(&info, MIB);
    CHECK(block != NULL && holds(block + info.page_size, 0, MIB - info.page_size));
    CHECK(v_alloc_free(&info));
}

static void trimming_returns_the_bytes(void) {
    AllocInfo info = EMPTY;
    char *block;
    size_t before, given_back, resident;
    CHECK_SAME(v_alloc_trim(&info, 0), 0);
    block = (char *)v_alloc_push(&info, 100);
    CHECK(block != NULL && v_alloc_push(&info, 8 * MIB) != NULL);
    memset(info.base, 7, 8 * MIB);
    before = committed(&info);
    CHECK(v_alloc_trim(&info, 0) <= before - 8 * MIB);
    CHECK(holds(info.base, 7, 8 * MIB));

    v_alloc_reset(&info);
    CHECK_SAME(v_alloc_push(&info, 100), block);
    before = committed(&info);
    CHECK_SAME(v_alloc_trim(&info, SIZE_MAX), 0);
    CHECK_SAME(v_alloc_trim(&info, before), 0);
    resident = resident_bytes(info.page_size);
    given_back = v_alloc_trim(&info, 2 * MIB);
    CHECK_SAME(committed(&info), 2 * MIB);
    CHECK_SAME(given_back, before - 2 * MIB);
    CHECK(resident_bytes(info.page_size) + 4 * MIB < resident);
    CHECK_SAME(v_alloc_trim(&info, 0), 2 * MIB - info.page_size);
    CHECK(holds(block, 7, 100));
    v_alloc_reset(&info);
    CHECK_SAME(v_alloc_trim(&info, 0), info.page_size);
    CHECK_SAME(committed(&info), 0);
    CHECK_SAME(v_alloc_push(&info, 100), block);
    CHECK(holds(block, 0, 100));
    CHECK(v_alloc_free(&info));
}

static void resizing_never_moves(void) {
    AllocInfo info = EMPTY;
    size_t size, all;
    char *const base = (char *)v_alloc_resize(&info, 1);
    CHECK(base != NULL);
    CHECK_SAME(base, info.base);
    base[0] = 1;
    for (size = 100; size <= 32 * MIB; size *= 3) {
        CHECK_SAME(v_alloc_resize(&info, size), base);
        CHECK_SAME(used(&info), (size + 63) / 64 * 64);
        CHECK_SAME(base[0], 1);
        base[size - 1] = 1;
    }
    CHECK(v_alloc_resize(&info, info.reserved_size + 1) == NULL);
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_COMMIT, V_ALLOC_FULL, info.reserved_size + 1);
    CHECK(v_alloc_resize(&info, SIZE_MAX) == NULL);
    CHECK_SAME(v_alloc_error(&info).bytes, SIZE_MAX);
    CHECK_SAME(used(&info), (size / 3 + 63) / 64 * 64);
    CHECK_SAME(base[size / 3 - 1], 1);

    /* Not at once, so that a size that goes up and down costs nothing. */
    all = committed(&info);
    CHECK_SAME(v_alloc_resize(&info, all / 2 + 1), base);
    CHECK_SAME(committed(&info), all);
    CHECK_SAME(v_alloc_resize(&info, 1000), base);
    CHECK(committed(&info) < all / 2);
    CHECK_SAME(used(&info), 1024);
    CHECK_SAME(base[0], 1);
    CHECK_SAME(base[99], 1);

    CHECK(v_alloc_resize(&info, 0) == NULL);
    CHECK(is_zero(&info));
    CHECK(v_alloc_resize(&info, 0) == NULL);
    CHECK(v_alloc_resize(&info, 100) != NULL);
    CHECK(v_alloc_free(&info));
}

static void a_push_behind_a_resized_block_is_a_block_of_its_own(void) {
    AllocInfo info = EMPTY;
    char *base, *block;
    CHECK(v_alloc_push(&info, 16) != NULL);
    base = (char *)v_alloc_resize(&info, 101);
    CHECK_SAME(base, info.base);
    memset(base, 1, 101);
    block = (char *)v_alloc_push(&info, 16);
    CHECK(block >= base + 101 && is_aligned(block, V_ALLOC_ALIGNMENT));
    memset(block, 2, 16);
    CHECK(holds(base, 1, 101));
    CHECK_SAME(v_alloc_resize(&info, 77), base);
    block = (char *)v_alloc_push_zeroed(&info, 3);
    CHECK(block >= base + 77 && is_aligned(block, V_ALLOC_ALIGNMENT) && holds(block, 0, 3));
    CHECK_SAME(v_alloc_resize(&info, 33), base);
    block = (char *)v_alloc_push_aligned(&info, 3, 128);
    CHECK(block >= base + 33 && is_aligned(block, 128));
    CHECK_SAME(v_alloc_resize(&info, 55), base);
    block = v_alloc_printf(&info, "%d", 7);
    CHECK(block >= base + 55 && is_aligned(block, V_ALLOC_ALIGNMENT));
    CHECK(holds(base, 1, 33));
    CHECK(v_alloc_free(&info));
}

static void a_first_size_above_the_default_is_reserved(void) {
    AllocInfo info = EMPTY;
    CHECK(v_alloc_resize_within(&info, 100, 2 * MIB) != NULL);
    CHECK_SAME(info.reserved_size, 2 * MIB);
    CHECK(v_alloc_free(&info));
    CHECK(v_alloc_resize_within(&info, 40 * MIB, 2 * MIB) != NULL);
    CHECK(info.reserved_size >= 40 * MIB);
    info.base[40 * MIB - 1] = 1;
    CHECK(v_alloc_free(&info));

    CHECK(v_alloc_resize(&info, 100) != NULL);
    CHECK_SAME(info.reserved_size, MAX_ARENA_CAPACITY);
    CHECK(v_alloc_free(&info));
    CHECK(v_alloc_resize(&info, MAX_ARENA_CAPACITY + 1) == info.base);
    CHECK(info.reserved_size > MAX_ARENA_CAPACITY);
    info.base[MAX_ARENA_CAPACITY] = 1;
    CHECK(v_alloc_free(&info));
}

/* The second arena may well get the addresses of the first; then only the generation tells them apart. */
static void stale_copies_are_noticed(void) {
    AllocInfo info = EMPTY, next = EMPTY, stale;
    int round;
    for (round = 0; round < 2; ++round) {
        char *block;
        CHECK(v_alloc_reserve(&info, MIB));
        CHECK(v_alloc_push(&info, 100) != NULL);
        stale = info;
        CHECK(v_alloc_free(&info));
        CHECK(v_alloc_reserve(&next, MIB));
        block = (char *)v_alloc_push(&next, 100);
        memset(block, 5, 100);

        CHECK(v_alloc_push(&stale, MIB / 2) == NULL);
        CHECK_ERROR(v_alloc_error(&stale), V_ALLOC_COMMIT, V_ALLOC_NOT_A_BLOCK, MIB / 2);
        CHECK(v_alloc_push_zeroed(&stale, 1) == NULL);
        CHECK_ERROR(v_alloc_error(&stale), V_ALLOC_COMMIT, V_ALLOC_NOT_A_BLOCK, 1);
        CHECK(v_alloc_resize(&stale, MIB / 2) == NULL);
        CHECK_ERROR(v_alloc_error(&stale), V_ALLOC_RESIZE, V_ALLOC_NOT_A_BLOCK, MIB / 2);
        CHECK(!v_alloc_decommit(&stale, 1));
        CHECK_SAME(v_alloc_error(&stale).cause, V_ALLOC_NOT_A_BLOCK);
        CHECK_SAME(v_alloc_trim(&stale, 0), 0);
        CHECK(!v_alloc_free(&stale));
        CHECK_SAME(v_alloc_error(&stale).operation, V_ALLOC_FREE);
        CHECK_SAME(v_alloc_error(&stale).cause, V_ALLOC_NOT_A_BLOCK);
        CHECK(v_alloc_resize(&stale, 0) == NULL);
        v_alloc_reset(&stale);
        CHECK_SAME(v_alloc_error(&stale).cause, V_ALLOC_NOT_A_BLOCK);
        CHECK(v_alloc_push(&stale, 1) == NULL);

        CHECK(block != NULL && holds(block, 5, 100));
        CHECK(v_alloc_push(&next, MIB / 2) != NULL);
        CHECK(v_alloc_free(&next));
    }
}

static void the_latest_copy_goes_on(void) {
    AllocInfo info = EMPTY, copy;
    char *const first = (char *)v_alloc_push(&info, 100);
    char *second;
    memset(first, 1, 100);
    copy = info;
    second = (char *)v_alloc_push(&copy, 3 * MIB);
    CHECK(second >= first + 100);
    memset(second, 2, 3 * MIB);
    info = copy;
    CHECK((char *)v_alloc_push(&info, 100) >= second + 3 * MIB);
    CHECK(holds(first, 1, 100) && holds(second, 2, 3 * MIB));
    CHECK(v_alloc_free(&info));
    CHECK(!v_alloc_free(&copy));
}

static void null_is_refused(void) {
    char byte;
    CHECK(!v_alloc_reserve(NULL, 1));
    CHECK(!v_alloc_reserve_with(NULL, NULL));
    CHECK(!v_alloc_from_buffer(NULL, &byte, 1));
    CHECK(!v_alloc_free(NULL));
    v_alloc_reset(NULL);
    CHECK(!v_alloc_decommit(NULL, 1));
    CHECK_SAME(v_alloc_trim(NULL, 0), 0);
    CHECK(v_alloc_resize(NULL, 1) == NULL);
    CHECK(v_alloc_resize_within(NULL, 1, MIB) == NULL);
    CHECK(v_alloc_push_slow(NULL, 1, 1, MIB) == NULL);
    CHECK(v_alloc_push_zeroed_slow(NULL, 1, 1, MIB) == NULL);
}

int main(void) {
    errno = 1234;
    reserving_fails_and_changes_nothing();
    freeing_zeroes_and_can_begin_again();
    decommitting_takes_only_what_is_free();
    resizing_never_moves();
    a_push_behind_a_resized_block_is_a_block_of_its_own();
    a_first_size_above_the_default_is_reserved();
    an_arena_lives_in_a_buffer();
    an_arena_in_a_buffer_has_memory_already();
    a_buffer_without_room_is_refused();
    stale_copies_are_noticed();
    the_latest_copy_goes_on();
    null_is_refused();
    CHECK_SAME(errno, 1234);

    /* These use stdio. */
    reserving_takes_addresses_but_no_memory();
    options_choose_size_pages_and_name();
    resetting_keeps_the_memory();
    trimming_returns_the_bytes();
    return failed_checks == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
