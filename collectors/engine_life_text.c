/* What it knows: how ports and mounts of a container become labels: always the same text for the
 * same things, in whatever order an engine lists them. Document: the Docker Engine API reference,
 * "ContainerInspect". */
#include "base/buf.h"
#include "base/text.h"
#include "collectors/container_identity.h"
#include "collectors/engine_life.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATOR ","
#define CUT       "..." /* the last entry where there are more than fit */

/* The number a port begins with; what has none, or one no port has, comes last. */
static uint64_t number_of(const char *text)
{
    uint64_t number = 0;
    return text_parse_u64(text, strspn(text, "0123456789"), &number) < 0 ? UINT64_MAX : number;
}

static int compare_texts(const void *a, const void *b)
{
    const char *const *first = a;
    const char *const *second = b;
    return strcmp(*first, *second);
}

/* 80 before 443, as people count. */
static int compare_ports(const void *a, const void *b)
{
    const char *const *first = a;
    const char *const *second = b;
    uint64_t x = number_of(*first);
    uint64_t y = number_of(*second);
    if (x != y)
        return x < y ? -1 : 1;
    return strcmp(*first, *second);
}

/* Does `entry` say nothing that `next`, which follows it, does not say? "80/tcp" before
 * "80/tcp->...": the configuration exposes what it publishes. */
static bool says_less(const char *entry, const char *next)
{
    size_t length = strlen(entry);
    return strncmp(entry, next, length) == 0 &&
           (next[length] == '\0' || strncmp(next + length, "->", 2) == 0);
}

static size_t drop_needless(const char **entries, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || !says_less(entries[i], entries[i + 1]))
            entries[kept++] = entries[i];
    return kept;
}

/* How many of the entries fit, with room for the CUT behind them where that is not all. */
static size_t count_fitting(const char *const *entries, size_t count)
{
    const size_t cut = strlen(SEPARATOR CUT);
    size_t length = 0;
    size_t fitting = 0; /* with the CUT */
    for (size_t i = 0; i < count; i++) {
        length += strlen(entries[i]) + (i > 0 ? strlen(SEPARATOR) : 0);
        if (length > LABEL_VALUE_MAX)
            return fitting;
        if (length + cut <= LABEL_VALUE_MAX)
            fitting = i + 1;
    }
    return count;
}

static const char *join(const char *const *entries, size_t count, struct arena *arena)
{
    struct buf text;
    size_t fitting = count_fitting(entries, count);
    buf_init(&text, LABEL_VALUE_MAX);
    for (size_t i = 0; i < fitting; i++) {
        if (i > 0)
            (void)buf_add_string(&text, SEPARATOR);
        (void)buf_add_string(&text, entries[i]);
    }
    if (fitting < count)
        (void)buf_add_string(&text, fitting > 0 ? SEPARATOR CUT : CUT);
    assert(!text.failed);
    const char *copy = arena_copy(arena, text.data, text.length);
    buf_done(&text);
    return copy;
}

static const char *port_text(const struct engine_port *port, struct arena *arena)
{
    bool six = strchr(port->host_ip, ':');
    if (*port->host_port == '\0')
        return port->port;
    return arena_format(arena, "%s->%s%s%s:%s", port->port, six ? "[" : "", port->host_ip,
                        six ? "]" : "", port->host_port);
}

const char *engine_life_ports(const struct engine_inspect *inspect, struct arena *arena)
{
    size_t count = inspect->port_count;
    const char **entries = arena_alloc(arena, count * sizeof *entries);
    for (size_t i = 0; i < count; i++)
        entries[i] = port_text(&inspect->ports[i], arena);
    if (count > 0)
        qsort(entries, count, sizeof *entries, compare_ports);
    return join(entries, drop_needless(entries, count), arena);
}

const char *engine_life_mounts(const struct engine_inspect *inspect, struct arena *arena)
{
    size_t count = inspect->mount_count;
    const char **entries = arena_alloc(arena, count * sizeof *entries);
    for (size_t i = 0; i < count; i++)
        entries[i] =
            arena_format(arena, "%s:%s", inspect->mounts[i].type, inspect->mounts[i].destination);
    if (count > 0)
        qsort(entries, count, sizeof *entries, compare_texts);
    return join(entries, count, arena);
}

const char *engine_life_network(const struct engine_inspect *inspect, struct arena *arena)
{
    if (text_starts_with(inspect->network_mode, "ns:"))
        return "ns";
    if (strlen(inspect->network_mode) > LABEL_VALUE_MAX)
        return CUT;
    return arena_string(arena, inspect->network_mode);
}
