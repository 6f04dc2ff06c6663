/* CHECK: what must hold. If it does not, the program says where, goes on, and fails in the end. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

static int failed_checks = 0;

#define CHECK(condition)                                                                              \
    do {                                                                                              \
        if (!(condition)) {                                                                           \
            ++failed_checks;                                                                          \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);      \
        }                                                                                             \
    } while (0)

/* Two sizes or addresses that must be the same; says what they are if they are not. */
#define CHECK_SAME(actual, expected)                                                                  \
    do {                                                                                              \
        const unsigned long long is = (unsigned long long)(actual);                                   \
        const unsigned long long should_be = (unsigned long long)(expected);                          \
        if (is != should_be) {                                                                        \
            ++failed_checks;                                                                          \
            (void)fprintf(stderr, "%s:%d: %s is %llu (%#llx), not %llu (%#llx)\n", __FILE__, __LINE__, \
                          #actual, is, is, should_be, should_be);                                     \
        }                                                                                             \
    } while (0)

/* An error that must have this operation, this cause and this number of bytes. */
#define CHECK_ERROR(actual, expected_operation, expected_cause, expected_bytes)                       \
    do {                                                                                              \
        const VAllocError error_to_check = (actual);                                                  \
        CHECK_SAME(error_to_check.operation, expected_operation);                                     \
        CHECK_SAME(error_to_check.cause, expected_cause);                                             \
        CHECK_SAME(error_to_check.bytes, expected_bytes);                                             \
    } while (0)

#endif
