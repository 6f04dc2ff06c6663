/* A program as for the original: a realloc of its own, with the AllocInfo in front of the data. */
#include <stdio.h>
#include <string.h>

#include "v_alloc.h"

typedef struct AllocHdr {
    AllocInfo alloc_info;
    _Alignas(V_ALLOC_ALIGNMENT) char data[];
} AllocHdr;

static void *own_realloc(void *data, size_t total_size) {
    AllocInfo info = {0};
    if (data != NULL) {
        info = ((AllocHdr *)((char *)data - offsetof(AllocHdr, data)))->alloc_info;
    }
    if (total_size == 0) {
        v_alloc_free(&info);
        return NULL;
    }
    AllocHdr *header = v_alloc_resize(&info, offsetof(AllocHdr, data) + total_size);
    if (header == NULL) {
        return NULL;
    }
    header->alloc_info = info;
    return header->data;
}

int main(void) {
    char *text = own_realloc(NULL, 16);
    strcpy(text, "in place");
    for (size_t size = 32; size <= 16u << 20; size *= 2) {
        if (own_realloc(text, size) != text) {
            return 1;
        }
        memset(text + size / 2, 1, size / 2);
    }
    if (own_realloc(text, 100) != text) {
        return 2;
    }
    printf("%s\n", text);
    if (own_realloc(text, 0) != NULL) {
        return 3;
    }
    return 0;
}
