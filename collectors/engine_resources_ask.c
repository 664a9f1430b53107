/* What it knows: when which call is made. The cheap ones in one pass, one after the other; those
 * that may take minutes one at a time, on periods of their own. No round waits for any of them.
 * Documents: Docker Engine API reference (GET /images/json, /volumes, /networks, /system/df,
 * /containers/json). */
#include "collectors/engine_resources_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>

#define COUNT_PERIOD_NS (60 * NS_PER_SECOND) /* events can be lost: everything is counted anew */
#define COUNT_PAUSE_NS  (5 * NS_PER_SECOND)  /* so that a burst of events costs one pass */
#define RETRY_NS        (60 * NS_PER_SECOND) /* after a refusal, or no answer */
#define BODY_MAX_BYTES  (16 * 1024 * 1024)   /* ten thousand images or containers with labels */

#define DANGLING  "?filters=%7B%22dangling%22%3A%5B%22true%22%5D%7D"
#define LIVE_ONLY "&filters=%7B%22status%22%3A%5B%22running%22%2C%22paused%22%5D%7D"

static const struct {
    const char *path;
    unsigned groups; /* that need it */
} resources[RESOURCES] = {
    [RESOURCE_IMAGES] = {"/images/json",
                         GROUP_BIT(GROUP_ENGINE) | GROUP_BIT(GROUP_DOCKER) | GROUP_BIT(GROUP_LIFE)},
    /* Whether an image known by its digest alone is dangling depends on the engine's store. */
    [RESOURCE_IMAGES_DANGLING] = {"/images/json" DANGLING, GROUP_BIT(GROUP_ENGINE)},
    [RESOURCE_VOLUMES] = {"/volumes", GROUP_BIT(GROUP_ENGINE)},
    [RESOURCE_VOLUMES_UNUSED] = {"/volumes" DANGLING, GROUP_BIT(GROUP_ENGINE)},
    [RESOURCE_NETWORKS] = {"/networks", GROUP_BIT(GROUP_ENGINE)},
    [RESOURCE_USAGE] = {"/system/df", GROUP_BIT(GROUP_ENGINE)},
    /* Stopped containers would be counted for nothing; without a status Podman leaves out paused
     * ones. */
    [RESOURCE_SIZES] = {"/containers/json?size=1" LIVE_ONLY, GROUP_BIT(GROUP_DISK)},
};

/* The first version with GET /system/df. */
static const struct api_version first_usage = {1, 25};

static enum resource resource_of(const struct resource_call *call)
{
    return (enum resource)(call - call->owner->calls);
}

/* Between two counts of a slow one; 0: it is never asked for. */
static uint64_t period_ns(const struct engine_resources *r, enum resource what)
{
    const struct collector_options *options = &r->engine->collector->options;
    return NS_PER_MS * (what == RESOURCE_USAGE ? options->engine_df_interval_ms
                                               : options->engine_size_interval_ms);
}

static void tell_changed(const struct engine_resources *r)
{
    const struct collector *c = &r->engine->collector->collector;
    if (c->changed)
        c->changed(c->changed_context);
}

/* Why an answer that came is of no use, or REASON_NONE; `e` has the sentence. */
static enum reason judge(struct engine_resources *r, enum resource what,
                         const struct http_result *result, struct err *e, bool *ret_changed)
{
    const struct engine *engine = r->engine;
    struct err why = {0};
    const char *path = resources[what].path;
    if (result->reason != REASON_NONE) {
        (void)err_set(e, -EIO, "%s", result->text);
        return result->reason;
    }
    if (result->status != 200) {
        arena_reset(&engine->collector->scratch);
        (void)err_set(
            e, -EIO, "GET %s of %s: the engine answered %d: %s", path, engine->endpoint.key,
            result->status,
            engine_parse_message(result->body, result->body_length, &engine->collector->scratch));
        /* A proxy that lets only some paths through is no fault: it is just not given. */
        bool refused = result->status >= 400 && result->status < 500;
        return refused ? REASON_NOT_GIVEN : REASON_HTTP_STATUS;
    }
    int parsed = resources_take(r, what, result, &why, ret_changed);
    if (parsed == 0)
        return REASON_NONE;
    (void)err_set(e, parsed, "%s: %.200s", engine->endpoint.key, why.text);
    return engine_parse_reason(parsed);
}

/* It is asked for again when that may help. True when something is not known any more. */
static bool failed(struct engine_resources *r, enum resource what, enum reason reason,
                   const char *text)
{
    struct resource_call *call = &r->calls[what];
    uint64_t pause = what < RESOURCE_COUNTED ? 0 : period_ns(r, what);
    call->due_ns = engine_now(r->engine) + (pause > RETRY_NS ? pause : RETRY_NS);
    resources_notice(r, &call->failure, reason, text);
    return resources_forget(r, what);
}

