/* What it knows: which options the parts of the endpoint get, what is logged of them, and how they
 * are exchanged while it serves. */
#include "agent/endpoint.h"

#include "agent/activation.h"
#include "agent/core.h"
#include "agent/version.h"
#include "agent/web_watch.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/snapshot.h"
#include "exporters/scrape.h"
#include "net/http_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_MAX 512 /* bytes: a host or a socket's path, and the path of the metrics */

_Static_assert(GZIP_AUTO == 0 && GZIP_ALWAYS == 1 && GZIP_NEVER == 2,
               "the words of --web.gzip are in this order");

struct endpoint {
    struct endpoint_options options;
    struct http_server *server;
    struct http_guard *guard;
    struct scrape *scrape;
    struct web_watch *watch; /* NULL without --web.config.file, and while a reload is prepared */
    uint64_t web_digest;     /* of what is in force */
    bool web_well;           /* the file could be used when it was last looked at */
    char *web_failure;       /* owned; why not, as it was logged */
    /* a reload that is prepared */
    const struct config *next;
    struct web_loaded next_web;
};

static const struct log *log_of(const struct endpoint *p)
{
    return &p->options.core->log;
}

/* "/" is no prefix at all, and one at the end is not part of it. */
static char *route_prefix_of(const struct config *c)
{
    size_t length = strlen(c->web_route_prefix);
    while (length > 0 && c->web_route_prefix[length - 1] == '/')
        length--;
    return alloc_copy(c->web_route_prefix, length);
}

static struct http_server_limits limits_of(const struct config *c)
{
    struct http_server_limits limits = http_server_default_limits;
    limits.max_connections = (uint32_t)c->web_max_connections;
    limits.max_connections_per_peer = (uint32_t)c->web_max_connections_per_peer;
    return limits;
}

/* `prefix` is to be freed by the caller once the options are used. */
static struct scrape_options scrape_options_of(const struct endpoint *p, const char *prefix)
{
    const struct config *c = p->options.config;
    return (struct scrape_options){
        .route_prefix = prefix,
        .telemetry_path = c->web_telemetry_path,
        .version = WEIR_VERSION,
        .max_timeout_ms = c->collect_timeout_ms,
        .max_age_ms = c->collect_max_age_ms,
        .max_requests = c->web_max_requests,
        .gzip = (enum gzip_mode)c->web_gzip,
        .source = p->options.source,
        .reload = c->web_enable_lifecycle ? p->options.reload : NULL,
        .context = p->options.context,
    };
}

/* The protecting file. */

/* Puts it in force; all of it or, with an error, nothing. */
static int apply_web(struct endpoint *p, const struct web_loaded *l, struct err *e)
{
    int r = http_guard_set(p->guard, &l->config.guard, e);
    if (r < 0)
        return r;
    http_server_set_headers(p->server, l->config.headers);
    http_server_set_tls(p->server, l->tls);
    if (l->config.warning)
        log_line(log_of(p), LOG_LEVEL_WARN, l->config.warning, NULL, 0);
    return 0;
}

static void on_web_well(void *context)
{
    struct endpoint *p = context;
    if (p->web_failure)
        log_line(log_of(p), LOG_LEVEL_INFO, "web.config.file can be used again", NULL, 0);
    free(p->web_failure);
    p->web_failure = NULL;
    p->web_well = true;
}

/* Logged once per cause; what was in force stays. */
static void on_web_failed(void *context, const struct err *e)
{
    struct endpoint *p = context;
    p->web_well = false;
    if (p->web_failure && text_equal(p->web_failure, e->text))
        return;
    free(p->web_failure);
    p->web_failure = alloc_string(e->text);
    log_line(log_of(p), LOG_LEVEL_ERROR,
             "web.config.file cannot be used; what it said before stays",
             LOG_FIELDS({"error", e->text}));
}

static int on_web_changed(void *context, struct web_loaded *loaded)
{
    struct endpoint *p = context;
    struct err e = {0};
    int r = apply_web(p, loaded, &e);
    if (r < 0) {
        on_web_failed(p, &e);
    } else {
        p->web_digest = loaded->config.digest;
        on_web_well(p);
        log_line(log_of(p), LOG_LEVEL_INFO, "web.config.file was read again",
                 LOG_FIELDS({"file", p->options.config->web_config_file}));
    }
    web_loaded_done(loaded);
    return r;
}

/* Watches the configured file; what is in force is from it. */
static void watch_web(struct endpoint *p)
{
    const char *path = p->options.config->web_config_file;
    const struct web_watch_events events = {
        .changed = on_web_changed, .failed = on_web_failed, .well = on_web_well, .context = p};
    web_watch_close(p->watch);
    p->watch = NULL;
    if (*path != '\0')
        p->watch = web_watch_new(&p->options.core->loop, path, p->web_digest, &events);
}

