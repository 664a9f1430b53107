/* Which containers are meant: field=glob, as the configuration has it; and how a container's labels
 * are named. */
#ifndef WEIR_BASE_CONTAINER_RULE_H
#define WEIR_BASE_CONTAINER_RULE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum container_field { CONTAINER_FIELD_NAME, CONTAINER_FIELD_IMAGE, CONTAINER_FIELD_LABEL };

struct container_rule {
    enum container_field field;
    const char *key; /* of a label, as the engine has it; not NUL-terminated */
    size_t key_length;
    const char *glob; /* for text_glob */
};

/* Reads name=GLOB, image=GLOB or label.KEY=GLOB; what it gives points into `text`. False: it is
 * none of them. */
bool container_rule_parse(const char *text, struct container_rule *ret);

/* The name of a container's label with a key of `length` bytes: "container_label_" and the key,
 * every character (of UTF-8) outside [a-zA-Z0-9_] replaced by '_'. In `arena`. */
char *container_label_name(const char *key, size_t length, struct arena *arena);

#endif
