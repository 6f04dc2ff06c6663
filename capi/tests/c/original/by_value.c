/* A program as for the original: an arena that is handed around by value and written back. */
#include <stdio.h>
#include <string.h>

#include "v_alloc.h"

typedef struct Document {
    AllocInfo arena;
    char *words[1000];
    int count;
} Document;

static char *push_word(AllocInfo *arena, const char *word) {
    char *copy = v_alloc_committ(arena, strlen(word) + 1);
    return copy ? strcpy(copy, word) : NULL;
}

static AllocInfo with_pages(AllocInfo arena, int pages) {
    while (pages-- > 0) {
        memset(v_alloc_committ(&arena, 4096), 0x7f, 4096);
    }
    return arena;
}

static Document read_document(void) {
    Document document = {0};
    AllocInfo arena = document.arena;
    for (int index = 0; index < 1000; ++index) {
        char word[32];
        snprintf(word, sizeof word, "word %d", index);
        document.words[document.count++] = push_word(&arena, word);
        arena = with_pages(arena, index % 3);
    }
    document.arena = arena;
    return document;
}

int main(void) {
    Document document = read_document();
    for (int index = 0; index < document.count; ++index) {
        char word[32];
        snprintf(word, sizeof word, "word %d", index);
        if (strcmp(document.words[index], word) != 0) {
            return 1;
        }
    }
    Document moved = document;
    printf("%s\n", push_word(&moved.arena, moved.words[999]));
    if (!v_alloc_free(&moved.arena)) {
        return 2;
    }
    return 0;
}
