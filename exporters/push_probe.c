/* What it knows: one empty request and the sentence about its answer. Documents: the remote write
 * specifications 1.0 and 2.0 (an empty request probes a receiver), the OTLP specification. */
#include "exporters/push_probe.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "exporters/push_answer.h"
#include "exporters/push_coding.h"
#include "exporters/push_request.h"

#include <stdlib.h>
#include <string.h>

#define BODY_MAX          4096 /* bytes: an empty message has a few */
#define AUTHORIZATION_MAX ((size_t)64 << 10)
#define WORDS_MAX         1024 /* bytes; push_answer_words gives some hundred */
#define AUTHORIZATION     "Authorization: "

struct push_probe {
    struct push_lane_options options;
    struct http_post *post;
    struct buf body;
    void (*done)(void *context, bool well, const char *text);
    void *context;
};

static const char *protocol_of(enum push_format format)
{
    switch (format) {
    case PUSH_REMOTE_WRITE:
        return "remote write 1";
    case PUSH_REMOTE_WRITE_2:
        return "remote write 2";
    case PUSH_OTLP:
        return "OTLP";
    }
    __builtin_unreachable();
}

static bool is_well(enum push_verdict verdict)
{
    return verdict == PUSH_SENT || verdict == PUSH_DUPLICATE || verdict == PUSH_FALL_BACK;
}

static char *failure_of(enum push_format format, const struct http_post_result *result,
                        struct arena *arena)
{
    struct buf words;
    buf_init(&words, WORDS_MAX);
    push_answer_words(format, result, &words);
    const char *said = words.length > 0 ? words.data : "it said nothing about why";
    const char *mend = push_request_mend(result);
    char *text = alloc_format("%s: %s%s%s", push_request_outcome(result, arena), said,
                              mend[0] != '\0' ? "; " : "", mend);
    buf_done(&words);
    return text;
}

static char *sentence_of(enum push_format format, enum push_verdict verdict,
                         const struct http_post_result *result, struct arena *arena)
{
    if (verdict == PUSH_FALL_BACK)
        return alloc_format("%s: it takes remote write 1 only; weir will fall back",
                            push_request_outcome(result, arena));
    if (is_well(verdict))
        return alloc_format("%s: it takes %s", push_request_outcome(result, arena),
                            protocol_of(format));
    return failure_of(format, result, arena);
}

static void probe_free(struct push_probe *p)
{
    buf_done(&p->body);
    free(p);
}

static void on_answer(void *context, const struct http_post_result *result)
{
    struct push_probe *p = context;
    enum push_format format = p->options.format;
    uint64_t now_ms = clock_realtime_ns(p->options.clock) / NS_PER_MS;
    const struct push_question question = {.format = format, .probe = true};
    const struct push_answer answer = push_answer_of(&question, result, now_ms);
    struct arena arena = {0};
    char *text = sentence_of(format, answer.verdict, result, &arena);
    http_post_close(p->post);
    p->done(p->context, is_well(answer.verdict), text);
    probe_free(p);
    free(text);
    arena_done(&arena);
}

/* The whole header, or nothing. */
static int authorize(const struct push_secrets_options *options, struct buf *ret, struct err *e)
{
    struct push_secrets *secrets = NULL;
    int r = push_secrets_new(options, e, &secrets);
    if (r < 0 || !secrets)
        return r;
    (void)buf_add_string(ret, AUTHORIZATION);
    r = push_secrets_authorization(secrets, ret, e);
    push_secrets_free(secrets);
    return r;
}

static int encode(const struct push_lane_options *options, struct buf *ret, struct err *e)
{
    struct buf plain;
    buf_init(&plain, BODY_MAX);
    buf_init(ret, BODY_MAX);
    int r = push_encode_empty(options->format, &plain);
    if (r == 0)
        r = push_compress(options->coding, plain.data ? plain.data : "", plain.length, ret);
    buf_done(&plain);
    return r < 0 ? err_set_errno(e, r, "cannot make an empty request") : 0;
}

/* Headers are copied by then. */
static void send(struct push_probe *p, const char *authorization)
{
    const struct push_lane_options *o = &p->options;
    struct arena arena = {0};
    const struct push_request_head head = {.format = o->format,
                                           .coding = o->coding,
                                           .user_agent = o->user_agent,
                                           .authorization = authorization,
                                           .headers = o->headers};
    http_post_send(p->post, &(struct http_post_request){
                                .headers = push_request_headers(&head, &arena),
                                .body = p->body.data ? p->body.data : "",
                                .body_length = p->body.length,
                                .timeout_ms = o->timeout_ms,
                                .context = p,
                                .done = on_answer,
                            });
    arena_done(&arena);
}

int push_probe_start(const struct push_lane_options *options,
                     void (*done)(void *context, bool well, const char *text), void *context,
                     struct err *e)
{
    struct push_probe *p = alloc_zeroed(1, sizeof *p);
    struct buf authorization;
    *p = (struct push_probe){.options = *options, .done = done, .context = context};
    buf_init(&authorization, AUTHORIZATION_MAX);
    int r = push_coding_check(options->coding, e);
    if (r == 0)
        r = authorize(&options->secrets, &authorization, e);
    if (r == 0)
        r = encode(options, &p->body, e);
    if (r == 0)
        r = http_post_new(options->loop, &options->post, e, &p->post);
    if (r == 0)
        send(p, authorization.data);
    else
        probe_free(p);
    if (authorization.data)
        explicit_bzero(authorization.data, authorization.capacity);
    buf_done(&authorization);
    return r;
}
