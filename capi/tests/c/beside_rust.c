/* A program with two static libraries in Rust: this one, and one that uses the standard library. */
#include <stdio.h>

#include "v_alloc.h"

size_t other_library_sums(size_t count); /* 0 + 1 + ... in a Vec, and a panic that it catches */

int main(void) {
    AllocInfo info = {0};
    const char *const text = v_alloc_printf(&info, "%zu", other_library_sums(100));
    char *const block = v_alloc_realloc(NULL, 10);
    printf("%s\n", text);
    return block != NULL && v_alloc_realloc(block, 0) == NULL && v_alloc_free(&info) ? 0 : 1;
}
