/* What it knows: the keys of a destination. A new one is an entry here and a field in struct
 * push_destination; file, `weir config` and the comparison of a reload follow. Document:
 * docs/PUSH.md. */
#include "agent/config_push_table.h"

#include "agent/config_check.h"
#include "base/text.h"
#include "exporters/push_coding.h"
#include "exporters/push_queue.h"

#include <assert.h>

#define SECONDS UINT64_C(1000) /* ms */
#define HOURS   (3600 * SECONDS)

/* A field's offset, and at compile time that it has the type the option writes. A type cannot stand
 * in parentheses here. NOLINTBEGIN(bugprone-macro-parentheses) */
#define FIELD(ctype, field)                    \
    offsetof(struct push_destination, field) + \
        0 * sizeof(char[_Generic(((struct push_destination *)0)->field, ctype : 1)])
/* NOLINTEND(bugprone-macro-parentheses) */
#define IS_TEXT(field)     .type = OPTION_TEXT, .offset = FIELD(char *, field)
#define IS_LIST(field)     .type = OPTION_LIST, .offset = FIELD(struct text_list, field)
#define IS_PAIRS(field)    .type = OPTION_PAIRS, .offset = FIELD(struct push_pairs, field)
#define IS_DURATION(field) .type = OPTION_DURATION, .offset = FIELD(uint64_t, field)
#define IS_SIZE(field)     .type = OPTION_SIZE, .offset = FIELD(uint64_t, field)
#define IS_ENUM(field)     .type = OPTION_ENUM, .offset = FIELD(unsigned, field)
#define IS_SWITCH(field)   .type = OPTION_SWITCH, .offset = FIELD(bool, field)

/* In the order of enum push_format. */
const char *const push_protocol_words[] = {"remote-write", "remote-write-2", "otlp", NULL};
/* In the order of enum push_coding. */
static const char *const coding_words[] = {"none", "snappy", "gzip", NULL};
/* In the order of enum push_sync. */
static const char *const sync_words[] = {"never", "segment", "record", NULL};

_Static_assert(PUSH_REMOTE_WRITE == PUSH_PROTOCOL_FIRST && PUSH_REMOTE_WRITE_2 == 2 &&
                   PUSH_OTLP == 3,
               "the words of protocol are in this order");
_Static_assert(PUSH_PLAIN == 0 && PUSH_SNAPPY == 1 && PUSH_GZIP == 2,
               "the words of compression are in this order");
_Static_assert(PUSH_SYNC_NEVER == 0 && PUSH_SYNC_SEGMENT == 1 && PUSH_SYNC_RECORD == 2,
               "the words of queue.sync are in this order");

#define GLOBS_ALLOWED   "globs on the metric's name"
#define MATCHES_ALLOWED "name=GLOB, image=GLOB, label.KEY=GLOB"

