/* What it knows: what cAdvisor's flags make of weir's options, and what is to be told of them.
 * Document: docs/CADVISOR.md. */
#include "agent/config_cadvisor.h"

#include "agent/config_flags.h"
#include "agent/config_notice.h"
#include "agent/config_text.h"
#include "agent/config_value.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/metric.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX_BYTES 4096 /* of flags or groups in one line: a line of the log holds no more */
#define PORT_MAX        65535

/* Groups that stay whatever cAdvisor's lists say: what it always gives, and weir's own. */
static const char *const always[] = {"spec", "lifecycle", "state", "machine", "weir", "engine"};

struct mapping {
    const struct flags *flags;
    struct config *config;
    struct err *e;
};

static const char *given(const struct mapping *m, enum cadvisor_role role)
{
    return cadvisor_text(&m->flags->cadvisor, role);
}

/* The option `name`, unless its own flag was given too: that one wins. */
static const struct option *option_for(struct mapping *m, const char *name, const char *flag)
{
    const struct option *o = option_find(name);
    if (!flags_find(m->flags, o))
        return o;
    config_notice_add(m->config, LOG_LEVEL_WARN, "%s gives way to --%s, which was given too", flag,
                      name);
    return NULL;
}

static int set(struct mapping *m, const char *name, const char *flag, const char *text)
{
    const struct option *o = option_for(m, name, flag);
    return o ? config_set(m->config, o, flag, text, m->e) : 0;
}

/* Adds to a list what is not in it yet: cAdvisor takes the same item twice. */
static int add_once(struct mapping *m, const struct option *o, const char *flag, const char *item)
{
    const struct text_list *list = option_field_const(o, m->config);
    for (size_t i = 0; i < list->count; i++)
        if (text_equal(list->items[i], item))
            return 0;
    return config_add_item(m->config, o, flag, item, m->e);
}

/* The next item of a list with commas, blanks around it dropped, owned by the caller; NULL at the
 * end. Empty ones are passed over. */
static char *next_item(const char **list)
{
    const char *at = *list + strspn(*list, ", ");
    size_t length = strcspn(at, ",");
    *list = at + length;
    while (length > 0 && at[length - 1] == ' ')
        length--;
    return length > 0 ? alloc_copy(at, length) : NULL;
}

/* --- where to serve --- */

static int map_listen(struct mapping *m)
{
    const char *port = given(m, CADVISOR_PORT);
    const char *host = given(m, CADVISOR_LISTEN_IP);
    const char *fallback = option_find("web.listen-address")->fallback;
    uint64_t number = 0;
    if (port && (text_parse_u64(port, strlen(port), &number) < 0 || number > PORT_MAX))
        return err_set(m->e, -EINVAL, "--port: \"%s\" is no port; allowed: 0 to %d",
                       text_show(port).text, PORT_MAX);
    if (!port && !host)
        return 0;
    host = host ? host : "";
    bool bare_v6 = host[0] != '[' && strchr(host, ':');
    char *address = alloc_format("%s%s%s:%s", bare_v6 ? "[" : "", host, bare_v6 ? "]" : "",
                                 port ? port : fallback + 1);
    int r = set(m, "web.listen-address", port ? "--port" : "--listen_ip", address);
    free(address);
    return r;
}

/* Whoever moves from cAdvisor has its port in a scrape configuration. */
static void tell_port(struct mapping *m)
{
    const struct option *o = option_find("web.listen-address");
    bool chosen = given(m, CADVISOR_PORT) || flags_find(m->flags, o) ||
                  config_was_given(m->config, o) || m->config->web_systemd_socket;
    if (!chosen)
        config_notice_add(m->config, LOG_LEVEL_WARN,
                          "weir listens on %s where cAdvisor listens on :8080; --port=8080 keeps "
                          "what is published and scraped as it is",
                          o->fallback);
}

static int map_paths(struct mapping *m)
{
    const char *endpoint = given(m, CADVISOR_ENDPOINT);
    const char *prefix = given(m, CADVISOR_PREFIX);
    int r = endpoint ? set(m, "web.telemetry-path", "--prometheus_endpoint", endpoint) : 0;
    if (r == 0 && prefix && *prefix != '\0')
        r = set(m, "web.route-prefix", "--url_base_prefix", prefix);
    return r;
}

/* --- what to collect --- */

