/* When a line about something that goes wrong is due: one for each cause, not one for each time,
 * and one when it is over. Pure. */
#ifndef WEIR_EXPORTERS_PUSH_TROUBLE_H
#define WEIR_EXPORTERS_PUSH_TROUBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Those before PUSH_PASSING last until they are over, the others are over at once. */
enum push_trouble_kind {
    PUSH_TROUBLE_RECEIVER, /* it takes nothing */
    PUSH_TROUBLE_QUEUE,    /* its disk takes or gives nothing */
    PUSH_TROUBLE_STUCK,    /* its disk does not answer */
    PUSH_TROUBLE_SECRETS,
    PUSH_TROUBLE_THREAD,
    PUSH_PASSING,
    PUSH_TROUBLE_REFUSAL = PUSH_PASSING, /* samples were refused */
    PUSH_TROUBLE_DROPS,                  /* the queue gave some up */
    PUSH_TROUBLE_ROUND,                  /* a round could not be encoded */
    PUSH_TROUBLE_KINDS,
};

/* Causes remembered; each kind has a few. */
#define PUSH_CAUSES_MAX 16

struct push_troubles {
    struct {
        uint64_t since_ns; /* 0: all is well */
        bool told;
    } kinds[PUSH_PASSING];
    struct {
        enum push_trouble_kind kind;
        int code;
        uint64_t since_ns; /* which trouble it was told of in */
        uint64_t told_ns;
    } causes[PUSH_CAUSES_MAX];
    size_t cause_count;
};

/* Something goes wrong for the reason `code`, whose meaning is the caller's. Is a line due?
 * `now_ns` is CLOCK_MONOTONIC and not 0. */
bool push_trouble_begin(struct push_troubles *t, enum push_trouble_kind kind, int code,
                        uint64_t now_ns);
/* It goes well. Is a line due? Then when it began is in `ret_since_ns`. */
bool push_trouble_end(struct push_troubles *t, enum push_trouble_kind kind, uint64_t *ret_since_ns);

#endif
