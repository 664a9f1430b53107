/* What it knows: how flags and file become complete destinations: defaults that depend on each
 * other, and what does not go together. Document: docs/PUSH.md. */
#include "agent/config_push.h"

#include "agent/config.h"
#include "agent/config_pairs.h"
#include "agent/config_push_otel.h"
#include "agent/config_push_parts.h"
#include "agent/config_push_table.h"
#include "agent/config_value.h"
#include "base/alloc.h"
#include "base/err.h"
#include "exporters/push_coding.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_DISK_BYTES   (UINT64_C(256) << 20) /* a day of a round of 45 kB every 15 s */
#define QUEUE_MEMORY_BYTES (UINT64_C(16) << 20)  /* what an agent may grow by unasked */
#define HOST_NAME_BYTES    256                   /* gethostname(2): at most 64 on Linux */

static void destination_done(struct push_destination *d)
{
    for (size_t i = 0; i < push_table.count; i++)
        option_done_field(&push_table.items[i], option_field(&push_table.items[i], d));
    push_pairs_done(&d->secret_headers);
    free(d->place);
}

void push_destinations_done(struct push_destinations *d)
{
    for (size_t i = 0; i < d->count; i++)
        destination_done(&d->items[i]);
    free(d->items);
    *d = (struct push_destinations){0};
}

bool push_destination_is_same(const struct push_destination *a, const struct push_destination *b)
{
    for (size_t i = 0; i < push_table.count; i++)
        if (!option_is_same(&push_table.items[i], a, b))
            return false;
    return push_pairs_are_same(&a->secret_headers, &b->secret_headers);
}

char *push_destination_directory(const struct push_destination *d)
{
    if (!d->queue_dir)
        return NULL;
    char *path = alloc_format("%s/%s", d->queue_dir, d->name);
    for (char *c = path + strlen(d->queue_dir) + 1; *c != '\0'; c++)
        if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9') &&
            *c != '.' && *c != '_' && *c != '-')
            *c = '_';
    return path;
}

static char *host_name(void)
{
    char name[HOST_NAME_BYTES] = "";
    if (gethostname(name, sizeof name - 1) < 0 || name[0] == '\0')
        return alloc_string("localhost");
    return alloc_string(name);
}

/* A unix socket has no port, and port 0 says nothing before it is bound. */
char *config_push_instance(const struct config *c)
{
    char *host = host_name();
    for (size_t i = 0; i < c->web_listen_address.count; i++) {
        const char *address = c->web_listen_address.items[i];
        const char *port = strrchr(address, ':');
        if (text_starts_with(address, "unix:") || !port || text_equal(port, ":0"))
            continue;
        char *instance = alloc_format("%s%s", host, port);
        free(host);
        return instance;
    }
    return host;
}

bool push_destination_has_same(const struct push_destination *a, const struct push_destination *b,
                               const char *key)
{
    return option_is_same(&push_table.items[push_key_index(key)], a, b);
}

static void add_default_label(struct push_destination *d, const char *name, const char *value)
{
    if (!push_pairs_find(&d->external_labels, name, false))
        push_pairs_add(&d->external_labels, name, value);
}

/* Those of a scrape, or of OpenTelemetry's conventions. */
static void add_default_labels(struct push_destination *d, const struct config *c)
{
    char *instance = config_push_instance(c);
    char *host = host_name();
    bool otlp = d->protocol == PUSH_OTLP;
    add_default_label(d, otlp ? "service.name" : "job", "weir");
    add_default_label(d, otlp ? "service.instance.id" : "instance", instance);
    if (otlp)
        add_default_label(d, "host.name", host);
    push_pairs_sort(&d->external_labels);
    free(instance);
    free(host);
}

/* Host and port of the URL. */
static char *default_name(const struct push_destination *d)
{
    const struct push_url u = push_url_split(d->url);
    const char *port = u.port ? u.port : u.https ? "443" : "80";
    return alloc_format("%.*s:%.*s", (int)u.host_length, u.host,
                        u.port ? (int)u.port_length : (int)strlen(port), port);
}

static void set_defaults(struct push_destination *d, const struct config *c)
{
    for (size_t i = 0; i < push_table.count; i++) {
        const struct option *o = &push_table.items[i];
        if (!o->fallback || d->given & UINT64_C(1) << i)
            continue;
        int r = option_set_field(o, option_field(o, d), "default", o->fallback, NULL);
        assert(r == 0);
        (void)r;
    }
    if (!push_was_given(d, "compression"))
        d->coding = d->protocol == PUSH_OTLP ? PUSH_GZIP : PUSH_SNAPPY;
    if (!push_was_given(d, "queue.max-bytes"))
        d->queue_max_bytes = d->queue_dir ? QUEUE_DISK_BYTES : QUEUE_MEMORY_BYTES;
    if (!d->name)
        d->name = default_name(d);
    add_default_labels(d, c);
}

static int refuse(const struct push_destination *d, struct err *e, const char *what)
{
    return err_set(e, -EINVAL, "%s: %s", d->place, what);
}

static int complete(struct config *c, struct push_destination *d, char *const environment[],
                    struct err *e)
{
    int r = 0;
    if (!push_was_given(d, "protocol"))
        d->protocol = PUSH_REMOTE_WRITE;
    if (d->protocol == PUSH_OTLP)
        r = push_otel_apply(d, environment, c, e);
    if (r < 0)
        return r;
    if (!d->url)
        return refuse(d, e,
                      d->protocol == PUSH_OTLP
                          ? "there is no url; write it, or set OTEL_EXPORTER_OTLP_ENDPOINT"
                          : "there is no url; write it, e.g. http://prometheus:9090/api/v1/write");
    set_defaults(d, c);
    push_rules_tell(d, c);
    return push_rules_check(d, e);
}

int config_push_resolve(struct config *c, char *const environment[], struct err *e)
{
    int r = push_flags_given(c) ? push_flags_take(c, e) : push_flags_refuse(c, e);
    for (size_t i = 0; r == 0 && i < c->push.count; i++)
        r = complete(c, &c->push.items[i], environment, e);
    for (size_t i = 0; r == 0 && i < c->push.count; i++)
        for (size_t k = 0; r == 0 && k < i; k++)
            r = push_rules_check_two(&c->push.items[i], &c->push.items[k], e);
    return r;
}