/* A fallback is the default of every destination; other defaults depend on the rest of it. */
static const struct option keys[] = {
    {"name", IS_TEXT(name), .allowed = "a text that tells it from the others",
     .check = check_push_name},
    {"url", IS_TEXT(url), .allowed = PUSH_URL_ALLOWED, .check = check_push_url},
    {"protocol", IS_ENUM(protocol), .fallback = "remote-write", .words = push_protocol_words,
     .first = PUSH_PROTOCOL_FIRST},
    {"interval", IS_DURATION(interval_ms), .fallback = "15s", .least = PUSH_INTERVAL_LEAST_MS,
     .most = PUSH_INTERVAL_MOST_MS},
    {"timeout", IS_DURATION(timeout_ms), .fallback = "30s", .least = 100, .most = 300 * SECONDS},
    {"compression", IS_ENUM(coding), .words = coding_words},
    {"headers", IS_PAIRS(headers), .allowed = "NAME: VALUE", .check = check_push_header_name,
     .check_value = check_push_header_value},
    {"external-labels", IS_PAIRS(external_labels), .allowed = "NAME: VALUE",
     .check = check_push_label_name},
    {"proxy-url", IS_TEXT(proxy_url), .or_empty = true,
     .allowed = "http://HOST:PORT, https://HOST:PORT, socks5://HOST:PORT, socks5h://HOST:PORT, "
                "\"\" for none",
     .check = check_push_proxy},
    {"tls.ca-file", IS_TEXT(ca_file), .allowed = PUSH_SECRET_ALLOWED, .check = check_push_secret},
    {"tls.cert-file", IS_TEXT(cert_file), .allowed = PUSH_SECRET_ALLOWED,
     .check = check_push_secret},
    {"tls.key-file", IS_TEXT(key_file), .allowed = PUSH_SECRET_ALLOWED, .check = check_push_secret},
    {"tls.insecure-skip-verify", IS_SWITCH(insecure_skip_verify)},
    {"basic-auth.username", IS_TEXT(username),
     .allowed = "a name without :", .check = check_push_username},
    {"basic-auth.username-file", IS_TEXT(username_file), .allowed = PUSH_SECRET_ALLOWED,
     .check = check_push_secret},
    {"basic-auth.password-file", IS_TEXT(password_file), .allowed = PUSH_SECRET_ALLOWED,
     .check = check_push_secret},
    {"bearer-token-file", IS_TEXT(bearer_token_file), .allowed = PUSH_SECRET_ALLOWED,
     .check = check_push_secret},
    {"queue.dir", IS_TEXT(queue_dir), .allowed = "an absolute path", .check = check_absolute_path},
    {"queue.max-bytes", IS_SIZE(queue_max_bytes), .least = PUSH_QUEUE_LEAST_BYTES,
     .most = PUSH_QUEUE_MOST_BYTES},
    {"queue.max-age", IS_DURATION(queue_max_age_ms), .fallback = "24h", .least = 1 * SECONDS,
     .most = 8760 * HOURS},
    {"queue.sync", IS_ENUM(queue_sync), .fallback = "record", .words = sync_words},
    {"metrics.include", IS_LIST(metrics_include), .allowed = GLOBS_ALLOWED},
    {"metrics.exclude", IS_LIST(metrics_exclude), .allowed = GLOBS_ALLOWED},
    {"containers.include", IS_LIST(containers_include), .allowed = MATCHES_ALLOWED,
     .check = check_match},
    {"containers.exclude", IS_LIST(containers_exclude), .allowed = MATCHES_ALLOWED,
     .check = check_match},
};
const struct option_table push_table = {keys, sizeof keys / sizeof keys[0]};

_Static_assert(sizeof keys / sizeof keys[0] <= OPTION_MAX, "each key has a bit of `given`");

/* Prometheus' remote_write, vmagent's flags and the collector's exporters have these. */
const struct push_alias push_aliases[] = {
    {"", "endpoint", "url"},
    {"", "remote_timeout", "timeout"},
    {"", "send_interval", "interval"},
    {"", "scrape_interval", "interval"},
    {"", "protobuf_message", "protocol"},
    {"", "format", "protocol"},
    {"", "labels", "external-labels"},
    {"", "extra_labels", "external-labels"},
    {"", "resource_attributes", "external-labels"},
    {"", "http_headers", "headers"},
    {"", "tls_config", "tls"},
    {"", "ca_file", "tls.ca-file"},
    {"", "insecure_skip_verify", "tls.insecure-skip-verify"},
    {"", "authorization", "bearer-token-file"},
    {"", "bearer_token", "bearer-token-file"},
    {"", "username", "basic-auth.username"},
    {"", "password", "basic-auth.password-file"},
    {"", "password_file", "basic-auth.password-file"},
    {"", "proxy", "proxy-url"},
    {"", "queue_config", "queue"},
    {"", "sending_queue", "queue"},
    {"", "queue_dir", "queue.dir"},
    {"", "queue_max_bytes", "queue.max-bytes"},
    {"", "write_relabel_configs", "metrics"},
    {"", "container", "containers"},
    {"tls", "ca", "ca-file"},
    {"tls", "cert", "cert-file"},
    {"tls", "key", "key-file"},
    {"basic-auth", "password", "password-file"},
    {"queue", "path", "dir"},
    {"queue", "directory", "dir"},
    {"queue", "storage", "dir"},
    {"queue", "capacity", "max-bytes"},
    {"queue", "sample_age_limit", "max-age"},
    {"queue", "fsync", "sync"},
    {NULL, NULL, NULL},
};

size_t push_key_index(const char *name)
{
    size_t i = 0;
    while (i < push_table.count && !text_equal(push_table.items[i].name, name))
        i++;
    assert(i < push_table.count);
    return i;
}

bool push_was_given(const struct push_destination *d, const char *name)
{
    return d->given & UINT64_C(1) << push_key_index(name);
}
