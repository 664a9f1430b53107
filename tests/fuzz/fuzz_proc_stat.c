/* Fuzzes the parsers of stat and cgroup of a process in collectors/proc_pid: they stay within the
 * text, a number they give is the one that stands there, and a path they give leads nowhere else.
 */
#include "collectors/proc_net.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_stat(const uint8_t *data, size_t size)
{
    struct proc_stat stat = {.parent = 1, .start_ticks = 2};
    char *text = malloc(size + (size == 0)); /* without a NUL: a read past it is seen */
    memcpy(text, data, size);
    int r = proc_stat_parse(text, size, &stat);
    assert(r == 0 || r == -EBADMSG);
    assert(r == 0 || (stat.parent == 1 && stat.start_ticks == 2));
    if (r == 0) {
        char number[32];
        int length = snprintf(number, sizeof number, "%" PRIu64, stat.start_ticks);
        assert(memmem(text, size, number, (size_t)length));
        length = snprintf(number, sizeof number, "%" PRIu32, stat.parent);
        assert(memmem(text, size, number, (size_t)length));
    }
    free(text);
}

/* Whatever a process is called, the numbers behind its name are found. */
static void check_name(const uint8_t *name, size_t size)
{
    static const char after[] = ") S 17 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9876543 0 0\n";
    struct proc_stat stat = {0};
    char *text = malloc(3 + size + sizeof after);
    memcpy(text, "7 (", 3);
    memcpy(text + 3, name, size);
    memcpy(text + 3 + size, after, sizeof after - 1);
    assert(proc_stat_parse(text, 3 + size + sizeof after - 1, &stat) == 0);
    assert(stat.parent == 17 && stat.start_ticks == 9876543);
    free(text);
}

static void check_group(const char *text, const char *controller)
{
    struct arena arena = {0};
    const char *path = proc_group_parse(text, controller, &arena);
    if (path) {
        size_t length = strlen(path);
        assert(path[0] == '/' && !strchr(path, '\n'));
        assert(!strstr(path, "/../") && (length < 3 || strcmp(path + length - 3, "/..") != 0));
        assert(strstr(text, path));
    }
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_stat(data, size);
    check_name(data, size);
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    check_group(text, NULL);
    check_group(text, "memory");
    check_group(text, "cpu");
    check_group(text, "name=systemd");
    free(text);
    return 0;
}
