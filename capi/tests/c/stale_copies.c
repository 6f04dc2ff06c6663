/* With V_ALLOC_CHECKED, a copy of an AllocInfo that outlived its memory is refused by every push, at once. */
#define V_ALLOC_CHECKED
#include "v_alloc.h"

#include <string.h>

#include "check.h"

int main(void) {
    AllocInfo info = {0}, other = {0}, copy;
    char *block;
    CHECK(v_alloc_push(&info, 100) != NULL);
    copy = info;
    CHECK(v_alloc_push(&copy, 100) != NULL);
    CHECK(v_alloc_free(&copy));

    /* The window of the copy has room, and its memory may be another arena's by now. */
    block = (char *)v_alloc_push(&other, 1000);
    CHECK(block != NULL);
    memset(block, 7, 1000);
    CHECK(info.end > info.ptr);
    CHECK(v_alloc_push(&info, 16) == NULL);
    CHECK_SAME(v_alloc_error(&info).cause, V_ALLOC_NOT_A_BLOCK);
    CHECK(v_alloc_committ(&info, 16) == NULL);
    CHECK(V_ALLOC_PUSH(&info, int) == NULL);
    CHECK(v_alloc_push_zeroed(&info, 16) == NULL);
    CHECK(v_alloc_printf(&info, "%d", 1) == NULL);
    CHECK(block[0] == 7 && block[999] == 7);
    CHECK(v_alloc_free(&other));
    return failed_checks != 0;
}
