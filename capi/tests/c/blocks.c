/* Each statement of v_alloc.h about v_alloc_realloc and its kin. */
#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "process.h"
#include "v_alloc.h"
#include "values.h"

#define MIB ((size_t)1 << 20)

static void no_error_before_the_first(void) {
    CHECK_ERROR(v_alloc_realloc_error(), V_ALLOC_NOTHING, V_ALLOC_SUCCESS, 0);
    CHECK_SAME(v_alloc_realloc_error().os_code, 0);
}

static void a_block_grows_and_shrinks_in_place(void) {
    size_t size, last = 0;
    char *const block = (char *)v_alloc_realloc(NULL, 1);
    CHECK(block != NULL && is_aligned(block, 64));
    CHECK_SAME(v_alloc_realloc_size(block), 1);
    for (size = 1; size <= 32 * MIB; size = size * 2 + 1) {
        CHECK_SAME(v_alloc_realloc(block, size), block);
        CHECK_SAME(v_alloc_realloc_size(block), size);
        memset(block + last, 1, size - last);
        last = size;
    }
    CHECK(holds(block, 1, last));
    for (; size >= 1; size /= 3) {
        CHECK_SAME(v_alloc_realloc(block, size), block);
        CHECK_SAME(v_alloc_realloc_size(block), size);
        CHECK(holds(block, 1, size < last ? size : last));
    }
    CHECK(v_alloc_realloc(block, 0) == NULL);
    CHECK_SAME(v_alloc_realloc_size(block), 0);
    CHECK_ERROR(v_alloc_realloc_error(), V_ALLOC_NOTHING, V_ALLOC_SUCCESS, 0);
}

static void shrinking_gives_pages_back(void) {
    const size_t committed_before = v_alloc_process_committed();
    char *const block = (char *)v_alloc_realloc(NULL, 64 * MIB);
    size_t resident, grown;
    CHECK(block != NULL);
    memset(block, 1, 64 * MIB);
    grown = v_alloc_process_committed();
    resident = resident_bytes(4096);
    CHECK(grown >= committed_before + 64 * MIB);

    /* Not before less than half is in use. */
    CHECK_SAME(v_alloc_realloc(block, 40 * MIB), block);
    CHECK_SAME(v_alloc_process_committed(), grown);
    CHECK_SAME(v_alloc_realloc(block, 4096), block);
    CHECK(v_alloc_process_committed() <= committed_before + 4 * MIB);
    CHECK(resident_bytes(4096) + 60 * MIB <= resident);
    CHECK(holds(block, 1, 4096));
    CHECK_SAME(v_alloc_realloc(block, 64 * MIB), block);
    CHECK(holds(block, 1, 4096));
    CHECK(v_alloc_realloc(block, 0) == NULL);
    CHECK(v_alloc_process_committed() <= committed_before + MIB);
}

static void no_bytes_are_no_block(void) {
    CHECK(v_alloc_realloc(NULL, 0) == NULL);
    CHECK(v_alloc_realloc_with(NULL, 0, NULL) == NULL);
    CHECK_SAME(v_alloc_realloc_size(NULL), 0);
}

static void what_does_not_fit_leaves_the_block(void) {
    static const size_t too_large[] = {SIZE_MAX, SIZE_MAX - 47, SIZE_MAX - 4096, SIZE_MAX / 2, (size_t)1 << 47};
    char *const block = (char *)v_alloc_realloc(NULL, 100);
    size_t index;
    CHECK(block != NULL);
    memset(block, 1, 100);
    for (index = 0; index < sizeof too_large / sizeof too_large[0]; ++index) {
        CHECK(v_alloc_realloc(block, too_large[index]) == NULL);
        CHECK_SAME(v_alloc_realloc_error().operation, V_ALLOC_COMMIT);
        CHECK(v_alloc_realloc_error().cause == V_ALLOC_FULL || v_alloc_realloc_error().cause == V_ALLOC_TOO_LARGE);
        CHECK_SAME(v_alloc_realloc_error().bytes, too_large[index]);
        CHECK_SAME(v_alloc_realloc_size(block), 100);
        CHECK(holds(block, 1, 100));

        CHECK(v_alloc_realloc(NULL, too_large[index]) == NULL);
        CHECK_SAME(v_alloc_realloc_error().operation, V_ALLOC_RESERVE);
        CHECK_SAME(v_alloc_realloc_error().bytes, too_large[index]);
    }
    CHECK(v_alloc_realloc(NULL, SIZE_MAX) == NULL);
    CHECK_SAME(v_alloc_realloc_error().cause, V_ALLOC_TOO_LARGE);
    CHECK_SAME(v_alloc_realloc(block, 200), block);
    CHECK(holds(block, 1, 100));
    CHECK(v_alloc_realloc(block, 0) == NULL);
}

