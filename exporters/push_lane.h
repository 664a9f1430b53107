/* One destination: asks for a round at its interval, queues it, sends what is queued, oldest first,
 * one request at a time. All blocking work is on a thread of its own, so a dead disk or receiver
 * holds up nobody else. Document: docs/PUSH.md. */
#ifndef WEIR_EXPORTERS_PUSH_LANE_H
#define WEIR_EXPORTERS_PUSH_LANE_H

#include "exporters/exporter.h"
#include "exporters/push_encode.h"
#include "exporters/push_queue.h"
#include "exporters/push_secrets.h"
#include "net/http_post.h"

struct part;
struct push_lane; /* opaque */
struct uv_loop_s;

enum push_severity { PUSH_INFO, PUSH_WARN, PUSH_ERROR };

/* Everything is copied but what `source` and `clock` point to. */
struct push_lane_options {
    struct uv_loop_s *loop;
    const struct clock *clock;
    const char *name; /* label `destination`; unique */
    enum push_format format;
    enum push_coding coding;
    uint64_t interval_ms;
    uint64_t phase_ms;   /* less than the interval: rounds are asked for when the wall clock modulo
                            the interval is this; it spreads a fleet */
    uint64_t timeout_ms; /* of a request, and of a round */
    struct http_post_options post;
    const char *const *headers; /* "Name: value", NULL-terminated, beside those of the protocol */
    const char *user_agent;
    struct push_secrets_options secrets;
    struct push_queue_options queue;
    struct push_encode_options encode; /* `external` is copied; `filter` is taken over */
    struct snapshot_source source;
    /* One line per cause, not per request. `detail` is what the receiver or the system said. */
    void (*log)(void *context, enum push_severity severity, const char *text, const char *detail);
    void *context;
};

/* Opens the queue and begins. 0, or a negative errno with the sentence; `encode.filter` is freed
 * then too. */
int push_lane_new(const struct push_lane_options *options, struct err *e, struct push_lane **ret);
/* Other rounds from now on (a reload). What it waits for is withdrawn from the old ones. */
void push_lane_set_source(struct push_lane *l, const struct snapshot_source *source);
/* Begins to stop. `last`: weir ends, so stale markers for every series are queued and sent; else a
 * lane with other options takes its place and the queue goes on as it is. What is queued is sent
 * while the receiver takes it, for at most `limit_ms`; then `stopped` is called, once, from the
 * loop: everything is closed and the pointer is invalid. */
void push_lane_stop(struct push_lane *l, bool last, uint64_t limit_ms,
                    void (*stopped)(void *context), void *context);
/* What it counted, as metrics weir_push_*. */
void push_lane_add_points(const struct push_lane *l, struct part *part);

#endif
