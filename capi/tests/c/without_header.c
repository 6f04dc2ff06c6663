/* What programs in other languages do, which cannot include the header: they call the functions by name, also those
 * that the header defines inline. */
#include <stddef.h>

extern void *v_alloc_committ(void *alloc_info, size_t additional_bytes);
extern void *v_alloc_push(void *alloc_info, size_t size);
extern void *v_alloc_resize(void *alloc_info, size_t size_in_bytes);
extern _Bool v_alloc_free(void *alloc_info);

int main(void) {
    size_t info[16] = {0}; /* larger than an AllocInfo */
    char *const first = v_alloc_committ(info, 1);
    char *const second = v_alloc_push(info, 100);
    if (first == NULL || second != first + 16) {
        return 1;
    }
    second[99] = 1;
    if (v_alloc_resize(info, 1000) != first || v_alloc_push(info, 0) != NULL) {
        return 2;
    }
    return v_alloc_free(info) ? 0 : 3;
}
