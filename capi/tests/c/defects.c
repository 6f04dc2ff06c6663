/* The defects of the C original, by number: what went wrong there gives the documented result here. The argument is
 * the number; each runs in a process of its own, because limits do not go away. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check.h"
#include "process.h"
#include "v_alloc.h"
#include "values.h"

#define MIB ((size_t)1 << 20)

static void limit(int resource, size_t bytes) {
    struct rlimit limits;
    limits.rlim_cur = limits.rlim_max = bytes;
    CHECK(setrlimit((__rlimit_resource_t)resource, &limits) == 0);
}

/* Lets the process have so much memory in addition to what it has. Then, unlike else, what is not committed is not
 * accessible either, and each commit is charged. */
static void limit_memory(size_t bytes) {
    limit(RLIMIT_DATA, status_bytes("VmData:") + bytes);
}

/* Whether the system can read a byte: it can wherever the process can. */
static bool is_readable(const void *address) {
    int ends[2];
    bool readable;
    CHECK(pipe(ends) == 0);
    readable = write(ends[1], address, 1) == 1;
    (void)close(ends[0]);
    (void)close(ends[1]);
    return readable;
}

/* After `first` bytes no huge size gets a block, and the arena goes on as if it had not been asked. */
static void huge_sizes_fail_after(size_t first) {
    static const size_t less[] = {0, 14, 15, 16, 47, 100, 4095, 4096, (size_t)1 << 46, SIZE_MAX / 2};
    size_t index;
    AllocInfo info = EMPTY;
    char *const before = (char *)v_alloc_committ(&info, first);
    char *after;
    CHECK(before != NULL);
    memset(before, 1, first);
    for (index = 0; index < sizeof less / sizeof less[0]; ++index) {
        const size_t size = SIZE_MAX - less[index];
        char *const ptr = info.ptr;
        CHECK(v_alloc_committ(&info, size) == NULL);
        CHECK_SAME(info.ptr, ptr);
        CHECK_SAME(v_alloc_error(&info).operation, V_ALLOC_COMMIT);
        CHECK(v_alloc_error(&info).cause == V_ALLOC_FULL || v_alloc_error(&info).cause == V_ALLOC_TOO_LARGE);
        CHECK_SAME(v_alloc_error(&info).bytes, size);
        CHECK(v_alloc_push_zeroed(&info, size) == NULL);
        CHECK(v_alloc_push_aligned(&info, size, 64) == NULL);
        CHECK(v_alloc_push_aligned(&info, size, 4096) == NULL);
        CHECK_SAME(info.ptr, ptr);
    }
    after = (char *)v_alloc_committ(&info, 16);
    CHECK(after >= before + first && after < before + first + V_ALLOC_ALIGNMENT);
    memset(after, 2, 16);
    CHECK(holds(before, 1, first));
    CHECK(v_alloc_free(&info));

    /* Nor does it as the first size of all. */
    CHECK(v_alloc_committ(&info, SIZE_MAX - first) == NULL);
    CHECK_SAME(v_alloc_error(&info).bytes, SIZE_MAX - first);
    CHECK(v_alloc_committ(&info, first) != NULL);
    CHECK(v_alloc_free(&info));
}

/* 1: a commit that failed gave a pointer. */
static void commit_that_fails(void) {
    AllocInfo info = EMPTY, growing = EMPTY;
    char *small, *block, *base;
    limit_memory(MIB);
    errno = 1234;

    CHECK(v_alloc_committ(&info, 64 * MIB) == NULL);
    CHECK_SAME(v_alloc_error(&info).operation, V_ALLOC_COMMIT);
    CHECK_SAME(v_alloc_error(&info).cause, V_ALLOC_REFUSED);
    CHECK_SAME(v_alloc_error(&info).os_code, ENOMEM);
    CHECK(v_alloc_error(&info).bytes >= 64 * MIB);
    small = (char *)v_alloc_committ(&info, 1000);
    CHECK(small != NULL);
    memset(small, 1, 1000);

    base = (char *)v_alloc_resize(&growing, 1000);
    memset(base, 2, 1000);
    CHECK(v_alloc_resize(&growing, 64 * MIB) == NULL);
    CHECK_SAME(v_alloc_error(&growing).cause, V_ALLOC_REFUSED);
    CHECK_SAME(v_alloc_resize(&growing, 2000), base);

    CHECK(v_alloc_realloc(NULL, 64 * MIB) == NULL);
    CHECK_SAME(v_alloc_realloc_error().cause, V_ALLOC_REFUSED);
    CHECK_SAME(v_alloc_realloc_error().os_code, ENOMEM);
    block = (char *)v_alloc_realloc(NULL, 1000);
    CHECK(block != NULL);
    memset(block, 3, 1000);
    CHECK(v_alloc_realloc(block, 64 * MIB) == NULL);
    CHECK_SAME(v_alloc_realloc_error().operation, V_ALLOC_COMMIT);
    CHECK_SAME(v_alloc_realloc_error().cause, V_ALLOC_REFUSED);
    CHECK_SAME(v_alloc_realloc_size(block), 1000);

    CHECK_SAME(errno, 1234);
    CHECK(holds(small, 1, 1000) && holds(base, 2, 1000) && holds(block, 3, 1000));
    CHECK(v_alloc_free(&info) && v_alloc_free(&growing) && v_alloc_realloc(block, 0) == NULL);
}

