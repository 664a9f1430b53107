/* What it knows: reaching an engine: version, info, event subscription, then the list; and the
 * circuit breaker. Documents: Docker Engine API reference (GET /version, /info, /events, /_ping).
 */
#include "collectors/engine_resources.h"
#include "collectors/engine_round.h"
#include "collectors/engine_steps.h"

#include "base/clock.h"
#include "net/curl_client.h"
#include "net/http_client.h"
#include "net/timer.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define ANSWER_MAX_BYTES (1024 * 1024) /* version, info: some KiB on every engine */
#define EVENT_MAX_BYTES  (256 * 1024)  /* one event with all labels of its container */
#define ALL_AT_ONCE      1024 /* calls in flight on engines whose one-shot waits for the tick */
#define SLOW_CALLS       2  /* counts of sizes, and of what else there is: beside a round's calls */
#define IDLE_CONNECTIONS 16 /* kept between rounds: the default concurrency */
#define EVENTS_RETRY_NS \
    (60 * NS_PER_SECOND) /* an engine that refuses events is asked again so late */
#define PROBE_FIRST_MS 1000
#define PROBE_LAST_MS  30000

static const struct api_version newest_known = {1, 55};
static const struct api_version oldest_known = {1, 24};
static const struct api_version first_one_shot = {1, 41};

/* Only what changes what there is and how containers do. With "health_status" in it Docker takes
 * every word as a beginning, and no word here begins what comes often (exec_start, mount, top). */
#define EVENTS_WORD(word) "%2C%22" word "%22"
#define EVENTS_PATH                                                                                \
    "/events?filters=%7B%22type%22%3A%5B%22container%22" EVENTS_WORD("image")                      \
        EVENTS_WORD("volume")                                                                      \
            EVENTS_WORD("network") "%5D%2C%22event%22%3A%5B%22create%22" EVENTS_WORD("start")      \
                EVENTS_WORD("restart") EVENTS_WORD("die") EVENTS_WORD("died") EVENTS_WORD("stop")  \
                    EVENTS_WORD("kill") EVENTS_WORD("oom") EVENTS_WORD("destroy") EVENTS_WORD(     \
                        "remove") EVENTS_WORD("rename") EVENTS_WORD("update") EVENTS_WORD("pause") \
                        EVENTS_WORD("unpause") EVENTS_WORD("health_status") EVENTS_WORD("prune")   \
                            EVENTS_WORD("pull") EVENTS_WORD("load") EVENTS_WORD("loadfromarchive") \
                                EVENTS_WORD("import") EVENTS_WORD("build") EVENTS_WORD("tag")      \
                                    EVENTS_WORD("untag") EVENTS_WORD("delete") "%5D%7D"

static void fire_probe(void *context);

static int open_tls(struct engine *e, struct err *err)
{
    char url[512];
    (void)snprintf(url, sizeof url, "%s", e->endpoint.key);
    const struct curl_client_options options = {
        .base_url = url,
        .ca_file = e->endpoint.ca_file,
        .cert_file = e->endpoint.cert_file,
        .key_file = e->endpoint.key_file,
        .verify = e->endpoint.verify,
        .max_connections = e->collector->options.engine_max_concurrency + SLOW_CALLS,
    };
    return curl_client_new(e->collector->options.loop, &options, err, &e->getter);
}

int engine_open(struct engine *e, struct err *err)
{
    int r = 0;
    if (e->endpoint.kind == ENGINE_TLS) {
        r = open_tls(e, err);
    } else {
        const struct http_client_options options = {
            .unix_path = e->endpoint.path,
            .host = e->endpoint.host,
            .port = e->endpoint.port,
            .max_connections = e->collector->options.engine_max_concurrency + SLOW_CALLS,
            .max_idle = IDLE_CONNECTIONS,
        };
        r = http_client_new(e->collector->options.loop, &options, err, &e->getter);
    }
    if (r < 0)
        return r;
    e->probe_timer = timer_new(e->collector->options.loop, fire_probe, e);
    return 0;
}

static void cancel_call(const struct engine *e, struct http_exchange **call)
{
    if (*call)
        http_cancel(e->getter, *call);
    *call = NULL;
}

