/* What it knows: where in the options of a lane what a destination says goes. */
#include "agent/push_plan.h"

#include "agent/config.h"
#include "agent/core.h"
#include "agent/version.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "exporters/push_coding.h"
#include "exporters/push_filter.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY_MOST_BYTES (UINT64_C(16) << 20) /* while a disk takes nothing */

/* The low bits of the hash alone know too little of the last bytes, which tell a fleet's hosts
 * apart; the multiplier is that of Fibonacci hashing. */
uint64_t push_phase(const struct config *config)
{
    char *instance = config_push_instance(config);
    uint64_t hash = text_hash(instance);
    free(instance);
    hash ^= hash >> 32;
    return (hash * UINT64_C(0x9e3779b97f4a7c15)) >> 16;
}

static const char *variable(char *const environment[], const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; environment[i]; i++)
        if (strncmp(environment[i], name, length) == 0 && environment[i][length] == '=')
            return environment[i] + length + 1;
    return NULL;
}

/* libcurl opens these itself, so a credential needs its whole path. */
static const char *whole_path(struct push_plan *p, const char *file, const char *credentials)
{
    if (!file || file[0] == '/' || !credentials)
        return file;
    return arena_format(&p->memory, "%s/%s", credentials, file);
}

static const char *const *headers_of(struct push_plan *p, const struct push_destination *d)
{
    size_t count = 0;
    const struct push_pairs *both[] = {&d->headers, &d->secret_headers};
    const char **headers =
        arena_alloc(&p->memory, (d->headers.count + d->secret_headers.count + 1) * sizeof *headers);
    for (size_t i = 0; i < sizeof both / sizeof both[0]; i++)
        for (size_t k = 0; k < both[i]->count; k++)
            headers[count++] =
                arena_format(&p->memory, "%s: %s", both[i]->items[k].name, both[i]->items[k].value);
    return headers;
}

/* Those that are left out have an empty value. */
static void set_labels(struct push_plan *p, const struct push_destination *d)
{
    size_t count = 0;
    struct label *labels = arena_alloc(&p->memory, (d->external_labels.count + 1) * sizeof *labels);
    for (size_t i = 0; i < d->external_labels.count; i++)
        if (*d->external_labels.items[i].value != '\0')
            labels[count++] = (struct label){.name = d->external_labels.items[i].name,
                                             .value = d->external_labels.items[i].value};
    p->options.encode.external = labels;
    p->options.encode.external_count = count;
}

static void set_queue(struct push_plan *p, const struct push_destination *d)
{
    char *directory = push_destination_directory(d);
    p->options.queue = (struct push_queue_options){
        .directory = arena_string(&p->memory, directory),
        .max_bytes = d->queue_max_bytes,
        .max_age_ms = d->queue_max_age_ms,
        .max_memory_bytes =
            d->queue_max_bytes < MEMORY_MOST_BYTES ? d->queue_max_bytes : MEMORY_MOST_BYTES,
        .sync = (enum push_sync)d->queue_sync,
        .clock = &clock_system,
    };
    free(directory);
}

void push_plan_init(struct push_plan *p, const struct push_destination *d,
                    const struct push_surroundings *s)
{
    const char *credentials = variable(s->environment, "CREDENTIALS_DIRECTORY");
    *p = (struct push_plan){0};
    p->options = (struct push_lane_options){
        .loop = &s->core->loop,
        .clock = &clock_system,
        .name = d->name,
        .format = (enum push_format)d->protocol,
        .coding = (enum push_coding)d->coding,
        .interval_ms = d->interval_ms,
        .phase_ms = s->phase % d->interval_ms,
        .timeout_ms = d->timeout_ms,
        .post = {.url = d->url,
                 .ca_file = whole_path(p, d->ca_file, credentials),
                 .cert_file = whole_path(p, d->cert_file, credentials),
                 .key_file = whole_path(p, d->key_file, credentials),
                 .proxy = d->proxy_url,
                 .verify = !d->insecure_skip_verify},
        .headers = headers_of(p, d),
        .user_agent = "weir/" WEIR_VERSION,
        .secrets = {.username = d->username,
                    .username_file = d->username_file,
                    .password_file = d->password_file,
                    .bearer_token_file = d->bearer_token_file,
                    .credentials_directory = credentials},
        .encode = {.agent_started_ms = s->core->started_ms, .scope_version = WEIR_VERSION},
    };
    set_labels(p, d);
    set_queue(p, d);
}

struct push_filter *push_plan_filter(const struct push_destination *d)
{
    return push_filter_new(&(struct push_filter_options){
        .metrics_include = d->metrics_include,
        .metrics_exclude = d->metrics_exclude,
        .containers_include = d->containers_include,
        .containers_exclude = d->containers_exclude,
    });
}

void push_plan_done(struct push_plan *p)
{
    arena_done(&p->memory);
}
