/* What it knows: how the lists of a destination choose among families and containers: without an
 * include all, and an exclude is stronger. */
#include "exporters/push_filter.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/container_rule.h"
#include "base/identity.h"

#include <stddef.h>
#include <stdlib.h>

/* One name=GLOB, image=GLOB or label.KEY=GLOB. */
struct rule {
    enum container_field field;
    const char *label; /* its name, where the field is a label */
    const char *glob;
};

struct rules {
    struct rule *rules;
    size_t count;
};

struct push_filter {
    struct arena arena; /* of the rules' texts */
    struct text_list metrics_include;
    struct text_list metrics_exclude;
    struct rules containers_include;
    struct rules containers_exclude;
};

/* One that cannot be read matches nothing; the configuration refuses it before. */
static struct rules parse_rules(struct push_filter *f, const struct text_list *texts)
{
    struct rules result = {arena_alloc(&f->arena, texts->count * sizeof *result.rules),
                           texts->count};
    for (size_t i = 0; i < texts->count; i++) {
        struct container_rule parsed;
        if (!container_rule_parse(texts->items[i], &parsed))
            continue;
        bool is_label = parsed.field == CONTAINER_FIELD_LABEL;
        result.rules[i] = (struct rule){
            .field = parsed.field,
            .label =
                is_label ? container_label_name(parsed.key, parsed.key_length, &f->arena) : NULL,
            .glob = arena_string(&f->arena, parsed.glob),
        };
    }
    return result;
}

struct push_filter *push_filter_new(const struct push_filter_options *options)
{
    if (options->metrics_include.count + options->metrics_exclude.count +
            options->containers_include.count + options->containers_exclude.count ==
        0)
        return NULL;
    struct push_filter *f = alloc_zeroed(1, sizeof *f);
    f->metrics_include = text_list_copy(&options->metrics_include);
    f->metrics_exclude = text_list_copy(&options->metrics_exclude);
    f->containers_include = parse_rules(f, &options->containers_include);
    f->containers_exclude = parse_rules(f, &options->containers_exclude);
    return f;
}

void push_filter_free(struct push_filter *f)
{
    if (!f)
        return;
    text_list_done(&f->metrics_include);
    text_list_done(&f->metrics_exclude);
    arena_done(&f->arena);
    free(f);
}

static bool any_glob_matches(const struct text_list *globs, const char *text)
{
    for (size_t i = 0; i < globs->count; i++)
        if (text_glob(globs->items[i], text))
            return true;
    return false;
}

bool push_filter_has_family(const struct push_filter *f, const char *family)
{
    if (!f)
        return true;
    if (f->metrics_include.count > 0 && !any_glob_matches(&f->metrics_include, family))
        return false;
    return !any_glob_matches(&f->metrics_exclude, family);
}

/* Its value, "" for a name or an image that nobody knows; NULL: it has no such label. */
static const char *field_of(const struct rule *rule, const struct identity *who)
{
    switch (rule->field) {
    case CONTAINER_FIELD_NAME:
        return who->name ? who->name : "";
    case CONTAINER_FIELD_IMAGE:
        return who->image ? who->image : "";
    case CONTAINER_FIELD_LABEL:
        break;
    }
    for (size_t i = 0; i < who->label_count; i++)
        if (text_equal(who->labels[i].name, rule->label))
            return who->labels[i].value;
    return NULL;
}

static bool any_rule_matches(const struct rules *rules, const struct identity *who)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        const char *value = rule->glob ? field_of(rule, who) : NULL;
        if (value && text_glob(rule->glob, value))
            return true;
    }
    return false;
}

bool push_filter_has_container(const struct push_filter *f, const struct identity *who)
{
    if (!f)
        return true;
    if (who->kind != IDENTITY_CONTAINER)
        return f->containers_include.count == 0;
    if (f->containers_include.count > 0 && !any_rule_matches(&f->containers_include, who))
        return false;
    return !any_rule_matches(&f->containers_exclude, who);
}
