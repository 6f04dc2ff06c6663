/* v_alloc: memory from reserved address space, for C and C++ since 2011 (C by MSVC: /std:c11 or later).
 *
 * Two things, on one mechanism:
 *   - a bump arena over a range of addresses that is reserved once and committed as it fills (AllocInfo), and
 *   - v_alloc_realloc, whose blocks never move: it grows and shrinks a block at the address that it has.
 *
 * No function aborts, prints, locks, or calls malloc. Each returns NULL or false on failure, changes nothing
 * then, and leaves the reason where v_alloc_error or v_alloc_realloc_error finds it. `errno` keeps its value.
 * All sizes are bytes. A size of 0 is never memory: asking for 0 bytes gives NULL, resizing to 0 frees.
 *
 * On Linux the memory is left out of core dumps, and limits on writable memory and on addresses (ulimit -d, ulimit -v)
 * should be set before the first block is made: they count what was reserved by then, which is not given back.
 *
 * Threads: v_alloc_realloc and its kin may be called from any thread. An AllocInfo belongs to one thread at a time.
 */
#ifndef V_ALLOC_H
#define V_ALLOC_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What every block of an arena is aligned to, and its size rounded up to: a power of two of at most 64. May be
 * defined before this file is included, alike in all files that share an arena. Blocks of v_alloc_realloc are aligned
 * to 64 bytes always. */
#ifndef V_ALLOC_ALIGNMENT
#define V_ALLOC_ALIGNMENT 16
#endif

/* The address space of an arena that was not reserved explicitly: a zero-initialised AllocInfo reserves at the
 * first push. It gets less if the process is short of address space. May be defined before this file is included. */
#ifndef MAX_ARENA_CAPACITY
#define MAX_ARENA_CAPACITY ((size_t)1 << 30)
#endif

/* Define V_ALLOC_CHECKED before this file is included, in a build for testing, and every push goes into the library,
 * which finds a stale copy of an AllocInfo at once; and a rewind gives the memory back.
 *
 * The library that `capi/install.sh --debug` installs has traps: memory that was freed or reset is inaccessible, so that
 * a stale pointer faults where it is used, and the texts of errors name the arena, and its generation, a number that no
 * two have in common. */
#ifdef V_ALLOC_CHECKED
#define V_ALLOC_ALWAYS_ASK 1
#else
#define V_ALLOC_ALWAYS_ASK 0
#endif

#if defined(__GNUC__)
#if defined(__MINGW_PRINTF_FORMAT)
#define V_ALLOC_PRINTF_FORMAT(text, arguments) __attribute__((format(__MINGW_PRINTF_FORMAT, text, arguments)))
#else
#define V_ALLOC_PRINTF_FORMAT(text, arguments) __attribute__((format(printf, text, arguments)))
#endif
#define V_ALLOC_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define V_ALLOC_ASSUME(condition) ((condition) ? (void)0 : __builtin_unreachable())
#else
#define V_ALLOC_PRINTF_FORMAT(text, arguments)
#define V_ALLOC_UNLIKELY(condition) (condition)
#define V_ALLOC_ASSUME(condition) ((void)0)
#endif