/* 2: rounding up to 16 bytes wrapped. */
static void size_that_wraps_when_rounded(void) {
    huge_sizes_fail_after(16);
}

/* 3: rounding up to pages wrapped. */
static void size_that_wraps_when_rounded_to_pages(void) {
    huge_sizes_fail_after(256);
}

/* 4: the sum of address and size wrapped. */
static void size_that_wraps_when_added(void) {
    huge_sizes_fail_after(1);
    huge_sizes_fail_after(100000);
}

/* 5: a commit after a reset went past the reservation, into the neighbour's pages. */
static void commit_past_the_reservation(void) {
    enum { NEIGHBOURS = 16 };
    AllocInfo neighbours[NEIGHBOURS] = {EMPTY}, info = EMPTY;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int index;
    limit_memory(64 * MIB);
    for (index = 0; index < NEIGHBOURS; ++index) {
        AllocInfo *const reserved = index == NEIGHBOURS / 2 ? &info : &neighbours[index];
        CHECK(v_alloc_reserve(reserved, 3 * page)); /* mappings are put next to each other */
    }
    CHECK(v_alloc_committ(&info, 2 * page) != NULL);
    v_alloc_reset(&info);
    CHECK(v_alloc_committ(&info, 2 * page + 1) == info.base);
    CHECK(committed(&info) <= info.reserved_size);
    CHECK(v_alloc_committ(&info, page) == NULL);
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_COMMIT, V_ALLOC_FULL, page);
    memset(info.base, 1, 3 * page);
    CHECK(!is_readable(info.base + 3 * page));
    for (index = 0; index < NEIGHBOURS; ++index) {
        if (index != NEIGHBOURS / 2) {
            CHECK(!is_readable(neighbours[index].base));
            CHECK(!is_readable(neighbours[index].base + 3 * page - 1));
            CHECK(v_alloc_free(&neighbours[index]));
        }
    }
    CHECK(v_alloc_free(&info));
}

/* 6: what fits was refused. */
static void block_that_fits(void) {
    AllocInfo info = EMPTY;
    CHECK(v_alloc_reserve(&info, 8192));
    CHECK(v_alloc_committ(&info, 16) != NULL);
    CHECK(v_alloc_committ(&info, 8000) == info.base + 16);
    CHECK(v_alloc_committ(&info, 176) == info.base + 8016);
    memset(info.base, 1, 8192);
    CHECK(v_alloc_free(&info));
}

/* 7: what was committed before a reset was committed again, behind it. */
static void commit_after_a_reset(void) {
    AllocInfo info = EMPTY;
    size_t before;
    CHECK(v_alloc_committ(&info, 100 * MIB) == info.base);
    before = v_alloc_process_committed();
    v_alloc_reset(&info);
    CHECK(v_alloc_committ(&info, 100 * MIB + 1) == info.base);
    CHECK(v_alloc_process_committed() <= before + 4 * MIB);
    CHECK(v_alloc_free(&info));
}

/* 8: a reservation that is no multiple of the page was of no use. */
static void reservation_below_a_page(void) {
    AllocInfo info = EMPTY;
    CHECK(v_alloc_reserve(&info, 100));
    CHECK_SAME(info.reserved_size, sysconf(_SC_PAGESIZE));
    CHECK(v_alloc_committ(&info, 16) != NULL);
    memset(info.base, 1, info.reserved_size);
    CHECK(v_alloc_free(&info));
}

