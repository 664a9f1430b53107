/* What it knows: which containers an engine has and who they are: the list, and one inspect per
 * change, of which events tell (engine_events.c). Documents: Docker Engine API reference (GET
 * /containers/json, /containers/{id}/json). */
#include "collectors/engine_life.h"
#include "collectors/engine_round.h"
#include "collectors/engine_steps.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "collectors/inventory.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENGINE_CONTAINERS_MAX \
    10000 /* a host holds some hundreds; beyond that a list is an attack or a mistake */
#define LIST_MAX_BYTES    (16 * 1024 * 1024) /* 10 000 containers with long labels */
#define INSPECT_MAX_BYTES (4 * 1024 * 1024)  /* thousands of mounts or environment variables */

#define RECHECK_LISTS 10 /* lists over which looking at every container anew is spread */

/* The place of `id` in the sorted array, or where it belongs. */
static size_t find_place(const struct engine *e, const char *id, bool *ret_found)
{
    size_t low = 0;
    size_t high = e->container_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(e->containers[middle]->id, id);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = false;
    return low;
}

struct engine_container *engine_find_container(const struct engine *e, const char *id)
{
    bool found = false;
    size_t place = find_place(e, id, &found);
    return found ? e->containers[place] : NULL;
}

struct engine_container *engine_get_container(struct engine *e, const char *id)
{
    bool found = false;
    if (!text_is_container_id(id, strlen(id)))
        return NULL;
    size_t place = find_place(e, id, &found);
    if (found)
        return e->containers[place];
    if (e->container_count >= ENGINE_CONTAINERS_MAX) {
        e->too_many = true;
        return NULL;
    }
    if (e->container_count == e->container_capacity) {
        e->container_capacity = e->container_capacity ? e->container_capacity * 2 : 16;
        e->containers =
            alloc_resize(e->containers, e->container_capacity, sizeof(struct engine_container *));
    }
    struct engine_container *c = alloc_zeroed(1, sizeof *c);
    c->engine = e;
    memcpy(c->id, id, ENGINE_ID_LENGTH);
    c->needs_inspect = true;
    c->life = engine_life_new();
    engine_restore_removed(c);
    memmove(&e->containers[place + 1], &e->containers[place],
            (e->container_count - place) * sizeof(struct engine_container *));
    e->containers[place] = c;
    e->container_count++;
    return c;
}

/* Ends its call, if any, and frees it. */
static void free_container(struct engine_container *c)
{
    if (c->call)
        http_cancel(c->engine->getter, c->call);
    identity_unref(c->identity);
    engine_drop_late(c);
    free(c->life);
    free(c);
}

void engine_remove_container(struct engine_container *c)
{
    struct engine *e = c->engine;
    bool found = false;
    size_t place = find_place(e, c->id, &found);
    assert(found);
    e->container_count--;
    memmove(&e->containers[place], &e->containers[place + 1],
            (e->container_count - place) * sizeof(struct engine_container *));
    bool waited = c->call && !c->late;
    if (c->identity && c->identity->local)
        inventory_drop(e->collector->options.inventory, c->id);
    engine_keep_removed(c);
    free_container(c);
    if (waited)
        engine_call_ended(e);
}

/* No call of it may be waited for. */
void engine_forget(struct engine *e)
{
    for (size_t i = 0; i < e->container_count; i++) {
        struct engine_container *c = e->containers[i];
        if (c->identity && c->identity->local)
            inventory_demote(e->collector->options.inventory, c->id);
        free_container(c);
    }
    e->container_count = 0;
    engine_forget_removed(e);
}

/* Is it time to look at it anew although nothing told of a change? `rechecks` is how many of those
 * that are merely old this list may still choose. */
static bool is_stale(const struct engine_container *c, enum container_state state, size_t *rechecks)
{
    if (c->unwanted)
        return false;
    if (state_is_live(state) && engine_life_is_outdated(c->engine, c->life))
        return true;
    bool chosen = *rechecks > 0 && engine_life_is_old(c->engine, c->life);
    *rechecks -= chosen;
    return chosen;
}

/* Takes the list as what there is: new ones are added, missing ones removed, changed ones marked.
 */
static void compare_list(struct engine *e, const struct engine_list_entry *entries, size_t count)
{
    size_t rechecks = e->container_count / RECHECK_LISTS + 1;
    e->too_many = false;
    for (size_t i = 0; i < e->container_count; i++) {
        e->containers[i]->listed =
            e->containers[i]->told; /* the list may be older than the event */
        e->containers[i]->told = false;
    }
    for (size_t i = 0; i < count; i++) {
        struct engine_container *c = engine_get_container(e, entries[i].id);
        if (!c)
            continue;
        c->listed = true;
        bool renamed =
            c->identity && c->identity->name && !text_equal(c->identity->name, entries[i].name);
        if (e->inspect_all || renamed || c->state != entries[i].state ||
            is_stale(c, entries[i].state, &rechecks))
            c->needs_inspect = true;
        c->state = entries[i].state;
        c->seen_ns = clock_realtime_ns(e->collector->options.clock);
    }
    e->inspect_all = false;
    for (size_t i = e->container_count; i > 0; i--)
        if (!e->containers[i - 1]->listed)
            engine_remove_container(e->containers[i - 1]);
}

