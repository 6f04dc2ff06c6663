/* A small program that finds the library where it was installed. */
#include <stdio.h>

#include <v_alloc.h>

int main(void) {
    AllocInfo info = {0};
    const char *const text = v_alloc_printf(&info, "an arena of %zu MiB", (size_t)MAX_ARENA_CAPACITY >> 20);
    char *const block = v_alloc_realloc(NULL, 64);
    printf("%s, a block of %zu bytes\n", text, v_alloc_realloc_size(block));
    v_alloc_realloc(block, 0);
    return v_alloc_free(&info) ? 0 : 1;
}
