/* What it knows: how an inventory is written as lines of JSON. Documents: names_store.h; yyjson.h,
 * "JSON Mutable Document Building API". */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "collectors/inventory.h"
#include "collectors/names_store.h"
#include "collectors/names_store_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool names_is_label(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    static const char *const pods[] = {"container", "namespace", "pod"}; /* Kubernetes' own */
    for (size_t i = 0; i < sizeof pods / sizeof pods[0]; i++)
        if (text_equal(name, pods[i]))
            return true;
    return text_starts_with(name, NAMES_LABEL_PREFIX) && name[strspn(name, allowed)] == '\0';
}

static void free_line(yyjson_mut_doc **doc)
{
    yyjson_mut_doc_free(*doc);
}
#define CLEANUP_LINE __attribute__((cleanup(free_line)))

/* An empty object; its texts are not copied. */
static yyjson_mut_doc *begin_line(void)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(&engine_json_allocator);
    yyjson_mut_doc_set_root(doc, yyjson_mut_obj(doc));
    return doc;
}

/* What the reader would not take is left out. */
static void put_text(yyjson_mut_doc *doc, const char *key, const char *text, size_t most)
{
    if (text && *text != '\0' && strlen(text) <= most)
        (void)yyjson_mut_obj_add_str(doc, yyjson_mut_doc_get_root(doc), key, text);
}

static void put_number(yyjson_mut_doc *doc, const char *key, uint64_t number)
{
    if (number != 0)
        (void)yyjson_mut_obj_add_uint(doc, yyjson_mut_doc_get_root(doc), key, number);
}

static void put_labels(yyjson_mut_doc *doc, const struct identity *i)
{
    yyjson_mut_val *labels = yyjson_mut_obj(doc);
    for (size_t at = 0; at < i->label_count; at++) {
        const struct label *l = &i->labels[at];
        if (names_is_label(l->name) && strlen(l->name) <= NAMES_LABEL_MAX &&
            strlen(l->value) <= LABEL_VALUE_MAX)
            (void)yyjson_mut_obj_add_str(doc, labels, l->name, l->value);
    }
    if (i->label_count > 0)
        (void)yyjson_mut_obj_add_val(doc, yyjson_mut_doc_get_root(doc), "labels", labels);
}

/* False where it was left out. */
static bool end_line(const yyjson_mut_doc *doc, struct buf *ret)
{
    size_t length = 0;
    char *text =
        yyjson_mut_write_opts(doc, NAMES_WRITE_FLAGS, &engine_json_allocator, &length, NULL);
    bool fits = text && length <= NAMES_LINE_MAX;
    if (fits) {
        (void)buf_add(ret, text, length);
        (void)buf_add_char(ret, '\n');
    }
    free(text);
    return fits;
}

static bool add_container(const struct inventory_entry *entry, struct buf *ret)
{
    const struct identity *i = entry->identity;
    /* What the kernel alone has seen it will show again. */
    if (entry->source == INVENTORY_SEEN || strlen(i->container_id) > NAMES_ID_MAX)
        return false;
    CLEANUP_LINE yyjson_mut_doc *doc = begin_line();
    put_text(doc, "id", i->container_id, NAMES_ID_MAX);
    put_text(doc, "engine", i->engine, NAMES_ENGINE_MAX);
    put_text(doc, "name", i->name, LABEL_VALUE_MAX);
    put_text(doc, "image", i->image, LABEL_VALUE_MAX);
    put_text(doc, "path", i->cgroup_path, PATH_MAX);
    put_number(doc, "created_ns", i->created_ns);
    put_number(doc, "started_ns", i->started_ns);
    put_number(doc, "birth", entry->birth);
    put_text(doc, "network", reason_name(entry->network), NAMES_LINE_MAX);
    if (entry->hidden)
        (void)yyjson_mut_obj_add_bool(doc, yyjson_mut_doc_get_root(doc), "hidden", true);
    put_labels(doc, i);
    return end_line(doc, ret);
}

int names_store_encode(const struct inventory *v, const struct names_store_terms *terms,
                       struct buf *ret)
{
    uint64_t count = 0;
    CLEANUP_LINE yyjson_mut_doc *head = begin_line();
    CLEANUP_LINE yyjson_mut_doc *tail = begin_line();
    put_number(head, "version", NAMES_VERSION);
    put_text(head, "boot", terms->boot_id, sizeof terms->boot_id);
    put_text(head, "rules", terms->rules, sizeof terms->rules);
    (void)end_line(head, ret);
    for (size_t i = 0; i < inventory_count(v) && !ret->failed; i++)
        count += add_container(inventory_at(v, i), ret);
    (void)yyjson_mut_obj_add_uint(tail, yyjson_mut_doc_get_root(tail), "containers", count);
    (void)end_line(tail, ret);
    return ret->failed ? -EMSGSIZE : 0;
}
