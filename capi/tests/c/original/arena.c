/* A program as for the original: strings and numbers in an arena. */
#include <stdio.h>

#include "v_alloc.h"

int main(void) {
    // Initialize virtual memory allocator
    AllocInfo alloc_info = {0};
    size_t reserve_size = 1024 * 1024; // 1MB
    if (!v_alloc_reserve(&alloc_info, reserve_size)) {
        return 1;
    }

    // A string using the bump allocator
    size_t str_len = 32;
    char *str = v_alloc_committ(&alloc_info, str_len + 1);
    if (!str) {
        return 2;
    }
    snprintf(str, str_len + 1, "Hello, V_Alloc!");
    printf("%s\n", str);

    // Reset allocator (memory can be reused)
    v_alloc_reset(&alloc_info);

    // Another object
    int *arr = v_alloc_committ(&alloc_info, 10 * sizeof(int));
    if (!arr) {
        return 3;
    }
    arr[0] = 33;
    printf("First value: %d\n", arr[0]);

    // Free virtual memory
    if (!v_alloc_free(&alloc_info)) {
        return 4;
    }
    return 0;
}
