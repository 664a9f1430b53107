/* Where to push: the section `push` of the file, or the flags --push.*, as a list of destinations.
 * Names and defaults: docs/PUSH.md. */
#ifndef WEIR_AGENT_CONFIG_PUSH_H
#define WEIR_AGENT_CONFIG_PUSH_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct config;
struct err;

/* "name: value" pairs; all owned. */
struct push_pairs {
    struct push_pair {
        char *name;
        char *value;
    } * items;
    size_t count;
};

/* One destination, complete after config_push_resolve. All is owned; NULL: not given. */
struct push_destination {
    uint64_t given; /* bit per key of the table: it was written */
    char *place;    /* where, for messages */
    char *name;     /* unique; by default host and port of the URL */
    char *url;
    unsigned protocol; /* enum push_format of push_format.h */
    unsigned coding;   /* enum push_coding */
    uint64_t interval_ms;
    uint64_t timeout_ms;
    struct push_pairs headers;
    struct push_pairs secret_headers;  /* of the environment: never printed */
    struct push_pairs external_labels; /* sorted by name; those with an empty value are left out */
    char *proxy_url;
    char *ca_file;
    char *cert_file;
    char *key_file;
    bool insecure_skip_verify;
    char *username;
    char *username_file;
    char *password_file;
    char *bearer_token_file;
    char *queue_dir; /* NULL: memory only; the destination's own directory is below it */
    uint64_t queue_max_bytes;
    uint64_t queue_max_age_ms;
    unsigned queue_sync; /* enum push_sync of push_queue.h */
    struct text_list metrics_include;
    struct text_list metrics_exclude;
    struct text_list containers_include;
    struct text_list containers_exclude;
};

struct push_destinations {
    struct push_destination *items; /* owned */
    size_t count;
};
void push_destinations_done(struct push_destinations *d);
/* Do both say the same, wherever they say it? */
bool push_destination_is_same(const struct push_destination *a, const struct push_destination *b);
/* Of one key, e.g. "metrics.include". */
bool push_destination_has_same(const struct push_destination *a, const struct push_destination *b,
                               const char *key);
/* The directory of its queue, to be freed; NULL: memory only. */
char *push_destination_directory(const struct push_destination *d);

/* Flags and what the file said become the destinations of `c`; without a URL anywhere there is
 * none. OTEL_EXPORTER_OTLP_* and OTEL_RESOURCE_ATTRIBUTES of `environment` fill in what an OTLP
 * destination leaves open. 0, or a negative errno with what, where, why and the mend. */
int config_push_resolve(struct config *c, char *const environment[], struct err *e);
/* What this host is called, as a scrape would: its name and the port of the first TCP address. To
 * be freed. */
char *config_push_instance(const struct config *c);
/* The section as YAML that is read back. */
void config_push_print(const struct config *c, struct buf *ret);

#endif
