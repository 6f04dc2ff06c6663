/* Counts the words of a text and prints the ten most frequent.
 *
 *     cc word_count.c string_map.c -o word_count $(pkg-config --cflags --libs v_alloc)
 *     ./word_count a_book.txt
 *
 * What to look at: `words` collects a pointer to the entry of each new word while the map is still growing, and
 * sorts these pointers in the end. That is an error with realloc, which moves the entries. v_alloc_realloc does not.
 */
#include "string_map.h"
#include "v_alloc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { PRINTED_WORDS = 10 };

/* Bytes above ASCII belong to letters, as the text is UTF-8. */
static bool is_letter(int byte) {
    return byte >= 0x80 || isalpha(byte) || byte == '\'';
}

static bool read_word(FILE *text, char **word) {
    int byte = getc(text);
    while (byte != EOF && !is_letter(byte)) {
        byte = getc(text);
    }
    array_count(*word) = 0;
    for (; byte != EOF && is_letter(byte); byte = getc(text)) {
        if (!array_push(*word, (char)tolower(byte))) {
            return false;
        }
    }
    return array_count(*word) > 0;
}

static int by_falling_count(const void *left, const void *right) {
    const StringMapEntry *a = *(StringMapEntry *const *)left;
    const StringMapEntry *b = *(StringMapEntry *const *)right;
    if (a->value != b->value) {
        return a->value < b->value ? 1 : -1;
    }
    return a->key < b->key ? -1 : 1; /* the one that came first */
}

static int no_memory(void) {
    char reason[160];
    fprintf(stderr, "%s\n", v_alloc_error_text(v_alloc_realloc_error(), reason, sizeof reason));
    return EXIT_FAILURE;
}

int main(int argument_count, char **arguments) {
    FILE *text = argument_count > 1 ? fopen(arguments[1], "r") : stdin;
    if (text == NULL) {
        perror(arguments[1]);
        return EXIT_FAILURE;
    }

    StringMap counts;
    StringMapEntry **words;
    char *word;
    if (!string_map_init(&counts, v_alloc_realloc) || !array_init(words, v_alloc_realloc) ||
        !array_init(word, v_alloc_realloc)) {
        return no_memory();
    }

    while (read_word(text, &word)) {
        const size_t index = string_map_insert(&counts, word, array_count(word), 0);
        if (index == STRING_MAP_NONE) {
            return no_memory();
        }
        StringMapEntry *entry = &counts.entries[index];
        if (++entry->value == 1 && !array_push(words, entry)) {
            return no_memory();
        }
    }
    if (!feof(text)) {
        return no_memory();
    }
    (void)fclose(text);

    qsort(words, array_count(words), sizeof *words, by_falling_count);
    for (size_t i = 0; i < array_count(words) && i < PRINTED_WORDS; ++i) {
        printf("%8zu %s\n", words[i]->value, counts.text + words[i]->key);
    }

    array_free(word);
    array_free(words);
    string_map_free(&counts);
    return EXIT_SUCCESS;
}