/* 9: giving back a byte took the page with what lives in it. */
static void decommit_of_a_live_page(void) {
    AllocInfo info = EMPTY;
    CHECK(v_alloc_reserve(&info, 1));
    CHECK(v_alloc_committ(&info, 16) == info.base);
    memset(info.base, 1, 16);
    CHECK(!v_alloc_decommit(&info, 1));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_DECOMMIT, V_ALLOC_IN_USE, 1);
    CHECK(holds(info.base, 1, 16));
    CHECK(v_alloc_free(&info));
    CHECK(v_alloc_committ(&info, 16) == info.base);
    memset(info.base, 1, 16);
    while (v_alloc_decommit(&info, 1)) {
    }
    CHECK_SAME(committed(&info), info.page_size);
    CHECK(holds(info.base, 1, 16));
    CHECK(v_alloc_free(&info));
}

/* 10: giving back what is not there succeeded. */
static void decommit_of_nothing(void) {
    AllocInfo info = EMPTY;
    CHECK(!v_alloc_decommit(&info, 1));
    CHECK(!v_alloc_decommit(&info, SIZE_MAX));
    CHECK_SAME(v_alloc_error(&info).operation, V_ALLOC_DECOMMIT);
    CHECK(v_alloc_error(&info).cause != V_ALLOC_SUCCESS);
    CHECK(v_alloc_committ(&info, 16) == info.base);
    memset(info.base, 1, 16);
    CHECK(!v_alloc_decommit(&info, SIZE_MAX));
    CHECK_SAME(v_alloc_error(&info).bytes, SIZE_MAX);
    CHECK(!v_alloc_decommit(&info, SIZE_MAX - 4094));
    CHECK(holds(info.base, 1, 16));
    CHECK(v_alloc_free(&info));
}

/* 11: a push after free pointed into what was freed. */
static void push_after_free(void) {
    AllocInfo info = EMPTY;
    char *block;
    CHECK(v_alloc_committ(&info, 100) != NULL);
    CHECK(v_alloc_free(&info));
    block = (char *)v_alloc_committ(&info, 100);
    CHECK(block != NULL && holds(block, 0, 100));
    memset(block, 1, 100);
    CHECK(v_alloc_free(&info));
}

