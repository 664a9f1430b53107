/* What it knows: how an engine's clients, timers and clock can be replaced by lists that a test
 * works off, and what an engine's answers look like. Document: fake_engine.h; the Docker Engine API
 * reference. */
#include "tests/unit/fake_engine.h"

#include "base/err.h"
#include "collectors/engine.h"
#include "collectors/inventory.h"
#include "net/curl_client.h"
#include "net/http_client.h"
#include "net/timer.h"
#include "tests/unit/count_malloc.h"
#include "tests/unit/fake_resources.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include <cmocka.h>

#define PATHS_MAX  4096
#define HOLDS_MAX  4
#define BODY_BYTES 16384

struct fake fake;
struct fake_resources_options fake_resources;

/* One request under way. */
struct http_exchange {
    LIST_ENTRY(http_exchange) all;
    struct fake_client *client;
    struct http_get_options options;
    char *path;
    uint64_t sent_ns;
    bool head; /* of a stream: it was given */
};

struct fake_client {
    struct http_getter getter; /* first */
    LIST_ENTRY(fake_client) all;
    char *host;
};

struct timer {
    LIST_ENTRY(timer) all;
    void (*fire)(void *context);
    void *context;
    bool running;
    uint64_t due_ns;
};

static LIST_HEAD(exchange_list, http_exchange) exchanges, unseen; /* fake_resources.h */
static LIST_HEAD(, fake_client) clients;
static LIST_HEAD(, timer) timers;
static char *paths[PATHS_MAX];
static size_t path_count;
static const char *holds[HOLDS_MAX];
static const char *only_host;
static bool asking; /* inside get: nothing may be reported now */
static struct text_list hosts;

/* The fake's own allocations are not the tier's. */
#define UNCOUNTED_BEGIN() size_t uncounted = allocations
#define UNCOUNTED_END()   (allocations = uncounted)

bool fake_counts_allocations(void)
{
    return COUNTS_MALLOC;
}

size_t fake_allocations(void)
{
    return allocations;
}

/* Clock. */

static uint64_t fake_monotonic(void *context)
{
    (void)context;
    return fake.now_ns;
}

static uint64_t fake_realtime(void *context)
{
    (void)context;
    return fake.now_ns + FAKE_EPOCH_S * NS_PER_SECOND;
}

uint64_t fake_now_real_ns(void)
{
    return fake_realtime(NULL);
}

static const struct clock fake_clock = {NULL, fake_monotonic, fake_realtime};

void advance_ms(uint64_t ms)
{
    fake.now_ns += ms * NS_PER_MS;
}

/* Timers: in the place of net/timer.c. */

struct timer *timer_new(struct uv_loop_s *loop, void (*fire)(void *context), void *context)
{
    (void)loop;
    struct timer *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->fire = fire;
    t->context = context;
    LIST_INSERT_HEAD(&timers, t, all);
    return t;
}

void timer_start(struct timer *t, uint64_t delay_ms)
{
    t->running = true;
    t->due_ns = fake.now_ns + delay_ms * NS_PER_MS;
}

void timer_stop(struct timer *t)
{
    t->running = false;
}

void timer_close(struct timer *t)
{
    if (!t)
        return;
    LIST_REMOVE(t, all);
    free(t);
}

static struct timer *earliest(void)
{
    struct timer *first = NULL;
    struct timer *t;
    LIST_FOREACH(t, &timers, all)
    {
        if (t->running && (!first || t->due_ns < first->due_ns))
            first = t;
    }
    return first;
}

void timers_run(void)
{
    for (struct timer *t = earliest(); t && t->due_ns <= fake.now_ns; t = earliest()) {
        t->running = false;
        t->fire(t->context);
    }
}

uint64_t timer_next_ms(void)
{
    const struct timer *t = earliest();
    if (!t)
        return UINT64_MAX;
    return t->due_ns > fake.now_ns ? (t->due_ns - fake.now_ns) / NS_PER_MS : 0;
}

/* Clients: in the place of net/http_client.c and net/curl_client.c. */

