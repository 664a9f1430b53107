/* What it knows: which lines of JSON are believed to be remembered names. Documents:
 * names_store.h; yyjson.h, "JSON Reader API". */
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "collectors/inventory.h"
#include "collectors/names_store.h"
#include "collectors/names_store_json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_MAX_BYTES 128 /* what is wrong with a line */

static void free_read(yyjson_doc **doc)
{
    yyjson_doc_free(*doc);
}
#define CLEANUP_READ __attribute__((cleanup(free_read)))

/* A file on its way in. */
struct reading {
    const struct names_store_terms *terms;
    const char *at; /* the next line */
    size_t left;
    size_t line; /* the number of the one before it */
    bool same_boot;
    bool ended;                         /* the last line was read */
    struct inventory_telling *tellings; /* owned, with a reference each */
    size_t count;
    size_t capacity;
    struct err *e;
};

static int broken(const struct reading *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int broken(const struct reading *r, const char *fmt, ...)
{
    char why[WHY_MAX_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return err_set(r->e, -EBADMSG, "line %zu %s", r->line, why);
}

/* The next line as an object; the document is the caller's. */
static int read_line(struct reading *r, yyjson_doc **ret)
{
    r->line++;
    const char *end = memchr(r->at, '\n', r->left);
    if (!end)
        return broken(r, "has no end: the file was cut short");
    size_t length = (size_t)(end - r->at);
    if (length > NAMES_LINE_MAX)
        return broken(r, "is longer than 1 MiB");
    yyjson_read_err problem = {0};
    /* Without YYJSON_READ_INSITU the text is only read. */
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)r->at, length, NAMES_READ_FLAGS,
                                       &engine_json_allocator, &problem);
    if (!doc)
        return broken(r, "is not JSON: %s", problem.msg);
    if (!yyjson_is_obj(yyjson_doc_get_root(doc))) {
        yyjson_doc_free(doc);
        return broken(r, "is not an object");
    }
    r->at = end + 1;
    r->left -= length + 1;
    *ret = doc;
    return 0;
}

/* What is wrong with a text, NULL for nothing. */
static const char *check_text(yyjson_val *value, size_t most)
{
    if (!yyjson_is_str(value))
        return "is not a text";
    size_t length = yyjson_get_len(value);
    if (length == 0)
        return "is empty";
    if (length > most)
        return "is too long";
    return memchr(yyjson_get_str(value), '\0', length) ? "has a NUL in it" : NULL;
}

/* A member that may be missing, then `*ret` stays. Valid as long as the document. */
static int read_text(const struct reading *r, yyjson_val *object, const char *key, size_t most,
                     const char **ret)
{
    yyjson_val *value = yyjson_obj_get(object, key);
    const char *why = value ? check_text(value, most) : NULL;
    if (why)
        return broken(r, "has a %s that %s", key, why);
    if (value)
        *ret = yyjson_get_str(value);
    return 0;
}

static int read_number(const struct reading *r, yyjson_val *object, const char *key, uint64_t *ret)
{
    yyjson_val *value = yyjson_obj_get(object, key);
    if (value && !yyjson_is_uint(value))
        return broken(r, "has a %s that is not a whole number", key);
    *ret = yyjson_get_uint(value);
    return 0;
}

/* The word of a network that is none of its own. */
static int read_network(const struct reading *r, yyjson_val *object, enum reason *ret)
{
    static const enum reason known[] = {REASON_HOST_NETWORK, REASON_NO_NETWORK,
                                        REASON_SHARED_NETWORK};
    const char *word = NULL;
    int result = read_text(r, object, "network", WHY_MAX_BYTES, &word);
    if (result < 0 || !word)
        return result;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!text_equal(reason_name(known[i]), word))
            continue;
        *ret = known[i];
        return 0;
    }
    return broken(r, "has a network that is not known");
}

static int read_hidden(const struct reading *r, yyjson_val *object, bool *ret)
{
    yyjson_val *value = yyjson_obj_get(object, "hidden");
    if (value && !yyjson_is_bool(value))
        return broken(r, "has a hidden that is neither true nor false");
    *ret = yyjson_get_bool(value);
    return 0;
}

/* Sorted and no two alike, as every identity has them. */
static int read_labels(const struct reading *r, yyjson_val *object, struct identity *i)
{
    yyjson_val *labels = yyjson_obj_get(object, "labels");
    if (labels && !yyjson_is_obj(labels))
        return broken(r, "has labels that are not an object");
    struct label *list = arena_alloc(&i->arena, yyjson_obj_size(labels) * sizeof *list);
    yyjson_obj_iter at = yyjson_obj_iter_with(labels);
    yyjson_val *key = NULL;
    i->labels = list;
    while ((key = yyjson_obj_iter_next(&at))) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        const char *why = check_text(key, NAMES_LABEL_MAX);
        why = why ? why : check_text(value, LABEL_VALUE_MAX);
        if (why)
            return broken(r, "has a label that %s", why);
        const char *name = yyjson_get_str(key);
        if (!names_is_label(name))
            return broken(r, "has a label whose name is none");
        if (i->label_count > 0 && strcmp(list[i->label_count - 1].name, name) >= 0)
            return broken(r, "has labels that are not in order");
        list[i->label_count++] = (struct label){arena_string(&i->arena, name),
                                                arena_string(&i->arena, yyjson_get_str(value))};
    }
    return 0;
}

