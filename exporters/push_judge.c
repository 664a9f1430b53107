/* What it knows: what a lane does about each verdict on an answer, and what it says of it.
 * Document: docs/PUSH.md, "How it works". */
#include "exporters/push_answer.h"
#include "exporters/push_lane_internal.h"
#include "exporters/push_request.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define METADATA_PERIOD_NS (300 * NS_PER_SECOND) /* receivers forget it when they restart */

/* Gateways: the answer of what is behind them was lost. */
#define STATUS_BAD_GATEWAY     502
#define STATUS_GATEWAY_TIMEOUT 504
#define STATUS_TOO_MANY        429

#define WORDS_MAX 1024 /* bytes; push_answer_words gives some hundred */

struct verdict {
    const struct http_post_result *result;
    struct push_answer answer;
    enum push_format format; /* of the request */
};

static struct push_part *first(struct push_lane *l)
{
    return &l->sender.parts[l->sender.part_count - 1];
}

static int code_of(const struct http_post_result *result)
{
    return result->reason == REASON_NONE ? result->status : -(int)result->reason;
}

/* --- what is said --- */

/* One line a cause; `then` says what comes of it. */
static void tell(struct push_lane *l, enum push_trouble_kind kind, const struct verdict *v,
                 const char *then)
{
    const struct http_post_result *result = v->result;
    if (!lane_trouble_due(l, kind, code_of(result)))
        return;
    struct buf words;
    buf_init(&words, WORDS_MAX);
    push_answer_words(v->format, result, &words);
    const char *mend = push_request_mend(result);
    char *text = alloc_format("\"%s\" %s: %s%s%s", l->options.name,
                              push_request_outcome(result, &l->sender.scratch), then,
                              mend[0] != '\0' ? "; " : "", mend);
    lane_log(l, v->answer.alarming ? PUSH_ERROR : PUSH_WARN, text, words.data ? words.data : "");
    free(text);
    buf_done(&words);
}

static void tell_dropped(struct push_lane *l, const struct verdict *v, uint64_t samples,
                         enum push_drop reason)
{
    char *then = alloc_format("%" PRIu64 " samples were dropped (%s), and so are others it answers "
                              "like this",
                              samples, push_drop_name(reason));
    tell(l, PUSH_TROUBLE_REFUSAL, v, then);
    free(then);
}

/* --- samples --- */

static void drop(struct push_lane *l, enum push_drop reason)
{
    uint64_t samples = first(l)->samples;
    push_tally_drop(&l->tally, reason, samples, samples == l->sender.record.samples);
    sender_part_done(l);
}

void sender_part_drop(struct push_lane *l, enum push_drop reason, const char *why)
{
    char *text = alloc_format("%" PRIu32 " samples queued for \"%s\" were dropped (%s): %s",
                              first(l)->samples, l->options.name, push_drop_name(reason), why);
    lane_trouble(l, PUSH_TROUBLE_ROUND, (int)reason, text, "");
    free(text);
    drop(l, reason);
}

static void sent(struct push_lane *l, const struct verdict *v)
{
    uint64_t samples = first(l)->samples;
    uint64_t rejected = v->answer.rejected < samples ? v->answer.rejected : samples;
    l->tally.sent += samples - rejected;
    l->tally.success_ms = lane_now_ms(l);
    if (rejected > 0) {
        push_tally_drop(&l->tally, v->answer.reason, rejected, false);
        tell_dropped(l, v, rejected, v->answer.reason);
    }
    l->sender.succeeded = true;
    lane_well(l, PUSH_TROUBLE_RECEIVER);
    sender_part_done(l);
}

/* It may have been stored though no answer came, or a gateway had none. */
static bool may_have_arrived(const struct http_post_result *result)
{
    return result->reason != REASON_NONE || result->status == 0 ||
           result->status == STATUS_BAD_GATEWAY || result->status == STATUS_GATEWAY_TIMEOUT;
}