static void succeeded(struct engine_resources *r, enum resource what)
{
    struct resource_call *call = &r->calls[what];
    call->failure.reason = REASON_NONE;
    call->due_ns = what < RESOURCE_COUNTED ? r->pass_ns + COUNT_PERIOD_NS
                                           : engine_now(r->engine) + period_ns(r, what);
}

static void ask_next(struct engine_resources *r);
static void ask_slow(struct engine_resources *r);

static void answered(void *context, const struct http_result *result)
{
    struct resource_call *call = context;
    struct engine_resources *r = call->owner;
    enum resource what = resource_of(call);
    struct err e = {0};
    bool changed = false;
    call->exchange = NULL;
    enum reason reason = judge(r, what, result, &e, &changed);
    if (reason == REASON_NONE)
        succeeded(r, what);
    else
        changed = failed(r, what, reason, e.text);
    if (what < RESOURCE_COUNTED) {
        r->pass_changed = r->pass_changed || changed;
        ask_next(r);
        return;
    }
    ask_slow(r);
    if (changed)
        tell_changed(r);
}

/* False when it could not even be asked. */
static bool ask(struct engine_resources *r, enum resource what)
{
    const struct engine *e = r->engine;
    const struct collector_options *options = &e->collector->options;
    char path[192];
    (void)snprintf(path, sizeof path, "%s%s", e->prefix, resources[what].path);
    const struct http_get_options get = {
        .path = path,
        .timeout_ms =
            what < RESOURCE_COUNTED ? options->engine_timeout_ms : options->engine_df_timeout_ms,
        .max_body_bytes = BODY_MAX_BYTES,
        .on_done = answered,
        .context = &r->calls[what],
    };
    if (http_get(e->getter, &get, &r->calls[what].exchange) == 0)
        return true;
    r->calls[what].exchange = NULL;
    char text[ERR_TEXT_MAX];
    (void)snprintf(text, sizeof text, "GET %s of %.200s could not be queued", resources[what].path,
                   e->endpoint.key);
    r->pass_changed = failed(r, what, REASON_TOO_MANY, text) || r->pass_changed;
    return false;
}

/* Goes on with the pass; at its end it is told if anything is not as it was. An engine that gives
 * no answers is left alone until it does. */
static void ask_next(struct engine_resources *r)
{
    if (r->engine->suspect) {
        r->stirred = r->stirred || r->remaining != 0;
        r->remaining = 0;
    }
    for (enum resource what = 0; what < RESOURCE_COUNTED; what++) {
        if (!(r->remaining & (1U << what)))
            continue;
        r->remaining &= ~(1U << what);
        if (ask(r, what))
            return;
    }
    if (r->pass_changed)
        tell_changed(r);
    r->pass_changed = false;
}

static bool is_passing(const struct engine_resources *r)
{
    for (enum resource what = 0; what < RESOURCE_COUNTED; what++)
        if (r->calls[what].exchange)
            return true;
    return false;
}

static void begin_pass(struct engine_resources *r)
{
    uint64_t now = engine_now(r->engine);
    if (is_passing(r) || (r->pass_ns != 0 && now - r->pass_ns < COUNT_PAUSE_NS))
        return;
    for (enum resource what = 0; what < RESOURCE_COUNTED; what++) {
        const struct resource_call *call = &r->calls[what];
        bool stirred = r->stirred && call->failure.reason == REASON_NONE;
        if (resources_want(r, resources[what].groups) && (stirred || now >= call->due_ns))
            r->remaining |= 1U << what;
    }
    if (r->remaining == 0)
        return;
    r->stirred = false;
    r->pass_ns = now;
    ask_next(r);
}

static bool is_slow_due(const struct engine_resources *r, enum resource what)
{
    bool known = what != RESOURCE_USAGE ||
                 api_version_compare(r->engine->facts.version.api, first_usage) >= 0;
    return resources_want(r, resources[what].groups) && period_ns(r, what) > 0 && known &&
           engine_now(r->engine) >= r->calls[what].due_ns;
}

/* One at a time: both make the engine walk its disks. */
static void ask_slow(struct engine_resources *r)
{
    for (enum resource what = RESOURCE_COUNTED; what < RESOURCES; what++)
        if (r->engine->suspect || r->calls[what].exchange)
            return;
    for (enum resource what = RESOURCE_COUNTED; what < RESOURCES; what++)
        if (is_slow_due(r, what) && ask(r, what))
            return;
}

void resources_ask(struct engine_resources *r)
{
    begin_pass(r);
    ask_slow(r);
}

void resources_cancel(struct engine_resources *r)
{
    for (enum resource what = 0; what < RESOURCES; what++) {
        if (r->calls[what].exchange)
            http_cancel(r->engine->getter, r->calls[what].exchange);
        r->calls[what].exchange = NULL;
    }
}
