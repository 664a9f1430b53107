/* What it knows: the text of net/dev, which interfaces in it say nothing, how their names become
 * UTF-8, and that the inode of this file stands for a network namespace: the kernel makes one net
 * directory for each, and whoever may see the process may stat it. Documents: proc(5),
 * /proc/PID/net/dev; network_namespaces(7); the kernel's net/core/net-procfs.c and, for names,
 * dev_valid_name in net/core/dev.c; RFC 3629. */
#include "collectors/proc_net.h"

#include "base/fs.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_BYTES  (IFNAMSIZ - 1) /* a name without its NUL */
#define COLUMNS     16             /* eight of what was received, eight of what was sent */
#define FIRST_ROWS  4              /* most containers have one interface or two */
#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define PRESENT_ALL ((UINT64_C(1) << INTERFACE_METRICS) - 1)

/* The same in every kernel since 2.2. Other columns would mean other numbers. */
static const char heading[] =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|"
    "bytes    packets errs drop fifo colls carrier compressed\n";
#define HEADING_BYTES (sizeof heading - 1)

static const unsigned char column_of[INTERFACE_METRICS] = {
    [INTERFACE_RX_BYTES] = 0,   [INTERFACE_RX_PACKETS] = 1,  [INTERFACE_RX_ERRORS] = 2,
    [INTERFACE_RX_DROPPED] = 3, [INTERFACE_TX_BYTES] = 8,    [INTERFACE_TX_PACKETS] = 9,
    [INTERFACE_TX_ERRORS] = 10, [INTERFACE_TX_DROPPED] = 11,
};
_Static_assert(INTERFACE_METRICS == 8, "each metric of an interface has a column here");

/* Made by tunnel modules in every namespace, used or not. */
static const char *const fallback_devices[] = {
    "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0",
};

/* One line; the name is followed by a colon in the text. */
struct line {
    const char *name;
    size_t name_length;
    uint64_t columns[COLUMNS];
    uint64_t any; /* 0 where all of them are */
};

struct table {
    struct arena *arena;
    struct interface_row *rows;
    size_t count;
    size_t room;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The last colon before a blank ends the name: a name may have colons of its own, what follows is a
 * number or a blank. */
static int parse_name(const char **at, struct line *ret)
{
    const char *p = *at;
    while (*p == ' ')
        p++;
    const char *begin = p;
    const char *colon = NULL;
    for (; *p != ' ' && *p != '\n' && *p != '/' && *p != '\0'; p++)
        if (*p == ':')
            colon = p;
    if (!colon || colon == begin || colon - begin > NAME_BYTES)
        return -EBADMSG;
    ret->name = begin;
    ret->name_length = (size_t)(colon - begin);
    *at = colon + 1;
    return 0;
}

static int parse_counter(const char **at, uint64_t *ret)
{
    const char *p = *at;
    uint64_t value = 0;
    while (*p == ' ')
        p++;
    if (!is_digit(*p))
        return -EBADMSG;
    for (; is_digit(*p); p++)
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return -EBADMSG;
    *ret = value;
    *at = p;
    return 0;
}

/* Reads the line at `*at` and steps behind it. */
static int parse_line(const char **at, struct line *ret)
{
    int r = parse_name(at, ret);
    ret->any = 0;
    for (size_t i = 0; i < COLUMNS && r == 0; i++) {
        r = parse_counter(at, &ret->columns[i]);
        ret->any |= ret->columns[i];
    }
    if (r < 0 || **at != '\n')
        return -EBADMSG;
    (*at)++;
    return 0;
}

static bool name_is(const struct line *line, const char *name)
{
    return strlen(name) == line->name_length && memcmp(name, line->name, line->name_length) == 0;
}

static bool says_nothing(const struct line *line)
{
    if (name_is(line, "lo"))
        return true;
    for (size_t i = 0; i < sizeof fallback_devices / sizeof fallback_devices[0]; i++)
        if (line->any == 0 && name_is(line, fallback_devices[i]))
            return true;
    return false;
}

/* The colon behind a name is no part of a sequence, so one that is cut off ends there. */
static const char *clean_name(struct arena *arena, const char *name, size_t length)
{
    char clean[NAME_BYTES * (sizeof REPLACEMENT - 1)];
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        size_t bytes = text_utf8_length(name + i);
        const char *from = bytes > 0 ? name + i : REPLACEMENT;
        size_t size = bytes > 0 ? bytes : sizeof REPLACEMENT - 1;
        memcpy(clean + used, from, size);
        used += size;
        i += bytes > 0 ? bytes : 1;
    }
    return arena_copy(arena, clean, used);
}