static void again(struct push_lane *l, const struct verdict *v, const char *then)
{
    l->sender.attempts++;
    tell(l, PUSH_TROUBLE_RECEIVER, v, then);
    sender_pause(l, l->sender.attempts, v->answer.retry_after_ms);
}

static void fall_back(struct push_lane *l)
{
    char *text =
        alloc_format("\"%s\" does not know remote write 2: it gets version 1", l->options.name);
    l->sender.in_force = PUSH_REMOTE_WRITE;
    l->sender.attempts = 0;
    l->sender.state = SENDER_READY;
    lane_log(l, PUSH_WARN, text, "");
    free(text);
}

static void judge_part(struct push_lane *l, const struct verdict *v)
{
    struct push_sender *s = &l->sender;
    switch (v->answer.verdict) {
    case PUSH_SENT:
        sent(l, v);
        return;
    case PUSH_AGAIN:
        s->doubtful = s->doubtful || may_have_arrived(v->result);
        again(l, v, "what is queued for it waits");
        return;
    case PUSH_SPLIT:
        s->too_large = true;
        s->state = SENDER_READY;
        return;
    case PUSH_FALL_BACK:
        assert(first(l)->format == PUSH_REMOTE_WRITE_2); /* else it would go on for ever */
        fall_back(l);
        return;
    case PUSH_DUPLICATE:
        l->tally.duplicate += first(l)->samples;
        lane_well(l, PUSH_TROUBLE_RECEIVER);
        sender_part_done(l);
        return;
    case PUSH_REFUSED:
        tell_dropped(l, v, first(l)->samples, v->answer.reason);
        drop(l, v->answer.reason);
        return;
    }
}

/* --- requests without samples --- */

/* Until it is known what the receiver takes, nothing is given to it: what waits could be lost. */
static void judge_probe(struct push_lane *l, const struct verdict *v)
{
    struct push_sender *s = &l->sender;
    switch (v->answer.verdict) {
    case PUSH_SENT:
    case PUSH_DUPLICATE:
        s->probed = true;
        s->attempts = 0;
        s->state = SENDER_READY;
        return;
    case PUSH_FALL_BACK:
        fall_back(l);
        return;
    case PUSH_AGAIN:
    case PUSH_SPLIT:
    case PUSH_REFUSED:
        again(l, v, "it was asked whether it knows remote write 2; what is queued for it waits");
        return;
    }
}

void sender_metadata_later(struct push_lane *l)
{
    l->sender.metadata_at = 0;
    l->sender.metadata_due_ns = lane_now_ns(l) + METADATA_PERIOD_NS;
}

static void judge_metadata(struct push_lane *l, const struct verdict *v)
{
    struct push_sender *s = &l->sender;
    int status = v->result->status;
    s->state = SENDER_READY;
    if (v->result->reason == REASON_NONE && status / 100 == 2)
        return;
    s->metadata_refused = status / 100 == 4 && status != STATUS_TOO_MANY;
    sender_metadata_later(l);
}

void sender_judge(void *lane, const struct http_post_result *result)
{
    struct push_lane *l = lane;
    struct push_sender *s = &l->sender;
    const struct push_part *part = s->task == PUSH_TASK_SEND ? first(l) : &s->small;
    if (result->resent && s->task == PUSH_TASK_SEND)
        s->doubtful = true; /* the first may have been stored, and this is the answer to another */
    const struct push_question question = {
        .format = part->format,
        .samples = part->samples,
        .doubtful = s->doubtful && s->task == PUSH_TASK_SEND,
        .probe = s->task == PUSH_TASK_PROBE,
    };
    const struct verdict v = {result, push_answer_of(&question, result, lane_now_ms(l)),
                              part->format};
    push_tally_answer(&l->tally, result);
    push_part_done(&s->small);
    switch (s->task) {
    case PUSH_TASK_METADATA:
        judge_metadata(l, &v);
        break;
    case PUSH_TASK_PROBE:
        judge_probe(l, &v);
        break;
    default:
        judge_part(l, &v);
        break;
    }
    lane_turn(l);
}
