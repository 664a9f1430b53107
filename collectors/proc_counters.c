/* What it knows: snmp and netstat, where a line of names is followed by a line of values, and the
 * names differ from kernel to kernel. Documents: Documentation/networking/snmp_counter.rst;
 * net/ipv4/proc.c, snmp_seq_show and netstat_seq_show. */
#include "collectors/proc_sockets.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define COUNTERS_MOST 1024 /* of one line; Linux 6.18 has some 130 */

/* Two lines walked side by side. */
struct pair {
    const char *name;
    const char *value;
};

/* Does the line begin with "PROTOCOL: "? What follows, else NULL. */
static const char *after_protocol(const char *line, const char *protocol)
{
    size_t length = strlen(protocol);
    if (strncmp(line, protocol, length) != 0 || line[length] != ':' || line[length + 1] != ' ')
        return NULL;
    return line + length + 2;
}

/* Where names and values of the protocol begin. */
static int find_pair(const char *text, size_t length, const char *protocol, struct pair *ret)
{
    const char *end = NULL;
    for (const char *line = text; (end = memchr(line, '\n', (size_t)(text + length - line)));
         line = end + 1) {
        ret->name = after_protocol(line, protocol);
        if (!ret->name)
            continue;
        ret->value = after_protocol(end + 1, protocol);
        return ret->value ? 0 : -EBADMSG;
    }
    return -ENODATA;
}

/* Letters and digits; 0 for anything else. */
static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '\0';
}

static char *take_name(const char *at, size_t length, struct arena *arena)
{
    char *name = arena_copy(arena, at, length);
    for (size_t i = 0; i < length; i++)
        if ((name[i] = lower(name[i])) == '\0')
            return NULL;
    return length > 0 ? name : NULL;
}

/* 0; -ERANGE: no int64_t; -EBADMSG. */
static int take_value(const char *at, size_t length, int64_t *ret)
{
    uint64_t magnitude = 0;
    bool negative = length > 0 && *at == '-';
    int r = text_parse_u64(at + negative, length - negative, &magnitude);
    if (r < 0)
        return r == -ERANGE ? r : -EBADMSG;
    if (magnitude > INT64_MAX)
        return -ERANGE;
    *ret = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return 0;
}

static bool has_name(const struct proc_counters *counters, const char *name)
{
    for (size_t i = 0; i < counters->count; i++)
        if (text_equal(counters->items[i].name, name))
            return true;
    return false;
}

/* One name and its value, and what follows them. */
static int take_counter(struct pair *at, struct arena *arena, struct proc_counters *counters)
{
    int64_t value = 0;
    size_t name_length = strcspn(at->name, " \n");
    size_t value_length = strcspn(at->value, " \n");
    char *name = take_name(at->name, name_length, arena);
    int r = take_value(at->value, value_length, &value);
    if (!name || r == -EBADMSG || at->name[name_length] != at->value[value_length] ||
        at->name[name_length] == '\0')
        return -EBADMSG;
    at->name += name_length;
    at->value += value_length;
    if (r < 0 || has_name(counters, name))
        return 0;
    counters->items[counters->count++] = (struct proc_counter){name, value};
    return 0;
}

static size_t count_names(const char *names)
{
    size_t count = 1;
    for (; *names != '\n' && *names != '\0'; names++)
        count += *names == ' ';
    return count;
}

int proc_counters_parse(const char *text, size_t length, const char *protocol, struct arena *arena,
                        struct proc_counters *counters)
{
    struct pair at;
    int r = find_pair(text, length, protocol, &at);
    if (r < 0)
        return r;
    size_t more = count_names(at.name);
    if (more > COUNTERS_MOST)
        return -E2BIG;
    struct proc_counters all = {.count = counters->count};
    all.items = arena_alloc(arena, (all.count + more) * sizeof *all.items);
    if (all.count > 0)
        memcpy(all.items, counters->items, all.count * sizeof *all.items);
    while ((r = take_counter(&at, arena, &all)) == 0 && *at.name == ' ') {
        at.name++;
        at.value++;
    }
    if (r == 0)
        *counters = all;
    return r;
}
