/* What it knows: rate_limit, and durations as Go writes them, since that is what the toolkit reads.
 * Documents: "HTTPS and authentication" of prometheus.io, ParseDuration of Go's package time. */
#include "agent/config_text.h"
#include "agent/web_config_reader.h"
#include "base/text.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define NS_PER_MS    UINT64_C(1000000)
#define DURATION_MAX ((uint64_t)INT64_MAX) /* ns; Go's, some 292 years */
#define FRACTION_MAX 15 /* digits after the point; later ones are below a nanosecond of an hour */

struct limit_section {
    struct web_text interval;
    struct web_text burst;
};

static const struct web_key limit_keys[] = {
    {"interval", web_read_text, offsetof(struct limit_section, interval)},
    {"burst", web_read_text, offsetof(struct limit_section, burst)},
};
static const struct web_section limit_section = {
    .name = "rate_limit",
    .keys = limit_keys,
    .count = sizeof limit_keys / sizeof limit_keys[0],
};

static const struct unit {
    const char *name;
    uint64_t ns;
} units[] = {
    /* Longer names first, "m" would match "ms". */
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000}, /* the micro sign */
    {"\xce\xbcs", 1000}, /* the Greek letter */
    {"ms", 1000000},
    {"s", UINT64_C(1000000000)},
    {"m", UINT64_C(60000000000)},
    {"h", UINT64_C(3600000000000)},
};

static size_t count_digits(const char *at)
{
    return strspn(at, "0123456789");
}

static const struct unit *find_unit(const char *at)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (text_starts_with(at, units[i].name))
            return &units[i];
    return NULL;
}

/* The part of a unit that stands behind the point. */
static uint64_t fraction_ns(const char *digits, size_t count, uint64_t unit_ns)
{
    double part = 0;
    double scale = 1;
    for (size_t i = 0; i < count && i < FRACTION_MAX; i++) {
        scale *= 10;
        part = part * 10 + (digits[i] - '0');
    }
    return (uint64_t)(part / scale * (double)unit_ns);
}

/* One number with its unit, e.g. "1.5h"; moves `at` behind it and adds to `total`. */
static int read_part(const char **at, uint64_t *total)
{
    size_t whole = count_digits(*at);
    const char *point = *at + whole;
    size_t fraction = *point == '.' ? count_digits(point + 1) : 0;
    const char *end = *point == '.' ? point + 1 + fraction : point;
    const struct unit *unit = find_unit(end);
    uint64_t value = 0;
    if (whole + fraction == 0 || !unit)
        return -EINVAL;
    if (whole > 0 && text_parse_u64(*at, whole, &value) < 0)
        return -ERANGE;
    uint64_t ns = 0;
    if (__builtin_mul_overflow(value, unit->ns, &ns) ||
        __builtin_add_overflow(ns, fraction_ns(point + 1, fraction, unit->ns), &ns) ||
        __builtin_add_overflow(*total, ns, total) || *total > DURATION_MAX)
        return -ERANGE;
    *at = end + strlen(unit->name);
    return 0;
}

/* 0, -EINVAL, -ERANGE. */
static int parse_duration(const char *text, uint64_t *ret_ns)
{
    uint64_t total = 0;
    const char *at = text[0] == '+' ? text + 1 : text;
    if (text_equal(at, "0")) {
        *ret_ns = 0;
        return 0;
    }
    do {
        int result = read_part(&at, &total);
        if (result < 0)
            return result;
    } while (*at != '\0');
    *ret_ns = total;
    return 0;
}

/* A whole number as YAML and Go agree on it: a leading zero would make it octal. */
static bool is_whole(const struct web_text *text, uint64_t *ret)
{
    uint64_t value = 0;
    if (!text->plain || (text->text[0] == '0' && text->length > 1) ||
        text_parse_u64(text->text, text->length, &value) < 0 || value > INT64_MAX)
        return false;
    *ret = value;
    return true;
}

static int read_interval(struct web_reader *r, const struct web_text *text, uint64_t *ret_ms)
{
    uint64_t ns = 0;
    if (!text->text)
        return 0;
    bool bare = is_whole(text, &ns);
    int result = bare ? 0 : parse_duration(text->text, &ns);
    if (result < 0)
        return web_refuse(r, text->mark, "interval: \"%s\" is %s; mend: e.g. 100ms, 1.5s or 1m30s",
                          text_show(text->text).text,
                          text->text[0] == '-' ? "negative"
                          : result == -ERANGE  ? "too long"
                                               : "no duration (units: ns, us, ms, s, m, h)");
    *ret_ms = ns / NS_PER_MS + (ns % NS_PER_MS > 0);
    if (bare && ns > 0)
        web_warn(r, text->mark, "interval: %s without a unit is nanoseconds, here %llums",
                 text_show(text->text).text, (unsigned long long)*ret_ms);
    else if (ns % NS_PER_MS > 0)
        web_warn(r, text->mark, "interval: %s is rounded up to %llums, it has steps of 1ms here",
                 text_show(text->text).text, (unsigned long long)*ret_ms);
    return 0;
}

static int read_burst(struct web_reader *r, const struct web_text *text, uint64_t *ret)
{
    if (!text->text || is_whole(text, ret))
        return 0;
    return web_refuse(r, text->mark,
                      "burst: \"%s\" is no whole number; allowed: 1 and more, unquoted",
                      text_show(text->text).text);
}

int web_read_limit(struct web_reader *r, const char *name, void *target)
{
    (void)name;
    struct web_config *c = target;
    struct limit_section s = {0};
    uint64_t interval_ms = 0;
    uint64_t burst = 0;
    int result = web_read_section(r, &limit_section, &s);
    if (result == 0)
        result = read_interval(r, &s.interval, &interval_ms);
    if (result == 0)
        result = read_burst(r, &s.burst, &burst);
    if (result < 0)
        return result;
    if (interval_ms > 0 && burst == 0)
        return web_refuse(
            r, s.burst.text ? s.burst.mark : s.interval.mark,
            "rate_limit: with a burst of 0 no request would be answered; mend: burst: "
            "1 or more, or no interval for no limit");
    if (interval_ms == 0 && burst > 0)
        web_warn(r, s.burst.mark, "burst has no effect without an interval");
    c->guard.rate_interval_ms = interval_ms;
    c->guard.rate_burst = burst;
    return 0;
}
