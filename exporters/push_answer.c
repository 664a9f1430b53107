/* What it knows: the retry tables of both protocols, which differ, and what receivers are known to
 * do beside them. Documents: the remote write specifications 1.0 and 2.0 ("Retries & Backoff",
 * "Partial Write", "Required Written Response Headers"), the OTLP specification ("Failures"), RFC
 * 9110 section 15. */
#include "exporters/push_answer.h"

#include "exporters/push_complaint.h"
#include "exporters/push_request.h"
#include "exporters/push_retry_after.h"
#include "net/http_post.h"

/* Each pause is in the upper half of twice the one before it, and at least four fifths of what that
 * one can have been. */
#define PAUSE_FIRST_MS UINT64_C(500)
#define PAUSE_MOST_MS  UINT64_C(60000)
#define PAUSE_DOUBLES  7 /* times until PAUSE_MOST_MS is reached */
#define SPREAD                                                                         \
    10 /* a tenth of Retry-After: a fleet that was told the same does not come at once \
        */

_Static_assert(PAUSE_FIRST_MS << PAUSE_DOUBLES >= PAUSE_MOST_MS, "the last doubling is enough");

enum status {
    STATUS_BAD_REQUEST = 400,
    STATUS_UNAUTHORIZED = 401,
    STATUS_FORBIDDEN = 403,
    STATUS_NOT_FOUND = 404,
    STATUS_METHOD_NOT_ALLOWED = 405,
    STATUS_PROXY_UNAUTHORIZED = 407,
    STATUS_REQUEST_TIMEOUT = 408,
    STATUS_CONFLICT = 409,
    STATUS_GONE = 410,
    STATUS_TOO_LARGE = 413,
    STATUS_UNSUPPORTED_TYPE = 415,
    STATUS_TOO_MANY = 429,
    STATUS_BAD_GATEWAY = 502,
    STATUS_UNAVAILABLE = 503,
    STATUS_GATEWAY_TIMEOUT = 504,
};

static struct push_answer again(bool alarming)
{
    return (struct push_answer){.verdict = PUSH_AGAIN, .alarming = alarming};
}

static struct push_answer refused(enum push_drop reason, int status)
{
    struct push_answer a = {.verdict = PUSH_REFUSED, .reason = reason};
    switch (status) {
    case STATUS_UNAUTHORIZED:
    case STATUS_FORBIDDEN:
    case STATUS_NOT_FOUND:
    case STATUS_METHOD_NOT_ALLOWED:
    case STATUS_PROXY_UNAUTHORIZED:
    case STATUS_GONE:
    case STATUS_UNSUPPORTED_TYPE:
        a.alarming = true;
        break;
    default:
        break;
    }
    return a;
}

static struct push_answer sent(const struct push_question *q, uint64_t rejected,
                               enum push_drop reason)
{
    return (struct push_answer){.verdict = PUSH_SENT,
                                .reason = reason,
                                .rejected = rejected < q->samples ? rejected : q->samples};
}

static bool has_written(const struct http_post_result *r)
{
    return r->samples_written >= 0 || r->histograms_written >= 0 || r->exemplars_written >= 0;
}

/* A header that is missing beside others means 0. */
static uint64_t not_written(const struct push_question *q, const struct http_post_result *r)
{
    uint64_t written = r->samples_written > 0 ? (uint64_t)r->samples_written : 0;
    return written < q->samples ? q->samples - written : 0;
}

static struct push_answer judge_success(const struct push_question *q,
                                        const struct http_post_result *r)
{
    /* A login page in the receiver's place is content with everything and stores nothing. */
    if (push_request_met_page(r))
        return again(true);
    switch (q->format) {
    case PUSH_REMOTE_WRITE_2:
        /* Receivers of version 1 read such a body as an empty request, and are content. */
        if (!has_written(r))
            return (struct push_answer){.verdict = PUSH_FALL_BACK};
        return sent(q, not_written(q, r), PUSH_DROP_PARTIAL);
    case PUSH_OTLP:
        return sent(q, push_complaint_rejected(r), PUSH_DROP_PARTIAL);
    case PUSH_REMOTE_WRITE:
        break;
    }
    return sent(q, 0, PUSH_DROP_PARTIAL);
}

static enum push_complaint complaint_of(const struct push_question *q,
                                        const struct http_post_result *r)
{
    enum push_complaint complaint = push_complaint_of(r);
    /* Thanos says no more than "conflict" where its parts disagree about which it is. */
    bool is_thanos = r->status == STATUS_CONFLICT && q->format != PUSH_OTLP;
    return is_thanos && complaint == PUSH_COMPLAINT_OTHER ? PUSH_COMPLAINT_ORDER : complaint;
}