/* What `l` says is in force from now on. */
static void began_web(struct endpoint *p, const struct web_loaded *l)
{
    free(p->web_failure);
    p->web_failure = NULL;
    p->web_well = true;
    p->web_digest = l->config.digest;
    watch_web(p);
}

/* Addresses. */

static void log_listening(const struct endpoint *p, const char *address, bool tls)
{
    char url[URL_MAX];
    const char *colon = strrchr(address, ':');
    char *prefix = route_prefix_of(p->options.config);
    const char *path = p->options.config->web_telemetry_path;
    if (text_starts_with(address, "unix:"))
        (void)snprintf(url, sizeof url, "%s", address);
    else
        (void)snprintf(url, sizeof url, "%s://%.*s:%u%s%s", tls ? "https" : "http",
                       colon > address ? (int)(colon - address) : (int)strlen("localhost"),
                       colon > address ? address : "localhost",
                       http_server_port_of(p->server, address), prefix, path);
    free(prefix);
    log_line(log_of(p), LOG_LEVEL_INFO, "listening",
             LOG_FIELDS({"url", url}, {"version", WEIR_VERSION}));
}

static int listen_on_passed(struct endpoint *p, struct err *e)
{
    int fds[ACTIVATION_MAX];
    size_t count = 0;
    char name[64];
    int r = activation_take(e, fds, &count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        (void)snprintf(name, sizeof name, "descriptor %d", fds[i]);
        r = http_server_listen_on(p->server, fds[i], name, e);
        if (r == 0)
            log_line(log_of(p), LOG_LEVEL_INFO, "listening on a socket of systemd",
                     LOG_FIELDS({"socket", name}, {"version", WEIR_VERSION}));
    }
    return r;
}

static int check_count(const struct text_list *list, struct err *e)
{
    if (list->count <= HTTP_ADDRESSES_MAX)
        return 0;
    return err_set(e, -E2BIG, "web.listen-address: %zu addresses, %d are the most; leave some out",
                   list->count, HTTP_ADDRESSES_MAX);
}

static int listen_on_addresses(struct endpoint *p, bool tls, struct err *e)
{
    const struct text_list *list = &p->options.config->web_listen_address;
    int r = check_count(list, e);
    for (size_t i = 0; r == 0 && i < list->count; i++) {
        r = http_server_listen(p->server, list->items[i], e);
        if (r == 0)
            log_listening(p, list->items[i], tls);
    }
    return r;
}

static bool list_has(const struct text_list *list, const char *item)
{
    for (size_t i = 0; i < list->count; i++)
        if (text_equal(list->items[i], item))
            return true;
    return false;
}

/* Stops listening on what `from` has and `but` has not. */
static void unlisten(struct endpoint *p, const struct text_list *from, const struct text_list *but)
{
    for (size_t i = 0; i < from->count; i++)
        if (!list_has(but, from->items[i]))
            http_server_unlisten(p->server, from->items[i]);
}

/* Do both need the same port, or the same socket file? */
static bool is_same_place(const char *a, const char *b)
{
    bool unix_socket = text_starts_with(a, "unix:");
    if (unix_socket != text_starts_with(b, "unix:"))
        return false;
    if (!unix_socket)
        return text_equal(strrchr(a, ':'), strrchr(b, ':'));
    size_t length = strcspn(a, "?");
    return length == strcspn(b, "?") && memcmp(a, b, length) == 0;
}

/* As http_server_reserve; an address that is in use by weir itself is told apart. */
static int reserve(struct endpoint *p, const char *address, struct err *e)
{
    const struct text_list *old = &p->options.config->web_listen_address;
    int r = http_server_reserve(p->server, address, e);
    for (size_t i = 0; r == -EADDRINUSE && i < old->count; i++)
        if (is_same_place(address, old->items[i]))
            return err_set(e, r,
                           "cannot listen on %s while weir itself listens on %s: restart it for "
                           "this change",
                           address, old->items[i]);
    return r;
}

/* Takes what is new in `next`, and lets nobody in yet; on an error none of it. */
static int listen_on_new(struct endpoint *p, const struct config *next, struct err *e)
{
    const struct text_list *old = &p->options.config->web_listen_address;
    const struct text_list *list = &next->web_listen_address;
    int r = check_count(list, e);
    for (size_t i = 0; r == 0 && i < list->count; i++) {
        if (list_has(old, list->items[i]))
            continue;
        r = reserve(p, list->items[i], e);
        for (size_t k = 0; r < 0 && k < i; k++)
            if (!list_has(old, list->items[k]))
                http_server_unlisten(p->server, list->items[k]);
    }
    return r;
}

static void log_new(const struct endpoint *p, const struct text_list *old, bool tls)
{
    const struct text_list *list = &p->options.config->web_listen_address;
    for (size_t i = 0; i < list->count; i++)
        if (!list_has(old, list->items[i]))
            log_listening(p, list->items[i], tls);
}

/* Life. */