/* Docker's client takes no bare path, but cAdvisor starts with one. */
static int add_engine(struct mapping *m, const struct option *o, const char *flag, const char *text)
{
    if (!text || *text == '\0')
        return 0; /* so people turn a runtime off that they do not have */
    char *host = alloc_format("%s%s", text[0] == '/' ? "unix://" : "", text);
    int r = add_once(m, o, flag, host);
    free(host);
    return r;
}

static int map_engines(struct mapping *m)
{
    const char *docker = given(m, CADVISOR_DOCKER);
    const char *podman = given(m, CADVISOR_PODMAN);
    if (!docker && !podman)
        return 0;
    const struct option *o = option_for(m, "engine.host", docker ? "--docker" : "--podman");
    if (!o)
        return 0;
    config_clear_list(m->config, o);
    int r = add_engine(m, o, "--docker", docker);
    return r < 0 ? r : add_engine(m, o, "--podman", podman);
}

static int map_places(struct mapping *m)
{
    const char *only = given(m, CADVISOR_DOCKER_ONLY);
    const char *root = given(m, CADVISOR_DOCKER_ROOT);
    int r = only ? set(m, "collect.scope", "--docker_only",
                       text_equal(only, "true") ? "containers" : "all")
                 : 0;
    if (r == 0 && root && *root != '\0')
        r = set(m, "path.docker-root", "--docker_root", root);
    return r;
}

/* --- labels --- */

/* A key as a glob that matches it and nothing else; owned by the caller. */
static char *glob_of(const char *key)
{
    char *glob = alloc_bytes(2 * strlen(key) + 1);
    char *to = glob;
    for (; *key != '\0'; key++) {
        if (*key == '*' || *key == '?' || *key == '\\')
            *to++ = '\\';
        *to++ = *key;
    }
    *to = '\0';
    return glob;
}

static int add_keys(struct mapping *m, const struct option *o, const char *keys)
{
    int r = 0;
    char *key = NULL;
    while (r == 0 && (key = next_item(&keys))) {
        char *glob = glob_of(key);
        r = add_once(m, o, "--whitelisted_container_labels", glob);
        free(glob);
        free(key);
    }
    return r;
}

/* cAdvisor takes its list only where it does not give every label. Who writes a list wants the
 * list, so it counts here unless every label is asked for by name. */
static int map_labels(struct mapping *m)
{
    const char *store = given(m, CADVISOR_STORE_LABELS);
    const char *keys = given(m, CADVISOR_LABELS);
    bool all = store && text_equal(store, "true");
    if (!store && !keys)
        return 0;
    const struct option *o =
        option_for(m, "container.label-allow",
                   store ? "--store_container_labels" : "--whitelisted_container_labels");
    if (!o)
        return 0;
    if (all && keys && *keys != '\0')
        config_notice_add(m->config, LOG_LEVEL_WARN,
                          "--whitelisted_container_labels has no effect beside "
                          "--store_container_labels=true, as in cAdvisor");
    config_clear_list(m->config, o);
    if (all)
        return config_add_item(m->config, o, "--store_container_labels", "*", m->e);
    return keys ? add_keys(m, o, keys) : 0;
}

/* --- groups of metrics --- */

static void add_name(struct buf *b, const char *name)
{
    (void)buf_add_format(b, "%s%s", b->length > 0 ? "," : "", name);
}

/* Adds cAdvisor's list of groups. Names that nobody knows are told of: releases had some that are
 * gone, and what cAdvisor refuses is no reason for weir not to start. */
static int add_groups(struct mapping *m, const struct option *o, const char *flag, const char *list)
{
    struct buf unknown;
    char *name = NULL;
    int r = 0;
    buf_init(&unknown, NAMES_MAX_BYTES);
    while (r == 0 && (name = next_item(&list))) {
        if (o->check(name))
            add_name(&unknown, text_show(name).text);
        else
            r = add_once(m, o, flag, name);
        free(name);
    }
    if (unknown.length > 0)
        config_notice_add(m->config, LOG_LEVEL_WARN,
                          "%s: there are no groups of metrics called %s; weir --help lists all",
                          flag, unknown.data);
    buf_done(&unknown);
    return r;
}

/* cAdvisor's list is the whole of what is given; but for what no list of its takes away. Its group
 * "process" counts threads too, which are "pids" here. */
