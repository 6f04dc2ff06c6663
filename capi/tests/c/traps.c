/* Mistakes of a C program, each by its name as the argument: with the library for testing, a stale pointer faults where it
 * is used, and what the library refuses is told with the name of the arena. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "v_alloc.h"

static void on_fault(int signal_number, siginfo_t *info, void *context) {
    (void)signal_number;
    (void)context;
    /* Not safe in every handler; here nothing else runs. */
    fprintf(stderr, "fault at %p\n", info->si_addr);
}

static void report_faults(void) {
    const struct rlimit no_core_file = {0, 0};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | (int)SA_RESETHAND; /* the instruction is tried again, and ends the program */
    (void)setrlimit(RLIMIT_CORE, &no_core_file);
    (void)sigaction(SIGSEGV, &action, NULL);
}

/* The mistake. */
static int use(const char *stale) {
    fprintf(stderr, "about to use %p\n", (const void *)stale);
    return *(const volatile char *)stale;
}

static AllocInfo tokens(void) {
    AllocInfo info = {0};
    VAllocOptions options = {0};
    options.name = "tokens";
    if (!v_alloc_reserve_with(&info, &options)) {
        exit(2);
    }
    return info;
}

static char *pushed(AllocInfo *info, size_t size) {
    char *const block = (char *)v_alloc_push(info, size);
    if (block == NULL) {
        exit(2);
    }
    memset(block, 7, size);
    return block;
}

static int after_reset(void) {
    AllocInfo info = tokens();
    const char *const stale = pushed(&info, 100);
    const size_t reserved = info.reserved_size;
    v_alloc_reset(&info);
    (void)pushed(&info, 1000);
    return info.reserved_size == reserved && v_alloc_error(&info).cause == 0 ? use(stale) : 2;
}

static int after_free(void) {
    AllocInfo info = tokens(), other = {0};
    const char *const stale = pushed(&info, 100);
    (void)v_alloc_free(&info);
    (void)pushed(&other, 1000);
    return use(stale);
}

static int after_rewind(void) {
    AllocInfo info = tokens();
    const char *const kept = pushed(&info, 100);
    const VAllocMark mark = v_alloc_mark(&info);
    const char *const stale = pushed(&info, 100000) + 99999;
    if (!v_alloc_rewind(&info, mark) || kept[99] != 7) {
        return 2;
    }
    (void)pushed(&info, 1000);
    return use(stale);
}

static int after_realloc_to_nothing(void) {
    char *const stale = (char *)v_alloc_realloc(NULL, 100);
    char *other;
    (void)v_alloc_realloc(stale, 0);
    other = (char *)v_alloc_realloc(NULL, 100);
    return other == NULL ? 2 : use(stale);
}

static int after_shrinking(void) {
    char *const block = (char *)v_alloc_realloc(NULL, 1000000);
    memset(block, 7, 1000000);
    if (v_alloc_realloc(block, 10) != block || block[9] != 7) {
        return 2;
    }
    return use(block + 999999);
}

static int says(VAllocError error) {
    char text[160];
    puts(v_alloc_error_text(error, text, sizeof text));
    return 0;
}

static int a_stale_copy(void) {
    AllocInfo info = tokens(), copy = info;
    (void)pushed(&info, 100);
    (void)v_alloc_free(&info);
    if (v_alloc_push(&copy, 16) != NULL) {
        return 2;
    }
    printf("%llu\n", (unsigned long long)copy.generation);
    return says(v_alloc_error(&copy));
}

static int a_second_free(void) {
    AllocInfo info = tokens(), copy = info;
    (void)v_alloc_free(&info);
    if (v_alloc_free(&copy)) {
        return 2;
    }
    printf("%llu\n", (unsigned long long)copy.generation);
    return says(v_alloc_error(&copy));
}

static int a_second_free_of_a_block(void) {
    VAllocOptions options = {0};
    char *block;
    options.name = "words";
    block = (char *)v_alloc_realloc_with(NULL, 100, &options);
    (void)v_alloc_realloc(block, 0);
    (void)v_alloc_realloc(block, 0);
    puts("1");
    return says(v_alloc_realloc_error());
}

static int a_pointer_into_an_arena(void) {
    AllocInfo info = tokens();
    (void)v_alloc_realloc(pushed(&info, 100) + 16, 200);
    printf("%llu\n", (unsigned long long)info.generation);
    return says(v_alloc_realloc_error());
}

static int a_pointer_from_elsewhere(void) {
    int here = 0;
    (void)v_alloc_realloc(&here, 200);
    puts("0");
    return says(v_alloc_realloc_error());
}

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        int (*make)(void);
    } mistakes[] = {
        {"after_reset", after_reset},
        {"after_free", after_free},
        {"after_rewind", after_rewind},
        {"after_realloc_to_nothing", after_realloc_to_nothing},
        {"after_shrinking", after_shrinking},
        {"a_stale_copy", a_stale_copy},
        {"a_second_free", a_second_free},
        {"a_second_free_of_a_block", a_second_free_of_a_block},
        {"a_pointer_into_an_arena", a_pointer_into_an_arena},
        {"a_pointer_from_elsewhere", a_pointer_from_elsewhere},
    };
    size_t index;
    report_faults();
    for (index = 0; count > 1 && index < sizeof mistakes / sizeof *mistakes; ++index) {
        if (strcmp(arguments[1], mistakes[index].name) == 0) {
            return mistakes[index].make();
        }
    }
    return 2;
}