static void only_a_live_block_is_a_block(void) {
    static char foreign_static[256];
    char foreign_local[256];
    char *const foreign_heap = (char *)malloc(100000);
    char *const block = (char *)v_alloc_realloc(NULL, 100000);
    char *const freed = (char *)v_alloc_realloc(NULL, 100);
    char *not_blocks[12];
    size_t index = 0, count = 0;
    CHECK(foreign_heap != NULL && block != NULL && freed != NULL);
    CHECK(v_alloc_realloc(freed, 0) == NULL);
    memset(block, 1, 100000);
    not_blocks[count++] = foreign_static;
    not_blocks[count++] = foreign_static + 64;
    not_blocks[count++] = foreign_local;
    not_blocks[count++] = foreign_heap;
    not_blocks[count++] = foreign_heap + 4096;
    not_blocks[count++] = block + 1;
    not_blocks[count++] = block + 64;
    not_blocks[count++] = block + 4096;
    not_blocks[count++] = block - 64;
    not_blocks[count++] = freed;
    not_blocks[count++] = (char *)(uintptr_t)64;
    not_blocks[count++] = (char *)(UINTPTR_MAX - 63);
    for (index = 0; index < count; ++index) {
        CHECK_SAME(v_alloc_realloc_size(not_blocks[index]), 0);
        CHECK(v_alloc_realloc(not_blocks[index], 300) == NULL);
        CHECK_ERROR(v_alloc_realloc_error(), V_ALLOC_RESIZE, V_ALLOC_NOT_A_BLOCK, 300);
        CHECK(v_alloc_realloc_with(not_blocks[index], 400, NULL) == NULL);
        CHECK_ERROR(v_alloc_realloc_error(), V_ALLOC_RESIZE, V_ALLOC_NOT_A_BLOCK, 400);
        CHECK(v_alloc_realloc(not_blocks[index], 0) == NULL);
        CHECK_ERROR(v_alloc_realloc_error(), V_ALLOC_FREE, V_ALLOC_NOT_A_BLOCK, 0);
    }
    CHECK(holds(block, 1, 100000));
    CHECK_SAME(v_alloc_realloc(block, 200000), block);
    CHECK(v_alloc_realloc(block, 0) == NULL);
    free(foreign_heap);
}

static void an_arena_is_no_block_nor_a_block_an_arena(void) {
    AllocInfo info = EMPTY, forged;
    char *const block = (char *)v_alloc_realloc(NULL, 100);
    size_t offset;
    CHECK(v_alloc_push(&info, 1000) != NULL);
    memset(info.base, 1, 1000);
    memset(block, 2, 100);
    for (offset = 0; offset <= 64; offset += 64) {
        CHECK_SAME(v_alloc_realloc_size(info.base + offset), 0);
        CHECK(v_alloc_realloc(info.base + offset, 5000) == NULL);
        CHECK_ERROR(v_alloc_realloc_error(), V_ALLOC_RESIZE, V_ALLOC_NOT_A_BLOCK, 5000);
        CHECK(v_alloc_realloc(info.base + offset, 0) == NULL);
        CHECK_ERROR(v_alloc_realloc_error(), V_ALLOC_FREE, V_ALLOC_NOT_A_BLOCK, 0);

        forged = info;
        forged.base = block - offset;
        forged.ptr = forged.end = forged.base;
        CHECK(!v_alloc_free(&forged));
        CHECK_SAME(v_alloc_error(&forged).cause, V_ALLOC_NOT_A_BLOCK);
        CHECK(v_alloc_push(&forged, 10) == NULL);
    }
    CHECK(holds(info.base, 1, 1000) && holds(block, 2, 100));
    CHECK(v_alloc_free(&info));
    CHECK(v_alloc_realloc(block, 0) == NULL);
}

