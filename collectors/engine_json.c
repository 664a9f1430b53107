/* What it knows: how yyjson 0.10 is used here. Document: yyjson.h, "JSON Reader API". */
#include "collectors/engine_json.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void *json_allocate(void *context, size_t size)
{
    (void)context;
    return alloc_bytes(size);
}

static void *json_resize(void *context, void *old, size_t old_size, size_t size)
{
    (void)context;
    (void)old_size;
    return alloc_resize(old, 1, size);
}

static void json_free(void *context, void *bytes)
{
    (void)context;
    free(bytes);
}

const yyjson_alc engine_json_allocator = {
    .malloc = json_allocate, .realloc = json_resize, .free = json_free, .ctx = NULL};

void engine_json_close(yyjson_doc **doc)
{
    yyjson_doc_free(*doc);
}

static bool is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!strchr(" \t\r\n", text[i]) || text[i] == '\0')
            return false;
    return true;
}

int engine_json_open(const char *json, size_t length, const char *what, struct err *e,
                     yyjson_doc **ret)
{
    if (is_blank(json, length))
        return err_set(e, -ENODATA, "%s: the answer is empty", what);
    yyjson_read_err problem = {0};
    /* Without YYJSON_READ_INSITU the text is only read. */
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)json, length, YYJSON_READ_NOFLAG,
                                       &engine_json_allocator, &problem);
    if (!doc)
        return err_set(e, -EBADMSG, "%s: the answer is not JSON: %s at byte %zu of %zu", what,
                       problem.msg, problem.pos, length);
    *ret = doc;
    return 0;
}

int engine_json_open_object(const char *json, size_t length, const char *what, struct err *e,
                            yyjson_doc **ret)
{
    yyjson_doc *doc = NULL;
    int r = engine_json_open(json, length, what, e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!yyjson_is_obj(root)) {
        r = err_set(e, -EBADMSG, "%s: the answer is a JSON %s, expected an object", what,
                    yyjson_get_type_desc(root));
        yyjson_doc_free(doc);
        return r;
    }
    *ret = doc;
    return 0;
}

const char *engine_json_string(yyjson_val *value, struct arena *arena)
{
    const char *text = yyjson_get_str(value);
    size_t length = yyjson_get_len(value);
    if (!text || memchr(text, '\0', length))
        return NULL;
    return arena_copy(arena, text, length);
}

const char *engine_json_text(yyjson_val *object, const char *key, struct arena *arena)
{
    return engine_json_string(yyjson_obj_get(object, key), arena);
}

const char *engine_json_text_or_empty(yyjson_val *object, const char *key, struct arena *arena)
{
    const char *text = engine_json_text(object, key, arena);
    return text ? text : "";
}

struct maybe engine_json_u64(yyjson_val *object, const char *key)
{
    yyjson_val *value = yyjson_obj_get(object, key);
    if (!yyjson_is_uint(value))
        return (struct maybe){0};
    return (struct maybe){.value = yyjson_get_uint(value), .given = true};
}

uint64_t engine_json_u64_or_0(yyjson_val *object, const char *key)
{
    return engine_json_u64(object, key).value;
}

unsigned engine_json_unsigned_or_0(yyjson_val *object, const char *key)
{
    uint64_t value = engine_json_u64_or_0(object, key);
    return value <= UINT_MAX ? (unsigned)value : 0;
}

int64_t engine_json_i64_or_0(yyjson_val *object, const char *key)
{
    yyjson_val *value = yyjson_obj_get(object, key);
    if (yyjson_is_sint(value))
        return yyjson_get_sint(value);
    return yyjson_is_uint(value) && yyjson_get_uint(value) <= INT64_MAX
               ? (int64_t)yyjson_get_uint(value)
               : 0;
}

int engine_json_time_ns(yyjson_val *object, const char *key, uint64_t *ret_ns)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, key));
    return text ? text_parse_rfc3339_ns(text, ret_ns) : -EINVAL;
}

const char *engine_json_container_id(yyjson_val *object, const char *key, struct arena *arena)
{
    yyjson_val *value = yyjson_obj_get(object, key);
    const char *text = yyjson_get_str(value);
    if (!text || !text_is_container_id(text, yyjson_get_len(value)))
        return NULL;
    return engine_json_string(value, arena);
}
