/* Fuzzes the parsers of net/tcp, udp, snmp and netstat in collectors/proc_sockets and
 * proc_counters, and of limits and schedstat in proc_tasks: they stay within the text, a table says
 * the same however it is cut, and no two counters have one name. */
#include "collectors/proc_sockets.h"
#include "collectors/proc_tasks.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A copy in a block of its own: a read past it is seen. */
static int take(struct proc_sockets *table, const uint8_t *data, size_t size, size_t *ret_used)
{
    char *text = malloc(size + (size == 0));
    memcpy(text, data, size);
    int r = proc_sockets_take(table, text, size, ret_used);
    assert(r == 0 || r == -EBADMSG);
    assert(r < 0 || *ret_used <= size);
    assert(r < 0 || *ret_used == 0 || text[*ret_used - 1] == '\n');
    free(text);
    return r;
}

static void check_values(const struct proc_sockets *table)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < PROC_SOCKET_VALUES; i++)
        sum += table->values[i];
    assert(table->kind == PROC_TCP ? sum == table->count : table->values[0] == table->count);
}

static void check_table(const uint8_t *data, size_t size, enum proc_socket_kind kind)
{
    struct proc_sockets whole = {.kind = kind};
    struct proc_sockets cut = {.kind = kind};
    size_t used = 0;
    size_t first = 0;
    size_t second = 0;
    int r = take(&whole, data, size, &used);
    if (r == 0)
        check_values(&whole);
    int pieces = take(&cut, data, size / 2, &first);
    if (pieces == 0)
        pieces = take(&cut, data + first, size - first, &second);
    assert(pieces == r);
    if (r == 0)
        assert(first + second == used && memcmp(&whole, &cut, sizeof whole) == 0);
}

static void check_names(const struct proc_counters *counters)
{
    for (size_t i = 0; i < counters->count; i++) {
        const char *name = counters->items[i].name;
        assert(name[0] != '\0');
        assert(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(name));
        for (size_t k = 0; k < i && i < 64; k++)
            assert(strcmp(counters->items[k].name, name) != 0);
    }
}

static void check_counters(const char *text, size_t size)
{
    struct arena arena = {0};
    struct proc_counters counters = {0};
    int r = proc_counters_parse(text, size, "Tcp", &arena, &counters);
    assert(r == 0 || r == -EBADMSG || r == -ENODATA || r == -E2BIG);
    assert(r == 0 || counters.count == 0);
    size_t before = counters.count;
    r = proc_counters_parse(text, size, "TcpExt", &arena, &counters);
    assert(r == 0 ? counters.count >= before : counters.count == before);
    check_names(&counters);
    arena_done(&arena);
}

static void check_limit(const char *text, size_t size)
{
    int64_t soft = -7;
    char number[32];
    int r = proc_limit_parse(text, size, &soft);
    assert(r == 0 || r == -EBADMSG || r == -ERANGE);
    assert(r == 0 ? soft >= -1 : soft == -7);
    (void)snprintf(number, sizeof number, "%" PRId64, soft);
    if (r == 0)
        assert(memmem(text, size, soft < 0 ? "unlimited" : number, soft < 0 ? 9 : strlen(number)));
}

static void check_times(const uint8_t *data, size_t size)
{
    uint64_t times[PROC_TIMES] = {1, 2, 3};
    char *text = malloc(size + (size == 0)); /* without a NUL */
    memcpy(text, data, size);
    int r = proc_schedstat_parse(text, size, times);
    assert(r == 0 || (r == -EBADMSG && times[0] == 1 && times[1] == 2 && times[2] == 3));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_table(data, size, PROC_TCP);
    check_table(data, size, PROC_UDP);
    check_times(data, size);
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    check_counters(text, size);
    check_limit(text, size);
    free(text);
    return 0;
}
