/* The table of options and what can be done with one entry. Private to the configuration. */
#ifndef WEIR_AGENT_CONFIG_TABLE_H
#define WEIR_AGENT_CONFIG_TABLE_H

#include "agent/config.h"

enum option_type {
    OPTION_TEXT,
    OPTION_LIST,
    OPTION_DURATION, /* ms */
    OPTION_UNSIGNED,
    OPTION_SIZE, /* bytes */
    OPTION_ENUM,
    OPTION_SWITCH, /* --name, --no-name */
    OPTION_PAIRS,  /* NAME: VALUE, as often as wanted; in the file alone */
};

/* NULL when the value is good, else what is wrong with it: the rest of a sentence that begins with
 * the value. */
typedef const char *(*option_check)(const char *value);

/* One option. The environment variable and the place in the file follow from the name. */
struct option {
    const char *name;     /* as the flag has it, e.g. "collect.max-age" */
    size_t offset;        /* of its field in struct config, or whatever its table writes */
    const char *fallback; /* the default as a flag would give it; NULL: none */
    const char *value;    /* what --help calls the value, e.g. DURATION */
    const char *help;
    const char *allowed;      /* text, list and pairs: what may be written */
    option_check check;       /* text, list, pairs: of the text, each item, each name; NULL: any */
    option_check check_value; /* pairs: of each value, which may be empty; NULL: any */
    uint64_t least;           /* duration in ms, unsigned, size: the smallest value; list: items */
    uint64_t most;            /* duration in ms, unsigned, size: the largest value */
    const char *const *words; /* enum: NULL-terminated, in the order of the enum's values */
    unsigned first;           /* enum: the value of words[0] */
    enum option_type type;
    bool distinct;    /* list: the same item twice is a mistake */
    bool or_empty;    /* text: the empty one is allowed, and not checked */
    bool not_in_file; /* flag and environment only */
};

#define OPTION_MAX      64 /* options: bounds the arrays that note which were seen */
#define OPTION_NAME_MAX 64 /* bytes of a name or a variable, with its NUL */

/* Options that write one struct. */
struct option_table {
    const struct option *items;
    size_t count;
};

extern const struct option config_options[];
extern const size_t config_option_count;
extern const struct option_table config_table; /* the same two */

/* The option of that name, NULL for none. */
const struct option *option_find(const char *name);
/* Its environment variable, e.g. WEIR_COLLECT_MAX_AGE. */
void option_variable(const struct option *o, char ret[OPTION_NAME_MAX]);
/* Its name below the section `path` of the file, e.g. "max-age" below "collect"; "" is the whole
 * file. NULL when it lies elsewhere. */
const char *option_name_below(const struct option *o, const char *path);
/* The key that leads from the section `path` to it; "" when it lies elsewhere. */
void option_key_below(const struct option *o, const char *path, char ret[OPTION_NAME_MAX]);
/* Appends the keys the section `path` may have, e.g. "tiers, max-age, timeout". */
void option_add_keys(const struct option_table *t, const char *path, struct buf *b);
/* Its field in the struct `base`: a char *, struct text_list, uint64_t, unsigned (any enum), bool
 * or struct push_pairs, by its type. */
void *option_field(const struct option *o, void *base);
const void *option_field_const(const struct option *o, const void *base);
/* Has it the same value in `a` and `b`? */
bool option_is_same(const struct option *o, const void *a, const void *b);
/* What may be written, for help and messages, e.g. "0 to 1h". */
void option_add_allowed(const struct option *o, struct buf *b);

#endif
