/* The events of a YAML text, without what the configuration does not use of YAML. Private to the
 * configuration. Functions that can fail return 0, or a negative errno with NAME:LINE:COLUMN in the
 * source's err. */
#ifndef WEIR_AGENT_CONFIG_EVENTS_H
#define WEIR_AGENT_CONFIG_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

struct err;

struct config_source {
    yaml_parser_t parser;
    const char *name; /* for messages */
    const char *yaml; /* `length` bytes */
    size_t length;
    struct err *e;
};

#define ORIGIN_MAX 192 /* bytes: the end of a file's name, two numbers, the name of an option */

struct origin {
    char text[ORIGIN_MAX];
};

/* Begins at the first event; nothing is copied, so `name` and `yaml` must outlive the source. After
 * an error there is nothing to close. */
int source_open(struct config_source *s, const char *name, const char *yaml, size_t length,
                struct err *e);
void source_close(struct config_source *s);
/* The next event, to be freed by yaml_event_delete also after an error. Aliases, anchors and tags
 * are errors. */
int source_next(struct config_source *s, yaml_event_t *ret);
/* The next event when nothing in it matters. */
int source_skip(struct config_source *s);
/* Reads the only document of a text from its very beginning: `read` is called for what stands in
 * it, unless the text is empty. A second one is an error. */
int source_document(struct config_source *s, int (*read)(void *context), void *context);

#define CLEANUP_EVENT __attribute__((cleanup(yaml_event_delete)))

/* NAME:LINE:COLUMN of a mark, both counted from 1. */
struct origin source_origin(const struct config_source *s, yaml_mark_t mark);
/* Says what is wrong with an event. Returns -EINVAL. */
int source_refuse(const struct config_source *s, const yaml_event_t *event, const char *what);

/* The text of a scalar, NULL when it has a NUL in it. */
const char *event_text(const yaml_event_t *event);
/* Is it a scalar with which YAML says that there is nothing? */
bool event_is_null(const yaml_event_t *event);

#endif