static void a_name_is_only_a_name(void) {
    char name[500];
    VAllocOptions options = EMPTY;
    char *block;
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    options.name = name;
    block = (char *)v_alloc_realloc_with(NULL, 100, &options);
    CHECK(block != NULL);
    CHECK(v_alloc_realloc(block, 0) == NULL);
    options.name = "[of] $letters \\ that `Linux` refuses\n";
    block = (char *)v_alloc_realloc_with(NULL, 100, &options);
    CHECK(block != NULL);
    CHECK(v_alloc_realloc(block, 0) == NULL);
    options.name = "";
    block = (char *)v_alloc_realloc_with(NULL, 100, &options);
    CHECK(block != NULL);
    CHECK(v_alloc_realloc(block, 0) == NULL);
}

static void options_choose_the_reservation(void) {
    VAllocOptions options = EMPTY;
    char name[16] = "block_of_test";
    char *block, *neighbour;
    options.reservation = 8 * MIB;
    options.name = name;
    block = (char *)v_alloc_realloc_with(NULL, 100, &options);
    neighbour = (char *)v_alloc_realloc_with(NULL, 100, &options);
    name[0] = '!'; /* it was copied */
    CHECK(block != NULL && neighbour != NULL && is_aligned(block, 64));
    memset(neighbour, 2, 100);
    CHECK_SAME(v_alloc_realloc(block, 7 * MIB), block);
    memset(block, 1, 7 * MIB);
    {
        const Mapping mapping = mapping_of(block + 5 * MIB);
        /* Kernels without names show none. */
        CHECK(strstr(mapping.header, "anon") == NULL || strstr(mapping.header, "block_of_test") != NULL);
    }
    CHECK_SAME(v_alloc_realloc(block, 8 * MIB - 64), block); /* the rest is the library's */
    CHECK_SAME(v_alloc_realloc(block, 7 * MIB), block);
    CHECK(v_alloc_realloc(block, 8 * MIB + 1) == NULL);
    CHECK_ERROR(v_alloc_realloc_error(), V_ALLOC_COMMIT, V_ALLOC_FULL, 8 * MIB + 1);
    options.reservation = 64 * MIB; /* means nothing to a block that exists */
    CHECK(v_alloc_realloc_with(block, 9 * MIB, &options) == NULL);
    CHECK_SAME(v_alloc_realloc_with(block, 6 * MIB, &options), block);
    CHECK(holds(block, 1, 6 * MIB) && holds(neighbour, 2, 100));
    CHECK(v_alloc_realloc_with(block, 0, &options) == NULL);
    CHECK(v_alloc_realloc_with(neighbour, 0, NULL) == NULL);

    /* It is as much as was said. */
    options.reservation = MIB;
    CHECK(v_alloc_realloc_with(NULL, 5 * MIB, &options) == NULL);
    CHECK_SAME(v_alloc_realloc_error().cause, V_ALLOC_FULL);
    CHECK_SAME(v_alloc_realloc_error().bytes, 5 * MIB);

    options.reservation = 16 * MIB;
    options.flags = V_ALLOC_NO_HUGE_PAGES;
    block = (char *)v_alloc_realloc_with(NULL, 12 * MIB, &options);
    CHECK(block != NULL && strstr(mapping_of(block + 8 * MIB).flags, " hg") == NULL);
    CHECK(v_alloc_realloc(block, 0) == NULL);
    options.flags = V_ALLOC_LATENCY;
    block = (char *)v_alloc_realloc_with(NULL, 12 * MIB, &options);
    CHECK(block != NULL && strstr(mapping_of(block + 8 * MIB).flags, " hg") == NULL);
    CHECK(v_alloc_realloc(block, 0) == NULL);
}

static void the_default_reservation_holds_for_later_blocks(void) {
    const size_t usual = v_alloc_default_reservation();
    char *before, *after;
    CHECK(usual >= 8 * MIB);
    before = (char *)v_alloc_realloc(NULL, 100);
    v_alloc_set_default_reservation(2 * MIB);
    CHECK_SAME(v_alloc_default_reservation(), 2 * MIB);
    after = (char *)v_alloc_realloc(NULL, 100);
    CHECK_SAME(v_alloc_realloc(after, MIB), after);
    CHECK(v_alloc_realloc(after, 4 * MIB) == NULL);
    CHECK_ERROR(v_alloc_realloc_error(), V_ALLOC_COMMIT, V_ALLOC_FULL, 4 * MIB);
    CHECK_SAME(v_alloc_realloc(before, 4 * MIB), before);
    CHECK(v_alloc_realloc(after, 0) == NULL);

    after = (char *)v_alloc_realloc(NULL, 4 * MIB); /* above it: reserves what it needs */
    CHECK(after != NULL);
    after[4 * MIB - 1] = 1;
    CHECK(v_alloc_realloc(after, 0) == NULL);
    CHECK(v_alloc_realloc(before, 0) == NULL);
    v_alloc_set_default_reservation(0);
    CHECK_SAME(v_alloc_default_reservation(), usual);
}