void engine_down(struct engine *e, enum reason reason, const char *text)
{
    bool waited = e->in_round && ((e->setup && !e->setup_late) ||
                                  (e->phase == ENGINE_SUBSCRIBING && !e->setup_late));
    cancel_call(e, &e->setup);
    cancel_call(e, &e->events);
    engine_resources_down(e->resources);
    e->events_live = false;
    e->inspect_all = true;
    e->phase = ENGINE_DOWN;
    e->failure = reason;
    (void)snprintf(e->failure_text, sizeof e->failure_text, "%s", text);
    if (waited)
        engine_call_ended(e);
}

/* A step of setting up failed: `e->setup` is over, its pending count is not. */
static void setup_failed(struct engine *e, enum reason reason, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void setup_failed(struct engine *e, enum reason reason, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    e->setup_doubtful = reason == REASON_TIMEOUT;
    e->setup_late = true; /* the step that ends here is counted by its own callback */
    engine_down(e, reason, text);
}

/* The checks that every step shares; true when the answer can be read. */
static bool setup_usable(struct engine *e, const struct http_result *result, const char *what)
{
    engine_note_answer(e, result);
    if (result->reason != REASON_NONE) {
        setup_failed(e, result->reason, "%s", result->text);
        return false;
    }
    if (result->status == 200)
        return true;
    arena_reset(&e->collector->scratch);
    const char *message =
        engine_parse_message(result->body, result->body_length, &e->collector->scratch);
    enum reason reason = result->status == 400 ? REASON_API_VERSION : REASON_HTTP_STATUS;
    setup_failed(e, reason, "%s of %s: the engine answered %d: %s", what, e->endpoint.key,
                 result->status, message);
    return false;
}

static void setup_call(struct engine *e, enum engine_phase phase, const char *path,
                       size_t max_bytes, void (*on_done)(void *, const struct http_result *))
{
    const struct http_get_options options = {
        .path = path,
        .timeout_ms = e->collector->options.engine_timeout_ms,
        .max_body_bytes = max_bytes,
        .on_done = on_done,
        .context = e,
    };
    e->phase = phase;
    int r = http_get(e->getter, &options, &e->setup);
    if (r < 0) {
        e->setup = NULL;
        setup_failed(e, REASON_TOO_MANY, "%s: the request could not be queued", e->endpoint.key);
        return;
    }
    e->setup_ns = engine_now(e);
    e->setup_late = !engine_call_begun(e, e->setup_doubtful);
}

/* Ends the step whose answer was just handled, if the round waited for it. */
static void setup_step_ended(struct engine *e, bool waited)
{
    if (waited)
        engine_call_ended(e);
}

/* It has said everything: what it said before is not needed any more. */
static void use_facts(struct engine *e)
{
    struct arena old = e->facts_arena;
    e->heard.local = e->facts.local;
    e->heard.sysfs = e->facts.sysfs;
    e->facts = e->heard;
    e->facts_arena = e->heard_arena;
    e->heard = (struct engine_facts){0};
    e->heard_arena = old;
}

/* The other engine, set up already, that has this id: two ways to one engine would give every
 * series twice. */
static const struct engine *find_same(const struct engine *e, const char *id)
{
    for (const struct engine *other = e->collector->engines; other; other = other->next)
        if (other != e && *id != '\0' && other->facts.info.id && other->phase != ENGINE_DOWN &&
            text_equal(other->facts.info.id, id))
            return other;
    return NULL;
}

static void info_done(void *context, const struct http_result *result)
{
    struct engine *e = context;
    bool waited = !e->setup_late;
    struct err err = {0};
    e->setup = NULL;
    if (setup_usable(e, result, "GET /info")) {
        int r = engine_parse_info(result->body, result->body_length, &e->heard_arena, &err,
                                  &e->heard.info);
        const struct engine *same = r < 0 ? NULL : find_same(e, e->heard.info.id);
        if (r < 0) {
            setup_failed(e, engine_parse_reason(r), "GET /info of %s: %s", e->endpoint.key,
                         err.text);
        } else if (same) {
            setup_failed(e, REASON_SAME_ENGINE,
                         "%s is the engine that %s is; give only one of them as --engine.host",
                         e->endpoint.key, same->endpoint.key);
        } else {
            use_facts(e);
            engine_subscribe(e);
        }
    }
    setup_step_ended(e, waited);
}

/* One-shot stats of these Docker engines wait for the next tick of a one-second collector (moby
 * pull request 46448). */
static bool waits_for_tick(const struct engine_version *v)
{
    const unsigned *r = v->release;
    if (v->podman)
        return false;
    if (api_version_compare(v->api, first_one_shot) < 0 || r[0] == 20)
        return true;
    return (r[0] == 23 && r[1] == 0 && r[2] < 8) || (r[0] == 24 && r[1] == 0 && r[2] < 7);
}

/* The version to speak: what was demanded, else the newest that both know, else the oldest the
 * engine still takes. */
static int choose_version(struct engine *e, struct err *err, struct api_version *ret)
{
    const struct engine_version *v = &e->heard.version;
    const char *pinned =
        engine_host_environment(e->collector->options.environment, "DOCKER_API_VERSION");
    if (pinned)
        return engine_parse_api_version(pinned, ret) < 0
                   ? err_set(err, -EPROTONOSUPPORT,
                             "DOCKER_API_VERSION=%s is not a version such as 1.41", pinned)
                   : 0;
    if (api_version_compare(v->api, oldest_known) < 0)
        return err_set(err, -EPROTONOSUPPORT,
                       "%s speaks API %u.%u at most; weir needs %u.%u (Docker 1.12) or newer",
                       e->endpoint.key, v->api.major, v->api.minor, oldest_known.major,
                       oldest_known.minor);
    *ret = api_version_compare(v->api, newest_known) < 0 ? v->api : newest_known;
    if (api_version_compare(*ret, v->min_api) < 0)
        *ret = v->min_api;
    return 0;
}

static void use_version(struct engine *e)
{
    struct err err = {0};
    struct api_version version;
    uint32_t at_once = e->collector->options.engine_max_concurrency;
    if (choose_version(e, &err, &version) < 0) {
        setup_failed(e, REASON_API_VERSION, "%s", err.text);
        return;
    }
    (void)snprintf(e->prefix, sizeof e->prefix, "/v%u.%u", version.major % 100,
                   version.minor % 1000);
    e->heard.version.api = version;
    if (waits_for_tick(&e->heard.version) && at_once < ALL_AT_ONCE)
        at_once = ALL_AT_ONCE;
    http_set_bound(e->getter, at_once + SLOW_CALLS);
    char path[32];
    (void)snprintf(path, sizeof path, "%s/info", e->prefix);
    setup_call(e, ENGINE_ASKING_INFO, path, ANSWER_MAX_BYTES, info_done);
}

static void version_done(void *context, const struct http_result *result)
{
    struct engine *e = context;
    bool waited = !e->setup_late;
    struct err err = {0};
    e->setup = NULL;
    if (setup_usable(e, result, "GET /version")) {
        arena_reset(&e->heard_arena);
        e->heard = (struct engine_facts){0};
        int r = engine_parse_version(result->body, result->body_length, &e->heard_arena, &err,
                                     &e->heard.version);
        if (r < 0)
            setup_failed(e, engine_parse_reason(r), "GET /version of %s: %s", e->endpoint.key,
                         err.text);
        else
            use_version(e);
    }
    setup_step_ended(e, waited);
}

void engine_connect(struct engine *e)
{
    setup_call(e, ENGINE_ASKING_VERSION, "/version", ANSWER_MAX_BYTES, version_done);
}

/* Why there are no events, for people. */
static void keep_events_failure(struct engine *e, const struct http_result *result)
{
    if (e->events_live) {
        (void)snprintf(e->events_failure, sizeof e->events_failure, "the event stream of %s ended",
                       e->endpoint.key);
        return;
    }
    if (result->reason != REASON_NONE) {
        (void)snprintf(e->events_failure, sizeof e->events_failure, "%s", result->text);
        return;
    }
    arena_reset(&e->collector->scratch);
    (void)snprintf(e->events_failure, sizeof e->events_failure,
                   "GET /events of %s: the engine answered %d: %s", e->endpoint.key, result->status,
                   engine_parse_message(result->body, result->body_length, &e->collector->scratch));
}

/* The subscription ended, or was never taken: the inventory is read anew, and as long as there are
 * no events by a list a round. */
static void events_done(void *context, const struct http_result *result)
{
    struct engine *e = context;
    bool subscribing = e->phase == ENGINE_SUBSCRIBING;
    bool waited = subscribing && !e->setup_late;
    bool was_live = e->events_live;
    keep_events_failure(e, result);
    e->events = NULL;
    e->events_live = false;
    e->inspect_all = true;
    /* Where it worked before the engine was restarted, and an engine that cannot be reached has
     * refused nothing: the next try is made at once. */
    bool refused = !was_live && !engine_unreachable(result->reason);
    e->events_retry_ns = refused ? engine_now(e) + EVENTS_RETRY_NS : 0;
    e->events_doubtful = !was_live && result->reason == REASON_TIMEOUT;
    if (was_live && e->collector->collector.changed)
        e->collector->collector.changed(e->collector->collector.changed_context);
    if (!subscribing)
        return;
    engine_note_answer(e, result);
    if (engine_unreachable(result->reason))
        setup_failed(e, result->reason, "%s", result->text);
    else
        engine_list(e); /* events help and are not needed */
    setup_step_ended(e, waited);
}

/* The stream has begun. */
static void events_begun(struct engine *e)
{
    bool waited = !e->setup_late;
    e->events_live = true;
    e->streams++;
    e->events_doubtful = false;
    e->answered = true;
    if (e->phase != ENGINE_SUBSCRIBING) {
        e->list_again = true; /* what happened since the last one was asked for nobody has told */
        return;
    }
    engine_list(e);
    setup_step_ended(e, waited);
}

static void events_line(void *context, const char *line, size_t length)
{
    if (line)
        engine_handle_event(context, line, length);
    else
        events_begun(context);
}

void engine_subscribe(struct engine *e)
{
    char path[sizeof EVENTS_PATH + 16];
    if (e->events || engine_now(e) < e->events_retry_ns) {
        engine_list(e);
        return;
    }
    (void)snprintf(path, sizeof path, "%s%s", e->prefix, EVENTS_PATH);
    const struct http_get_options options = {
        .path = path,
        .timeout_ms = e->collector->options.engine_timeout_ms,
        .max_body_bytes = EVENT_MAX_BYTES,
        .on_done = events_done,
        .on_line = events_line,
        .context = e,
    };
    int r = http_get(e->getter, &options, &e->events);
    if (r < 0)
        e->events = NULL;
    if (r < 0 || e->events_doubtful) {
        engine_list(e);
        return;
    }
    e->phase = ENGINE_SUBSCRIBING;
    e->setup_ns = engine_now(e);
    e->setup_late = !engine_call_begun(e, e->setup_doubtful);
}

static void arm_probe(struct engine *e, uint64_t delay_ms)
{
    e->probe_armed = true;
    timer_start(e->probe_timer, delay_ms);
}

static void probe_done(void *context, const struct http_result *result)
{
    struct engine *e = context;
    e->probe = NULL;
    if (result->reason == REASON_TIMEOUT) {
        e->probe_delay_ms *= 2;
        if (e->probe_delay_ms > PROBE_LAST_MS)
            e->probe_delay_ms = PROBE_LAST_MS;
        arm_probe(e, e->probe_delay_ms);
        return;
    }
    if (result->reason != REASON_NONE)
        engine_down(e, result->reason,
                    result->text); /* it says no at once: rounds can ask for themselves */
    engine_trust(e);
}

static void fire_probe(void *context)
{
    struct engine *e = context;
    const struct http_get_options options = {
        .path = "/_ping",
        .timeout_ms = e->collector->options.engine_timeout_ms,
        .max_body_bytes = ANSWER_MAX_BYTES,
        .on_done = probe_done,
        .context = e,
    };
    assert(!e->probe);
    e->probe_armed = false;
    if (http_get(e->getter, &options, &e->probe) < 0) {
        e->probe = NULL;
        arm_probe(e, PROBE_LAST_MS);
    }
}

void engine_suspect(struct engine *e)
{
    e->suspect = true;
    if (e->failure == REASON_NONE) {
        e->failure = REASON_TIMEOUT;
        (void)snprintf(
            e->failure_text, sizeof e->failure_text,
            "%s accepts requests and does not answer; its log (journalctl -u docker) may say "
            "why. It is asked again in the background",
            e->endpoint.key);
    }
    e->probe_delay_ms = PROBE_FIRST_MS;
    arm_probe(e, e->probe_delay_ms);
}

void engine_trust(struct engine *e)
{
    e->suspect = false;
    engine_stop_probe(e);
    if (e->phase == ENGINE_READY) {
        e->failure = REASON_NONE;
        e->failure_text[0] = '\0';
    }
    if (e->collector->collector.changed)
        e->collector->collector.changed(e->collector->collector.changed_context);
}

void engine_stop_probe(struct engine *e)
{
    timer_stop(e->probe_timer);
    e->probe_armed = false;
    cancel_call(e, &e->probe);
}

void engine_resume_probe(struct engine *e)
{
    if (!e->probe && !e->probe_armed)
        arm_probe(e, 0);
}