/* A request that the receiver will not take as it is: for what reason, and did it keep a part? */
static struct push_answer judge_refusal(const struct push_question *q,
                                        const struct http_post_result *r)
{
    enum push_complaint complaint = complaint_of(q, r);
    enum push_drop reason = complaint == PUSH_COMPLAINT_ORDER ? PUSH_DROP_OUT_OF_ORDER
                            : complaint == PUSH_COMPLAINT_AGE ? PUSH_DROP_TOO_OLD
                                                              : PUSH_DROP_REFUSED;
    if (q->format == PUSH_REMOTE_WRITE_2 && r->samples_written > 0)
        return sent(q, not_written(q, r), reason == PUSH_DROP_REFUSED ? PUSH_DROP_PARTIAL : reason);
    if (q->doubtful && complaint != PUSH_COMPLAINT_OTHER)
        return (struct push_answer){.verdict = PUSH_DUPLICATE, .reason = reason};
    return refused(reason, r->status);
}

/* A receiver of version 1 that looks at the type answers 415, or 400; an empty request has nothing
 * else that could be wrong. */
static bool knows_no_version_2(const struct push_question *q, const struct http_post_result *r)
{
    return q->format == PUSH_REMOTE_WRITE_2 &&
           (r->status == STATUS_UNSUPPORTED_TYPE ||
            (q->probe && r->status == STATUS_BAD_REQUEST && !has_written(r)));
}

static struct push_answer judge_client_error(const struct push_question *q,
                                             const struct http_post_result *r)
{
    if (knows_no_version_2(q, r))
        return (struct push_answer){.verdict = PUSH_FALL_BACK};
    if (r->status == STATUS_TOO_MANY)
        return again(false);
    /* It did not get the whole request, so it has judged nothing; OTLP wants no repetition. */
    if (r->status == STATUS_REQUEST_TIMEOUT && q->format != PUSH_OTLP)
        return again(false);
    if (r->status == STATUS_TOO_LARGE && q->samples > 1)
        return (struct push_answer){.verdict = PUSH_SPLIT, .reason = PUSH_DROP_TOO_LARGE};
    if (r->status == STATUS_TOO_LARGE)
        return refused(PUSH_DROP_TOO_LARGE, r->status);
    return judge_refusal(q, r);
}

static struct push_answer judge_server_error(const struct push_question *q,
                                             const struct http_post_result *r)
{
    bool is_transient = r->status == STATUS_BAD_GATEWAY || r->status == STATUS_UNAVAILABLE ||
                        r->status == STATUS_GATEWAY_TIMEOUT;
    return q->format != PUSH_OTLP || is_transient ? again(false) : judge_refusal(q, r);
}

static struct push_answer judge(const struct push_question *q, const struct http_post_result *r)
{
    if (r->reason != REASON_NONE || r->status == 0)
        return again(r->reason == REASON_TLS);
    switch (r->status / 100) {
    case 1: /* answers that are none yet, and nothing came after it */
        return again(false);
    case 2:
        return judge_success(q, r);
    case 3: /* credentials do not travel to wherever it points */
        return again(true);
    case 4:
        return judge_client_error(q, r);
    default: /* RFC 9110 section 15: a status outside 100 to 599 is to be taken as 5xx */
        return judge_server_error(q, r);
    }
}

struct push_answer push_answer_of(const struct push_question *question,
                                  const struct http_post_result *result, uint64_t now_ms)
{
    struct push_answer answer = judge(question, result);
    if (answer.verdict == PUSH_AGAIN)
        answer.retry_after_ms = push_retry_after_ms(result->retry_after, now_ms);
    return answer;
}

/* The most that pause `attempt` may be. */
static uint64_t pause_most(unsigned attempt)
{
    unsigned doubled = attempt > 0 ? attempt - 1 : 0;
    return doubled < PAUSE_DOUBLES ? PAUSE_FIRST_MS << doubled : PAUSE_MOST_MS;
}

uint64_t push_pause_ms(unsigned attempt, uint64_t retry_after_ms, uint64_t random)
{
    uint64_t most = pause_most(attempt);
    uint64_t least = most / 2;
    if (attempt > 1 && pause_most(attempt - 1) / 5 * 4 > least)
        least = pause_most(attempt - 1) / 5 * 4;
    uint64_t pause = least + random % (most - least + 1);
    if (retry_after_ms <= pause)
        return pause;
    return retry_after_ms + random % (retry_after_ms / SPREAD + 1);
}