/* About what an engine has beside containers, in a test that is about something else? */
static bool is_unseen(const char *path)
{
    static const char *const parts[] = {"/images/json", "/volumes", "/networks", "/system/df",
                                        "size=1"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!fake_resources.shown && strstr(path, parts[i]))
            return true;
    return false;
}

/* A container has one call under way at most. */
static void expect_only_call(const struct fake_client *client, const char *path)
{
    const char *container = strstr(path, "/containers/");
    if (!container || strncmp(container, LIST, strlen(LIST)) == 0)
        return;
    struct http_exchange *x;
    LIST_FOREACH(x, &exchanges, all)
    {
        if (x->client != client)
            continue;
        const char *other = strstr(x->path, "/containers/");
        if (other && strncmp(other, container, strlen("/containers/") + 64) == 0)
            fail_msg("asked for %s while %s is under way", path, x->path);
    }
}

static int fake_get_url(struct http_getter *self, const struct http_get_options *options,
                        struct http_exchange **ret_exchange)
{
    UNCOUNTED_BEGIN();
    struct fake_client *client = (struct fake_client *)self;
    expect_only_call(client, options->path);
    assert_true(options->timeout_ms > 0 && options->max_body_bytes > 0 && options->on_done);
    struct http_exchange *x = calloc(1, sizeof *x);
    assert_non_null(x);
    x->client = client;
    x->options = *options;
    x->path = strdup(options->path);
    x->options.path = x->path;
    x->sent_ns = fake.now_ns;
    *ret_exchange = x;
    if (is_unseen(options->path)) {
        LIST_INSERT_HEAD(&unseen, x, all);
    } else {
        LIST_INSERT_HEAD(&exchanges, x, all);
        assert_true(path_count < PATHS_MAX);
        paths[path_count++] = strdup(options->path);
    }
    UNCOUNTED_END();
    return 0;
}

static void drop(struct http_exchange *x)
{
    LIST_REMOVE(x, all);
    free(x->path);
    free(x);
}

static void fake_cancel(struct http_getter *self, struct http_exchange *exchange)
{
    struct http_exchange *x;
    LIST_FOREACH(x, is_unseen(exchange->path) ? &unseen : &exchanges, all)
    {
        if (x == exchange) {
            assert_ptr_equal(x->client, self);
            drop(x);
            return;
        }
    }
    fail_msg("cancelled a call that is not under way");
}

static void fake_close_idle(struct http_getter *self)
{
    (void)self;
    fake.closed_idle++;
}

static void fake_close(struct http_getter *self, void (*closed)(void *), void *context)
{
    struct fake_client *client = (struct fake_client *)self;
    struct http_exchange *next;
    for (struct http_exchange *x = LIST_FIRST(&exchanges); x; x = next) {
        next = LIST_NEXT(x, all);
        if (x->client == client)
            drop(x);
    }
    for (struct http_exchange *x = LIST_FIRST(&unseen); x; x = next) {
        next = LIST_NEXT(x, all);
        if (x->client == client)
            drop(x);
    }
    LIST_REMOVE(client, all);
    free(client->host);
    free(client);
    if (closed)
        closed(context);
}

static void fake_set_bound(struct http_getter *self, uint32_t max_connections)
{
    (void)self;
    fake.max_connections = max_connections;
}

static struct http_getter *new_client(const char *host)
{
    struct fake_client *client = calloc(1, sizeof *client);
    assert_non_null(client);
    client->getter = (struct http_getter){.get = fake_get_url,
                                          .cancel = fake_cancel,
                                          .close_idle = fake_close_idle,
                                          .set_bound = fake_set_bound,
                                          .close = fake_close};
    client->host = strdup(host);
    LIST_INSERT_HEAD(&clients, client, all);
    return &client->getter;
}

int http_client_new(struct uv_loop_s *loop, const struct http_client_options *options,
                    struct err *e, struct http_getter **ret_client)
{
    (void)loop;
    (void)e;
    char host[256];
    if (options->unix_path)
        (void)snprintf(host, sizeof host, "unix://%s", options->unix_path);
    else
        (void)snprintf(host, sizeof host, "tcp://%s:%u", options->host, options->port);
    fake.max_connections = options->max_connections;
    fake.made_plain++;
    *ret_client = new_client(host);
    return 0;
}