#ifdef __cplusplus
#define V_ALLOC_ALIGNOF(type) alignof(type)
#define V_ALLOC_ASSERT(condition, message) static_assert(condition, message)
extern "C" {
#else
#define V_ALLOC_ALIGNOF(type) _Alignof(type)
#define V_ALLOC_ASSERT(condition, message) _Static_assert(condition, message)
#endif

V_ALLOC_ASSERT(V_ALLOC_ALIGNMENT >= 1 && V_ALLOC_ALIGNMENT <= 64 && (V_ALLOC_ALIGNMENT & (V_ALLOC_ALIGNMENT - 1)) == 0,
               "V_ALLOC_ALIGNMENT is a power of two of at most 64");

/* What a failed call was doing. */
enum VAllocOperation {
    V_ALLOC_NOTHING = 0,
    V_ALLOC_RESERVE = 1, /* reserving addresses */
    V_ALLOC_COMMIT = 2,  /* making memory usable: pushing, growing */
    V_ALLOC_DECOMMIT = 3, /* giving memory back: shrinking, trimming */
    V_ALLOC_RESIZE = 4,  /* looking up the block to resize, or its arena */
    V_ALLOC_FREE = 5
};

/* Why it failed. */
enum VAllocCause {
    V_ALLOC_SUCCESS = 0,
    V_ALLOC_REFUSED = 1,       /* the operating system refused: see os_code */
    V_ALLOC_TOO_LARGE = 2,     /* more than the address space holds */
    V_ALLOC_BEYOND_BUDGET = 3, /* default reservations have used up their share of the address space */
    V_ALLOC_FULL = 4,          /* more than is left of the reservation */
    V_ALLOC_NOT_A_BLOCK = 5,   /* no live block starts there: foreign, freed already, or a stale copy of an AllocInfo */
    V_ALLOC_BUSY = 6,          /* it is being resized, freed or drained by somebody else */
    V_ALLOC_ZERO_SIZE = 7,     /* 0 bytes were asked for */
    V_ALLOC_ARGUMENT = 8,      /* NULL, or an alignment that is no power of two */
    V_ALLOC_RESERVED_ALREADY = 9, /* the AllocInfo has memory already: free it first */
    V_ALLOC_IN_USE = 10        /* the memory to give back is in use */
};

typedef struct VAllocError {
    int operation; /* enum VAllocOperation */
    int cause;     /* enum VAllocCause */
    int os_code;   /* errno or GetLastError(), if the cause is V_ALLOC_REFUSED; else the library's own, or 0 */
    size_t bytes;  /* the size that it was tried with */
} VAllocError;

/* An arena, or one growing block. Zero-initialise it: `AllocInfo info = {0};` (C) or `AllocInfo info = {};` (C++).
 *
 *   base          ptr             end                     base + reserved_size
 *    |   in use    |   committed   |   addresses, no memory yet   |
 *
 * May be moved and copied; of the copies, use the latest. A copy that outlived its memory is refused by every function
 * of the library; only the inline push cannot tell, while the copy's own window lasts: see V_ALLOC_CHECKED. */
typedef struct AllocInfo {
    char *base;           /* the first byte */
    char *ptr;            /* the next free byte */
    char *end;            /* the end of what is committed */
    size_t reserved_size; /* bytes of address space from base */
    size_t page_size;

    /* The library's own. */
    uint64_t generation;
    unsigned int flags;
    VAllocError error;
} AllocInfo;

/* How to reserve. Zero-initialise it; each zero means the default. */
typedef struct VAllocOptions {
    size_t reservation; /* bytes of address space, with the 64 before data of v_alloc_realloc; 0: the default */
    unsigned int flags; /* V_ALLOC_LATENCY, V_ALLOC_NO_HUGE_PAGES */
    const char *name;   /* shown in /proc/PID/maps on Linux, and listed after v_alloc_publish; copied */
} VAllocOptions;

/* No long step: pages of a few kibibytes, one at a time. */
#define V_ALLOC_LATENCY 1u
/* Never 2 MiB pages; without it they back what lies beyond the first 2 MiB of a block. */
#define V_ALLOC_NO_HUGE_PAGES 2u

/* ---- Arenas ---- */

/* Reserves `reserve_size` bytes of address space, rounded up to pages; no memory yet. Fails if alloc_info has
 * memory already. reserve_size of 0 fails. */
bool v_alloc_reserve(AllocInfo *alloc_info, size_t reserve_size);

/* As v_alloc_reserve, with options; NULL means all defaults. */
bool v_alloc_reserve_with(AllocInfo *alloc_info, const VAllocOptions *options);

/* What v_alloc_from_buffer calls: a base that is a multiple of `alignment`. */
bool v_alloc_from_buffer_aligned(AllocInfo *alloc_info, void *buffer, size_t size, size_t alignment);

/* An arena in the caller's memory, which must outlive it. Never grows; v_alloc_free only forgets the memory. Its base
 * is the first multiple of V_ALLOC_ALIGNMENT there. */
static inline bool v_alloc_from_buffer(AllocInfo *alloc_info, void *buffer, size_t size) {
    return v_alloc_from_buffer_aligned(alloc_info, buffer, size, V_ALLOC_ALIGNMENT);
}

/* Frees the whole arena and zeroes alloc_info, which may be used again. False if there is nothing to free. */
bool v_alloc_free(AllocInfo *alloc_info);

/* Takes back all blocks at once; the memory stays committed. (With traps, the arena goes on at another base.) */
void v_alloc_reset(AllocInfo *alloc_info);

/* Gives back `extra_size` bytes, rounded up to pages, from the end of the committed memory. False, with nothing
 * given back, if any of it is in use or there is not so much. */
bool v_alloc_decommit(AllocInfo *alloc_info, size_t extra_size);

/* Gives back all pages that are not in use, but for the first `keep` bytes. Returns the bytes given back. */
size_t v_alloc_trim(AllocInfo *alloc_info, size_t keep);

/* What v_alloc_resize calls: `reservation` is for an alloc_info without one. */
void *v_alloc_resize_within(AllocInfo *alloc_info, size_t size_in_bytes, size_t reservation);

/* Makes the whole arena one block of size_in_bytes that starts at base, and returns base; ptr is its end, rounded up
 * to 64 bytes. Contents are kept; shrinking gives pages back when more than 64 KiB and more than twice what is in use is
 * committed. 0 frees it and returns NULL. The base never moves. A first size above MAX_ARENA_CAPACITY reserves what it
 * needs. */
static inline void *v_alloc_resize(AllocInfo *alloc_info, size_t size_in_bytes) {
    return v_alloc_resize_within(alloc_info, size_in_bytes, MAX_ARENA_CAPACITY);
}

/* What the inline functions call when the committed memory does not suffice; for zeroes, each time. `reservation` is for an
 * alloc_info without one. */
void *v_alloc_push_slow(AllocInfo *alloc_info, size_t size, size_t alignment, size_t reservation);
void *v_alloc_push_zeroed_slow(AllocInfo *alloc_info, size_t size, size_t alignment, size_t reservation);

/* A block of additional_bytes, rounded up to V_ALLOC_ALIGNMENT and so aligned; contents unspecified, zero if the
 * memory is used for the first time. NULL for 0 bytes or if there is no memory. */
static inline void *v_alloc_committ(AllocInfo *alloc_info, size_t additional_bytes) {
    /* Wraps to 0 for what could never fit, and 0 - 1 fits nowhere either. */
    const size_t alignment = V_ALLOC_ALIGNMENT;
    const size_t rounded = (additional_bytes + (alignment - 1)) & ~(alignment - 1);
    char *const block = alloc_info->ptr;
    /* Both may be NULL, which pointers may not be subtracted for. */
    if (V_ALLOC_UNLIKELY(V_ALLOC_ALWAYS_ASK || rounded - 1 >= (uintptr_t)alloc_info->end - (uintptr_t)block)) {
        return v_alloc_push_slow(alloc_info, additional_bytes, alignment, MAX_ARENA_CAPACITY);
    }
    alloc_info->ptr = block + rounded;
    V_ALLOC_ASSUME(block != NULL); /* so that the caller's check costs nothing here */
    return block;
}

/* The same under its usual name. */
static inline void *v_alloc_push(AllocInfo *alloc_info, size_t size) {
    return v_alloc_committ(alloc_info, size);
}

/* A block with an alignment of its own: any power of two. */
static inline void *v_alloc_push_aligned(AllocInfo *alloc_info, size_t size, size_t alignment) {
    if (alignment <= V_ALLOC_ALIGNMENT && alignment != 0 && (alignment & (alignment - 1)) == 0) {
        return v_alloc_committ(alloc_info, size);
    }
    /* In a block that is padded in front: 0, which is no alignment, pads beyond any room. */
    char *const start = alloc_info->ptr;
    const size_t padding = (0 - (uintptr_t)start) & (alignment - 1);
    const size_t rounded = (size + (V_ALLOC_ALIGNMENT - 1)) & ~(size_t)(V_ALLOC_ALIGNMENT - 1);
    const size_t room = (uintptr_t)alloc_info->end - (uintptr_t)start;
    const bool is_power = (alignment & (alignment - 1)) == 0;
    if (V_ALLOC_UNLIKELY(V_ALLOC_ALWAYS_ASK || !is_power || rounded - 1 >= room || padding > room - rounded)) {
        return v_alloc_push_slow(alloc_info, size, alignment, MAX_ARENA_CAPACITY);
    }
    alloc_info->ptr = start + padding + rounded;
    return start + padding;
}

/* A block that reads zero. Memory that is used for the first time is not written. Calls the library each time, so that no
 * stale copy of an alloc_info ever writes zeroes into what is another's now. */
static inline void *v_alloc_push_zeroed(AllocInfo *alloc_info, size_t size) {
    return v_alloc_push_zeroed_slow(alloc_info, size, V_ALLOC_ALIGNMENT, MAX_ARENA_CAPACITY);
}

/* Room for `count` values of `size` bytes. NULL if the product does not fit a size_t. */
static inline void *v_alloc_push_array(AllocInfo *alloc_info, size_t count, size_t size, size_t alignment) {
    const size_t all = size != 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size;
    return v_alloc_push_aligned(alloc_info, all, alignment);
}

/* Room for one value, or for `count`, of a type. */
#define V_ALLOC_PUSH(alloc_info, type) ((type *)v_alloc_push_aligned((alloc_info), sizeof(type), V_ALLOC_ALIGNOF(type)))
#define V_ALLOC_PUSH_ARRAY(alloc_info, type, count) \
    ((type *)v_alloc_push_array((alloc_info), (count), sizeof(type), V_ALLOC_ALIGNOF(type)))

/* Where an arena stands, to go back to. */
typedef struct VAllocMark {
    size_t used;
} VAllocMark;

static inline VAllocMark v_alloc_mark(const AllocInfo *alloc_info) {
    VAllocMark mark;
    mark.used = (uintptr_t)alloc_info->ptr - (uintptr_t)alloc_info->base;
    return mark;
}

/* Takes back all blocks since the mark. False, with nothing taken back, if the arena stands before it already. */
static inline bool v_alloc_rewind(AllocInfo *alloc_info, VAllocMark mark) {
    if (mark.used > (uintptr_t)alloc_info->ptr - (uintptr_t)alloc_info->base) {
        return false;
    }
    if (mark.used != 0) { /* base may be NULL, to which not even 0 may be added in C */
        alloc_info->ptr = alloc_info->base + mark.used;
    } else {
        alloc_info->ptr = alloc_info->base;
    }
    if (V_ALLOC_ALWAYS_ASK) {
        (void)v_alloc_trim(alloc_info, 0); /* whole pages that became free are inaccessible until they are pushed again */
    }
    return true;
}

/* A string in the arena, as sprintf would write it. NULL if there is no memory, or vsnprintf returns an error (it may
 * set errno; the arena has no error of its own then). */
static inline char *v_alloc_vprintf(AllocInfo *alloc_info, const char *format, va_list arguments)
    V_ALLOC_PRINTF_FORMAT(2, 0);
static inline char *v_alloc_vprintf(AllocInfo *alloc_info, const char *format, va_list arguments) {
    va_list again;
    int length;
    char *text = NULL;
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, arguments);
    if (length >= 0) {
        text = (char *)v_alloc_committ(alloc_info, (size_t)length + 1);
    }
    if (text != NULL) {
        (void)vsnprintf(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    return text;
}

static inline char *v_alloc_printf(AllocInfo *alloc_info, const char *format, ...) V_ALLOC_PRINTF_FORMAT(2, 3);
static inline char *v_alloc_printf(AllocInfo *alloc_info, const char *format, ...) {
    va_list arguments;
    char *text;
    va_start(arguments, format);
    text = v_alloc_vprintf(alloc_info, format, arguments);
    va_end(arguments);
    return text;
}

/* Why the last call that failed on this arena did; all zero if none has. */
static inline VAllocError v_alloc_error(const AllocInfo *alloc_info) {
    return alloc_info->error;
}

/* ---- Blocks that never move ---- */

/* As realloc, but the block stays where it is: `data` stays valid when it grows or shrinks. NULL makes a block;
 * total_size 0 frees it and returns NULL. On failure returns NULL, and the block stays as it was. Pages are given
 * back when more than 64 KiB and more than twice what is in use is committed; freed blocks keep up to 64 KiB each for
 * the next ones, 1 MiB together. A first size above the default reservation reserves what it needs. */
void *v_alloc_realloc(void *data, size_t total_size);

/* As v_alloc_realloc, with options for a block that is made; they mean nothing to one that exists. NULL: defaults. A
 * chosen reservation is a limit, for the first size too. */
void *v_alloc_realloc_with(void *data, size_t total_size, const VAllocOptions *options);

/* The size of a block as last asked for; 0 if `data` is none. */
size_t v_alloc_realloc_size(const void *data);

/* Why the last v_alloc_realloc that failed, in any thread, did; all zero if none has. */
VAllocError v_alloc_realloc_error(void);

/* The address space of a block without a chosen reservation: 1 GiB on 64-bit Unix, 256 MiB on Windows, 8 MiB on
 * 32-bit machines, and less if the process is short of it. Setting it (0: back to this) holds for blocks made later. */
size_t v_alloc_default_reservation(void);
void v_alloc_set_default_reservation(size_t bytes);

/* ---- Both ---- */

/* The error as text, into `buffer`, cut to `size` bytes with the NUL. Returns `buffer`. 160 bytes hold any. */
const char *v_alloc_error_text(VAllocError error, char *buffer, size_t size);

/* Address space that the library holds in this process, and memory committed by it. */
size_t v_alloc_process_reserved(void);
size_t v_alloc_process_committed(void);

/* From here on, arenas and blocks with a name (VAllocOptions) are listed with their sizes, on Linux for other processes
 * too: `cargo run --example top -- PID` shows them. To be called when the program starts; what exists already is not
 * listed. Takes 128 KiB at most and, on Linux, a file descriptor. False if the system refuses; all else goes on. */
bool v_alloc_publish(void);

#ifdef __cplusplus
}
#endif
#endif