/* 12: the second free unmapped whatever lived there by then. */
static void free_twice(void) {
    AllocInfo info = EMPTY, copy, next = EMPTY;
    char *lodger, *block, *second;

    /* Another arena. */
    CHECK(v_alloc_reserve(&info, MIB));
    CHECK(v_alloc_committ(&info, 100) != NULL);
    copy = info;
    CHECK(v_alloc_free(&info));
    CHECK(v_alloc_reserve(&next, MIB));
    lodger = (char *)v_alloc_committ(&next, 100000);
    memset(lodger, 1, 100000);
    CHECK(!v_alloc_free(&info));
    CHECK_SAME(v_alloc_error(&info).operation, V_ALLOC_FREE);
    CHECK(!v_alloc_free(&copy));
    CHECK_SAME(v_alloc_error(&copy).operation, V_ALLOC_FREE);
    CHECK_SAME(v_alloc_error(&copy).cause, V_ALLOC_NOT_A_BLOCK);
    CHECK(holds(lodger, 1, 100000));
    CHECK(v_alloc_free(&next));

    /* A mapping of the program's own; the addresses of so large an arena go back to the system. */
    CHECK(v_alloc_reserve(&info, (size_t)1 << 38));
    CHECK(v_alloc_committ(&info, 100) != NULL);
    copy = info;
    CHECK(v_alloc_free(&info));
    lodger = (char *)mmap(copy.base, MIB, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK_SAME(lodger, copy.base);
    memset(lodger, 1, MIB);
    CHECK(!v_alloc_free(&copy));
    CHECK_SAME(v_alloc_error(&copy).cause, V_ALLOC_NOT_A_BLOCK);
    CHECK(v_alloc_resize(&copy, MIB) == NULL);
    CHECK(holds(lodger, 1, MIB));

    /* A block. */
    block = (char *)v_alloc_realloc(NULL, 100);
    CHECK(v_alloc_realloc(block, 0) == NULL);
    CHECK_SAME(v_alloc_realloc_error().cause, V_ALLOC_SUCCESS);
    CHECK(v_alloc_realloc(block, 0) == NULL);
    CHECK_ERROR(v_alloc_realloc_error(), V_ALLOC_FREE, V_ALLOC_NOT_A_BLOCK, 0);
    CHECK(v_alloc_realloc(block, 100) == NULL);
    CHECK_ERROR(v_alloc_realloc_error(), V_ALLOC_RESIZE, V_ALLOC_NOT_A_BLOCK, 100);
    block = (char *)v_alloc_realloc(NULL, 100);
    second = (char *)v_alloc_realloc(NULL, 100);
    CHECK(block != NULL && second != NULL && block != second);
}

/* 13: a resize after a resize to 0 returned the base that was freed. */
static void resize_after_resize_to_zero(void) {
    AllocInfo info = EMPTY;
    char *block;
    CHECK(v_alloc_resize(&info, 5000) != NULL);
    CHECK(v_alloc_resize(&info, 0) == NULL);
    CHECK(info.base == NULL && info.ptr == NULL && info.end == NULL);
    block = (char *)v_alloc_resize(&info, 100);
    CHECK(block != NULL && holds(block, 0, 100));
    memset(block, 1, 100);
    CHECK(v_alloc_free(&info));
}

/* 14: a resize to SIZE_MAX returned the base. */
static void resize_to_everything(void) {
    static const size_t less[] = {0, 15, 47, 4094, 4095, 4096};
    AllocInfo info = EMPTY;
    size_t index;
    for (index = 0; index < sizeof less / sizeof less[0]; ++index) {
        CHECK(v_alloc_resize(&info, SIZE_MAX - less[index]) == NULL);
        CHECK_SAME(v_alloc_error(&info).bytes, SIZE_MAX - less[index]);
        CHECK(v_alloc_error(&info).cause == V_ALLOC_TOO_LARGE || v_alloc_error(&info).cause == V_ALLOC_FULL);
        if (index % 2 == 0) {
            CHECK(v_alloc_resize(&info, 100) != NULL);
            memset(info.base, 1, 100);
        }
        CHECK(holds(info.base, 1, 100));
        CHECK_SAME(used(&info), 128); /* a multiple of 64 */
    }
    CHECK(v_alloc_free(&info));
}

/* 15: after a resize, the next block lay inside the first. */
static void push_after_resize(void) {
    AllocInfo info = EMPTY;
    char *first, *second;
    CHECK(v_alloc_committ(&info, 16) != NULL);
    first = (char *)v_alloc_resize(&info, 4000);
    memset(first, 1, 4000);
    second = (char *)v_alloc_committ(&info, 16);
    CHECK(second >= first + 4000);
    memset(second, 2, 16);
    CHECK(holds(first, 1, 4000));
    CHECK(v_alloc_free(&info));
}

/* 16: a huge size gave the block as if it had grown, or freed it. */
static void realloc_to_everything(void) {
    static const size_t less[] = {0, 15, 16, 46, 47, 48, 63, 64, 4095, 4096};
    char *const block = (char *)v_alloc_realloc(NULL, 100);
    size_t index;
    memset(block, 1, 100);
    for (index = 0; index < sizeof less / sizeof less[0]; ++index) {
        CHECK(v_alloc_realloc(block, SIZE_MAX - less[index]) == NULL);
        CHECK_SAME(v_alloc_realloc_error().operation, V_ALLOC_COMMIT);
        CHECK_SAME(v_alloc_realloc_error().bytes, SIZE_MAX - less[index]);
        CHECK_SAME(v_alloc_realloc_size(block), 100);
        CHECK(holds(block, 1, 100));
    }
    CHECK_SAME(v_alloc_realloc(block, 5000), block);
    CHECK(v_alloc_realloc(block, 0) == NULL);
}

/* 17: a block that could not be made left its reservation behind. */
static void first_realloc_fails(void) {
    size_t addresses = 0, reserved = 0;
    int round;
    limit_memory(4 * MIB);
    for (round = 0; round < 1000; ++round) {
        AllocInfo info = EMPTY;
        CHECK(v_alloc_realloc(NULL, 64 * MIB) == NULL);
        CHECK_SAME(v_alloc_realloc_error().cause, V_ALLOC_REFUSED);
        CHECK(v_alloc_resize(&info, 64 * MIB) == NULL);
        CHECK(info.base == NULL);
        CHECK(v_alloc_committ(&info, 64 * MIB) == NULL);
        (void)v_alloc_free(&info);
        if (round == 0) { /* what it takes addresses from, it keeps */
            addresses = status_bytes("VmSize:");
            reserved = v_alloc_process_reserved();
        }
    }
    CHECK_SAME(v_alloc_process_reserved(), reserved);
    CHECK(status_bytes("VmSize:") <= addresses + MIB);
    CHECK(v_alloc_realloc(NULL, 100) != NULL);
}

/* 18: reserving again lost the range that was there. */
static void reserve_on_a_live_one(void) {
    AllocInfo info = EMPTY;
    char *const block = (char *)v_alloc_committ(&info, 100);
    const size_t reserved = v_alloc_process_reserved();
    memset(block, 1, 100);
    CHECK(!v_alloc_reserve(&info, MIB));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_RESERVE, V_ALLOC_RESERVED_ALREADY, MIB);
    CHECK_SAME(v_alloc_process_reserved(), reserved);
    CHECK_SAME(info.base, block);
    CHECK(holds(block, 1, 100));
    CHECK(v_alloc_free(&info));
}

