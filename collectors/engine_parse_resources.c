/* What it knows: how engines list images, volumes and networks, and how they say what takes disk
 * space. Documents: the Docker Engine API reference (1.24 to 1.55); how `docker system df` and
 * `podman system df` add it up. */
#include "collectors/engine_parse_resources.h"

#include "base/err.h"
#include "base/text.h"
#include "collectors/engine_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ID_PREFIX        "sha256:"
#define NO_DIGEST        "<none>@<none>" /* what Docker up to 24 says of an image without one */
#define DIGEST_MAX_BYTES 160             /* "sha512:" and 128 digits, with room */

static const char *bare_id(const char *id)
{
    return text_starts_with(id, ID_PREFIX) ? id + strlen(ID_PREFIX) : id;
}

/* Opens an answer that must be an array of objects. */
static int open_array(const char *json, size_t length, const char *what, struct err *e,
                      yyjson_doc **ret_doc)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = engine_json_open(json, length, what, e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!yyjson_is_arr(root))
        return err_set(e, -EBADMSG, "%s: the answer is a JSON %s, expected an array", what,
                       yyjson_get_type_desc(root));
    size_t i = 0;
    size_t count = 0;
    yyjson_val *entry = NULL;
    yyjson_arr_foreach(root, i, count, entry)
    {
        if (!yyjson_is_obj(entry))
            return err_set(e, -EBADMSG, "%s: entry %zu of %zu is a JSON %s, expected an object",
                           what, i, count, yyjson_get_type_desc(entry));
    }
    *ret_doc = doc;
    doc = NULL;
    return 0;
}

/* What follows the @ of the first "repository@sha256:..."; NULL without one. */
static const char *first_digest(yyjson_val *image, struct arena *arena)
{
    size_t i = 0;
    size_t count = 0;
    yyjson_val *entry = NULL;
    yyjson_arr_foreach(yyjson_obj_get(image, "RepoDigests"), i, count, entry)
    {
        const char *text = yyjson_get_str(entry);
        const char *at = text ? strrchr(text, '@') : NULL;
        if (!at || text_equal(text, NO_DIGEST) || !strchr(at, ':') || strlen(at) > DIGEST_MAX_BYTES)
            continue;
        return arena_string(arena, at + 1);
    }
    return NULL;
}

static int compare_images(const void *a, const void *b)
{
    return strcmp(((const struct engine_image *)a)->id, ((const struct engine_image *)b)->id);
}

int engine_parse_images(const char *json, size_t length, struct arena *arena, struct err *e,
                        struct engine_images *ret)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = open_array(json, length, "GET /images/json", e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct engine_images images = {.count = yyjson_arr_size(root)};
    images.known = arena_alloc(arena, images.count * sizeof *images.known);
    size_t i = 0;
    size_t count = 0;
    yyjson_val *entry = NULL;
    yyjson_arr_foreach(root, i, count, entry)
    {
        const char *id = engine_json_text_or_empty(entry, "Id", arena);
        const char *digest = first_digest(entry, arena);
        if (digest && *bare_id(id) != '\0')
            images.known[images.known_count++] =
                (struct engine_image){.id = bare_id(id), .digest = digest};
    }
    qsort(images.known, images.known_count, sizeof *images.known, compare_images);
    *ret = images;
    return 0;
}

const char *engine_images_digest(const struct engine_images *images, const char *id)
{
    const struct engine_image key = {.id = bare_id(id)};
    if (images->known_count == 0)
        return "";
    const struct engine_image *found =
        bsearch(&key, images->known, images->known_count, sizeof key, compare_images);
    return found ? found->digest : "";
}

int engine_parse_count(const char *json, size_t length, const char *what, struct err *e,
                       uint64_t *ret_count)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = open_array(json, length, what, e, &doc);
    if (r < 0)
        return r;
    *ret_count = yyjson_arr_size(yyjson_doc_get_root(doc));
    return 0;
}

int engine_parse_volumes(const char *json, size_t length, struct err *e, uint64_t *ret_count)
{
    static const char what[] = "GET /volumes";
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = engine_json_open_object(json, length, what, e, &doc);
    if (r < 0)
        return r;
    yyjson_val *volumes = yyjson_obj_get(yyjson_doc_get_root(doc), "Volumes");
    if (!yyjson_is_arr(volumes) && !yyjson_is_null(volumes))
        return err_set(e, -EBADMSG, "%s: Volumes is %s, expected an array", what,
                       volumes ? yyjson_get_type_desc(volumes) : "missing");
    *ret_count = yyjson_arr_size(volumes);
    return 0;
}

static void add_bytes(struct maybe *sum, uint64_t bytes)
{
    sum->given = sum->given && !__builtin_add_overflow(sum->value, bytes, &sum->value);
}

/* Engines write an empty list as null too. */
static bool is_list(yyjson_val *entries)
{
    return yyjson_is_arr(entries) || yyjson_is_null(entries);
}

/* The sum of a number of each entry. Engines leave out what is 0, and -1 is "not known". */
static struct maybe sum_of(yyjson_val *entries, uint64_t (*bytes_of)(yyjson_val *entry))
{
    struct maybe sum = {.given = is_list(entries)};
    size_t i = 0;
    size_t count = 0;
    yyjson_val *entry = NULL;
    yyjson_arr_foreach(entries, i, count, entry)
    {
        add_bytes(&sum, bytes_of(entry));
    }
    return sum;
}

