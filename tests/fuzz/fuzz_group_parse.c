/* What it knows: what must hold for any bytes in a file of a control group. The first byte chooses
 * the format ('0' and on), the rest is the file. */
#include "base/alloc.h"
#include "base/text.h"
#include "collectors/group_parse.h"
#include "collectors/group_parse_disks.h"
#include "collectors/group_parse_io.h"
#include "collectors/group_parse_numa.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MANY      64
#define FEW       2
#define COUNT(a)  (sizeof(a) / sizeof(a)[0])
#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The number that is the whole of a line, and a newline: what text_parse_u64 says of it. */
static bool plain_number(const char *text, size_t length, uint64_t *ret)
{
    return length > 0 && text[length - 1] == '\n' && text_parse_u64(text, length - 1, ret) == 0;
}

static void fuzz_number(const char *text, size_t length)
{
    uint64_t value = UNTOUCHED;
    uint64_t expected = UNTOUCHED;
    int r = group_parse_number(text, length, &value);
    bool good = plain_number(text, length, &expected);
    assert(r == (good ? 0 : length == 0 ? -ENODATA : -EBADMSG));
    assert(value == expected);
}

static void fuzz_limit(const char *text, size_t length)
{
    uint64_t value = UNTOUCHED;
    uint64_t expected = UNTOUCHED;
    int r = group_parse_limit(text, length, &value);
    assert(r == 0 || r == (length == 0 ? -ENODATA : -EBADMSG));
    if (plain_number(text, length, &expected) && expected < UINT64_C(1) << 62)
        assert(r == 0 && value == expected);
    else
        assert(value == (r == 0 ? GROUP_NO_LIMIT : UNTOUCHED));
}

static void fuzz_cpu_max(const char *text, size_t length)
{
    uint64_t quota = UNTOUCHED;
    uint64_t period = UNTOUCHED;
    int r = group_parse_cpu_max(text, length, &quota, &period);
    assert(r == 0 || r == (length == 0 ? -ENODATA : -EBADMSG));
    assert(r == 0 ? period > 0 && text[length - 1] == '\n'
                  : quota == UNTOUCHED && period == UNTOUCHED);
}

/* The first line "key number" of a key, looked for in the plainest way. */
static bool plain_key(const char *text, size_t length, const char *key, uint64_t *ret)
{
    const char *const end = text + length;
    for (const char *line = text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t begin = strlen(key) + 1;
        if (!newline)
            return false;
        if ((size_t)(newline - line) > begin && memcmp(line, key, begin - 1) == 0 &&
            line[begin - 1] == ' ' &&
            text_parse_u64(line + begin, (size_t)(newline - line) - begin, ret) == 0)
            return true;
        line = newline + 1;
    }
    return false;
}

static void fuzz_keys(const char *text, size_t length)
{
    static const char *const keys[] = {"anon",         "file",       "inactive_file", "cache",
                                       "total_cache",  "a",          "total_rss",     "oom_kill",
                                       "oom",          "max",        "usage_usec",    "user_usec",
                                       "nr_throttled", "nr_periods", "user",          "system",
                                       "frozen",       "total_swap", "throttled_usec"};
    uint64_t values[COUNT(keys)];
    (void)memset(values, 0x5a, sizeof values);
    uint64_t found = group_parse_keys(text, length, keys, COUNT(keys), values);
    for (size_t i = 0; i < COUNT(keys); i++) {
        uint64_t expected = UNTOUCHED;
        bool there = plain_key(text, length, keys[i], &expected);
        assert((found >> i & 1) == there && values[i] == expected);
    }
}

static void fuzz_meminfo(const char *text, size_t length)
{
    static const char *const keys[] = {"MemTotal", "SwapTotal", "HugePages_Total", "A"};
    uint64_t values[COUNT(keys)];
    (void)memset(values, 0x5a, sizeof values);
    uint64_t found = group_parse_meminfo(text, length, keys, COUNT(keys), values);
    for (size_t i = 0; i < COUNT(keys); i++) {
        bool given = found >> i & 1;
        assert(given ? memmem(text, length, keys[i], strlen(keys[i])) != NULL
                     : values[i] == UNTOUCHED);
    }
}

static void fuzz_pressure(const char *text, size_t length)
{
    uint64_t some = UNTOUCHED;
    uint64_t full = UNTOUCHED;
    bool full_given = false;
    int r = group_parse_pressure(text, length, &some, &full_given, &full);
    assert(r == 0 || r == (length == 0 ? -ENODATA : -EBADMSG));
    assert(r == 0 ? text[length - 1] == '\n'
                  : some == UNTOUCHED && full == UNTOUCHED && !full_given);
}

static void fuzz_procs(const char *text, size_t length)
{
    uint32_t pids[MANY];
    uint32_t few[FEW];
    int r = group_parse_procs(text, length, MANY, pids);
    int f = group_parse_procs(text, length, FEW, few);
    assert(r == -EBADMSG || (r >= 0 && r <= MANY));
    assert(f == -EBADMSG || (f >= 0 && f <= FEW));
    assert(r < 0 || f == (r < FEW ? r : FEW));
    for (int i = 0; i < r; i++)
        assert(pids[i] > 0 && pids[i] <= INT32_MAX && (i >= FEW || few[i] == pids[i]));
}

