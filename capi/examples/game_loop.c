/* A game loop with two arenas: the world lasts as long as the game, and what a frame makes is gone with the frame.
 *
 *     cc game_loop.c -o game_loop $(pkg-config --cflags --libs v_alloc)
 *     ./game_loop [FRAMES]
 *
 * Rocks drift, and bounce off those that they meet. Each frame makes lists, texts and a picture, as many as it likes,
 * and frees none of them: `v_alloc_reset` takes all of it back in a few instructions. What to look at: the last column
 * stays the same. Fails if it does not.
 */
#include "v_alloc.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    WIDTH = 72, HEIGHT = 16, /* of the field, in cells */
    CELL = 256, /* steps across a cell */
    ROCKS = 400,
    FRAME_BUDGET = 128 * 1024,
    REPORTS = 8, SHOWN_HITS = 3
};

typedef struct Rock {
    const char *name; /* in the world, for whoever debugs it */
    int x, y;         /* in steps */
    int speed_x, speed_y;
} Rock;

typedef struct World {
    Rock *rocks;
    unsigned random;
} World;

/* These are in the frame, and linked, because nobody knows how many there will be. */
typedef struct Visitor {
    Rock *rock;
    struct Visitor *next;
} Visitor;

typedef struct Hit {
    const char *text;
    struct Hit *next;
} Hit;

typedef struct Frame {
    Visitor **cells; /* who is in each cell */
    Hit *hits;
    size_t hit_count;
} Frame;

static int no_memory(const char *what, const AllocInfo *arena) {
    char reason[160];
    (void)fprintf(stderr, "%s: %s\n", what, v_alloc_error_text(v_alloc_error(arena), reason, sizeof reason));
    return EXIT_FAILURE;
}

