/* What Linux says about this process. Strict C, so that every standard compiles it. */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Bytes of memory that are present. */
static inline size_t resident_bytes(size_t page_size) {
    unsigned long total = 0, resident = 0;
    FILE *const file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &total, &resident) != 2) {
        perror("/proc/self/statm");
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return (size_t)resident * page_size;
}

/* A figure of /proc/self/status, such as "VmData:", in bytes. */
static inline size_t status_bytes(const char *figure) {
    char line[256];
    unsigned long kibibytes = 0;
    FILE *const file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, figure, strlen(figure)) == 0) {
            (void)sscanf(line + strlen(figure), "%lu", &kibibytes);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return (size_t)kibibytes * 1024;
}

/* What /proc/self/smaps says about the mapping that an address lies in: its first line and its VmFlags. */
typedef struct Mapping {
    char header[512];
    char flags[256];
} Mapping;

static inline Mapping mapping_of(const void *address) {
    Mapping mapping;
    char line[512];
    bool inside = false;
    FILE *const file = fopen("/proc/self/smaps", "r");
    memset(&mapping, 0, sizeof mapping);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
            inside = start <= (unsigned long)address && (unsigned long)address < end;
            if (inside) {
                memcpy(mapping.header, line, sizeof line);
            }
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            memcpy(mapping.flags, line, sizeof mapping.flags - 1);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return mapping;
}

/* Where the first mapping of a file lies whose name contains `name`; NULL if there is none. */
static inline const unsigned char *mapped_file(const char *name) {
    char line[512];
    unsigned long start = 0;
    bool found = false;
    FILE *const file = fopen("/proc/self/maps", "r");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        found = strstr(line, name) != NULL && sscanf(line, "%lx-", &start) == 1;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return found ? (const unsigned char *)start : NULL;
}

#endif