static void make_room(struct table *t)
{
    size_t room = t->room > 0 ? t->room * 2 : FIRST_ROWS;
    struct interface_row *rows = arena_alloc(t->arena, room * sizeof *rows);
    if (t->count > 0)
        memcpy(rows, t->rows, t->count * sizeof *rows);
    t->rows = rows;
    t->room = room;
}

static void add_row(struct table *t, const struct line *line)
{
    if (t->count == t->room)
        make_room(t);
    struct interface_row *row = &t->rows[t->count++];
    row->name = clean_name(t->arena, line->name, line->name_length);
    row->present = PRESENT_ALL;
    for (unsigned m = 0; m < INTERFACE_METRICS; m++)
        row->values[m] = line->columns[column_of[m]];
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct interface_row *)a)->name, ((const struct interface_row *)b)->name);
}

static void add_values(struct interface_row *to, const struct interface_row *from)
{
    for (unsigned m = 0; m < INTERFACE_METRICS; m++)
        if (__builtin_add_overflow(to->values[m], from->values[m], &to->values[m]))
            to->values[m] = UINT64_MAX;
}

/* No two rows may have one name. Names with U+FFFD may have been several to the kernel: they are
 * added up, so that no traffic hides behind them. Any other name is one interface shown twice: the
 * kernel writes a page at a time, and names and places may change in between. */
static void merge_alike(struct table *t)
{
    size_t last = 0;
    qsort(t->rows, t->count, sizeof *t->rows, compare_names);
    for (size_t i = 1; i < t->count; i++) {
        if (!text_equal(t->rows[i].name, t->rows[last].name))
            t->rows[++last] = t->rows[i];
        else if (strstr(t->rows[i].name, REPLACEMENT))
            add_values(&t->rows[last], &t->rows[i]);
    }
    t->count = last + 1;
}

int proc_net_parse(const char *text, size_t length, struct arena *arena,
                   struct interface_row **ret_rows, size_t *ret_count)
{
    assert(text[length] == '\0');
    if (length == 0)
        return -ENODATA;
    if (length < HEADING_BYTES || memcmp(text, heading, HEADING_BYTES) != 0)
        return -EBADMSG;
    struct table table = {.arena = arena};
    const char *at = text + HEADING_BYTES;
    while (at < text + length) {
        struct line line;
        int r = parse_line(&at, &line);
        if (r < 0)
            return r;
        if (!says_nothing(&line))
            add_row(&table, &line);
    }
    if (table.count > 1)
        merge_alike(&table);
    *ret_rows = table.rows;
    *ret_count = table.count;
    return 0;
}

static int dev_path(const char *procfs, uint32_t pid, char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/%u/net/dev", procfs, pid);
    return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int proc_net_open(const char *procfs, uint32_t pid, int *ret_descriptor, uint64_t *ret_namespace)
{
    char path[PATH_MAX];
    struct stat status;
    int r = dev_path(procfs, pid, path);
    if (r < 0)
        return r;
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    *ret_descriptor = fd;
    *ret_namespace = status.st_ino;
    fd = -1; /* the caller's now */
    return 0;
}

int proc_net_namespace(const char *procfs, uint32_t pid, uint64_t *ret_namespace)
{
    char path[PATH_MAX];
    struct stat status;
    int r = dev_path(procfs, pid, path);
    if (r < 0)
        return r;
    if (stat(path, &status) < 0)
        return -errno;
    *ret_namespace = status.st_ino;
    return 0;
}