static void list_failed(struct engine *e, enum reason reason, const char *text)
{
    e->setup_doubtful = reason == REASON_TIMEOUT;
    e->setup_late = true; /* counted by list_done itself */
    engine_down(e, reason, text);
}

static void list_answer(struct engine *e, const struct http_result *result)
{
    struct err err = {0};
    struct engine_list_entry *entries = NULL;
    size_t count = 0;
    char text[ERR_TEXT_MAX];
    struct arena *scratch = &e->collector->scratch;
    engine_note_answer(e, result);
    arena_reset(scratch);
    if (result->reason != REASON_NONE) {
        list_failed(e, result->reason, result->text);
        return;
    }
    if (result->status != 200) {
        (void)snprintf(text, sizeof text, "GET /containers/json of %s: the engine answered %d: %s",
                       e->endpoint.key, result->status,
                       engine_parse_message(result->body, result->body_length, scratch));
        list_failed(e, REASON_HTTP_STATUS, text);
        return;
    }
    int r = engine_parse_list(result->body, result->body_length, scratch, &err, &entries, &count);
    if (r < 0) {
        (void)snprintf(text, sizeof text, "GET /containers/json of %s: %.200s", e->endpoint.key,
                       err.text);
        list_failed(e, engine_parse_reason(r), text);
        return;
    }
    compare_list(e, entries, count);
    e->listed_ns = engine_now(e);
    e->phase = ENGINE_READY;
    e->failure = REASON_NONE;
    e->setup_doubtful = false;
    engine_read_all(e);
}

static void list_done(void *context, const struct http_result *result)
{
    struct engine *e = context;
    bool waited = !e->setup_late;
    e->setup = NULL;
    list_answer(e, result);
    if (waited)
        engine_call_ended(e);
}

void engine_list(struct engine *e)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/containers/json?all=1", e->prefix);
    const struct http_get_options options = {
        .path = path,
        .timeout_ms = e->collector->options.engine_timeout_ms,
        .max_body_bytes = LIST_MAX_BYTES,
        .on_done = list_done,
        .context = e,
    };
    e->phase = ENGINE_LISTING;
    e->inspect_all = e->inspect_all || e->list_again;
    e->list_again = false;
    if (http_get(e->getter, &options, &e->setup) < 0) {
        e->setup = NULL;
        list_failed(e, REASON_TOO_MANY, "the list could not be queued");
        return;
    }
    e->setup_ns = engine_now(e);
    e->setup_late = !engine_call_begun(e, e->setup_doubtful);
}

/* Tells the tiers that read this host's files who it is. */
static void tell(struct engine_container *c, const struct engine_inspect *inspect)
{
    struct engine_collector *self = c->engine->collector;
    if (!c->identity->local)
        return;
    const struct inventory_telling telling = {
        .identity = c->identity,
        .source = INVENTORY_ENGINE,
        .hidden = c->unwanted,
        .pid = inspect->pid <= UINT32_MAX ? (uint32_t)inspect->pid : 0,
        .network = c->spec.network,
        .now_ns = clock_monotonic_ns(self->options.clock),
    };
    (void)inventory_tell(self->options.inventory,
                         &telling); /* full: it stays without a name there */
}

/* The id label: what the kernel says where the container is local, else what the engine's driver
 * makes. */
static const char *find_cgroup_path(struct engine *e, const struct engine_inspect *inspect,
                                    struct arena *arena)
{
    const char *path = NULL;
    if (engine_endpoint_is_here(&e->endpoint) && inspect->pid != 0) {
        char file[512];
        struct buf text;
        buf_init(&text, PROC_CGROUP_MAX_BYTES);
        (void)snprintf(file, sizeof file, "%s/%" PRIu64 "/cgroup", e->collector->options.procfs,
                       inspect->pid);
        if (fs_read_file(file, &text) == 0 && text.length > 0)
            path = identity_path_from_proc(text.data, inspect->id, arena);
        buf_done(&text);
    }
    if (path) {
        engine_is_local(e);
        return path;
    }
    return identity_path_from_driver(e->facts.info.cgroup_driver, inspect->cgroup_parent,
                                     e->facts.version.podman, inspect->id, arena);
}

/* A copy of a text that becomes a label, or NULL and counted where it is longer than labels may be.
 */
