/* Blocks of v_alloc_realloc in many threads: each holds what its owner wrote, whichever thread made it, and of threads
 * that free one block at once, one does. Arenas, of which each thread has its own, come from the same addresses. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "v_alloc.h"
#include "values.h"

/* The library is not built for the thread sanitizer, which therefore does not see that a block that one thread frees
 * is given to another in order. This says so, as allocators do. */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *address);
void __tsan_release(void *address);
static char handing_over;
#define BEFORE_FREEING() __tsan_release(&handing_over)
#define AFTER_MAKING() __tsan_acquire(&handing_over)
#define ROUNDS 1000
#else
#define BEFORE_FREEING() (void)0
#define AFTER_MAKING() (void)0
#define ROUNDS 10000
#endif

enum { THREADS = 8, OWN_BLOCKS = 16, QUEUE = 64, LARGEST = 100000 };

typedef struct Block {
    unsigned char *data;
    size_t size;
    unsigned char fill;
} Block;

/* Blocks on their way from one thread to whichever takes them. */
static struct Queue {
    pthread_mutex_t lock;
    Block blocks[QUEUE];
    size_t count;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_int wrong;

static size_t random_below(uint64_t *state, size_t limit) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(*state >> 33) % limit;
}

/* Mostly small, now and then many pages. */
static size_t random_size(uint64_t *state) {
    return 1 + random_below(state, random_below(state, 8) == 0 ? LARGEST : 200);
}

static void expect(bool condition) {
    if (!condition) {
        atomic_fetch_add(&wrong, 1);
    }
}

static void resize(Block *block, size_t size, unsigned char fill) {
    const size_t kept = size < block->size ? size : block->size;
    unsigned char *const data = v_alloc_realloc(block->data, size);
    if (block->data == NULL) {
        AFTER_MAKING();
    }
    expect(data != NULL && (block->data == NULL || data == block->data));
    if (data == NULL) {
        return;
    }
    expect(holds(data, block->fill, kept));
    memset(data, fill, size);
    *block = (Block){data, size, fill};
}

static void free_block(Block *block) {
    if (block->data != NULL) {
        expect(holds(block->data, block->fill, block->size));
        expect(v_alloc_realloc_size(block->data) == block->size);
        BEFORE_FREEING();
        expect(v_alloc_realloc(block->data, 0) == NULL);
    }
    *block = (Block){NULL, 0, 0};
}

/* Puts a block into the queue and takes one that another thread put there. */
static void hand_over(Block *block, uint64_t *state) {
    pthread_mutex_lock(&queue.lock);
    if (queue.count < QUEUE) {
        queue.blocks[queue.count++] = *block;
        *block = (Block){NULL, 0, 0};
    } else {
        Block *const other = &queue.blocks[random_below(state, QUEUE)];
        const Block taken = *other;
        *other = *block;
        *block = taken;
    }
    pthread_mutex_unlock(&queue.lock);
}

static void fill_an_arena(uint64_t *state) {
    AllocInfo info = EMPTY;
    const size_t first_size = random_size(state), second_size = random_size(state);
    unsigned char *const first = v_alloc_push(&info, first_size);
    unsigned char *second;
    AFTER_MAKING();
    expect(first != NULL && holds(first, 0, first_size));
    memset(first, 1, first_size);
    second = v_alloc_push(&info, second_size);
    expect(second != NULL && holds(second, 0, second_size));
    memset(second, 2, second_size);
    expect(holds(first, 1, first_size));
    BEFORE_FREEING();
    expect(v_alloc_free(&info));
}

static void *work(void *argument) {
    uint64_t state = (uintptr_t)argument;
    Block own[OWN_BLOCKS] = {{NULL, 0, 0}};
    for (int round = 0; round < ROUNDS; ++round) {
        Block *const block = &own[random_below(&state, OWN_BLOCKS)];
        switch (random_below(&state, 6)) {
        case 0:
            free_block(block);
            break;
        case 1:
            hand_over(block, &state);
            break;
        case 2:
            fill_an_arena(&state);
            break;
        default:
            resize(block, random_size(&state), (unsigned char)random_below(&state, 256));
        }
    }
    for (int index = 0; index < OWN_BLOCKS; ++index) {
        free_block(&own[index]);
    }
    return NULL;
}

static void blocks_hold_what_their_owners_wrote(void) {
    pthread_t threads[THREADS];
    for (uintptr_t index = 0; index < THREADS; ++index) {
        CHECK(pthread_create(&threads[index], NULL, work, (void *)(index + 1)) == 0);
    }
    for (int index = 0; index < THREADS; ++index) {
        CHECK(pthread_join(threads[index], NULL) == 0);
    }
    while (queue.count > 0) {
        free_block(&queue.blocks[--queue.count]);
    }
    CHECK_SAME(atomic_load(&wrong), 0);
    CHECK_ERROR(v_alloc_realloc_error(), V_ALLOC_NOTHING, V_ALLOC_SUCCESS, 0);
    CHECK(v_alloc_process_committed() <= (size_t)1 << 20);
}

