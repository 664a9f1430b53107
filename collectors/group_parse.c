/* What it knows: how the kernel writes single numbers, limits, lines of a key and a number,
 * pressure and lists of processes. Every line ends with a newline, so a number without one may be
 * cut and is not taken. Documents: as in group_parse.h. */
#include "collectors/group_parse.h"

#include "collectors/group_parse_number.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* bytes; v1 writes 2^63 less up to one page of 64 KiB for no limit */
#define UNLIMITED_FROM    (UINT64_C(1) << 62)
#define CPU_PERIOD_US     100000 /* the kernel's default period */
#define BYTES_PER_KB      1024   /* what /proc/meminfo calls kB */
#define KEYS_MAX          64     /* bits of the result */
#define KEY_BUCKETS       64 /* power of two; some 14 keys are wanted, so most buckets are free */
#define PROCESS_ID_MAX    INT32_MAX /* pid_t; the kernel itself stops at 2^22 */
#define PRESSURE_SOME     1u
#define PRESSURE_FULL     2u
#define LENGTH_OF(string) (sizeof(string) - 1)

int group_parse_number(const char *text, size_t length, uint64_t *ret)
{
    assert(text[length] == '\0');
    uint64_t value = 0;
    if (length == 0)
        return -ENODATA;
    const char *after = group_scan_u64(text, &value);
    if (!after || *after != '\n' || after + 1 != text + length)
        return -EBADMSG;
    *ret = value;
    return 0;
}

static bool is_text(const char *text, size_t length, const char *wanted)
{
    return strlen(wanted) == length && memcmp(text, wanted, length) == 0;
}

int group_parse_limit(const char *text, size_t length, uint64_t *ret)
{
    uint64_t value = 0;
    if (is_text(text, length, "max\n") || is_text(text, length, "-1\n")) {
        *ret = GROUP_NO_LIMIT;
        return 0;
    }
    int r = group_parse_number(text, length, &value);
    if (r < 0)
        return r;
    *ret = value >= UNLIMITED_FROM ? GROUP_NO_LIMIT : value;
    return 0;
}

int group_parse_cpu_max(const char *text, size_t length, uint64_t *ret_quota_us,
                        uint64_t *ret_period_us)
{
    assert(text[length] == '\0');
    uint64_t quota = GROUP_NO_LIMIT;
    uint64_t period = CPU_PERIOD_US;
    if (length == 0)
        return -ENODATA;
    const char *after = strncmp(text, "max", LENGTH_OF("max")) == 0 ? text + LENGTH_OF("max")
                                                                    : group_scan_u64(text, &quota);
    if (after && *after == ' ')
        after = group_scan_u64(after + 1, &period);
    if (!after || *after != '\n' || after + 1 != text + length || period == 0)
        return -EBADMSG;
    *ret_quota_us = quota;
    *ret_period_us = period;
    return 0;
}

/* The wanted keys by a hash of their length and two bytes: a line that is not wanted mostly costs
 * one look into an empty bucket. Places are counted from 1, 0 is none. */
struct key_table {
    const char *const *keys;
    size_t count;
    size_t lengths[KEYS_MAX];
    uint8_t next[KEYS_MAX];
    uint8_t first[KEY_BUCKETS];
};

/* Keys of one file share their beginning ("total_") and often their end ("_file"): the byte in the
 * middle and the length tell most of them apart; the odd factors spread them over the buckets. */
static inline size_t key_bucket(const char *key, size_t length)
{
    unsigned middle = (unsigned char)key[length / 2];
    unsigned last = (unsigned char)key[length - 1];
    return (length * 11 + middle * 5 + last) % KEY_BUCKETS;
}

static void table_fill(struct key_table *table, const char *const keys[], size_t count)
{
    assert(count <= KEYS_MAX);
    table->keys = keys;
    table->count = count;
    (void)memset(table->first, 0, sizeof table->first);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(keys[i]);
        assert(length > 0);
        uint8_t *first = &table->first[key_bucket(keys[i], length)];
        table->lengths[i] = length;
        table->next[i] = *first;
        *first = (uint8_t)(i + 1);
    }
}

/* Which of the keys it is; their count for none. */
static inline size_t table_find(const struct key_table *table, const char *key, size_t length)
{
    if (length == 0)
        return table->count;
    for (size_t place = table->first[key_bucket(key, length)]; place > 0;
         place = table->next[place - 1]) {
        if (table->lengths[place - 1] == length && memcmp(table->keys[place - 1], key, length) == 0)
            return place - 1;
    }
    return table->count;
}

/* What follows a key and the one byte after it; true when that is a value and the line ends with
 * it. */
typedef bool value_reader(const char *at, const char *newline, uint64_t *ret);