static double microseconds(void) {
    struct timespec now;
    (void)timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The same numbers in each game. */
static int random_below(World *world, int limit) {
    world->random = world->random * 1664525u + 1013904223u;
    return (int)(world->random >> 16) % limit;
}

static bool make_world(AllocInfo *arena, World *world) {
    world->rocks = V_ALLOC_PUSH_ARRAY(arena, Rock, ROCKS);
    for (int i = 0; world->rocks != NULL && i < ROCKS; ++i) {
        Rock *rock = &world->rocks[i];
        rock->name = v_alloc_printf(arena, "rock %d", i + 1);
        if (rock->name == NULL) {
            return false;
        }
        rock->x = random_below(world, WIDTH * CELL);
        rock->y = random_below(world, HEIGHT * CELL);
        rock->speed_x = random_below(world, CELL / 2) - CELL / 4;
        rock->speed_y = random_below(world, CELL / 4) - CELL / 8;
    }
    return world->rocks != NULL;
}

/* They swap what they have of speed. */
static bool bounce(AllocInfo *arena, Frame *frame, Rock *rock, Rock *other, int cell) {
    const Rock before = *rock;
    rock->speed_x = other->speed_x;
    rock->speed_y = other->speed_y;
    other->speed_x = before.speed_x;
    other->speed_y = before.speed_y;

    Hit *hit = V_ALLOC_PUSH(arena, Hit);
    if (hit == NULL) {
        return false;
    }
    hit->text = v_alloc_printf(arena, "%s met %s at %d, %d", rock->name, other->name, cell % WIDTH, cell / WIDTH);
    hit->next = frame->hits;
    frame->hits = hit;
    ++frame->hit_count;
    return hit->text != NULL;
}

/* Moves all rocks; false if there is no memory. */
static bool play(AllocInfo *arena, World *world, Frame *frame) {
    *frame = (Frame){.cells = (Visitor **)v_alloc_push_zeroed(arena, WIDTH * HEIGHT * sizeof(Visitor *))};
    for (int i = 0; frame->cells != NULL && i < ROCKS; ++i) {
        Rock *rock = &world->rocks[i];
        /* What leaves the field comes back on the other side. */
        rock->x = (rock->x + rock->speed_x + WIDTH * CELL) % (WIDTH * CELL);
        rock->y = (rock->y + rock->speed_y + HEIGHT * CELL) % (HEIGHT * CELL);
        const int cell = rock->y / CELL * WIDTH + rock->x / CELL;
        Visitor *visitor = V_ALLOC_PUSH(arena, Visitor);
        if (visitor == NULL) {
            return false;
        }
        *visitor = (Visitor){.rock = rock, .next = frame->cells[cell]};
        if (visitor->next != NULL && !bounce(arena, frame, rock, visitor->next->rock, cell)) {
            return false;
        }
        frame->cells[cell] = visitor;
    }
    return frame->cells != NULL;
}

/* The field as text in the frame's arena, or NULL. */
static const char *picture(AllocInfo *arena, const Frame *frame) {
    static const char crowds[] = " .o0@";
    char *const text = (char *)v_alloc_push(arena, (WIDTH + 1) * HEIGHT + 1);
    char *letter = text;
    for (int cell = 0; text != NULL && cell < WIDTH * HEIGHT; ++cell) {
        size_t crowd = 0;
        for (const Visitor *visitor = frame->cells[cell]; visitor != NULL; visitor = visitor->next) {
            crowd += crowd < sizeof crowds - 2;
        }
        *letter++ = crowds[crowd];
        if (cell % WIDTH == WIDTH - 1) {
            *letter++ = '\n';
        }
    }
    return text != NULL ? (*letter = '\0', text) : NULL;
}

int main(int argument_count, char **arguments) {
    char *end = NULL;
    const long frames = argument_count == 2 ? strtol(arguments[1], &end, 10) : 2000;
    if (argument_count > 2 || (end != NULL && *end != '\0') || frames < REPORTS || frames > 1000000) {
        (void)fprintf(stderr, "usage: %s [FRAMES], a number from %d to 1000000\n", arguments[0], REPORTS);
        return EXIT_FAILURE;
    }

    /* On Linux the names are seen in /proc/PID/maps. What a frame needs is committed before the first one. */
    AllocInfo world_arena = {0}, frame_arena = {0};
    World world = {.random = 1};
    if (!v_alloc_reserve_with(&world_arena, &(VAllocOptions){.name = "game: world"}) ||
        !make_world(&world_arena, &world)) {
        return no_memory("the world", &world_arena);
    }
    if (!v_alloc_reserve_with(&frame_arena, &(VAllocOptions){.name = "game: frame", .flags = V_ALLOC_LATENCY}) ||
        v_alloc_push(&frame_arena, FRAME_BUDGET) == NULL) {
        return no_memory("the frames", &frame_arena);
    }

    const size_t committed = v_alloc_process_committed();
    double mean = 0, longest = 0;
    size_t hits = 0;
    printf("   frames      hits   mean us   longest   in use by a frame   committed by all\n");
    for (long number = 1; number <= frames; ++number) {
        const double start = microseconds();
        Frame frame;
        v_alloc_reset(&frame_arena); /* of the frame before */
        const char *text = NULL;
        if (!play(&frame_arena, &world, &frame) || (text = picture(&frame_arena, &frame)) == NULL) {
            return no_memory("a frame", &frame_arena);
        }
        const double time = microseconds() - start;
        hits += frame.hit_count;
        mean += time / (double)(frames / REPORTS);
        longest = time > longest ? time : longest;
        if (number % (frames / REPORTS) == 0) {
            printf("%9ld %9zu %9.1f %9.1f %15zu KiB %14zu KiB\n", number, hits, mean, longest,
                   (size_t)(frame_arena.ptr - frame_arena.base) / 1024, v_alloc_process_committed() / 1024);
            mean = longest = 0;
        }
        if (number == frames) {
            printf("\n%s\n", text);
            int shown = 0;
            for (const Hit *hit = frame.hits; hit != NULL && shown < SHOWN_HITS; hit = hit->next, ++shown) {
                printf("%s\n", hit->text);
            }
        }
    }
    const bool flat = v_alloc_process_committed() == committed;
    printf("\n%s\n", flat ? "No frame needed more memory." : "Memory grew: FRAME_BUDGET is too small.");
    (void)v_alloc_free(&frame_arena);
    (void)v_alloc_free(&world_arena);
    return flat ? EXIT_SUCCESS : EXIT_FAILURE;
}