int curl_client_new(struct uv_loop_s *loop, const struct curl_client_options *options,
                    struct err *e, struct http_getter **ret_client)
{
    (void)loop;
    (void)e;
    fake.made_tls++;
    *ret_client = new_client(options->base_url);
    return 0;
}

/* Calls. */

static bool matches(const struct http_exchange *x, const char *part)
{
    return strstr(x->path, part) && (!only_host || strcmp(only_host, x->client->host) == 0);
}

size_t calls_open(const char *part)
{
    size_t count = 0;
    struct http_exchange *x;
    LIST_FOREACH(x, &exchanges, all)
    {
        count += matches(x, part);
    }
    return count;
}

size_t calls_made(const char *part)
{
    size_t count = 0;
    for (size_t i = 0; i < path_count; i++)
        count += strstr(paths[i], part) != NULL;
    return count;
}

const char *call_path(size_t index)
{
    return index < path_count ? paths[index] : NULL;
}

void calls_forget(void)
{
    while (path_count > 0)
        free(paths[--path_count]);
}

void calls_at(const char *host)
{
    only_host = host;
}

static struct http_exchange *the_call(const char *part)
{
    struct http_exchange *found = NULL;
    struct http_exchange *x;
    if (calls_open(part) != 1)
        fail_msg("%zu open calls have \"%s\", expected one", calls_open(part), part);
    LIST_FOREACH(x, &exchanges, all)
    {
        if (matches(x, part))
            found = x;
    }
    return found;
}

uint64_t call_timeout_ms(const char *part)
{
    return the_call(part)->options.timeout_ms;
}

static const char *container_path(char letter, const char *end, char *to, size_t size)
{
    char id[65];
    memset(id, letter, 64);
    id[64] = '\0';
    (void)snprintf(to, size, "/containers/%s/%s", id, end);
    return to;
}

const char *stats_of(char letter)
{
    static char path[128];
    return container_path(letter, "stats", path, sizeof path);
}

const char *inspect_of(char letter)
{
    static char path[128];
    return container_path(letter, "json", path, sizeof path);
}

/* Answers. */

static void end_call(struct http_exchange *x, enum reason reason, int status, const char *body)
{
    assert_false(asking);
    UNCOUNTED_BEGIN();
    struct http_get_options options = x->options;
    char *path = strdup(x->path);
    char *copy = strdup(body); /* its end is where the sanitizer sees it */
    char text[512];
    (void)snprintf(text, sizeof text, "GET %s: %s, said at length; look at its log", path,
                   reason_name(reason));
    const struct http_result result = {.reason = reason,
                                       .text = reason == REASON_NONE ? "" : text,
                                       .status = status,
                                       .body = copy,
                                       .body_length = strlen(copy),
                                       .sent_ns = x->sent_ns,
                                       .received_ns = fake.now_ns};
    drop(x);
    UNCOUNTED_END();
    options.on_done(options.context, &result);
    free(copy);
    free(path);
}

void answer(const char *part, int status, const char *body)
{
    end_call(the_call(part), REASON_NONE, status, body);
}

void answer_failure(const char *part, enum reason reason)
{
    end_call(the_call(part), reason, 0, "");
}

static void id_text(char letter, char to[static 65])
{
    memset(to, letter, 64);
    to[64] = '\0';
}

static const char *rfc3339(uint64_t real_ns, char *to, size_t size)
{
    char seconds[40];
    struct tm tm;
    time_t t = (time_t)(real_ns / NS_PER_SECOND);
    assert_non_null(gmtime_r(&t, &tm));
    assert_true(strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm) > 0);
    (void)snprintf(to, size, "%s.%09" PRIu64 "Z", seconds, real_ns % NS_PER_SECOND);
    return to;
}