static const char *copy_bounded(struct identity *identity, const char *text,
                                struct label_drops *drops)
{
    if (strlen(text) <= LABEL_VALUE_MAX)
        return arena_string(&identity->arena, text);
    drops->too_long++;
    return NULL;
}

static void take_identity(struct engine_container *c, const struct engine_inspect *inspect)
{
    struct engine *e = c->engine;
    const struct collector_options *options = &e->collector->options;
    struct identity *identity = identity_new(e->endpoint.key, c->id);
    identity->name =
        copy_bounded(identity, inspect->name, inventory_drops(e->collector->options.inventory));
    identity->image =
        copy_bounded(identity, inspect->image, inventory_drops(e->collector->options.inventory));
    identity->local = engine_endpoint_is_here(&e->endpoint);
    identity->created_ns = inspect->created_ns;
    identity->started_ns = inspect->started_ns;
    /* A stopped container has no process to ask: the path of its last run stays. */
    identity->cgroup_path = inspect->pid == 0 && c->identity
                                ? arena_string(&identity->arena, c->identity->cgroup_path)
                                : find_cgroup_path(e, inspect, &identity->arena);
    identity_set_labels(identity, inspect->labels, inspect->label_count, options->label_allow.items,
                        options->label_allow.count,
                        inventory_drops(e->collector->options.inventory));
    if (options->kubernetes_labels)
        identity_add_pod_labels(identity, inspect->labels, inspect->label_count, NULL,
                                inventory_drops(e->collector->options.inventory));
    if (c->identity && c->identity->started_ns != identity->started_ns)
        engine_drop_late(c); /* that answer was about another instance */
    engine_life_inspected(c, inspect);
    identity_unref(c->identity);
    c->identity = identity;
    c->spec = engine_spec_from_inspect(inspect);
    c->state = inspect->state;
    c->unwanted = !identity_is_wanted(inspect, options->include.items, options->include.count,
                                      options->exclude.items, options->exclude.count);
    c->inspected_round = e->collector->round.number;
    tell(c, inspect);
}

/* True when the container is still there. */
static bool inspect_answer(struct engine_container *c, const struct http_result *result)
{
    struct engine *e = c->engine;
    struct err err = {0};
    struct engine_inspect inspect;
    char text[ERR_TEXT_MAX];
    struct arena *scratch = &e->collector->scratch;
    engine_note_answer(e, result);
    arena_reset(scratch);
    if (result->reason != REASON_NONE) {
        engine_container_failed(c, result->reason, result->text);
        return true;
    }
    if (result->status == 404)
        return false;
    if (result->status != 200) {
        (void)snprintf(text, sizeof text, "inspect of %.12s on %s: the engine answered %d: %s",
                       c->id, e->endpoint.key, result->status,
                       engine_parse_message(result->body, result->body_length, scratch));
        engine_container_failed(c, REASON_HTTP_STATUS, text);
        return true;
    }
    int r = engine_parse_inspect(result->body, result->body_length, scratch, &err, &inspect);
    if (r < 0) {
        (void)snprintf(text, sizeof text, "inspect of %.12s on %s: %.200s", c->id, e->endpoint.key,
                       err.text);
        engine_container_failed(c, engine_parse_reason(r), text);
        return true;
    }
    c->timeouts = 0;
    c->seen_ns = clock_realtime_ns(e->collector->options.clock);
    take_identity(c, &inspect);
    return true;
}

static void inspect_done(void *context, const struct http_result *result)
{
    struct engine_container *c = context;
    struct engine *e = c->engine;
    bool waited = !c->late;
    c->call = NULL;
    c->failure = REASON_NONE;
    if (!inspect_answer(c, result))
        engine_remove_container(c);
    else if (c->failure != REASON_NONE)
        c->needs_inspect = true;
    else
        engine_read_container(c);
    if (waited)
        engine_call_ended(e);
}

void engine_inspect(struct engine_container *c)
{
    struct engine *e = c->engine;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/containers/%s/json", e->prefix, c->id);
    const struct http_get_options options = {
        .path = path,
        .timeout_ms = e->collector->options.engine_timeout_ms,
        .max_body_bytes = INSPECT_MAX_BYTES,
        .on_done = inspect_done,
        .context = c,
    };
    assert(!c->call);
    if (http_get(e->getter, &options, &c->call) < 0) {
        c->call = NULL;
        engine_container_failed(c, REASON_TOO_MANY, "inspect could not be queued");
        return;
    }
    c->needs_inspect = false;
    c->asked_ns = engine_now(e);
    c->late = !engine_call_begun(e, c->timeouts > 0);
    if (c->late)
        c->failure = REASON_TIMEOUT; /* until the answer that no round waits for is there */
}
