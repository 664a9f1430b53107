/* How the web configuration is read: strict sections of YAML, and who reads which. Private to
 * web_config. Functions that can fail return 0, or a negative errno with NAME:LINE:COLUMN in the
 * source's err. */
#ifndef WEIR_AGENT_WEB_CONFIG_READER_H
#define WEIR_AGENT_WEB_CONFIG_READER_H

#include "agent/config_events.h"
#include "agent/web_config.h"
#include "base/buf.h"

struct web_reader {
    struct config_source source;
    const char *directory; /* where relative paths begin; "" for the current one */
    struct web_config *config;
    struct buf warnings; /* sentences, separated by "; " */
    bool exposed;        /* everybody may read the file itself */
    bool has_secrets;    /* a key or a hash stands in it */
};

/* Values as they were written, in the configuration's memory. Zero: not written, or as nothing. */
struct web_text {
    const char *text; /* NULL: there is none */
    size_t length;
    bool plain; /* without quotes, so that YAML may take it for a number */
    yaml_mark_t mark;
};
struct web_flag {
    bool written;
    bool value;
    yaml_mark_t mark;
};
struct web_list {
    bool written; /* it may be empty nevertheless */
    struct text_list texts;
    yaml_mark_t mark;
};

/* Reads the value of the key `name` into `target`. */
typedef int (*web_read)(struct web_reader *r, const char *name, void *target);
struct web_key {
    const char *name;
    web_read read;
    size_t offset; /* of what `read` gets, in the target of the section */
};
#define WEB_KEYS_MAX 16 /* the longest section has 13 */
struct web_section {
    const char *name; /* "" for the whole file */
    const struct web_key *keys;
    size_t count;
};

/* A mapping with the keys of `s`, each at most once, or nothing. */
int web_read_section(struct web_reader *r, const struct web_section *s, void *target);
/* A mapping with keys of the user's choice, or nothing: `read` is called with each key. */
typedef int (*web_entry)(struct web_reader *r, const struct web_text *key, void *target);
int web_read_entries(struct web_reader *r, const char *name, web_entry read, void *target);

/* web_read for struct web_text, struct web_flag, struct web_list. */
int web_read_text(struct web_reader *r, const char *name, void *target);
int web_read_flag(struct web_reader *r, const char *name, void *target);
int web_read_list(struct web_reader *r, const char *name, void *target);

/* web_read for the sections; `target` is the struct web_config. */
int web_read_tls(struct web_reader *r, const char *name, void *target);
int web_read_http(struct web_reader *r, const char *name, void *target);
int web_read_users(struct web_reader *r, const char *name, void *target);
int web_read_limit(struct web_reader *r, const char *name, void *target);

/* Is there anything in it? */
bool web_text_given(const struct web_text *t);
/* Says what is wrong at the place. Returns -EINVAL. */
int web_refuse(const struct web_reader *r, yaml_mark_t mark, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* One sentence more for the configuration's `warning`. */
void web_warn(struct web_reader *r, yaml_mark_t mark, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Takes the content of one more file into the configuration's digest. */
void web_digest(struct web_config *c, const char *bytes, size_t length);

#endif