static void check_devices(const struct group_io *devices, size_t count, unsigned allowed)
{
    for (size_t i = 0; i < count; i++) {
        const struct group_io *before = &devices[i > 0 ? i - 1 : 0];
        assert(devices[i].given != 0 && (devices[i].given & ~allowed) == 0);
        assert(i == 0 || before->major < devices[i].major ||
               (before->major == devices[i].major && before->minor < devices[i].minor));
        for (unsigned field = 0; field < GROUP_IO_FIELDS; field++)
            assert((devices[i].given >> field & 1) != 0 || devices[i].values[field] == 0);
    }
}

/* Less room keeps the same lowest devices with the same values. */
static void check_same(const struct group_io *a, const struct group_io *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(a[i].major == b[i].major && a[i].minor == b[i].minor && a[i].given == b[i].given);
        assert(memcmp(a[i].values, b[i].values, sizeof a[i].values) == 0);
    }
}

static void fuzz_io_stat(const char *text, size_t length)
{
    struct group_io many[MANY];
    struct group_io few[FEW];
    int r = group_parse_io_stat(text, length, MANY, many);
    int f = group_parse_io_stat(text, length, FEW, few);
    assert(r == -EBADMSG || r >= 0);
    assert(r < 0 ? f == r : f >= r || r > MANY);
    if (r <= 0)
        return;
    size_t count = r < MANY ? (size_t)r : MANY;
    check_devices(many, count,
                  ((1u << GROUP_IO_SYNC_BYTES) - 1) |
                      ((1u << GROUP_IO_FIELDS) - (1u << GROUP_IO_COST_USAGE)));
    check_same(many, few, count < FEW ? count : FEW);
}

static void fuzz_blkio(const char *text, size_t length)
{
    struct group_io many[MANY];
    struct group_io few[FEW];
    size_t many_count = 0;
    size_t few_count = 0;
    int r = group_parse_blkio(text, length, false, MANY, many, &many_count);
    int f = group_parse_blkio(text, length, false, FEW, few, &few_count);
    const unsigned counts = 1u << GROUP_IO_READS | 1u << GROUP_IO_WRITES | 1u << GROUP_IO_DISCARDS;
    const unsigned all = (1u << GROUP_IO_FIELDS) - 1;
    assert(r == 0 || r == -EBADMSG || (r == -E2BIG && many_count == MANY));
    assert((f == -EBADMSG) == (r == -EBADMSG));
    assert(f != -E2BIG || (few_count == FEW && many_count > FEW));
    assert(r != -EBADMSG || many_count + few_count == 0);
    check_devices(many, many_count, all & ~counts);
    check_same(many, few, few_count);
    r = group_parse_blkio(text, length, true, MANY, many, &many_count);
    assert(r == 0 || r == -EBADMSG || (r == -E2BIG && many_count == MANY));
    check_devices(many, many_count, all);
}

static void fuzz_disks(const char *text, size_t length)
{
    const char *newline = memchr(text, '\n', length);
    struct group_disk disk = {.major = MANY};
    if (!newline)
        return;
    int r = group_parse_disk(text, newline, &disk);
    assert(r == 0 || (r == -EBADMSG && disk.major == MANY && !disk.name));
    if (r == 0)
        assert(disk.name_length > 0 && disk.name > text && disk.name + disk.name_length < newline);
}

static void fuzz_numa(const char *text, size_t length)
{
    struct group_numa many[MANY];
    struct group_numa few[FEW];
    int r = group_parse_numa(text, length, MANY, many);
    int f = group_parse_numa(text, length, FEW, few);
    assert(r == (length == 0 ? -ENODATA : r));
    assert(r == -ENODATA || r == -EBADMSG || r == -E2BIG || (r >= 0 && r <= MANY));
    assert(r < 0 || f == (r > FEW ? -E2BIG : r));
    for (int i = 0; i < r; i++)
        assert(many[i].kind < GROUP_NUMA_KINDS && many[i].value <= INT64_MAX);
    for (int i = 0; i < r && f == r; i++)
        assert(many[i].value == few[i].value && many[i].node == few[i].node);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const formats[])(const char *, size_t) = {
        fuzz_number, fuzz_limit,   fuzz_cpu_max, fuzz_keys,  fuzz_meminfo, fuzz_pressure,
        fuzz_procs,  fuzz_io_stat, fuzz_blkio,   fuzz_disks, fuzz_numa};
    if (size == 0 || data[0] < '0' || (size_t)(data[0] - '0') >= COUNT(formats))
        return 0;
    char *text = alloc_copy((const char *)data + 1, size - 1);
    formats[data[0] - '0'](text, size - 1);
    free(text);
    return 0;
}