static bool read_plain(const char *at, const char *newline, uint64_t *ret)
{
    uint64_t value = 0;
    if (group_scan_u64(at, &value) != newline)
        return false;
    *ret = value;
    return true;
}

static bool read_meminfo(const char *at, const char *newline, uint64_t *ret)
{
    uint64_t value = 0;
    while (*at == ' ')
        at++;
    const char *after = group_scan_u64(at, &value);
    if (!after)
        return false;
    if (after != newline) {
        if ((size_t)(newline - after) != LENGTH_OF(" kB") ||
            memcmp(after, " kB", LENGTH_OF(" kB")) != 0 ||
            __builtin_mul_overflow(value, (uint64_t)BYTES_PER_KB, &value))
            return false;
    }
    *ret = value;
    return true;
}

/* Inlined into both callers, so that neither pays for the other's separator and reader. */
static inline __attribute__((always_inline)) uint64_t parse_lines(const struct key_table *table,
                                                                  const char *text, const char *end,
                                                                  char separator,
                                                                  value_reader *reader,
                                                                  uint64_t ret[])
{
    assert(*end == '\0');
    const uint64_t all = table->count == KEYS_MAX ? UINT64_MAX : (UINT64_C(1) << table->count) - 1;
    uint64_t found = 0;
    const char *newline = NULL;
    for (const char *line = text; found != all; line = newline + 1) {
        newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline)
            break;
        const char *separated = memchr(line, separator, (size_t)(newline - line));
        if (!separated)
            continue;
        size_t i = table_find(table, line, (size_t)(separated - line));
        if (i == table->count || (found >> i & 1) != 0)
            continue;
        if (reader(separated + 1, newline, &ret[i]))
            found |= UINT64_C(1) << i;
    }
    return found;
}

uint64_t group_parse_keys(const char *text, size_t length, const char *const keys[], size_t count,
                          uint64_t ret[])
{
    struct key_table table;
    table_fill(&table, keys, count);
    return parse_lines(&table, text, text + length, ' ', read_plain, ret);
}

uint64_t group_parse_meminfo(const char *text, size_t length, const char *const keys[],
                             size_t count, uint64_t ret[])
{
    struct key_table table;
    table_fill(&table, keys, count);
    return parse_lines(&table, text, text + length, ':', read_meminfo, ret);
}

/* Which line of a pressure file this is: PRESSURE_SOME, PRESSURE_FULL, 0 for one a later kernel may
 * add. */
static unsigned pressure_kind(const char *line, const char *newline)
{
    const size_t word = LENGTH_OF("some ");
    if ((size_t)(newline - line) < word)
        return 0;
    if (memcmp(line, "some ", word) == 0)
        return PRESSURE_SOME;
    return memcmp(line, "full ", word) == 0 ? PRESSURE_FULL : 0;
}

/* The total of a line, which its newline must follow: the averages before it are not used. */
static bool pressure_total(const char *line, const char *newline, uint64_t *ret)
{
    static const char name[] = " total=";
    const char *total = memmem(line, (size_t)(newline - line), name, LENGTH_OF(name));
    return total && group_scan_u64(total + LENGTH_OF(name), ret) == newline;
}

int group_parse_pressure(const char *text, size_t length, uint64_t *ret_some_us,
                         bool *ret_full_given, uint64_t *ret_full_us)
{
    const char *const end = text + length;
    uint64_t some = 0;
    uint64_t full = 0;
    unsigned given = 0;
    assert(*end == '\0');
    if (length == 0)
        return -ENODATA;
    for (const char *line = text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline)
            return -EBADMSG;
        unsigned kind = pressure_kind(line, newline);
        if ((given & kind) != 0)
            return -EBADMSG;
        if (kind != 0 && !pressure_total(line, newline, kind == PRESSURE_SOME ? &some : &full))
            return -EBADMSG;
        given |= kind;
        line = newline + 1;
    }
    if ((given & PRESSURE_SOME) == 0)
        return -EBADMSG;
    *ret_some_us = some;
    *ret_full_given = (given & PRESSURE_FULL) != 0;
    *ret_full_us = full;
    return 0;
}

int group_parse_procs(const char *text, size_t length, size_t most, uint32_t ret[])
{
    const char *const end = text + length;
    size_t count = 0;
    assert(*end == '\0' && most <= INT32_MAX);
    for (const char *at = text; at < end && count < most; at++) {
        uint64_t pid = 0;
        at = group_scan_u64(at, &pid);
        if (!at || *at != '\n' || pid > PROCESS_ID_MAX)
            return -EBADMSG;
        if (pid != 0)
            ret[count++] = (uint32_t)pid;
    }
    return (int)count;
}
