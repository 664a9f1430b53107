/* What it knows: seconds, and how dates are written in HTTP. Documents: RFC 9110 sections 10.2.3
 * (Retry-After) and 5.6.7 (dates). */
#include "exporters/push_retry_after.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MS_PER_SECOND UINT64_C(1000)
#define MS_PER_YEAR   UINT64_C(31556952000) /* of the Gregorian calendar, on average */
#define MONTH_LENGTH  3
#define CENTURY       100
#define YEARS_AHEAD   50 /* a year of two digits that is further ahead was meant in the past */

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* What follows the day of the week: D, Y, h, m and s are a digit each, d a digit or a blank, N is a
 * month, anything else itself. */
static const char imf_form[] = ", DD N YYYY hh:mm:ss GMT";
static const char rfc850_form[] = ", DD-N-YY hh:mm:ss GMT";
static const char asctime_form[] = " N dD hh:mm:ss YYYY";

struct date {
    unsigned year;
    unsigned month;
    unsigned day;
    unsigned hour;
    unsigned minute;
    unsigned second;
};

/* 1 to 12; 0: none. */
static unsigned month_of(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (unsigned i = 0; months[i]; i += MONTH_LENGTH)
        if (strncmp(text, months + i, MONTH_LENGTH) == 0)
            return i / MONTH_LENGTH + 1;
    return 0;
}

static unsigned *number_of(struct date *d, char form)
{
    switch (form) {
    case 'Y':
        return &d->year;
    case 'd':
    case 'D':
        return &d->day;
    case 'h':
        return &d->hour;
    case 'm':
        return &d->minute;
    case 's':
        return &d->second;
    default:
        return NULL;
    }
}

static bool read_form(const char *text, const char *form, struct date *ret)
{
    struct date d = {0};
    for (; *form; form++) {
        unsigned *number = number_of(&d, *form);
        if (*form == 'N') {
            d.month = month_of(text);
            if (d.month == 0)
                return false;
            text += MONTH_LENGTH;
            continue;
        }
        if (number && *text >= '0' && *text <= '9')
            *number = *number * 10 + (unsigned)(*text - '0');
        else if (*text != (*form == 'd' ? ' ' : *form) || (number && *form != 'd'))
            return false;
        text++;
    }
    *ret = d;
    return *text == '\0';
}

/* RFC 9110: the most recent year in the past, where it would be too far ahead. */
static unsigned whole_year(unsigned two_digits, uint64_t now_ms)
{
    unsigned now = 1970 + (unsigned)(now_ms / MS_PER_YEAR);
    unsigned year = now / CENTURY * CENTURY + CENTURY + two_digits;
    while (year > now + YEARS_AHEAD)
        year -= CENTURY;
    return year;
}

static bool read_date(const char *text, uint64_t now_ms, struct date *ret)
{
    const char *rest = text + strspn(text, LETTERS);
    if (rest == text)
        return false;
    if (read_form(rest, imf_form, ret) || read_form(rest, asctime_form, ret))
        return true;
    if (!read_form(rest, rfc850_form, ret))
        return false;
    ret->year = whole_year(ret->year, now_ms);
    return true;
}

static uint64_t until_date(const char *text, uint64_t now_ms)
{
    struct date d;
    char rfc3339[sizeof "1994-11-06T08:49:37Z" + 64]; /* the compiler cannot know how few digits */
    uint64_t ns;
    if (!read_date(text, now_ms, &d))
        return 0;
    (void)snprintf(rfc3339, sizeof rfc3339, "%04u-%02u-%02uT%02u:%02u:%02uZ", d.year, d.month,
                   d.day, d.hour, d.minute, d.second);
    if (text_parse_rfc3339_ns(rfc3339, &ns) < 0)
        return 0;
    return ns / NS_PER_MS > now_ms ? ns / NS_PER_MS - now_ms : 0;
}

uint64_t push_retry_after_ms(const char *value, uint64_t now_ms)
{
    if (!value)
        return 0;
    uint64_t seconds;
    uint64_t result;
    int r = text_parse_u64(value, strlen(value), &seconds);
    if (r == -ERANGE || (r == 0 && seconds > PUSH_RETRY_AFTER_MOST_MS / MS_PER_SECOND))
        return PUSH_RETRY_AFTER_MOST_MS;
    result = r == 0 ? seconds * MS_PER_SECOND : until_date(value, now_ms);
    return result < PUSH_RETRY_AFTER_MOST_MS ? result : PUSH_RETRY_AFTER_MOST_MS;
}
