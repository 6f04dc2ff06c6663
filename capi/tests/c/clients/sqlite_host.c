/* A database of 100,000 rows in SQLite: `sqlite_host v_alloc FILE` with all of SQLite's memory from v_alloc_realloc,
 * `sqlite_host malloc FILE` with it from malloc. Works on a database in the file and then on one in memory. */
#include "client.h"

#include <sqlite3.h>

static void *make_block(int size) {
    return v_alloc_realloc(NULL, (size_t)size);
}

static void *resize_block(void *block, int size) {
    return v_alloc_realloc(block, (size_t)size);
}

static void free_block(void *block) {
    (void)v_alloc_realloc(block, 0);
}

static int size_of_block(void *block) {
    return (int)v_alloc_realloc_size(block);
}

static int rounded_size(int size) {
    return (size + 7) & ~7;
}

static int start_memory(void *user_data) {
    (void)user_data;
    return SQLITE_OK;
}

static void end_memory(void *user_data) {
    (void)user_data;
}

static sqlite3_mem_methods methods = {
    .xMalloc = make_block,
    .xFree = free_block,
    .xRealloc = resize_block,
    .xSize = size_of_block,
    .xRoundup = rounded_size,
    .xInit = start_memory,
    .xShutdown = end_memory,
};

static const char *const STATEMENTS[] = {
    /* Room for all pages: the cache is thousands of blocks. */
    "PRAGMA cache_size = -262144",
    "CREATE TABLE visits(id INTEGER PRIMARY KEY, town TEXT, visitors INTEGER, note TEXT)",
    "CREATE INDEX visits_by_town ON visits(town, visitors)",
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)"
    " INSERT INTO visits SELECT n, 'town ' || (n * 7919 % 1000), n * 31 % 977, hex(zeroblob(n % 50)) FROM numbers",
    "SELECT count(*), count(DISTINCT town), sum(visitors), sum(length(note)) FROM visits",
    "PRAGMA integrity_check",
    "UPDATE visits SET visitors = visitors + 1, note = note || ' again' WHERE id % 4 = 0",
    "DELETE FROM visits WHERE id % 3 = 0",
    "SELECT count(*), sum(visitors), sum(length(note)) FROM visits",
    "INSERT INTO visits SELECT id + 1000000, 'new ' || town, visitors, note FROM visits WHERE id % 2 = 0",
    "SELECT town, visitors, id FROM visits WHERE town BETWEEN 'town 50' AND 'town 51' ORDER BY town, visitors DESC, id"
    " LIMIT 5",
    "SELECT town, sum(visitors) AS all_visitors FROM visits GROUP BY town ORDER BY all_visitors DESC, town LIMIT 5",
    /* A sort of all rows in memory, and a string that grows to megabytes. */
    "SELECT length(group_concat(note, '')) FROM (SELECT note FROM visits ORDER BY note, id)",
    "SELECT count(*) FROM visits a JOIN visits b ON b.town = 'new ' || a.town AND b.visitors = a.visitors",
    "SAVEPOINT before",
    "DELETE FROM visits",
    "ROLLBACK TO before",
    "RELEASE before",
    "VACUUM",
    "PRAGMA integrity_check",
    "SELECT count(*), sum(visitors), sum(length(note)) FROM visits",
};

static int print_row(void *user_data, int column_count, char **values, char **names) {
    (void)user_data;
    (void)names;
    for (int i = 0; i < column_count; ++i) {
        printf("%s%s", i == 0 ? "" : " | ", values[i]);
    }
    putchar('\n');
    return 0;
}

static void work_on(const char *file) {
    sqlite3 *database;
    REQUIRE(sqlite3_open(file, &database) == SQLITE_OK);
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; ++i) {
        if (sqlite3_exec(database, STATEMENTS[i], print_row, NULL, NULL) != SQLITE_OK) {
            fprintf(stderr, "%s: %s\n", STATEMENTS[i], sqlite3_errmsg(database));
            exit(EXIT_FAILURE);
        }
    }
    REQUIRE(sqlite3_close(database) == SQLITE_OK);
}

int main(int argument_count, char **arguments) {
    const bool v_alloc = client_uses_v_alloc(argument_count, arguments);
    int blocks, most_blocks;
    REQUIRE(argument_count == 3);
    if (v_alloc) {
        REQUIRE(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK);
    }

    (void)remove(arguments[2]);
    work_on(arguments[2]);
    (void)remove(arguments[2]);
    work_on(":memory:");

    REQUIRE(sqlite3_status(SQLITE_STATUS_MALLOC_COUNT, &blocks, &most_blocks, 0) == SQLITE_OK);
    /* SQLite adds and subtracts what the allocator says a block's size is. */
    REQUIRE(blocks == 0 && sqlite3_memory_used() == 0);
    REQUIRE(sqlite3_shutdown() == SQLITE_OK);
    client_report("SQLite", v_alloc, (size_t)most_blocks);
    return EXIT_SUCCESS;
}
