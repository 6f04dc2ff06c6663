/* Runs a Lua script: `lua_host v_alloc SCRIPT` with all of Lua's memory from v_alloc_realloc, `lua_host malloc SCRIPT`
 * with it from realloc. */
#include "client.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

typedef struct Memory {
    void *(*reallocate)(void *data, size_t size);
    size_t blocks;
    size_t most_blocks;
    size_t bytes;
} Memory;

/* Lua's shape of an allocator. `old_size` is a kind of object if there is no block yet. */
static void *allocate(void *user_data, void *block, size_t old_size, size_t size) {
    Memory *memory = (Memory *)user_data;
    void *resized = memory->reallocate(block, size);
    if (resized == NULL && size != 0) {
        return NULL;
    }
    memory->bytes += size - (block != NULL ? old_size : 0);
    memory->blocks += (size_t)(resized != NULL) - (size_t)(block != NULL);
    if (memory->blocks > memory->most_blocks) {
        memory->most_blocks = memory->blocks;
    }
    return resized;
}

int main(int argument_count, char **arguments) {
    const bool v_alloc = client_uses_v_alloc(argument_count, arguments);
    Memory memory = {.reallocate = v_alloc ? v_alloc_realloc : malloc_realloc};
    REQUIRE(argument_count == 3);

    /* The third argument seeds the hashes of strings: the same program does the same thing. */
    lua_State *lua = lua_newstate(allocate, &memory, 1);
    REQUIRE(lua != NULL);
    luaL_openlibs(lua);
    if (luaL_dofile(lua, arguments[2]) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(lua, -1));
        return EXIT_FAILURE;
    }
    lua_close(lua);

    REQUIRE(memory.blocks == 0 && memory.bytes == 0);
    client_report("Lua", v_alloc, memory.most_blocks);
    return EXIT_SUCCESS;
}