static int map_enabled(struct mapping *m, const char *list)
{
    const char *flag = "--enable_metrics";
    const struct option *on = option_for(m, "metrics.enable", flag);
    int r = set(m, "metrics.disable", flag, "all");
    if (!on || r < 0)
        return r;
    config_clear_list(m->config, on);
    for (size_t i = 0; i < sizeof always / sizeof always[0] && r == 0; i++)
        r = add_once(m, on, flag, always[i]);
    if (r == 0)
        r = add_groups(m, on, flag, list);
    if (r == 0 && (config_groups(m->config) & GROUP_BIT(GROUP_PROCESS)))
        r = add_once(m, on, flag, "pids");
    return r;
}

/* In cAdvisor the list takes the place of the one it has by default: what that would have left out
 * and the list does not name is given. People who write "disk" do not mean "and with tcp". */
static void tell_disabled(struct mapping *m)
{
    struct buf names;
    unsigned off = ~config_groups(m->config) & GROUPS_ALL & ~GROUPS_DEFAULT;
    buf_init(&names, NAMES_MAX_BYTES);
    for (enum metric_group g = 0; g < GROUP_ALL; g++) {
        const char *name = metric_group_name(g);
        bool named = false;
        for (size_t i = 0; i < m->config->metrics_disable.count; i++)
            named = named || text_equal(m->config->metrics_disable.items[i], name);
        if ((off & GROUP_BIT(g)) && !named && g != GROUP_DOCKER)
            add_name(&names, name);
    }
    if (names.length > 0)
        config_notice_add(m->config, LOG_LEVEL_INFO,
                          "--disable_metrics leaves out what it names and turns nothing on; "
                          "cAdvisor would give more: --metrics.enable=%s",
                          names.data);
    buf_done(&names);
}

static int map_groups(struct mapping *m)
{
    const char *on = given(m, CADVISOR_ENABLE);
    const char *off = given(m, CADVISOR_DISABLE);
    if (on && *on != '\0') {
        if (off && *off != '\0')
            config_notice_add(m->config, LOG_LEVEL_WARN,
                              "--disable_metrics has no effect beside --enable_metrics, as in "
                              "cAdvisor");
        return map_enabled(m, on);
    }
    const struct option *o = off ? option_for(m, "metrics.disable", "--disable_metrics") : NULL;
    if (!o)
        return 0;
    config_clear_list(m->config, o);
    int r = add_groups(m, o, "--disable_metrics", off);
    if (r == 0)
        tell_disabled(m);
    return r;
}

/* --- what is ignored --- */

static bool was_told(const struct cadvisor_flags *f, size_t index, bool by_name)
{
    const struct cadvisor_given *g = &f->items[index];
    for (size_t i = 0; i < index; i++) {
        const struct cadvisor_given *other = &f->items[i];
        bool same_name = other->name_length == g->name_length &&
                         memcmp(other->name, g->name, g->name_length) == 0;
        if (other->flag->instead == g->flag->instead && (!by_name || same_name))
            return true;
    }
    return false;
}

/* One line for all flags that weir has the same answer to. */
static void tell_ignored(struct mapping *m, size_t first)
{
    const struct cadvisor_flags *f = &m->flags->cadvisor;
    const char *instead = f->items[first].flag->instead;
    size_t count = 0;
    struct buf names;
    buf_init(&names, NAMES_MAX_BYTES);
    for (size_t i = first; i < f->count; i++) {
        const struct cadvisor_given *g = &f->items[i];
        if (g->flag->instead != instead || was_told(f, i, true))
            continue;
        (void)buf_add_format(&names, "%s--%.*s", count > 0 ? ", " : "", (int)g->name_length,
                             g->name);
        count++;
    }
    config_notice_add(m->config, LOG_LEVEL_WARN, "%s %s no effect: %s",
                      names.failed ? "some flags" : names.data, count == 1 ? "has" : "have",
                      instead);
    buf_done(&names);
}

int cadvisor_apply(const struct flags *f, struct config *c, struct err *e)
{
    static int (*const steps[])(struct mapping *) = {map_listen, map_paths,  map_engines,
                                                     map_places, map_labels, map_groups};
    struct mapping m = {.flags = f, .config = c, .e = e};
    const struct cadvisor_flags *flags = &f->cadvisor;
    int r = 0;
    if (flags->count > 0 || flags->program)
        tell_port(&m); /* before it is mapped */
    if (flags->program)
        config_notice_add(c, LOG_LEVEL_WARN, "\"%s\" is no command here; weir runs in its place",
                          text_show(flags->program).text);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && r == 0; i++)
        r = steps[i](&m);
    for (size_t i = 0; i < flags->count && r == 0; i++)
        if (flags->items[i].flag->instead && !was_told(flags, i, false))
            tell_ignored(&m, i);
    return r;
}
