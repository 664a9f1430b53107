/* What it knows: how the kernel writes what control groups did on each device: io.stat of cgroup v2
 * and the blkio files of v1, with the oddities of single releases. Documents: "IO Interface Files"
 * of Documentation/admin-guide/cgroup-v2.rst;
 * Documentation/admin-guide/cgroup-v1/blkio-controller.rst; block/blk-cgroup.c and
 * block/blk-cgroup-rwstat.c and block/blk-iocost.c, which write them. */
#include "collectors/group_parse_io.h"
#include "collectors/group_parse.h"

#include "collectors/group_parse_number.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

/* A run of bytes without blanks. */
struct word {
    const char *at;
    size_t length;
};

/* Sorted by major and minor. It keeps the lowest `most` devices, whatever the order of the lines:
 * the kernel lists the newest first, and both files of one group must keep the same ones. */
struct device_list {
    struct group_io *devices; /* the caller's */
    size_t most;
    size_t count;
    size_t left_out; /* times a device did not fit or had to make room */
};

static uint64_t device_number(const struct group_io *device)
{
    return (uint64_t)device->major << 32 | device->minor;
}

/* Where the device is, or belongs. */
static size_t list_position(const struct device_list *list, uint64_t number)
{
    size_t low = 0;
    for (size_t high = list->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (device_number(&list->devices[middle]) < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The entry of a device, a new one where it has none; NULL when there is no room for it. */
static struct group_io *list_entry(struct device_list *list, uint32_t major, uint32_t minor)
{
    const struct group_io empty = {.major = major, .minor = minor};
    size_t position = list_position(list, device_number(&empty));
    if (position < list->count && device_number(&list->devices[position]) == device_number(&empty))
        return &list->devices[position];
    if (list->count == list->most) {
        list->left_out++;
        if (position == list->most)
            return NULL;
        list->count--;
    }
    struct group_io *entry = &list->devices[position];
    (void)memmove(entry + 1, entry, (list->count - position) * sizeof *entry);
    list->count++;
    *entry = empty;
    return entry;
}

static void add_value(struct group_io *entry, unsigned field, uint64_t value)
{
    if (__builtin_add_overflow(entry->values[field], value, &entry->values[field]))
        entry->values[field] = UINT64_MAX;
    entry->given |= 1u << field;
}

static inline bool word_is(struct word word, const char *text)
{
    return strlen(text) == word.length && memcmp(word.at, text, word.length) == 0;
}

/* The next word of a line, behind any blanks; of no length at its end. */
static struct word next_word(const char *at, const char *end)
{
    while (at < end && *at == ' ')
        at++;
    const char *blank = memchr(at, ' ', (size_t)(end - at));
    return (struct word){.at = at, .length = (size_t)((blank ? blank : end) - at)};
}

/* "8:0"; the two numbers of `ret` are written, and only on success. */
static bool parse_device(struct word word, struct group_io *ret)
{
    uint64_t major = 0;
    uint64_t minor = 0;
    const char *colon = group_scan_u64(word.at, &major);
    if (!colon || *colon != ':' || major > UINT32_MAX)
        return false;
    if (group_scan_u64(colon + 1, &minor) != word.at + word.length || minor > UINT32_MAX)
        return false;
    ret->major = (uint32_t)major;
    ret->minor = (uint32_t)minor;
    return true;
}

/* Kernels give disks without a device of their own this name: the paths below an NVMe multipath
 * disk, for one. */
static bool is_unknown(struct word word)
{
    return word_is(word, "(unknown)");
}

/* Is the word one letter, then `rest`, then a value? */
static inline bool word_is_key(struct word word, const char *rest)
{
    size_t length = strlen(rest);
    return word.length > 1 + length && memcmp(word.at + 1, rest, length) == 0;
}

/* Which value "cost.usage=" and the like is. The first is written where the cost model is on, the
 * others with blkcg_debug_stats only. */
static unsigned cost_field(struct word word, const char **ret_value)
{
    static const struct {
        const char *key;
        unsigned field;
    } keys[] = {
        {"cost.usage=", GROUP_IO_COST_USAGE},
        {"cost.wait=", GROUP_IO_COST_WAIT},
        {"cost.indebt=", GROUP_IO_COST_INDEBT},
        {"cost.indelay=", GROUP_IO_COST_INDELAY},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        size_t length = strlen(keys[i].key);
        if (word.length <= length || memcmp(word.at, keys[i].key, length) != 0)
            continue;
        *ret_value = word.at + length;
        return keys[i].field;
    }
    return GROUP_IO_FIELDS;
}

/* Which value "rbytes=" and the like is; where the value begins goes to `ret_value`.
 * GROUP_IO_FIELDS for any other word. */
static unsigned io_stat_field(struct word word, const char **ret_value)
{
    bool bytes = word_is_key(word, "bytes=");
    if (!bytes && !word_is_key(word, "ios="))
        return *word.at == 'c' ? cost_field(word, ret_value) : GROUP_IO_FIELDS;
    *ret_value = word.at + (bytes ? strlen("rbytes=") : strlen("rios="));
    switch (*word.at) {
    case 'r':
        return bytes ? GROUP_IO_READ_BYTES : GROUP_IO_READS;
    case 'w':
        return bytes ? GROUP_IO_WRITE_BYTES : GROUP_IO_WRITES;
    case 'd':
        return bytes ? GROUP_IO_DISCARD_BYTES : GROUP_IO_DISCARDS;
    default:
        return GROUP_IO_FIELDS;
    }
}

/* One word behind the first device. One without "=" names the device that owns the values behind
 * it: 5.15 and 5.16 put devices that did nothing before it on the same line. */
static void parse_io_stat_word(struct word word, struct group_io *device, bool *owned)
{
    const char *digits = NULL;
    uint64_t value = 0;
    unsigned field = io_stat_field(word, &digits);
    if (field != GROUP_IO_FIELDS) {
        if (*owned && group_scan_u64(digits, &value) == word.at + word.length) {
            device->values[field] = value;
            device->given |= 1u << field;
        }
    } else if (!memchr(word.at, '=', word.length)) {
        *device = (struct group_io){0};
        *owned = parse_device(word, device);
    }
}

/* False when no kernel begins a line so. */
static bool parse_io_stat_line(const char *line, const char *newline, struct group_io *ret_device)
{
    struct group_io device = {0};
    struct word word = next_word(line, newline);
    bool owned = parse_device(word, &device);
    if (!owned && !is_unknown(word))
        return false;
    for (;;) {
        word = next_word(word.at + word.length, newline);
        if (word.length == 0)
            break;
        parse_io_stat_word(word, &device, &owned);
    }
    *ret_device = device;
    return true;
}

static void merge_device(struct device_list *list, const struct group_io *device)
{
    struct group_io *entry = list_entry(list, device->major, device->minor);
    if (!entry)
        return;
    for (unsigned field = 0; field < GROUP_IO_FIELDS; field++) {
        if ((device->given >> field & 1) != 0)
            add_value(entry, field, device->values[field]);
    }
}

int group_parse_io_stat(const char *text, size_t length, size_t most, struct group_io ret[])
{
    struct device_list list = {.devices = ret, .most = most};
    const char *const end = text + length;
    bool understood = length == 0;
    assert(*end == '\0' && length <= INT_MAX && most <= INT_MAX);
    for (const char *line = text; line < end;) {
        struct group_io device = {0};
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = newline ? newline : end;
        understood |= parse_io_stat_line(line, line_end, &device);
        if (newline && device.given != 0)
            merge_device(&list, &device);
        line = line_end + (newline ? 1 : 0);
    }
    return understood ? (int)(list.count + list.left_out) : -EBADMSG;
}

/* GROUP_IO_FIELDS for an operation that is not kept. */
static unsigned blkio_field(struct word word, bool operations)
{
    static const struct {
        const char *name;
        size_t length;
        unsigned bytes;
        unsigned operations;
    } fields[] = {
        {"Read", 4, GROUP_IO_READ_BYTES, GROUP_IO_READS},
        {"Write", 5, GROUP_IO_WRITE_BYTES, GROUP_IO_WRITES},
        {"Sync", 4, GROUP_IO_SYNC_BYTES, GROUP_IO_FIELDS},
        {"Async", 5, GROUP_IO_ASYNC_BYTES, GROUP_IO_FIELDS},
        {"Discard", 7, GROUP_IO_DISCARD_BYTES, GROUP_IO_DISCARDS},
        {"Total", 5, GROUP_IO_TOTAL_BYTES, GROUP_IO_FIELDS},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (word.length == fields[i].length &&
            memcmp(word.at, fields[i].name, fields[i].length) == 0)
            return operations ? fields[i].operations : fields[i].bytes;
    }
    return GROUP_IO_FIELDS;
}

/* The number a line ends with. */
static bool parse_last(const char *at, const char *newline, uint64_t *ret)
{
    return *at == ' ' && group_scan_u64(at + 1, ret) == newline;
}

/* "8:0 Read 123", "(unknown) Read 123" or "Total 123". False for anything else. */
static bool parse_blkio_line(const char *line, const char *newline, bool operations,
                             struct device_list *list)
{
    struct group_io device = {0};
    uint64_t value = 0;
    struct word name = next_word(line, newline);
    const char *name_end = name.at + name.length;
    if (word_is(name, "Total"))
        return parse_last(name_end, newline, &value);
    struct word operation = next_word(name_end, newline);
    if (!parse_last(operation.at + operation.length, newline, &value))
        return false;
    if (!parse_device(name, &device))
        return is_unknown(name);
    unsigned field = blkio_field(operation, operations);
    if (field == GROUP_IO_FIELDS)
        return true;
    struct group_io *entry = list_entry(list, device.major, device.minor);
    if (entry)
        add_value(entry, field, value);
    return true;
}

int group_parse_blkio(const char *text, size_t length, bool operations, size_t most,
                      struct group_io ret[], size_t *count)
{
    struct device_list list = {.devices = ret, .most = most, .count = *count};
    const char *const end = text + length;
    bool understood = length == 0;
    assert(*end == '\0' && *count <= most);
    if (length > 0 && end[-1] != '\n')
        return -EBADMSG;
    for (const char *line = text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        understood |= parse_blkio_line(line, newline, operations, &list);
        line = newline + 1;
    }
    if (!understood)
        return -EBADMSG;
    *count = list.count;
    return list.left_out > 0 ? -E2BIG : 0;
}