/* 19: what a failed reservation left was used. */
static void reserve_fails(void) {
    AllocInfo info = EMPTY;
    CHECK(v_alloc_reserve(&info, MIB));
    CHECK(v_alloc_committ(&info, 100) != NULL);
    CHECK(v_alloc_free(&info));
    CHECK(!v_alloc_reserve(&info, SIZE_MAX));
    CHECK_ERROR(v_alloc_error(&info), V_ALLOC_RESERVE, V_ALLOC_TOO_LARGE, SIZE_MAX);
    CHECK(!v_alloc_reserve(&info, (size_t)1 << 60));
    CHECK(v_alloc_error(&info).cause == V_ALLOC_TOO_LARGE || v_alloc_error(&info).cause == V_ALLOC_REFUSED);
    CHECK(info.base == NULL && info.ptr == NULL && info.end == NULL && info.reserved_size == 0);
    CHECK(v_alloc_committ(&info, 100) != NULL);
    memset(info.base, 1, 100);
    CHECK(v_alloc_free(&info));
}

/* 20: under a limit of addresses nothing worked, because nothing smaller was tried. */
static void few_addresses(void) {
    enum { MOST = 100000, FEWEST = 50 };
    static char *blocks[MOST];
    AllocInfo info = EMPTY, chosen = EMPTY;
    int index, count;
    limit(RLIMIT_AS, 900 * MIB);
    CHECK(v_alloc_committ(&info, 100000) != NULL);
    memset(info.base, 1, 100000);
    for (count = 0; count < MOST; ++count) {
        blocks[count] = (char *)v_alloc_realloc(NULL, 64);
        if (blocks[count] == NULL) {
            break;
        }
        CHECK_SAME(v_alloc_realloc(blocks[count], 5000), blocks[count]);
        memset(blocks[count], count, 5000);
    }
    CHECK(count >= FEWEST);
    if (count < MOST) {
        CHECK_SAME(v_alloc_realloc_error().operation, V_ALLOC_RESERVE);
        CHECK_SAME(v_alloc_realloc_error().cause, V_ALLOC_BEYOND_BUDGET);
    }
    /* The rest is for the program: for what it chooses, and for others. */
    CHECK(v_alloc_reserve(&chosen, 50 * MIB));
    CHECK(v_alloc_committ(&chosen, 50 * MIB) != NULL);
    {
        void *const rest = malloc(500 * MIB);
        CHECK(rest != NULL);
        free(rest);
    }
    for (index = 0; index < count; ++index) {
        CHECK(holds(blocks[index], index & 255, 5000));
        CHECK(v_alloc_realloc(blocks[index], 0) == NULL);
    }
    CHECK(holds(info.base, 1, 100000));
    CHECK(v_alloc_free(&info) && v_alloc_free(&chosen));
}