static uint64_t container_bytes(yyjson_val *entry)
{
    return engine_json_u64_or_0(entry, "SizeRw");
}

static uint64_t volume_bytes(yyjson_val *entry)
{
    return engine_json_u64_or_0(yyjson_obj_get(entry, "UsageData"), "Size");
}

/* A record that is shared is an image's layer, which counts there. */
static uint64_t cache_bytes(yyjson_val *entry)
{
    bool shared = yyjson_is_true(yyjson_obj_get(entry, "Shared"));
    return shared ? 0 : engine_json_u64_or_0(entry, "Size");
}

/* The sum of API 1.52 and newer; one of 0 is left out. */
static struct maybe total_of(yyjson_val *root, const char *key)
{
    yyjson_val *usage = yyjson_obj_get(root, key);
    struct maybe total = engine_json_u64(usage, "TotalSize");
    total.given = total.given || (yyjson_is_obj(usage) && !yyjson_obj_get(usage, "TotalSize"));
    return total;
}

/* The records are believed first: Docker 29.0 gives 0 as the sum of build caches. */
static struct maybe usage_of(yyjson_val *root, const char *list, const char *sum,
                             uint64_t (*bytes_of)(yyjson_val *entry))
{
    yyjson_val *entries = yyjson_obj_get(root, list);
    return is_list(entries) ? sum_of(entries, bytes_of) : total_of(root, sum);
}

/* Where LayersSize is a 0 that nobody filled, as in Podman 4.3, the images themselves say it,
 * unless they share layers: what those take nobody tells. One with two tags is listed twice in a
 * row. */
static struct maybe sum_of_images(yyjson_val *images)
{
    struct maybe sum = {.given = is_list(images)};
    const char *last = "";
    size_t i = 0;
    size_t count = 0;
    yyjson_val *image = NULL;
    yyjson_arr_foreach(images, i, count, image)
    {
        const char *id = yyjson_get_str(yyjson_obj_get(image, "Id"));
        bool again = id && text_equal(id, last);
        last = id ? id : "";
        if (engine_json_u64_or_0(image, "SharedSize") > 0)
            sum.given = false;
        if (!again)
            add_bytes(&sum, engine_json_u64_or_0(image, "Size"));
    }
    return sum;
}

static struct maybe images_usage(yyjson_val *root)
{
    struct maybe layers = engine_json_u64(root, "LayersSize");
    yyjson_val *images = yyjson_obj_get(root, "Images");
    if (layers.value > 0)
        return layers;
    struct maybe total = total_of(root, "ImageUsage");
    return total.given || !images ? total : sum_of_images(images);
}

int engine_parse_usage(const char *json, size_t length, struct err *e, struct engine_usage *ret)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = engine_json_open_object(json, length, "GET /system/df", e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    *ret = (struct engine_usage){
        .images = images_usage(root),
        .containers = usage_of(root, "Containers", "ContainerUsage", container_bytes),
        .volumes = usage_of(root, "Volumes", "VolumeUsage", volume_bytes),
        .build_cache = usage_of(root, "BuildCache", "BuildCacheUsage", cache_bytes),
    };
    return 0;
}

static int compare_sizes(const void *a, const void *b)
{
    return strcmp(((const struct engine_size *)a)->id, ((const struct engine_size *)b)->id);
}

/* SizeRw is left out when it is 0, and both sizes when nothing was counted; -1 is a count that
 * failed. */
static struct maybe layer_bytes(yyjson_val *container)
{
    struct maybe size = engine_json_u64(container, "SizeRw");
    if (!size.given && !yyjson_obj_get(container, "SizeRw"))
        size.given = engine_json_u64_or_0(container, "SizeRootFs") > 0;
    return size;
}

int engine_parse_sizes(const char *json, size_t length, struct arena *arena, struct err *e,
                       struct engine_sizes *ret)
{
    static const char what[] = "GET /containers/json?size=1";
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = open_array(json, length, what, e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct engine_sizes sizes = {
        .items = arena_alloc(arena, yyjson_arr_size(root) * sizeof *sizes.items)};
    size_t i = 0;
    size_t count = 0;
    yyjson_val *entry = NULL;
    yyjson_arr_foreach(root, i, count, entry)
    {
        const char *id = engine_json_container_id(entry, "Id", arena);
        struct maybe bytes = layer_bytes(entry);
        if (!id)
            return err_set(e, -EBADMSG, "%s: entry %zu of %zu: Id is not 64 hex digits", what, i,
                           count);
        if (bytes.given)
            sizes.items[sizes.count++] = (struct engine_size){.id = id, .bytes = bytes.value};
    }
    qsort(sizes.items, sizes.count, sizeof *sizes.items, compare_sizes);
    *ret = sizes;
    return 0;
}

struct maybe engine_sizes_find(const struct engine_sizes *sizes, const char *id)
{
    const struct engine_size key = {.id = id};
    if (sizes->count == 0)
        return (struct maybe){0};
    const struct engine_size *found =
        bsearch(&key, sizes->items, sizes->count, sizeof key, compare_sizes);
    return found ? (struct maybe){.value = found->bytes, .given = true} : (struct maybe){0};
}
