/* Pushes 16-byte blocks into an arena that has the memory at hand: `committ <loop> <count>`. What one iteration costs
 * is counted from outside, by bench/src/groups/c.rs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <v_alloc.h>

enum { MOST = 1 << 20 };

struct Pair {
    uint64_t first, second;
};

/* Not inlined, and all memory may change in each iteration: the arena is behind a pointer, as in a program. The asm
 * is no instruction. */
#define LOOP(name, use)                                                               \
    __attribute__((noinline)) static int name(AllocInfo *arena, uint64_t count) {     \
        for (uint64_t index = 0; index < count; index++) {                            \
            struct Pair *pair = (struct Pair *)v_alloc_committ(arena, sizeof *pair);  \
            use;                                                                      \
            __asm__ volatile("" : : "r"(pair) : "memory");                            \
        }                                                                             \
        return EXIT_SUCCESS;                                                          \
    }

LOOP(one_word, pair->first = index)
LOOP(both_words, pair->first = index; pair->second = index)
LOOP(checked, if (pair == NULL) return EXIT_FAILURE; pair->first = index)

int main(int argument_count, char **arguments) {
    AllocInfo arena = {0};
    const char *const loop = argument_count == 3 ? arguments[1] : "";
    const uint64_t count = argument_count == 3 ? strtoull(arguments[2], NULL, 10) : 0;
    if (count > MOST || v_alloc_committ(&arena, MOST * sizeof(struct Pair)) == NULL) {
        return EXIT_FAILURE;
    }
    v_alloc_reset(&arena);
    return strcmp(loop, "one word") == 0 ? one_word(&arena, count)
        : strcmp(loop, "both words") == 0 ? both_words(&arena, count)
        : strcmp(loop, "one word, checked for NULL") == 0 ? checked(&arena, count)
        : EXIT_FAILURE;
}