static void many_blocks_do_not_disturb_each_other(void) {
    enum { COUNT = 500 };
    static unsigned char *blocks[COUNT];
    int index, round;
    for (round = 0; round < 3; ++round) {
        for (index = 0; index < COUNT; ++index) {
            blocks[index] = (unsigned char *)v_alloc_realloc(NULL, 64);
            CHECK(blocks[index] != NULL);
            memset(blocks[index], index, 64);
        }
        for (index = 0; index < COUNT; index += 2) {
            CHECK(v_alloc_realloc(blocks[index], 0) == NULL);
        }
        for (index = 1; index < COUNT; index += 2) {
            CHECK_SAME(v_alloc_realloc(blocks[index], 10000), blocks[index]);
            CHECK(holds(blocks[index], index, 64));
            memset(blocks[index], index, 10000);
        }
        for (index = 1; index < COUNT; index += 2) {
            CHECK(holds(blocks[index], index, 10000));
            CHECK(v_alloc_realloc(blocks[index], 0) == NULL);
        }
    }
}

typedef void *(*Reallocate)(void *data, size_t size);

static void it_is_a_callback(void) {
    const Reallocate reallocate = v_alloc_realloc;
    void *const block = reallocate(NULL, 10);
    CHECK(block != NULL);
    CHECK_SAME(reallocate(block, 20), block);
    CHECK(reallocate(block, 0) == NULL);
}

/* Committed bytes of what the registry lists by a name; 0 if it lists no such. */
static size_t listed(const unsigned char *registry, const char *name) {
    enum { ENTRY = 128, ENTRIES = 1023, COMMITTED = 24, NAME = 48 };
    int number;
    for (number = 1; number <= ENTRIES; ++number) {
        const unsigned char *const entry = registry + number * ENTRY;
        if (entry[0] % 2 != 0 && strcmp((const char *)entry + NAME, name) == 0) {
            size_t committed;
            memcpy(&committed, entry + COMMITTED, sizeof committed);
            return committed;
        }
    }
    return 0;
}

static void what_has_a_name_is_listed_after_publishing(void) {
    VAllocOptions options = EMPTY;
    const unsigned char *registry;
    char *before, *block;
    options.name = "made before";
    before = (char *)v_alloc_realloc_with(NULL, 100, &options);
    CHECK(before != NULL && mapped_file("v_alloc-registry") == NULL);
    CHECK(v_alloc_publish());
    CHECK(v_alloc_publish());
    registry = mapped_file("v_alloc-registry");
    CHECK(registry != NULL);
    if (registry == NULL) {
        return;
    }
    options.name = "block of a test";
    block = (char *)v_alloc_realloc_with(NULL, 100, &options);
    CHECK(block != NULL && listed(registry, "block of a test") >= 100);
    CHECK_SAME(v_alloc_realloc(block, 3 * MIB), block);
    CHECK(listed(registry, "block of a test") >= 3 * MIB);
    CHECK(v_alloc_realloc(block, 0) == NULL);
    CHECK_SAME(listed(registry, "block of a test"), 0);
    CHECK_SAME(listed(registry, "made before"), 0);
    CHECK(v_alloc_realloc(before, 0) == NULL);
}

int main(void) {
    errno = 1234;
    no_error_before_the_first();
    a_block_grows_and_shrinks_in_place();
    no_bytes_are_no_block();
    what_does_not_fit_leaves_the_block();
    only_a_live_block_is_a_block();
    an_arena_is_no_block_nor_a_block_an_arena();
    a_name_is_only_a_name();
    the_default_reservation_holds_for_later_blocks();
    many_blocks_do_not_disturb_each_other();
    it_is_a_callback();
    CHECK_SAME(errno, 1234);

    /* These use stdio. */
    shrinking_gives_pages_back();
    options_choose_the_reservation();
    what_has_a_name_is_listed_after_publishing();
    return failed_checks == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
