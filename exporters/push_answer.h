/* What an answer means: which answers are success, which are to be tried again and when, which say
 * that the samples can never be taken. Pure. Documents: the remote write specifications 1.0
 * and 2.0, the OTLP specification ("Failures"), RFC 9110 section 10.2.3. */
#ifndef WEIR_EXPORTERS_PUSH_ANSWER_H
#define WEIR_EXPORTERS_PUSH_ANSWER_H

#include "exporters/push_format.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct http_post_result;

enum push_verdict {
    PUSH_SENT,      /* all of it arrived, but for `rejected` */
    PUSH_AGAIN,     /* the same bytes, after the pause */
    PUSH_SPLIT,     /* 413 and more than one sample: in two halves */
    PUSH_FALL_BACK, /* this receiver does not know remote write 2: version 1 from now on */
    PUSH_DUPLICATE, /* it has these samples already */
    PUSH_REFUSED,   /* never: set it aside, for `reason` */
};

struct push_question {
    enum push_format format;
    uint32_t samples; /* of the request */
    bool doubtful;    /* it may have arrived before: the first after a start or a lost answer */
    bool probe;       /* an empty request */
};

struct push_answer {
    enum push_verdict verdict;
    enum push_drop reason;   /* where refused, and of `rejected` */
    uint64_t rejected;       /* samples of a request that arrived, left out by the receiver */
    uint64_t retry_after_ms; /* what the receiver asked for, 0 nothing; at most an hour */
    bool alarming;           /* somebody has to mend something: 401, 403, 404, a redirect, a
                                certificate, ... */
};

/* `now_ms` is since 1970, for Retry-After with a date.
 * No answer, a redirect (not followed) and 429 are tried again in any protocol; with remote write
 * every 5xx and 408 too, with OTLP 502, 503 and 504 alone. All other 4xx are refused, 401 to 404
 * among them: the specifications forbid to repeat them. 2xx with a web page (text/html) is no
 * answer of a receiver: again, and alarming. A status outside 100 to 599 counts as 500,
 * as RFC 9110 section 15 has it. */
struct push_answer push_answer_of(const struct push_question *question,
                                  const struct http_post_result *result, uint64_t now_ms);

/* Appends what the receiver said, or what failed, for the log: some hundred bytes at most, without
 * control characters, on one line. Nothing where it said nothing. */
void push_answer_words(enum push_format format, const struct http_post_result *result,
                       struct buf *ret);

/* The pause before try `attempt` (1: the first repetition): doubles from 500 ms to 60 s, and
 * `random` (any 64 bits) spreads it over the upper half, the upper fifth once it is 60 s. At least
 * `retry_after_ms`, and at most a tenth more where that is the longer one. */
uint64_t push_pause_ms(unsigned attempt, uint64_t retry_after_ms, uint64_t random);

#endif
