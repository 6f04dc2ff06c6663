/* Each statement of v_alloc.h about the text of errors. */
#include <stdlib.h>

#include "check.h"
#include "v_alloc.h"
#include "values.h"

static VAllocError an_error(int operation, int cause) {
    VAllocError error;
    error.operation = operation;
    error.cause = cause;
    error.os_code = cause == V_ALLOC_REFUSED ? 12 : 0;
    error.bytes = 67108864;
    return error;
}

static void every_error_has_a_text(void) {
    static char texts[V_ALLOC_IN_USE + 1][160];
    int operation, cause, other;
    for (operation = V_ALLOC_RESERVE; operation <= V_ALLOC_FREE; ++operation) {
        for (cause = V_ALLOC_REFUSED; cause <= V_ALLOC_IN_USE; ++cause) {
            char text[1000];
            CHECK(v_alloc_error_text(an_error(operation, cause), text, sizeof text) == text);
            CHECK(strlen(text) > 10 && strlen(text) < 160);
            CHECK(v_alloc_error_text(an_error(operation, cause), texts[cause], 160) == texts[cause]);
            CHECK(strcmp(text, texts[cause]) == 0);
            for (other = V_ALLOC_REFUSED; other < cause; ++other) {
                CHECK(strcmp(texts[other], texts[cause]) != 0);
            }
        }
    }
}

static void the_text_has_the_figures(void) {
    char text[160];
    (void)v_alloc_error_text(an_error(V_ALLOC_COMMIT, V_ALLOC_REFUSED), text, sizeof text);
    CHECK(strstr(text, "67108864") != NULL && strstr(text, "12") != NULL);
    (void)v_alloc_error_text(an_error(V_ALLOC_COMMIT, V_ALLOC_FULL), text, sizeof text);
    CHECK(strstr(text, "67108864") != NULL);
}

static void the_largest_text_fits(void) {
    VAllocError error = an_error(0, 0);
    error.os_code = -2147483647 - 1;
    error.bytes = SIZE_MAX;
    for (error.operation = -1; error.operation <= V_ALLOC_FREE + 1; ++error.operation) {
        for (error.cause = -1; error.cause <= V_ALLOC_IN_USE + 1; ++error.cause) {
            char text[400];
            memset(text, 1, sizeof text);
            CHECK(v_alloc_error_text(error, text, sizeof text) == text);
            CHECK(strlen(text) < 160);
        }
    }
}

static void the_text_is_cut(void) {
    const VAllocError error = an_error(V_ALLOC_COMMIT, V_ALLOC_REFUSED);
    char whole[160], part[160];
    size_t size;
    (void)v_alloc_error_text(error, whole, sizeof whole);
    for (size = 0; size < sizeof part; ++size) {
        const size_t length = strlen(whole) + 1 < size ? strlen(whole) + 1 : size;
        memset(part, 1, sizeof part);
        CHECK(v_alloc_error_text(error, part, size) == part);
        CHECK(holds(part + size, 1, sizeof part - size));
        if (length != 0) {
            CHECK(part[length - 1] == '\0' && memcmp(part, whole, length - 1) == 0);
        }
    }
}

static void no_error_has_a_text_too(void) {
    const VAllocError none = EMPTY;
    char text[160];
    CHECK(v_alloc_error_text(none, text, sizeof text) == text);
    CHECK(strlen(text) < sizeof text);
}

static void the_errors_of_calls_have_texts(void) {
    AllocInfo info = EMPTY;
    char text[160];
    CHECK(!v_alloc_reserve(&info, SIZE_MAX));
    CHECK(strlen(v_alloc_error_text(v_alloc_error(&info), text, sizeof text)) > 10);
    CHECK(v_alloc_realloc(&info, 100) == NULL);
    CHECK(strlen(v_alloc_error_text(v_alloc_realloc_error(), text, sizeof text)) > 10);
}

static void the_figures_of_the_process_follow(void) {
    AllocInfo first = EMPTY, info = EMPTY;
    size_t before, reserved, both, freed;
    CHECK_SAME(v_alloc_process_reserved(), 0);
    CHECK_SAME(v_alloc_process_committed(), 0);
    /* The first brings along what the library needs to know which addresses are taken. */
    CHECK(v_alloc_push(&first, 1) != NULL);
    reserved = v_alloc_process_reserved();
    before = v_alloc_process_committed();
    CHECK(before >= committed(&first) && before <= committed(&first) + 1024 * 1024);
    CHECK(reserved >= first.reserved_size);
    CHECK(v_alloc_push(&info, 1000000) != NULL);
    both = v_alloc_process_committed();
    freed = committed(&info);
    /* Where addresses are few, as under valgrind, it is of another kind, which brings its own along. */
    CHECK(both >= before + freed && both <= before + freed + 1024 * 1024);
    CHECK(v_alloc_process_reserved() >= first.reserved_size + info.reserved_size);
    CHECK(v_alloc_free(&info));
    CHECK_SAME(v_alloc_process_committed(), both - freed);
    CHECK(v_alloc_free(&first));
}

int main(void) {
    the_figures_of_the_process_follow();
    every_error_has_a_text();
    the_text_has_the_figures();
    the_largest_text_fits();
    the_text_is_cut();
    no_error_has_a_text_too();
    the_errors_of_calls_have_texts();
    return failed_checks == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
