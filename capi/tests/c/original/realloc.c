/* A program as for the original: blocks like realloc's, also through a pointer to the function. */
#include <stdio.h>
#include <string.h>

#include "v_alloc.h"

/* How the containers of that time took their allocator. */
typedef struct Numbers {
    void *(*allocate)(void *data, size_t size);
    size_t count, capacity;
    int *values;
} Numbers;

static void append(Numbers *numbers, int value) {
    if (numbers->count == numbers->capacity) {
        numbers->capacity = numbers->capacity ? numbers->capacity * 2 : 4;
        numbers->values = numbers->allocate(numbers->values, numbers->capacity * sizeof *numbers->values);
    }
    numbers->values[numbers->count++] = value;
}

int main(void) {
    char *str = v_alloc_realloc(NULL, 64);
    snprintf(str, 64, "Hello, v_alloc!");

    char *same = str;
    str = v_alloc_realloc(str, 128); // Grows allocation without moving it
    printf("%s %d\n", str, str == same);
    v_alloc_realloc(str, 0); // Frees allocation

    Numbers numbers = {v_alloc_realloc, 0, 0, NULL};
    append(&numbers, 7);
    int *first = &numbers.values[0];
    for (int index = 0; index < 100000; ++index) {
        append(&numbers, index);
    }
    printf("%d %d\n", *first, first == numbers.values);
    numbers.allocate(numbers.values, 0);
    return 0;
}