/* 21: each small block took a gibibyte of addresses and two mappings, and block 32,753 crashed. */
static void many_small_blocks(void) {
    enum { COUNT = 100000 };
    static unsigned char *blocks[COUNT];
    size_t reserved;
    int index;
    for (index = 0; index < COUNT; ++index) {
        blocks[index] = (unsigned char *)v_alloc_realloc(NULL, 64);
        if (blocks[index] == NULL) {
            CHECK_SAME(index, COUNT);
            return;
        }
        memset(blocks[index], index, 64);
    }
    reserved = v_alloc_process_reserved();
    for (index = 0; index < COUNT; ++index) {
        CHECK(holds(blocks[index], index & 255, 64));
        CHECK(v_alloc_realloc(blocks[index], 0) == NULL);
    }
    CHECK(v_alloc_process_committed() < 8 * MIB); /* what it knows of the addresses */
    /* Addresses are used again. */
    for (index = 0; index < COUNT; ++index) {
        unsigned char *const block = (unsigned char *)v_alloc_realloc(NULL, 64);
        CHECK(block != NULL && holds(block, 0, 64));
        (void)v_alloc_realloc(block, 0);
    }
    CHECK(v_alloc_process_reserved() <= reserved);
}

/* 22: shrinking gave nothing back. */
static void shrinking(void) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    AllocInfo info = EMPTY;
    char *const block = (char *)v_alloc_realloc(NULL, 64 * MIB);
    size_t resident;
    memset(block, 1, 64 * MIB);
    resident = resident_bytes(page);
    CHECK_SAME(v_alloc_realloc(block, 4096), block);
    CHECK(resident_bytes(page) + 60 * MIB <= resident);
    CHECK(holds(block, 1, 4096));
    CHECK(v_alloc_realloc(block, 0) == NULL);

    CHECK(v_alloc_resize(&info, 64 * MIB) != NULL);
    memset(info.base, 1, 64 * MIB);
    resident = resident_bytes(page);
    CHECK(v_alloc_resize(&info, 4096) == info.base);
    CHECK(resident_bytes(page) + 60 * MIB <= resident);
    CHECK(holds(info.base, 1, 4096));
    CHECK(v_alloc_free(&info));
}

/* 24: memory that was given back went on to be charged. */
static void decommit_gives_back_the_charge(void) {
    AllocInfo info = EMPTY;
    char *block;
    limit_memory(100 * MIB);
    CHECK(v_alloc_committ(&info, 64 * MIB) != NULL);
    memset(info.base, 1, 64 * MIB);
    CHECK(v_alloc_realloc(NULL, 64 * MIB) == NULL);
    CHECK_SAME(v_alloc_realloc_error().cause, V_ALLOC_REFUSED);
    v_alloc_reset(&info);
    CHECK(v_alloc_decommit(&info, 64 * MIB));
    CHECK(!is_readable(info.end));

    /* Now another may have it; and when that has shrunk, this one again. */
    block = (char *)v_alloc_realloc(NULL, 64 * MIB);
    CHECK(block != NULL);
    CHECK(v_alloc_committ(&info, 64 * MIB) == NULL);
    CHECK_SAME(v_alloc_error(&info).cause, V_ALLOC_REFUSED);
    CHECK_SAME(v_alloc_realloc(block, 100), block);
    CHECK(v_alloc_committ(&info, 64 * MIB) == info.base);
    CHECK(holds(info.base, 0, 64 * MIB));
    CHECK(v_alloc_free(&info));
    CHECK_SAME(v_alloc_realloc(block, 64 * MIB), block);
    CHECK(v_alloc_realloc(block, 0) == NULL);
}

int main(int count, char **arguments) {
    /* 23 is about Windows, 25 about compiling: see compiles_clean.rs. */
    static void (*const defects[])(void) = {
        NULL,
        commit_that_fails,
        size_that_wraps_when_rounded,
        size_that_wraps_when_rounded_to_pages,
        size_that_wraps_when_added,
        commit_past_the_reservation,
        block_that_fits,
        commit_after_a_reset,
        reservation_below_a_page,
        decommit_of_a_live_page,
        decommit_of_nothing,
        push_after_free,
        free_twice,
        resize_after_resize_to_zero,
        resize_to_everything,
        push_after_resize,
        realloc_to_everything,
        first_realloc_fails,
        reserve_on_a_live_one,
        reserve_fails,
        few_addresses,
        many_small_blocks,
        shrinking,
        NULL,
        decommit_gives_back_the_charge,
    };
    const size_t number = count == 2 ? (size_t)atoi(arguments[1]) : 0;
    if (number >= sizeof defects / sizeof defects[0] || defects[number] == NULL) {
        (void)fprintf(stderr, "there is no test of a defect of this number\n");
        return EXIT_FAILURE;
    }
    defects[number]();
    return failed_checks == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
