/* What it knows: the form of --container.include, and how labels become Prometheus label names.
 * Document: the Prometheus data model, "Metric names and labels". */
#include "base/container_rule.h"

#include "base/arena.h"
#include "base/text.h"

#include <string.h>

#define NAME_PREFIX "container_label_"
#define KEY_PREFIX  "label."

bool container_rule_parse(const char *text, struct container_rule *ret)
{
    const char *equals = strchr(text, '=');
    if (!equals)
        return false;
    struct container_rule rule = {.glob = equals + 1};
    size_t length = (size_t)(equals - text);
    if (length == strlen("name") && memcmp(text, "name", length) == 0) {
        rule.field = CONTAINER_FIELD_NAME;
    } else if (length == strlen("image") && memcmp(text, "image", length) == 0) {
        rule.field = CONTAINER_FIELD_IMAGE;
    } else if (text_starts_with(text, KEY_PREFIX)) {
        rule.field = CONTAINER_FIELD_LABEL;
        rule.key = text + strlen(KEY_PREFIX);
        rule.key_length = (size_t)(equals - rule.key);
    } else {
        return false;
    }
    *ret = rule;
    return true;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* As cAdvisor does it: one '_' for each character, so the further bytes of one leave nothing. */
char *container_label_name(const char *key, size_t length, struct arena *arena)
{
    char *name = arena_format(arena, NAME_PREFIX "%.*s", (int)length, key);
    char *to = name + strlen(NAME_PREFIX);
    for (const char *from = to; *from != '\0'; from++) {
        bool continues = ((unsigned char)*from & 0xC0) == 0x80;
        if (!continues)
            *to++ = (char)(is_name_byte(*from) ? *from : '_');
    }
    *to = '\0';
    return name;
}