/* One block, and two threads that resize it at the same moment. */
static struct Race {
    pthread_barrier_t barrier;
    unsigned char *block;
} race;

static void *take_part(void *size) {
    pthread_barrier_wait(&race.barrier);
    return v_alloc_realloc(race.block, (size_t)size);
}

/* One thread resizes the block to each size; what each got. */
static void race_for(size_t first, size_t second, void *results[2]) {
    const size_t sizes[2] = {first, second};
    pthread_t threads[2];
    CHECK(pthread_barrier_init(&race.barrier, NULL, 2) == 0);
    for (int index = 0; index < 2; ++index) {
        CHECK(pthread_create(&threads[index], NULL, take_part, (void *)sizes[index]) == 0);
    }
    for (int index = 0; index < 2; ++index) {
        CHECK(pthread_join(threads[index], &results[index]) == 0);
    }
    CHECK(pthread_barrier_destroy(&race.barrier) == 0);
}

static void make_raced_block(void) {
    race.block = v_alloc_realloc(NULL, 5000);
    AFTER_MAKING();
    CHECK(race.block != NULL);
    memset(race.block, 1, 5000);
}

static void one_of_two_frees(void) {
    for (int round = 0; round < ROUNDS / 20; ++round) {
        unsigned char *neighbour;
        void *results[2];
        make_raced_block();
        neighbour = v_alloc_realloc(NULL, 5000);
        AFTER_MAKING();
        memset(neighbour, 2, 5000);
        /* An error of another kind, to see that the race leaves one. */
        CHECK(v_alloc_realloc(NULL, SIZE_MAX) == NULL);
        BEFORE_FREEING();
        race_for(0, 0, results);
        CHECK_SAME(v_alloc_realloc_error().operation, V_ALLOC_FREE);
        CHECK(v_alloc_realloc_error().cause == V_ALLOC_NOT_A_BLOCK || v_alloc_realloc_error().cause == V_ALLOC_BUSY);
        CHECK_SAME(v_alloc_realloc_size(race.block), 0);
        CHECK(holds(neighbour, 2, 5000));
        BEFORE_FREEING();
        CHECK(v_alloc_realloc(neighbour, 0) == NULL);
        /* It was freed once: two blocks made now are two. */
        {
            void *const first = v_alloc_realloc(NULL, 5000);
            void *const second = v_alloc_realloc(NULL, 5000);
            CHECK(first != NULL && second != NULL && first != second);
            CHECK(v_alloc_realloc(first, 0) == NULL && v_alloc_realloc(second, 0) == NULL);
        }
    }
}

static void of_two_that_resize_none_harms_the_block(void) {
    for (int round = 0; round < ROUNDS / 20; ++round) {
        void *results[2];
        make_raced_block();
        race_for(20000, 20000, results);
        CHECK(results[0] == race.block || results[1] == race.block);
        for (int index = 0; index < 2; ++index) {
            if (results[index] == NULL) {
                CHECK_ERROR(v_alloc_realloc_error(), V_ALLOC_RESIZE, V_ALLOC_BUSY, 20000);
            } else {
                CHECK(results[index] == race.block);
            }
        }
        CHECK_SAME(v_alloc_realloc_size(race.block), 20000);
        CHECK(holds(race.block, 1, 5000));
        memset(race.block, 3, 20000);
        BEFORE_FREEING();
        CHECK(v_alloc_realloc(race.block, 0) == NULL);
    }
}

static void of_one_that_frees_and_one_that_resizes_none_harms_others(void) {
    for (int round = 0; round < ROUNDS / 20; ++round) {
        unsigned char *neighbour;
        void *results[2];
        make_raced_block();
        neighbour = v_alloc_realloc(NULL, 5000);
        AFTER_MAKING();
        memset(neighbour, 2, 5000);
        BEFORE_FREEING();
        race_for(0, 20000, results);
        CHECK(results[0] == NULL);
        CHECK(results[1] == NULL || results[1] == race.block);
        if (v_alloc_realloc_size(race.block) != 0) { /* the resizing one was at it when the other tried to free it */
            CHECK_SAME(v_alloc_realloc_size(race.block), 20000);
            CHECK(holds(race.block, 1, 5000));
            CHECK(v_alloc_realloc(race.block, 0) == NULL);
        }
        CHECK(holds(neighbour, 2, 5000));
        BEFORE_FREEING();
        CHECK(v_alloc_realloc(neighbour, 0) == NULL);
    }
}

int main(void) {
    blocks_hold_what_their_owners_wrote();
    one_of_two_frees();
    of_two_that_resize_none_harms_the_block();
    of_one_that_frees_and_one_that_resizes_none_harms_others();
    return failed_checks == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
