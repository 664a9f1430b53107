/* What it knows: the parameters and the header of a scrape. Documents: the README of node_exporter
 * ("filtering enabled collectors"), Prometheus's scrape timeout header. */
#include "exporters/scrape_request.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/metric.h"
#include "base/text.h"
#include "net/http_target.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* What is kept of the scraper's timeout for encoding, sending and the clock that began on the other
 * side: 5 %, at least 100 ms, which covers a slow link. */
#define SCRAPE_MARGIN_PER_CENT 5
#define SCRAPE_MARGIN_MS       100
/* Seconds above which a timeout counts as this one: a year, to stay clear of overflow. */
#define SCRAPE_TIMEOUT_MAX_S (UINT64_C(365) * 24 * 3600)

/* Bytes of a wrong name that are repeated to its sender; ours are shorter. */
#define NAME_SHOWN_MAX 48
#define NAMES_MAX      400 /* bytes of all names of groups */

static int refuse_name(const char *name, struct err *e)
{
    char shown[NAME_SHOWN_MAX + 1];
    size_t length = strnlen(name, NAME_SHOWN_MAX);
    for (size_t i = 0; i < length; i++)
        shown[i] = name[i] < ' ' || name[i] > '~' || name[i] == '"' ? '?' : name[i];
    shown[length] = '\0';
    struct buf names;
    buf_init(&names, NAMES_MAX);
    for (enum metric_group group = 0; group < GROUP_ALL; group++)
        (void)buf_add_format(&names, "%s%s", group > 0 ? ", " : "", metric_group_name(group));
    int r = err_set(e, -EINVAL, "There is no group of metrics called \"%s\"%s; there are %s.",
                    shown, name[length] != '\0' ? " and so on" : "", names.data);
    buf_done(&names);
    return r;
}

/* Adds what one parameter chooses to `collect` or `exclude`. */
static int read_parameter(const struct http_parameter *p, struct err *e, unsigned *collect,
                          unsigned *exclude)
{
    bool collects = text_equal(p->name, "collect[]");
    bool known = collects || text_equal(p->name, "exclude[]");
    bool long_name = strlen(p->name) == sizeof p->name - 1;
    if (!known && (!p->bad || p->value[0] != '\0' || long_name))
        return 0; /* somebody else's, e.g. a token for a proxy */
    if (p->bad)
        return err_set(e, -EINVAL,
                       "The query has an invalid percent escape, or a value that is longer than "
                       "any name of a group.");
    enum metric_group group = metric_group_find(p->value, strlen(p->value));
    if (group == GROUP_ALL)
        return refuse_name(p->value, e);
    *(collects ? collect : exclude) |= GROUP_BIT(group);
    return 0;
}

int scrape_request_groups(const char *query, struct err *e, unsigned *ret_groups)
{
    unsigned collect = 0;
    unsigned exclude = 0;
    struct http_parameter parameter;
    while (http_query_next(&query, &parameter)) {
        int r = read_parameter(&parameter, e, &collect, &exclude);
        if (r < 0)
            return r;
    }
    if (collect && exclude)
        return err_set(e, -EINVAL,
                       "Either collect[] or exclude[] may be given, not both: name the groups of "
                       "metrics that you want, or those that you do not want.");
    *ret_groups = collect ? collect : GROUPS_ALL & ~exclude;
    return 0;
}

/* Reads a positive decimal number of seconds such as "10" or "9.5"; what is finer than a ms is cut.
 * False for anything else. */
static bool parse_seconds(const char *text, uint64_t *ret_ms)
{
    size_t length = strcspn(text, ".");
    uint64_t seconds = 0;
    int r = text_parse_u64(text, length, &seconds);
    if (r == -ERANGE || seconds > SCRAPE_TIMEOUT_MAX_S)
        seconds = SCRAPE_TIMEOUT_MAX_S;
    else if (r < 0)
        return false;

    uint64_t fraction_ms = 0;
    uint64_t weight_ms = 100;
    const char *digit = text + length;
    if (*digit == '.' && *++digit == '\0')
        return false;
    for (; *digit != '\0'; digit++, weight_ms /= 10) {
        if (*digit < '0' || *digit > '9')
            return false;
        fraction_ms += (uint64_t)(*digit - '0') * weight_ms;
    }
    *ret_ms = seconds * 1000 + fraction_ms;
    return *ret_ms > 0;
}

/* A malformed header is as good as none: it is a hint of the scraper, `max_ms` bounds the wait
 * without it, and refusing the scrape would cost the numbers. */
uint64_t scrape_request_wait_ms(const char *timeout, uint64_t max_ms)
{
    uint64_t timeout_ms = 0;
    if (!timeout || !parse_seconds(timeout, &timeout_ms))
        return max_ms;
    uint64_t margin_ms = timeout_ms * SCRAPE_MARGIN_PER_CENT / 100;
    if (margin_ms < SCRAPE_MARGIN_MS)
        margin_ms = SCRAPE_MARGIN_MS;
    uint64_t wait_ms = timeout_ms > margin_ms ? timeout_ms - margin_ms : 0;
    if (wait_ms < SCRAPE_REQUEST_WAIT_MIN_MS)
        wait_ms = SCRAPE_REQUEST_WAIT_MIN_MS;
    return wait_ms < max_ms ? wait_ms : max_ms;
}
