/* What it knows: how to keep a log short without hiding anything from it: a cause is told of once
 * in a trouble, and one that comes and goes not all the time. */
#include "exporters/push_trouble.h"

#include "base/clock.h"

#include <assert.h>

/* The least time between two lines of one cause: of a receiver that fails now and then, and of
 * refusals, which are over at once and may go on for ever. */
#define AGAIN_NS   (600 * NS_PER_SECOND)
#define PASSING_NS (3600 * NS_PER_SECOND)

/* The place of the cause; a new one takes that of the one told of longest ago. */
static size_t place_of(struct push_troubles *t, enum push_trouble_kind kind, int code)
{
    size_t oldest = 0;
    for (size_t i = 0; i < t->cause_count; i++) {
        if (t->causes[i].kind == kind && t->causes[i].code == code)
            return i;
        if (t->causes[i].told_ns < t->causes[oldest].told_ns)
            oldest = i;
    }
    size_t i = t->cause_count < PUSH_CAUSES_MAX ? t->cause_count++ : oldest;
    t->causes[i].kind = kind;
    t->causes[i].code = code;
    t->causes[i].since_ns = t->causes[i].told_ns = 0;
    return i;
}

bool push_trouble_begin(struct push_troubles *t, enum push_trouble_kind kind, int code,
                        uint64_t now_ns)
{
    assert(now_ns > 0);
    bool lasts = kind < PUSH_PASSING;
    if (lasts && t->kinds[kind].since_ns == 0)
        t->kinds[kind].since_ns = now_ns;
    uint64_t since_ns = lasts ? t->kinds[kind].since_ns : 0;
    size_t i = place_of(t, kind, code);
    uint64_t told_ns = t->causes[i].told_ns;
    bool is_old = told_ns > 0 && lasts && t->causes[i].since_ns == since_ns;
    if (is_old || (told_ns > 0 && now_ns - told_ns < (lasts ? AGAIN_NS : PASSING_NS)))
        return false;
    t->causes[i].since_ns = since_ns;
    t->causes[i].told_ns = now_ns;
    if (lasts)
        t->kinds[kind].told = true;
    return true;
}

bool push_trouble_end(struct push_troubles *t, enum push_trouble_kind kind, uint64_t *ret_since_ns)
{
    assert(kind < PUSH_PASSING);
    uint64_t since_ns = t->kinds[kind].since_ns;
    bool told = t->kinds[kind].told;
    t->kinds[kind].since_ns = 0;
    t->kinds[kind].told = false;
    if (told)
        *ret_since_ns = since_ns;
    return told;
}
