/* What it knows: the content types weir has, and how to choose between them and whether to
 * compress. Documents: RFC 9110 sections 12.4 and 12.5, "Content negotiation" and "Escaping
 * schemes" of prometheus.io.
 *
 * Two things are done as scrapers expect rather than by the letter: the range of all types names
 * nothing, it only tells what is refused; and who names nothing of ours gets text 0.0.4. */
#include "exporters/negotiate.h"

#include "base/text.h"
#include "exporters/accept.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PROTO_NAME "io.prometheus.client.MetricFamily"

/* What a content type says about escaped names; ours are plain under every scheme. */
enum escaping {
    ESCAPING_NONE,     /* the type has no such parameter */
    ESCAPING_ANSWERED, /* when the peer named a scheme */
    ESCAPING_ALWAYS,   /* types of version 1.0.0 must have one */
};

struct offer {
    enum prometheus_format format;
    const char *name;
    const char *parameters[ACCEPT_PARAMETERS]; /* NULL: it has none; of escaping it takes any */
    enum escaping escaping;
    const char *content_type;
};

/* In the order of choice between equals. A range without a version means the older one, as it does
 * to the Go client library. */
static const struct offer offers[] = {
    {.format = PROMETHEUS_TEXT,
     .name = "text/plain",
     .parameters[ACCEPT_VERSION] = "0.0.4",
     .content_type = "text/plain; version=0.0.4; charset=utf-8"},
    {.format = PROMETHEUS_OPENMETRICS,
     .name = "application/openmetrics-text",
     .parameters[ACCEPT_VERSION] = "0.0.1",
     .content_type = "application/openmetrics-text; version=0.0.1; charset=utf-8"},
    {.format = PROMETHEUS_OPENMETRICS,
     .name = "application/openmetrics-text",
     .parameters[ACCEPT_VERSION] = "1.0.0",
     .escaping = ESCAPING_ALWAYS,
     .content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"},
    {.format = PROMETHEUS_TEXT,
     .name = "text/plain",
     .parameters[ACCEPT_VERSION] = "1.0.0",
     .escaping = ESCAPING_ALWAYS,
     .content_type = "text/plain; version=1.0.0; charset=utf-8"},
    {.format = PROMETHEUS_PROTOBUF,
     .name = "application/vnd.google.protobuf",
     .parameters[ACCEPT_PROTO] = PROTO_NAME,
     .parameters[ACCEPT_ENCODING] = "delimited",
     .escaping = ESCAPING_ANSWERED,
     .content_type = "application/vnd.google.protobuf; proto=" PROTO_NAME "; encoding=delimited"},
};
#define OFFERS (sizeof offers / sizeof *offers)

/* How closely a range describes an offer. */
enum match { MATCH_NONE, MATCH_ANY, MATCH_TYPE, MATCH_SUBTYPE, MATCH_PARAMETERS };

/* What the closest range says of an offer. */
struct vote {
    enum match match;
    unsigned weight;
    unsigned place; /* of the range in the header */
    const char *escaping;
};

/* The scheme called `name`; NULL for one that nobody knows. */
static const char *find_escaping(const char *name)
{
    static const char *const schemes[] = {"allow-utf-8", "underscores", "dots", "values"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strcasecmp(schemes[i], name) == 0)
            return schemes[i];
    return NULL;
}

static enum match match_parameters(const struct accept_member *range, const struct offer *o)
{
    enum match match = MATCH_SUBTYPE;
    for (unsigned p = 0; p < ACCEPT_PARAMETERS; p++) {
        if (p == ACCEPT_ESCAPING || range->parameters[p][0] == '\0')
            continue;
        if (!o->parameters[p] || strcasecmp(range->parameters[p], o->parameters[p]) != 0)
            return MATCH_NONE;
        match = MATCH_PARAMETERS;
    }
    return match;
}

static enum match match_offer(const struct accept_member *range, const struct offer *o)
{
    size_t type = strcspn(o->name, "/") + 1;
    if (text_equal(range->name, "*/*"))
        return MATCH_ANY;
    if (strncasecmp(range->name, o->name, type) == 0 && text_equal(range->name + type, "*"))
        return MATCH_TYPE;
    return strcasecmp(range->name, o->name) == 0 ? match_parameters(range, o) : MATCH_NONE;
}

static void count_votes(const char *accept, struct vote votes[OFFERS])
{
    struct accept_member range;
    for (unsigned place = 0; accept_next(&accept, &range); place++) {
        for (size_t o = 0; o < OFFERS; o++) {
            enum match match = match_offer(&range, &offers[o]);
            if (match == MATCH_NONE || match < votes[o].match ||
                (match == votes[o].match && range.weight <= votes[o].weight))
                continue;
            votes[o] = (struct vote){.match = match,
                                     .weight = range.weight,
                                     .place = place,
                                     .escaping = find_escaping(range.parameters[ACCEPT_ESCAPING])};
        }
    }
}

static bool is_better(const struct vote *a, const struct vote *b)
{
    if (a->weight != b->weight)
        return a->weight > b->weight;
    return a->match != b->match ? a->match > b->match : a->place < b->place;
}

/* OFFERS when the peer refuses each. */
static size_t choose(const struct vote votes[OFFERS])
{
    size_t named = OFFERS;
    size_t first = OFFERS; /* that is not refused */
    for (size_t o = 0; o < OFFERS; o++) {
        const struct vote *v = &votes[o];
        if (v->match != MATCH_NONE && v->weight == 0)
            continue;
        if (first == OFFERS)
            first = o;
        if (v->match >= MATCH_TYPE && (named == OFFERS || is_better(v, &votes[named])))
            named = o;
    }
    return named < OFFERS ? named : first;
}

static void write_type(const struct offer *o, const char *escaping, char ret[NEGOTIATED_TYPE_MAX])
{
    if (o->escaping == ESCAPING_ALWAYS && !escaping)
        escaping = "underscores"; /* what readers take for granted */
    bool told = o->escaping != ESCAPING_NONE && escaping;
    (void)snprintf(ret, NEGOTIATED_TYPE_MAX, "%s%s%s", o->content_type, told ? "; escaping=" : "",
                   told ? escaping : "");
}

/* The weights of the two codings; -1 for one that is not named. */
struct codings {
    int gzip;
    int identity;
    int any;
};

static void raise_to(int *weight, unsigned to)
{
    if (*weight < (int)to)
        *weight = (int)to;
}

static struct codings read_codings(const char *accept_encoding)
{
    struct codings c = {-1, -1, -1};
    struct accept_member coding;
    while (accept_next(&accept_encoding, &coding)) {
        if (strcasecmp(coding.name, "gzip") == 0 || strcasecmp(coding.name, "x-gzip") == 0)
            raise_to(&c.gzip, coding.weight);
        else if (strcasecmp(coding.name, "identity") == 0)
            raise_to(&c.identity, coding.weight);
        else if (text_equal(coding.name, "*"))
            raise_to(&c.any, coding.weight);
    }
    return c;
}

/* False when the peer takes neither of the two. */
static bool choose_coding(const char *accept_encoding, enum gzip_mode mode, bool local,
                          struct negotiated *n)
{
    struct codings c = read_codings(accept_encoding ? accept_encoding : "");
    int gzip = c.gzip < 0 ? c.any : c.gzip;
    bool can = gzip > 0 && mode != GZIP_NEVER;
    bool would = mode == GZIP_ALWAYS || (!local && c.identity <= gzip);
    n->gzip_only = c.identity == 0 || (c.identity < 0 && c.any == 0);
    n->gzip = can && (would || n->gzip_only);
    return n->gzip || !n->gzip_only;
}

int negotiate(const char *accept, const char *accept_encoding, enum gzip_mode mode, bool local,
              struct negotiated *ret, const char **ret_sentence)
{
    struct vote votes[OFFERS] = {0};
    struct negotiated n = {0};
    count_votes(accept ? accept : "", votes);
    size_t chosen = choose(votes);
    if (chosen == OFFERS) {
        *ret_sentence = "The Accept header refuses text/plain, application/openmetrics-text and "
                        "application/vnd.google.protobuf, and weir has no other format.";
        return -ENOENT;
    }
    if (!choose_coding(accept_encoding, mode, local, &n)) {
        *ret_sentence = "The Accept-Encoding header refuses an answer that is not compressed, and "
                        "gzip is refused too or turned off here.";
        return -ENOENT;
    }
    n.format = offers[chosen].format;
    write_type(&offers[chosen], votes[chosen].escaping, n.content_type);
    *ret = n;
    return 0;
}