static int read_identity(const struct reading *r, yyjson_val *object, struct identity *i)
{
    const char *name = NULL;
    const char *image = NULL;
    const char *path = NULL;
    int result = read_text(r, object, "name", LABEL_VALUE_MAX, &name);
    result = result < 0 ? result : read_text(r, object, "image", LABEL_VALUE_MAX, &image);
    result = result < 0 ? result : read_text(r, object, "path", PATH_MAX, &path);
    result = result < 0 ? result : read_number(r, object, "created_ns", &i->created_ns);
    result = result < 0 ? result : read_number(r, object, "started_ns", &i->started_ns);
    if (result < 0)
        return result;
    i->local = true;
    i->name = arena_string(&i->arena, name);
    i->image = arena_string(&i->arena, image);
    i->cgroup_path = arena_string(&i->arena, path);
    return read_labels(r, object, i);
}

/* A start is known of a control group alone: without one nobody could tell that it is another. */
static int read_instance(const struct reading *r, yyjson_val *object, struct identity *i,
                         struct inventory_telling *t)
{
    int result = read_identity(r, object, i);
    result = result < 0 ? result : read_number(r, object, "birth", &t->birth);
    result = result < 0 ? result : read_network(r, object, &t->network);
    result = result < 0 ? result : read_hidden(r, object, &t->hidden);
    if (!r->same_boot)
        t->birth = 0;
    if (t->birth == 0)
        i->started_ns = 0;
    return result;
}

static int read_container(struct reading *r, yyjson_val *object, uint64_t now_ns)
{
    const char *id = NULL;
    const char *engine = "";
    int result = read_text(r, object, "id", NAMES_ID_MAX, &id);
    result = result < 0 ? result : read_text(r, object, "engine", NAMES_ENGINE_MAX, &engine);
    if (result < 0)
        return result;
    if (!id)
        return broken(r, "names no container");
    if (r->count == INVENTORY_MAX)
        return broken(r, "is one container too many: %d are kept", INVENTORY_MAX);
    if (r->count == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 64;
        r->tellings = alloc_resize(r->tellings, r->capacity, sizeof *r->tellings);
    }
    struct identity *i = identity_new(engine, id);
    struct inventory_telling *t = &r->tellings[r->count++];
    *t =
        (struct inventory_telling){.identity = i, .source = INVENTORY_REMEMBERED, .now_ns = now_ns};
    return read_instance(r, object, i, t);
}

/* The first line. `ret_usable`: it was made by the rules in force. */
static int read_head(struct reading *r, bool *ret_usable)
{
    CLEANUP_READ yyjson_doc *doc = NULL;
    const char *boot = "";
    const char *rules = "";
    uint64_t version = 0;
    int result = read_line(r, &doc);
    yyjson_val *head = yyjson_doc_get_root(doc);
    result = result < 0 ? result : read_number(r, head, "version", &version);
    if (result == 0 && version != NAMES_VERSION)
        result =
            broken(r, "has version %llu, expected %d", (unsigned long long)version, NAMES_VERSION);
    result = result < 0 ? result : read_text(r, head, "boot", NAMES_LINE_MAX, &boot);
    result = result < 0 ? result : read_text(r, head, "rules", NAMES_LINE_MAX, &rules);
    if (result < 0)
        return result;
    r->same_boot = *boot != '\0' && text_equal(boot, r->terms->boot_id);
    *ret_usable = text_equal(rules, r->terms->rules);
    return 0;
}

/* A container, or the last line. */
static int read_next(struct reading *r, uint64_t now_ns)
{
    CLEANUP_READ yyjson_doc *doc = NULL;
    int result = read_line(r, &doc);
    if (result < 0)
        return result;
    yyjson_val *object = yyjson_doc_get_root(doc);
    yyjson_val *total = yyjson_obj_get(object, "containers");
    if (!total)
        return read_container(r, object, now_ns);
    if (!yyjson_is_uint(total) || yyjson_get_uint(total) != r->count || r->left > 0)
        return broken(r, "is not the end of a file of %zu containers", r->count);
    r->ended = true;
    return 0;
}

int names_store_decode(const char *text, size_t length, const struct names_store_terms *terms,
                       uint64_t now_ns, struct inventory *v, struct err *e)
{
    struct reading r = {.terms = terms, .at = text, .left = length, .e = e};
    bool usable = false;
    int result = read_head(&r, &usable);
    while (result == 0 && usable && !r.ended)
        result = read_next(&r, now_ns);
    for (size_t i = 0; i < r.count; i++) {
        if (result == 0)
            (void)inventory_tell(v, &r.tellings[i]); /* full: it has what others told now */
        identity_unref(r.tellings[i].identity);
    }
    free(r.tellings);
    return result;
}
