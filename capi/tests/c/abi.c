/* Prints sizes, alignments and offsets of what the header shares with the library. */
#include "v_alloc.h"
#include <stddef.h>
#include <stdio.h>

#define TYPE(type) printf("%s %zu %zu\n", #type, sizeof(type), V_ALLOC_ALIGNOF(type))
#define FIELD(type, field) printf("%s.%s %zu %zu\n", #type, #field, offsetof(type, field), sizeof(((type *)0)->field))

int main(void) {
    TYPE(VAllocError);
    FIELD(VAllocError, operation);
    FIELD(VAllocError, cause);
    FIELD(VAllocError, os_code);
    FIELD(VAllocError, bytes);
    TYPE(AllocInfo);
    FIELD(AllocInfo, base);
    FIELD(AllocInfo, ptr);
    FIELD(AllocInfo, end);
    FIELD(AllocInfo, reserved_size);
    FIELD(AllocInfo, page_size);
    FIELD(AllocInfo, generation);
    FIELD(AllocInfo, flags);
    FIELD(AllocInfo, error);
    TYPE(VAllocOptions);
    FIELD(VAllocOptions, reservation);
    FIELD(VAllocOptions, flags);
    FIELD(VAllocOptions, name);
    return 0;
}
