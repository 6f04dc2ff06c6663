/* What the programs here share: the choice of the memory behind them, and what they tell of it.
 *
 * Each is run as `PROGRAM v_alloc` and as `PROGRAM malloc` and must write the same to stdout. Time and memory go to
 * stderr. */
#ifndef CLIENT_H
#define CLIENT_H

#include "v_alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Ends the program, in every build, unless the condition holds. */
#define REQUIRE(condition) \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), exit(EXIT_FAILURE)))

/* realloc with the two promises of v_alloc_realloc that the standard does not give: 0 bytes free, and for a NULL are
 * nothing. */
static inline void *malloc_realloc(void *data, size_t size) {
    if (size == 0) {
        free(data);
        return NULL;
    }
    return realloc(data, size);
}

static inline bool client_uses_v_alloc(int argument_count, char **arguments) {
    REQUIRE(argument_count > 1);
    const bool v_alloc = strcmp(arguments[1], "v_alloc") == 0;
    REQUIRE(v_alloc || strcmp(arguments[1], "malloc") == 0);
    return v_alloc;
}

static inline void client_report(const char *program, bool uses_v_alloc, size_t most_blocks) {
    struct rusage usage;
    REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    const double seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    fprintf(stderr, "%s on %s: %.2f s of processor time, %ld MiB resident at most", program,
            uses_v_alloc ? "v_alloc" : "malloc", seconds, usage.ru_maxrss / 1024);
    if (most_blocks != 0) {
        fprintf(stderr, ", %zu blocks at most", most_blocks);
    }
    fputc('\n', stderr);
}

#endif
