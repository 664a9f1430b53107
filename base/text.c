/* What it knows: the text forms of numbers, durations, times and globs that weir reads. Documents:
 * RFC 3339; the Prometheus configuration reference for durations. */
#include "base/text.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MS_PER_SECOND    UINT64_C(1000)
#define DURATION_MAX_MS  (UINT64_C(100) * 365 * 86400 * MS_PER_SECOND)
#define RFC3339_MIN_SIZE 20 /* bytes: 2026-01-02T03:04:05Z */

bool text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

int text_parse_u64(const char *text, size_t length, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (length == 0)
        return -EINVAL;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -EINVAL;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return -ERANGE;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return 0;
}

struct duration_unit {
    const char *suffix;
    uint64_t ms;
};

/* In falling order. "ms" is told from "m" by looking at the longer name first. */
static const struct duration_unit duration_units[] = {
    {"d", 86400 * MS_PER_SECOND},
    {"h", 3600 * MS_PER_SECOND},
    {"m", 60 * MS_PER_SECOND},
    {"s", MS_PER_SECOND},
    {"ms", 1},
};
#define DURATION_UNITS (sizeof duration_units / sizeof duration_units[0])

static size_t find_unit(const char *text, size_t length)
{
    for (size_t i = 0; i < DURATION_UNITS; i++)
        if (strlen(duration_units[i].suffix) == length &&
            memcmp(duration_units[i].suffix, text, length) == 0)
            return i;
    return DURATION_UNITS;
}

int text_parse_duration_ms(const char *text, uint64_t *ret_ms)
{
    uint64_t total = 0;
    size_t next_unit = 0;
    if (text_equal(text, "0")) {
        *ret_ms = 0;
        return 0;
    }
    if (*text == '\0')
        return -EINVAL;
    while (*text != '\0') {
        size_t digits = strspn(text, "0123456789");
        size_t letters = strspn(text + digits, "dhms");
        size_t unit = find_unit(text + digits, letters);
        uint64_t count = 0;
        int r = text_parse_u64(text, digits, &count);
        if (r < 0)
            return r;
        if (unit == DURATION_UNITS || unit < next_unit)
            return -EINVAL;
        if (count > DURATION_MAX_MS / duration_units[unit].ms)
            return -ERANGE;
        total += count * duration_units[unit].ms;
        if (total > DURATION_MAX_MS)
            return -ERANGE;
        next_unit = unit + 1;
        text += digits + letters;
    }
    *ret_ms = total;
    return 0;
}

/* Two digits at `text`, or -1. */
static int two_digits(const char *text)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return -1;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

/* Days from 1970-01-01 of a date in the Gregorian calendar, March-based so that leap days come
 * last. */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t shifted_month = month <= 2 ? month + 9 : month - 3;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static int parse_date_time(const char *text, int64_t *ret_seconds)
{
    if (strlen(text) < RFC3339_MIN_SIZE || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
        text[13] != ':' || text[16] != ':')
        return -EINVAL;
    int century = two_digits(text);
    int year = two_digits(text + 2);
    int month = two_digits(text + 5);
    int day = two_digits(text + 8);
    int hour = two_digits(text + 11);
    int minute = two_digits(text + 14);
    int second = two_digits(text + 17);
    if (century < 0 || year < 0 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(century * 100 + year, month))
        return -EINVAL;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return -EINVAL;
    *ret_seconds = days_from_date(century * 100 + year, month, day) * 86400 + hour * 3600 +
                   minute * 60 + second;
    return 0;
}

/* The zone after the seconds and their fraction, as seconds east of UTC. */
static int parse_zone(const char *text, int64_t *ret_seconds)
{
    if (text_equal(text, "Z")) {
        *ret_seconds = 0;
        return 0;
    }
    if ((text[0] != '+' && text[0] != '-') || strlen(text) != 6 || text[3] != ':')
        return -EINVAL;
    int hours = two_digits(text + 1);
    int minutes = two_digits(text + 4);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return -EINVAL;
    int64_t seconds = hours * 3600 + minutes * 60;
    *ret_seconds = text[0] == '-' ? -seconds : seconds;
    return 0;
}

int text_parse_rfc3339_ns(const char *text, uint64_t *ret_ns)
{
    int64_t seconds = 0;
    int64_t zone = 0;
    uint64_t fraction = 0;
    int r = parse_date_time(text, &seconds);
    if (r < 0)
        return r;
    const char *rest = text + RFC3339_MIN_SIZE - 1;
    if (*rest == '.') {
        size_t digits = strspn(++rest, "0123456789");
        r = digits <= 9 ? text_parse_u64(rest, digits, &fraction) : -EINVAL;
        if (r < 0)
            return r;
        for (size_t i = digits; i < 9; i++)
            fraction *= 10;
        rest += digits;
    }
    r = parse_zone(rest, &zone);
    if (r < 0)
        return r;
    seconds -= zone;
    if (seconds < 0)
        return -ENODATA;
    if ((uint64_t)seconds > (UINT64_MAX - fraction) / NS_PER_SECOND)
        return -EINVAL; /* after 2554: no engine's clock */
    *ret_ns = (uint64_t)seconds * NS_PER_SECOND + fraction;
    return 0;
}

bool text_glob(const char *pattern, const char *text)
{
    const char *star = NULL; /* the pattern after the last star, and where its run began */
    const char *run = NULL;
    while (*text != '\0') {
        const char *literal = pattern;
        if (*pattern == '\\' && pattern[1] != '\0')
            literal++;
        if (*pattern == '*') {
            star = ++pattern;
            run = text;
        } else if ((*pattern == '?' || *literal == *text) && *pattern != '\0') {
            pattern = literal + 1;
            text++;
        } else if (star) {
            pattern = star;
            text = ++run;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool text_is_utf8(const char *text)
{
    while (*text != '\0') {
        size_t length = text_utf8_length(text);
        if (length == 0)
            return false;
        text += length;
    }
    return true;
}

bool text_is_container_id(const char *text, size_t length)
{
    if (length != 64)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

size_t text_utf8_length(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4 || (p[1] & 0xC0) != 0x80)
        return 0;
    if (p[0] < 0xE0)
        return 2;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[2] & 0xC0) != 0x80)
        return 0;
    if (p[0] < 0xF0)
        return 3;
    if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F) || (p[3] & 0xC0) != 0x80)
        return 0;
    return 4;
}

uint64_t text_hash(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

int text_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

void text_list_done(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct text_list){0};
}

struct text_list text_list_copy(const struct text_list *from)
{
    struct text_list to = {.count = from->count};
    to.items = alloc_zeroed(from->count + 1, sizeof *to.items);
    for (size_t i = 0; i < from->count; i++)
        to.items[i] = alloc_string(from->items[i]);
    return to;
}
