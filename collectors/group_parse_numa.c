/* What it knows: how the kernel writes a control group's memory by node. Documents: as in
 * group_parse_numa.h. */
#include "collectors/group_parse_numa.h"

#include "collectors/group_parse_number.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#define HIERARCHICAL "hierarchical_"

struct values {
    struct group_numa *at; /* the caller's */
    size_t most;
    size_t count;
};

/* Which kind the line's key names; GROUP_NUMA_KINDS for any other. */
static enum group_numa_kind kind_of(const char *key, size_t length)
{
    static const char *const names[GROUP_NUMA_KINDS] = {
        [GROUP_NUMA_FILE] = "file",
        [GROUP_NUMA_ANON] = "anon",
        [GROUP_NUMA_UNEVICTABLE] = "unevictable",
    };
    for (enum group_numa_kind kind = 0; kind < GROUP_NUMA_KINDS; kind++)
        if (strlen(names[kind]) == length && memcmp(names[kind], key, length) == 0)
            return kind;
    return GROUP_NUMA_KINDS;
}

/* " N0=35 N1=7" up to the line's end. 0, -EBADMSG or -E2BIG. */
static int take_nodes(const char *at, const char *newline, struct group_numa like,
                      struct values *values)
{
    while (at < newline) {
        uint64_t node = 0;
        uint64_t value = 0;
        if (at[0] != ' ' || at[1] != 'N')
            return -EBADMSG;
        at = group_scan_u64(at + 2, &node);
        if (!at || *at != '=' || node > UINT32_MAX)
            return -EBADMSG;
        at = group_scan_u64(at + 1, &value);
        if (!at || value > INT64_MAX)
            return -EBADMSG;
        if (values->count == values->most)
            return -E2BIG;
        like.node = (uint32_t)node;
        like.value = value;
        values->at[values->count++] = like;
    }
    return 0;
}

/* 1 where the line is of a kind that is looked for, 0 where it is not, or the negative errno. */
static int take_line(const char *line, const char *newline, struct values *values)
{
    struct group_numa like = {0};
    const size_t prefix = sizeof HIERARCHICAL - 1;
    uint64_t total = 0;
    like.hierarchy = strncmp(line, HIERARCHICAL, prefix) == 0;
    const char *key = like.hierarchy ? line + prefix : line;
    const char *at = key + strcspn(key, "= \n");
    like.kind = kind_of(key, (size_t)(at - key));
    if (like.kind == GROUP_NUMA_KINDS)
        return 0;
    if (*at == '=') { /* v1 has the sum of the nodes first */
        at = group_scan_u64(at + 1, &total);
        if (!at)
            return -EBADMSG;
    }
    int result = take_nodes(at, newline, like, values);
    return result < 0 ? result : 1;
}

int group_parse_numa(const char *text, size_t length, size_t most, struct group_numa ret[])
{
    struct values values = {.at = ret, .most = most};
    const char *const end = text + length;
    bool any = false;
    assert(*end == '\0' && most <= INT_MAX);
    if (length == 0)
        return -ENODATA;
    for (const char *line = text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline)
            return -EBADMSG;
        int result = take_line(line, newline, &values);
        if (result < 0)
            return result;
        any = any || result > 0;
        line = newline + 1;
    }
    return any ? (int)values.count : -EBADMSG;
}