static void add_text(char *body, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add_text(char *body, const char *fmt, ...)
{
    size_t length = strlen(body);
    va_list args;
    va_start(args, fmt);
    int written = vsnprintf(body + length, BODY_BYTES - length, fmt, args);
    va_end(args);
    assert_true(written >= 0 && (size_t)written < BODY_BYTES - length);
}

static void make_version(char *body)
{
    add_text(body,
             "{\"Components\":[{\"Name\":\"%s\",\"Version\":\"%s\"}],\"Version\":\"%s\","
             "\"ApiVersion\":\"%s\",\"MinAPIVersion\":\"%s\"}",
             fake.podman ? "Podman Engine" : "Engine", fake.version, fake.version, fake.api,
             fake.min_api);
}

static void make_info(char *body)
{
    add_text(body,
             "{\"NCPU\":2,\"MemTotal\":8589934592,\"CgroupDriver\":\"cgroupfs\","
             "\"CgroupVersion\":\"%s\",\"DockerRootDir\":\"%s\",\"Name\":\"host\"}",
             fake.cgroup_version, fake_resources.root ? fake_resources.root : "");
}

static void make_list(char *body)
{
    char id[65];
    add_text(body, "[");
    for (size_t i = 0; i < fake.container_count; i++) {
        const struct fake_container *c = &fake.containers[i];
        id_text(c->letter, id);
        add_text(body, "%s{\"Id\":\"%s\",\"Names\":[\"/%s\"],\"State\":\"%s\"}", i > 0 ? "," : "",
                 id, c->name, c->state);
    }
    add_text(body, "]");
}

static void make_health(const struct fake_container *c, char *to, size_t size)
{
    to[0] = '\0';
    if (c->health)
        (void)snprintf(to, size, ",\"Health\":{\"Status\":\"%s\",\"FailingStreak\":%u}", c->health,
                       c->streak);
}

static void make_inspect(const struct fake_container *c, char *body)
{
    char id[65];
    char started[64];
    char finished[64] = "0001-01-01T00:00:00Z";
    char health[128];
    id_text(c->letter, id);
    make_health(c, health, sizeof health);
    if (c->finished_s > 0)
        (void)rfc3339((FAKE_EPOCH_S + c->finished_s) * NS_PER_SECOND, finished, sizeof finished);
    add_text(body,
             "{\"Id\":\"%s\",\"Name\":\"/%s\",\"Created\":\"2026-01-01T00:00:00Z\",\"State\":{"
             "\"Status\":\"%s\",\"Pid\":%u,\"StartedAt\":\"%s\",\"FinishedAt\":\"%s\","
             "\"ExitCode\":%d,\"OOMKilled\":%s%s},\"RestartCount\":%u,\"Image\":\"sha256:0123\","
             "\"Config\":{\"Image\":\"shop:1\",\"Labels\":{\"team\":\"blue\"},"
             "\"Env\":[\"PASSWORD=secret\"]},"
             "\"HostConfig\":{\"NetworkMode\":\"%s\",\"Memory\":67108864,\"PidsLimit\":50},"
             "\"NetworkSettings\":{\"Ports\":%s},\"Mounts\":%s}",
             id, c->name, c->state, c->pid,
             c->started_s > 0
                 ? rfc3339((FAKE_EPOCH_S + c->started_s) * NS_PER_SECOND, started, sizeof started)
                 : "0001-01-01T00:00:00Z",
             finished, c->exit_code, c->oom_killed ? "true" : "false", health, c->restarts,
             c->network ? c->network : "bridge", c->ports ? c->ports : "{}",
             c->mounts ? c->mounts : "[]");
}

static void make_stats(const struct fake_container *c, char *body)
{
    char read[64] = "";
    if (c->read_ago_ns != UINT64_MAX)
        (void)rfc3339(fake_realtime(NULL) - c->read_ago_ns, read, sizeof read);
    add_text(body,
             "{\"read\":\"%s\",\"pids_stats\":{\"current\":3,\"limit\":50},"
             "\"blkio_stats\":{\"io_service_bytes_recursive\":["
             "{\"major\":8,\"minor\":0,\"op\":\"read\",\"value\":4096},"
             "{\"major\":8,\"minor\":0,\"op\":\"write\",\"value\":8192}],"
             "\"io_serviced_recursive\":[]},"
             "\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":%" PRIu64
             ",\"usage_in_kernelmode\":0,\"usage_in_usermode\":0},\"system_cpu_usage\":1000000000,"
             "\"online_cpus\":2},\"memory_stats\":{\"usage\":1048576,\"limit\":67108864,"
             "\"stats\":{\"inactive_file\":4096,\"total_inactive_file\":4096,\"pgfault\":7}},"
             "\"networks\":{\"eth0\":{\"rx_bytes\":100,\"rx_packets\":2,\"rx_dropped\":0,"
             "\"tx_bytes\":200,\"tx_packets\":3,\"tx_dropped\":0}}}",
             read, c->cpu_ns);
}

static const struct fake_container *container_of_path(const char *path)
{
    const char *id = strstr(path, "/containers/");
    for (size_t i = 0; id && i < fake.container_count; i++)
        if (fake.containers[i].letter == id[strlen("/containers/")])
            return &fake.containers[i];
    return NULL;
}

static void answer_container(struct http_exchange *x, char *body)
{
    const struct fake_container *c = container_of_path(x->path);
    if (!c) {
        end_call(x, REASON_NONE, 404, "{\"message\":\"No such container\"}");
    } else if (!strstr(x->path, "/stats")) {
        make_inspect(c, body);
        end_call(x, REASON_NONE, 200, body);
    } else {
        if (!c->stats)
            make_stats(c, body);
        end_call(x, REASON_NONE, c->stats_status ? c->stats_status : 200,
                 c->stats ? c->stats : body);
    }
}

/* True when there was something to say to it. */
static bool answer_one(struct http_exchange *x)
{
    char body[BODY_BYTES] = "";
    if (x->options.on_line) {
        if (x->head)
            return false;
        if (fake.events_refused) {
            end_call(x, REASON_NONE, 403, "Forbidden by the proxy\n");
        } else {
            x->head = true;
            x->options.on_line(x->options.context, NULL, 0);
        }
        return true;
    }
    const char *given = fake_resources.answer ? fake_resources.answer(x->path) : NULL;
    if (given) {
        end_call(x, REASON_NONE, 200, given);
        return true;
    }
    if (strstr(x->path, VERSION))
        make_version(body);
    else if (strstr(x->path, INFO))
        make_info(body);
    else if (strstr(x->path, LIST))
        make_list(body);
    else if (strstr(x->path, "/containers/")) {
        answer_container(x, body);
        return true;
    } else {
        assert_non_null(strstr(x->path, PING));
        add_text(body, "OK");
    }
    end_call(x, REASON_NONE, 200, body);
    return true;
}

void answer_as_fake(const char *part)
{
    assert_true(answer_one(the_call(part)));
}

static struct http_exchange *nth(size_t n)
{
    struct http_exchange *x = LIST_FIRST(&exchanges);
    while (x && n-- > 0)
        x = LIST_NEXT(x, all);
    assert_non_null(x);
    return x;
}

bool answer_nth(size_t n)
{
    return answer_one(nth(n));
}

void fail_nth(size_t n, enum reason reason, int status, const char *body)
{
    end_call(nth(n), reason, status, body);
}

bool events_are_live(void)
{
    struct http_exchange *x;
    LIST_FOREACH(x, &exchanges, all)
    {
        if (x->head)
            return true;
    }
    return false;
}

void hold(const char *part)
{
    size_t i = 0;
    while (holds[i])
        assert_true(++i < HOLDS_MAX);
    holds[i] = strdup(part);
}

void hold_none(void)
{
    for (size_t i = 0; i < HOLDS_MAX; i++) {
        free((void *)(uintptr_t)holds[i]);
        holds[i] = NULL;
    }
}

static bool is_held(const struct http_exchange *x)
{
    for (size_t i = 0; i < HOLDS_MAX; i++)
        if (holds[i] && strstr(x->path, holds[i]))
            return true;
    return only_host && strcmp(only_host, x->client->host) != 0;
}

/* Oldest first, as an engine would. */
static struct http_exchange *next_to_serve(void)
{
    struct http_exchange *found = NULL;
    struct http_exchange *x;
    LIST_FOREACH(x, &exchanges, all)
    {
        if (!is_held(x) && !x->head)
            found = x;
    }
    return found;
}

void serve(void)
{
    timers_run();
    for (struct http_exchange *x = next_to_serve(); x; x = next_to_serve()) {
        assert_true(answer_one(x));
        timers_run();
    }
}

void events_head(void)
{
    struct http_exchange *x = the_call(EVENTS);
    assert_false(x->head);
    x->head = true;
    x->options.on_line(x->options.context, NULL, 0);
}

void event_line(const char *line)
{
    struct http_exchange *x = the_call(EVENTS);
    assert_true(x->head);
    x->options.on_line(x->options.context, line, strlen(line));
}

void event_with(const char *action, char letter, const char *attributes, uint64_t time_ns)
{
    char id[65];
    char line[1024];
    id_text(letter, id);
    (void)snprintf(line, sizeof line,
                   "{\"status\":\"%s\",\"id\":\"%s\",\"Type\":\"container\",\"Action\":\"%s\","
                   "\"Actor\":{\"ID\":\"%s\",\"Attributes\":%s},\"timeNano\":%" PRIu64 "}",
                   action, id, action, id, attributes, time_ns);
    event_line(line);
}

void event(const char *action, char letter)
{
    event_with(action, letter, "{}", fake_realtime(NULL));
}

void events_end(enum reason reason)
{
    end_call(the_call(EVENTS), reason, 200, "");
}

/* The engine's containers. */

struct fake_container *fake_get(char letter)
{
    for (size_t i = 0; i < fake.container_count; i++)
        if (fake.containers[i].letter == letter)
            return &fake.containers[i];
    fail_msg("no container %c", letter);
    return NULL;
}

struct fake_container *fake_add(char letter, const char *name, const char *state)
{
    assert_true(fake.container_count < FAKE_CONTAINERS);
    struct fake_container *c = &fake.containers[fake.container_count++];
    *c = (struct fake_container){
        .letter = letter, .name = name, .state = state, .started_s = 1, .cpu_ns = 1000000};
    return c;
}

void fake_remove(char letter)
{
    struct fake_container *c = fake_get(letter);
    *c = fake.containers[--fake.container_count];
}

/* The tier. */

static void changed(void *context)
{
    (void)context;
    fake.changes++;
}

static void make_tier(char *const environment[], const char *include, bool light)
{
    struct err e = {0};
    static char *include_items[1];
    static char allow_all[] = "*";
    static char *allow_items[] = {allow_all};
    include_items[0] = (char *)(uintptr_t)include;
    const struct collector_options options = {
        .groups = fake_resources.groups ? fake_resources.groups : GROUPS_DEFAULT,
        .engine_df_interval_ms = fake_resources.df_interval_ms,
        .engine_size_interval_ms = fake_resources.size_interval_ms,
        .engine_df_timeout_ms = fake_resources.df_timeout_ms,
        .clock = &fake_clock,
        .environment = environment,
        .procfs = "/nowhere/proc",
        .sysfs = "/nowhere/sys",
        .engine_hosts = hosts,
        .engine_timeout_ms = 3000,
        .engine_max_concurrency = 16,
        .label_allow = {allow_items, 1},
        .include = {include_items, include ? 1 : 0},
        .inventory = fake.inventory,
        .engine_for_identity = light,
        .keep_stopped_ms = FAKE_KEEP_STOPPED_MS,
        .linger_ms = FAKE_LINGER_MS,
    };
    if (engine_new(&options, &e, &fake.collector) < 0)
        fail_msg("%s", e.text);
    fake.collector->changed = changed;
}

static void reset(void)
{
    /* What a failed test has left must not fail the next one too. */
    LIST_INIT(&exchanges);
    LIST_INIT(&unseen);
    LIST_INIT(&clients);
    LIST_INIT(&timers);
    hosts = (struct text_list){0};
    asking = false;
    calls_forget();
    calls_at(NULL);
    hold_none();
    fake = (struct fake){.now_ns = 1000 * NS_PER_SECOND,
                         .version = "25.0.3",
                         .api = "1.44",
                         .min_api = "1.24",
                         .cgroup_version = "2",
                         .inventory = inventory_new()};
}

static void add_host(const char *host)
{
    hosts.items = realloc(hosts.items, (hosts.count + 1) * sizeof *hosts.items);
    assert_non_null(hosts.items);
    hosts.items[hosts.count++] = strdup(host);
}

void fake_start(const char *host, ...)
{
    va_list args;
    va_start(args, host);
    reset();
    for (const char *h = host; h; h = va_arg(args, const char *))
        add_host(h);
    va_end(args);
    make_tier(NULL, NULL, false);
}

void fake_start_in(char *const environment[], const char *include, const char *host)
{
    reset();
    if (host)
        add_host(host);
    make_tier(environment, include, false);
}

void fake_start_light(const char *include, const char *host)
{
    reset();
    add_host(host);
    make_tier(NULL, include, true);
}

void fake_end(void)
{
    fake.collector->kind->close(fake.collector);
    inventory_free(fake.inventory);
    fake.inventory = NULL;
    part_done(&fake.part);
    assert_true(LIST_EMPTY(&timers));
    assert_true(LIST_EMPTY(&clients));
    assert_true(LIST_EMPTY(&exchanges));
    assert_true(LIST_EMPTY(&unseen));
    fake_resources = (struct fake_resources_options){0};
    for (size_t i = 0; i < hosts.count; i++)
        free(hosts.items[i]);
    free(hosts.items);
    hosts = (struct text_list){0};
    calls_forget();
    hold_none();
}

/* Rounds. */

static void round_done(void *context)
{
    (void)context;
    assert_false(asking);
    fake.done++;
    if (fake.on_done)
        fake.on_done();
}

void round_begin(void)
{
    part_reset(&fake.part);
    fake.done = 0;
    fake.now_ns += NS_PER_MS; /* no two rounds begin at once */
    const struct round round = {.number = ++fake.round_number,
                                .begun_ns = fake.now_ns,
                                .deadline_ns = fake.now_ns + 5 * NS_PER_SECOND};
    asking = true;
    fake.collector->kind->collect(fake.collector, &round, &fake.part, round_done, NULL);
    asking = false;
}

bool round_is_done(void)
{
    timers_run();
    assert_true(fake.done <= 1);
    return fake.done == 1;
}

void round_cancel(void)
{
    assert_int_equal(fake.done, 0);
    fake.collector->kind->cancel(fake.collector);
    assert_int_equal(fake.done, 0);
}

void round_whole(void)
{
    round_begin();
    serve();
    if (!round_is_done())
        fail_msg("the round waits although %zu calls are open", calls_open(""));
}

/* What came of it. */

const struct container_row *row_of(char letter)
{
    const struct container_row *found = NULL;
    for (size_t i = 0; i < fake.part.row_count; i++) {
        const struct container_row *row = &fake.part.rows[i];
        if (row->identity->container_id[0] != letter)
            continue;
        assert_null(found); /* one row a container */
        found = row;
    }
    return found;
}

const char *problem_text(enum reason reason)
{
    for (size_t i = 0; i < fake.part.problem_count; i++)
        if (fake.part.problems[i].reason == reason)
            return fake.part.problems[i].text;
    return NULL;
}

void expect_problem(enum reason reason)
{
    const char *text = problem_text(reason);
    if (!text)
        fail_msg("no problem \"%s\" was reported", reason_name(reason));
    assert_true(strlen(text) > 20); /* a sentence */
}

void expect_no_problem(void)
{
    if (fake.part.problem_count > 0)
        fail_msg("%s: %s", reason_name(fake.part.problems[0].reason), fake.part.problems[0].text);
}

int engine_up(const char *host)
{
    for (size_t i = 0; i < fake.part.point_count; i++)
        if (fake.part.points[i].metric == AGENT_ENGINE_UP &&
            strcmp(fake.part.points[i].labels[0], host) == 0)
            return (int)fake.part.points[i].value;
    return -1;
}

static uint64_t point_value(enum agent_metric metric, const char *second, const char *third,
                            uint64_t otherwise)
{
    for (size_t i = 0; i < fake.part.point_count; i++) {
        const struct point *p = &fake.part.points[i];
        if (p->metric == metric && strcmp(p->labels[0], FAKE_HOST) == 0 &&
            strcmp(p->labels[1], second) == 0 && (!third || strcmp(p->labels[2], third) == 0))
            return p->value;
    }
    return otherwise;
}

int64_t events_counted(const char *type, const char *action)
{
    return (int64_t)point_value(AGENT_ENGINE_EVENTS, type, action, (uint64_t)INT64_C(-1));
}

uint64_t engine_containers(const char *state)
{
    return point_value(AGENT_ENGINE_CONTAINERS, state, NULL, 0);
}

int64_t point_of(char letter, enum point_metric metric, const char *label)
{
    const struct container_row *row = row_of(letter);
    for (size_t i = 0; row && i < row->point_count; i++)
        if (row->points[i].metric == metric &&
            (!label || strcmp(row->points[i].labels[0], label) == 0))
            return (int64_t)row->points[i].value;
    return -1;
}

static const struct container_row *need_row(char letter)
{
    const struct container_row *row = row_of(letter);
    if (!row)
        fail_msg("no row of %c", letter);
    return row;
}

int64_t row_value(char letter, enum container_metric metric)
{
    const struct container_row *row = need_row(letter);
    if (!row_has(row, metric))
        fail_msg("%c lacks %s", letter, container_metrics[metric].family);
    return (int64_t)row->values[metric];
}

bool row_lacks(char letter, enum container_metric metric)
{
    return !row_has(need_row(letter), metric);
}

void expect_cpu(char letter, uint64_t cpu_ns)
{
    const struct container_row *row = need_row(letter);
    for (enum metric_group g = 0; g < GROUP_COUNT; g++) {
        if (g == GROUP_PRESSURE || g == GROUP_OOM || g >= GROUP_PROCESS) { /* no engine has them */
            assert_int_equal(row->tiers[g], TIER_NONE);
            assert_int_equal(row->absent[g], REASON_NOT_GIVEN);
        } else if (g != GROUP_LIFE && g != GROUP_DISK &&
                   (row->tiers[g] != TIER_ENGINE || row->absent[g] != REASON_NONE))
            fail_msg("%s of %c is absent: %s", metric_group_name(g), letter,
                     reason_name(row->absent[g]));
    }
    assert_true(row_has(row, CONTAINER_CPU_USAGE));
    assert_int_equal(row->values[CONTAINER_CPU_USAGE], cpu_ns);
    assert_true(row_has(row, CONTAINER_MEMORY_USAGE));
    assert_int_equal(row->interface_count, 1);
    assert_int_equal(row->device_count, 1);
}

void expect_values(char letter)
{
    expect_cpu(letter, fake_get(letter)->cpu_ns);
}

void expect_absent(char letter, enum reason reason)
{
    const struct container_row *row = need_row(letter);
    for (enum metric_group g = 0; g < GROUP_COUNT; g++) {
        if (g == GROUP_SPEC || g == GROUP_LIFE || g == GROUP_DISK)
            continue; /* what inspect said is known still */
        assert_int_equal(row->tiers[g], TIER_NONE);
        if (row->absent[g] != reason)
            fail_msg("%s of %c is absent for \"%s\", expected \"%s\"", metric_group_name(g), letter,
                     reason_name(row->absent[g]), reason_name(reason));
    }
    assert_false(row_has(row, CONTAINER_CPU_USAGE));
    assert_false(row_has(row, CONTAINER_MEMORY_USAGE));
    assert_int_equal(row->interface_count + row->device_count, 0);
}

void expect_life_only(char letter, enum container_state state)
{
    const struct container_row *row = need_row(letter);
    if (row->state != state)
        fail_msg("%c is %s, expected %s", letter, state_name(row->state), state_name(state));
    assert_int_equal(row->tiers[GROUP_LIFE], TIER_ENGINE);
    assert_int_equal(row->absent[GROUP_LIFE], REASON_NONE);
    for (enum metric_group g = 0; g < GROUP_COUNT; g++) {
        if (g == GROUP_LIFE || g == GROUP_DISK)
            continue;
        assert_int_equal(row->tiers[g], TIER_NONE);
        assert_int_equal(row->absent[g], REASON_NONE);
    }
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        if (row_has(row, m) && container_metrics[m].group != GROUP_LIFE)
            fail_msg("%c has %s", letter, container_metrics[m].family);
}
