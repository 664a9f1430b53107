/* What it knows: which count of a destination is which metric. Document:
 * base/metric_list_agent.h. */
#include "exporters/push_tally.h"

#include "base/snapshot.h"
#include "exporters/push_queue.h"
#include "net/http_post.h"

#include <stdio.h>

/* RFC 9110 section 15: no status is outside of these. */
#define STATUS_MIN 100
#define STATUS_MAX 599

void push_tally_answer(struct push_tally *t, const struct http_post_result *result)
{
    t->duration_ns += result->duration_ns;
    if (result->reason != REASON_NONE || result->status == 0) {
        t->unanswered++;
        return;
    }
    size_t i = 0;
    while (i < t->code_count && t->codes[i].status != result->status)
        i++;
    if (result->status < STATUS_MIN || result->status > STATUS_MAX || i == PUSH_CODES_MAX) {
        t->other++;
        return;
    }
    if (i == t->code_count)
        t->codes[t->code_count++].status = result->status;
    t->codes[i].count++;
}

void push_tally_drop(struct push_tally *t, enum push_drop reason, uint64_t samples, bool whole)
{
    t->dropped[reason] += samples;
    if (whole)
        t->rounds_dropped[reason]++;
}

static void add(struct part *part, enum agent_metric metric, uint64_t value, const char *first,
                const char *second)
{
    const char *const labels[] = {first, second, NULL};
    part_add_point(part, metric, value, labels);
}

/* All reasons from the start: a rate needs the 0 that was before. */
static void add_drops(const struct push_tally *t, const struct push_tally_view *v,
                      struct part *part)
{
    for (enum push_drop i = 0; i < PUSH_DROPS; i++)
        add(part, AGENT_PUSH_DROPPED, t->dropped[i] + v->queue->dropped_samples[i], v->destination,
            push_drop_name(i));
    for (enum push_drop i = 0; i < PUSH_DROPS; i++)
        add(part, AGENT_PUSH_ROUNDS_DROPPED, t->rounds_dropped[i] + v->queue->dropped_records[i],
            v->destination, push_drop_name(i));
}

static void add_responses(const struct push_tally *t, const char *destination, struct part *part)
{
    for (size_t i = 0; i < t->code_count; i++) {
        char code[sizeof "599"];
        (void)snprintf(code, sizeof code, "%d", t->codes[i].status);
        add(part, AGENT_PUSH_RESPONSES, t->codes[i].count, destination, code);
    }
    if (t->other > 0)
        add(part, AGENT_PUSH_RESPONSES, t->other, destination, "other");
    add(part, AGENT_PUSH_RESPONSES, t->unanswered, destination, "none");
}

/* How long the oldest has waited; a clock that was set back makes it none. */
static uint64_t age_ms(const struct push_tally_view *v)
{
    uint64_t oldest_ms = v->queue->oldest_ms;
    return oldest_ms == 0 || oldest_ms > v->now_ms ? 0 : v->now_ms - oldest_ms;
}

void push_tally_points(const struct push_tally *t, const struct push_tally_view *view,
                       struct part *part)
{
    const char *destination = view->destination;
    const struct push_queue_stats *queue = view->queue;
    add(part, AGENT_PUSH_INFO, 1, destination, push_format_name(view->in_force));
    add(part, AGENT_PUSH_QUEUED, queue->queued_samples, destination, NULL);
    add(part, AGENT_PUSH_SENT, t->sent, destination, NULL);
    add(part, AGENT_PUSH_RETRIED, t->retried, destination, NULL);
    add(part, AGENT_PUSH_DUPLICATE, t->duplicate, destination, NULL);
    add_drops(t, view, part);
    add(part, AGENT_PUSH_QUEUE_BYTES, queue->bytes, destination, NULL);
    add(part, AGENT_PUSH_QUEUE_MAX, view->queue_max_bytes, destination, NULL);
    add(part, AGENT_PUSH_QUEUE_MEMORY, queue->memory_bytes, destination, NULL);
    add(part, AGENT_PUSH_QUEUE_SAMPLES, queue->samples, destination, NULL);
    add(part, AGENT_PUSH_QUEUE_AGE, age_ms(view), destination, NULL);
    if (t->success_ms > 0)
        add(part, AGENT_PUSH_SUCCESS_TIME, t->success_ms, destination, NULL);
    add_responses(t, destination, part);
    add(part, AGENT_PUSH_DURATION, t->duration_ns, destination, NULL);
}