static void make_parts(struct endpoint *p)
{
    char *prefix = route_prefix_of(p->options.config);
    const struct scrape_options scrape = scrape_options_of(p, prefix);
    const struct http_server_limits limits = limits_of(p->options.config);
    struct uv_loop_s *loop = &p->options.core->loop;
    p->scrape = scrape_new(loop, &scrape);
    p->guard = http_guard_new(loop, scrape_handle, p->scrape);
    p->server = http_server_new(loop, &limits, http_guard_handle, p->guard);
    free(prefix);
}

int endpoint_new(const struct endpoint_options *options, struct err *e, struct endpoint **ret)
{
    const struct config *c = options->config;
    struct web_loaded web = {0};
    int r = web_loaded_read(c->web_config_file, e, &web);
    if (r < 0)
        return r;
    struct endpoint *p = alloc_zeroed(1, sizeof *p);
    p->options = *options;
    make_parts(p);
    r = apply_web(p, &web, e);
    if (r == 0)
        r = c->web_systemd_socket ? listen_on_passed(p, e) : listen_on_addresses(p, web.tls, e);
    if (r == 0)
        began_web(p, &web);
    web_loaded_done(&web);
    if (r < 0)
        endpoint_close(p);
    else
        *ret = p;
    return r;
}

void endpoint_close(struct endpoint *p)
{
    web_watch_close(p->watch);
    http_server_close(p->server, NULL, NULL);
    http_guard_close(p->guard);
    scrape_free(p->scrape);
    web_loaded_done(&p->next_web);
    free(p->web_failure);
    free(p);
}

int endpoint_prepare(struct endpoint *p, const struct config *next, struct err *e)
{
    if (next->web_systemd_socket != p->options.config->web_systemd_socket)
        return err_set(e, -EINVAL,
                       "web.systemd-socket cannot change while weir runs: restart it for that");
    int r = web_loaded_read(next->web_config_file, e, &p->next_web);
    if (r == 0 && !next->web_systemd_socket) {
        r = listen_on_new(p, next, e);
        if (r < 0)
            web_loaded_done(&p->next_web);
    }
    if (r < 0)
        return r;
    p->next = next;
    /* What the watch saw meanwhile must not be followed by what is older. */
    web_watch_close(p->watch);
    p->watch = NULL;
    return 0;
}

void endpoint_abandon(struct endpoint *p)
{
    if (!p->next->web_systemd_socket)
        unlisten(p, &p->next->web_listen_address, &p->options.config->web_listen_address);
    web_loaded_done(&p->next_web);
    p->next = NULL;
    watch_web(p);
}

int endpoint_commit(struct endpoint *p, const struct snapshot_source *source, struct err *e)
{
    int r = apply_web(p, &p->next_web, e);
    if (r < 0)
        return r;
    if (!p->next->web_systemd_socket)
        unlisten(p, &p->options.config->web_listen_address, &p->next->web_listen_address);
    const struct config *old = p->options.config;
    p->options.config = p->next;
    p->options.source = *source;
    if (!p->next->web_systemd_socket)
        log_new(p, &old->web_listen_address, p->next_web.tls);
    p->next = NULL;
    char *prefix = route_prefix_of(p->options.config);
    const struct scrape_options scrape = scrape_options_of(p, prefix);
    const struct http_server_limits limits = limits_of(p->options.config);
    scrape_set(p->scrape, &scrape);
    http_server_set_limits(p->server, &limits);
    free(prefix);
    began_web(p, &p->next_web);
    web_loaded_done(&p->next_web);
    http_server_open(p->server);
    return 0;
}

/* What it counted. */

static void add_refusal(struct part *part, const char *reason, uint64_t count)
{
    part_add_point(part, AGENT_HTTP_REFUSED, count, (const char *const[]){reason, NULL});
}

void endpoint_add_points(const struct endpoint *p, struct part *part)
{
    static const int statuses[] = {
#define STATUS(code) code,
        HTTP_STATUS_LIST(STATUS)};
    char code[16];
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        (void)snprintf(code, sizeof code, "%d", statuses[i]);
        part_add_point(part, AGENT_HTTP_REQUESTS, http_server_answers(p->server, statuses[i]),
                       (const char *const[]){code, NULL});
    }
    for (enum http_refusal why = 0; why < HTTP_REFUSALS; why++)
        add_refusal(part, http_refusal_name(why), http_server_refusals(p->server, why));
    for (enum http_guard_refusal why = 0; why < HTTP_GUARD_REFUSALS; why++)
        add_refusal(part, http_guard_refusal_name(why), http_guard_refusals(p->guard, why));
    add_refusal(part, "requests", scrape_refused(p->scrape));
    part_add_point(part, AGENT_HTTP_CONNECTIONS, http_server_connections(p->server), NULL);
    part_add_point(part, AGENT_HTTP_PINNED, http_server_pinned_bytes(p->server), NULL);
    if (*p->options.config->web_config_file != '\0')
        part_add_point(part, AGENT_WEB_CONFIG_WELL, p->web_well, NULL);
}
