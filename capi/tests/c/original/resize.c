/* A program as for the original: one block that grows, and goes when its size is zero. */
#include <stdio.h>
#include <string.h>

#include "v_alloc.h"

int main(void) {
    AllocInfo alloc_info = {0};
    if (!v_alloc_resize(&alloc_info, 1024)) {
        return 1;
    }
    char *text = alloc_info.base;
    strcpy(text, "stays");
    if (v_alloc_resize(&alloc_info, 1024 * 1024) != text) {
        return 2;
    }
    printf("%s, %zu of %d\n", text, (size_t)(alloc_info.ptr - alloc_info.base), 1024 * 1024);
    v_alloc_resize(&alloc_info, 0);
    return 0;
}
