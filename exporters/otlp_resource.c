/* What it knows: how OpenTelemetry describes a container (semantic-conventions 1.44,
 * model/container/registry.yaml) and what an image's name is made of (the distribution project's
 * reference grammar). */
#include "exporters/otlp_resource.h"

#include "base/arena.h"
#include "base/buf.h"
#include "exporters/wire.h"

#include <stdbool.h>
#include <string.h>

#define KEY_VALUE_KEY    WIRE_TAG(1, WIRE_BYTES)
#define KEY_VALUE_VALUE  WIRE_TAG(2, WIRE_BYTES)
#define ANY_VALUE_STRING WIRE_TAG(1, WIRE_BYTES)
#define ANY_VALUE_ARRAY  WIRE_TAG(5, WIRE_BYTES)
#define ARRAY_VALUES     WIRE_TAG(1, WIRE_BYTES)

/* Attributes that are no labels: id, name, runtime and path, four of the image, and simulated. */
#define OWN_ATTRIBUTES 9
#define LABEL_PREFIX   "container_label_"
#define IMAGE_ID       "sha256:" /* an image that is named by nothing else */
#define IMAGE_TAG_MAX  128       /* characters */
#define HEX_SHA256     64        /* digits */

struct attribute {
    const char *key;
    struct piece value;
    bool list; /* an array of this one text */
};

struct attributes {
    struct arena arena;
    struct attribute *items; /* in the arena */
    size_t count;
};

/* What comes before the content of a message. */
static char *put_head(char *at, char tag, size_t length)
{
    *at++ = tag;
    return wire_put_varint(at, length);
}

static void put_attribute(struct buf *ret, char tag, const struct attribute *a, size_t key_length)
{
    size_t text = wire_bytes_size(a->value.length); /* an AnyValue */
    size_t array = wire_bytes_size(text);           /* an ArrayValue of it */
    size_t value = a->list ? wire_bytes_size(array) : text;
    size_t length = wire_bytes_size(key_length) + wire_bytes_size(value);
    char *at = exposition_room(ret, wire_bytes_size(length));
    if (!at)
        return;
    at = put_head(at, tag, length);
    at = wire_put_bytes(at, KEY_VALUE_KEY, (struct piece){a->key, key_length});
    at = put_head(at, KEY_VALUE_VALUE, value);
    if (a->list) {
        at = put_head(at, ANY_VALUE_ARRAY, array);
        at = put_head(at, ARRAY_VALUES, text);
    }
    at = wire_put_bytes(at, ANY_VALUE_STRING, a->value);
    wire_end(ret, at);
}

void otlp_add_attribute(struct buf *ret, char tag, struct piece key, struct piece value)
{
    struct attribute a = {.key = key.bytes, .value = value};
    put_attribute(ret, tag, &a, key.length);
}

/* The text with U+FFFD for what is not UTF-8. */
static const char *clean(struct arena *arena, const char *text)
{
    if (text_is_utf8(text))
        return text;
    size_t length = 0;
    for (const char *at = text; *at != '\0';)
        length += label_character(&at).length;
    char *copy = arena_alloc(arena, length + 1);
    char *end = copy;
    while (*text != '\0')
        end = piece_put(end, label_character(&text));
    return copy;
}

static void add_piece(struct attributes *a, const char *key, const char *bytes, size_t length)
{
    a->items[a->count++] = (struct attribute){.key = key, .value = {bytes, length}};
}

/* Nothing where the text is not known or empty. */
static void add_text(struct attributes *a, const char *key, const char *text)
{
    if (!text || text[0] == '\0')
        return;
    text = clean(&a->arena, text);
    add_piece(a, key, text, strlen(text));
}

static void add_list(struct attributes *a, const char *key, const char *bytes, size_t length)
{
    add_piece(a, key, bytes, length);
    a->items[a->count - 1].list = true;
}

/* Where the tag begins in `name` (`length` bytes); `length` for none. A colon before a slash is
 * that of a registry's port. */
static size_t find_tag(const char *name, size_t length)
{
    static const char characters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t at = length;
    while (at > 0 && memchr(characters, name[at - 1], sizeof characters - 1))
        at--;
    bool tagged = at > 1 && at < length && name[at - 1] == ':' && length - at <= IMAGE_TAG_MAX;
    return tagged ? at : length;
}

static bool is_image_id(const char *image)
{
    size_t prefix = sizeof IMAGE_ID - 1;
    return text_starts_with(image, IMAGE_ID) && strlen(image) == prefix + HEX_SHA256 &&
           text_is_container_id(image + prefix, HEX_SHA256);
}

/* NAME, NAME:TAG, NAME@DIGEST or NAME:TAG@DIGEST. */
static void add_image(struct attributes *a, const char *image)
{
    if (!image || image[0] == '\0')
        return;
    image = clean(&a->arena, image);
    if (is_image_id(image)) {
        add_piece(a, "container.image.id", image, strlen(image));
        return;
    }
    const char *digest = strchr(image, '@');
    size_t length = strlen(image);
    if (digest && digest > image && digest[1] != '\0')
        length = (size_t)(digest - image);
    else
        digest = NULL;
    size_t tag = find_tag(image, length);
    size_t name = tag < length ? tag - 1 : length;
    add_piece(a, "container.image.name", image, name);
    if (tag < length)
        add_list(a, "container.image.tags", image + tag, length - tag);
    if (digest) {
        const char *whole = arena_format(&a->arena, "%.*s%s", (int)name, image, digest);
        add_list(a, "container.image.repo_digests", whole, strlen(whole));
    }
}

/* By how its group is named, which an engine that is away cannot change. */
static const char *runtime_of(const char *path)
{
    static const struct {
        const char *prefix;
        const char *runtime;
    } names[] = {
        {"docker-", "docker"},
        {"libpod-", "podman"},
        {"cri-containerd-", "containerd"},
        {"crio-", "cri-o"},
    };
    const char *last = path ? strrchr(path, '/') : NULL;
    if (!last)
        return NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_starts_with(last + 1, names[i].prefix))
            return names[i].runtime;
    static const char parent[] = "/docker"; /* of Docker's driver cgroupfs */
    size_t length = sizeof parent - 1;
    bool below = (size_t)(last - path) >= length && memcmp(last - length, parent, length) == 0;
    return below ? "docker" : NULL;
}

/* The engine's key of a label is known no better than Prometheus may have it. */
static const char *label_key(struct arena *arena, const char *name)
{
    size_t prefix = sizeof LABEL_PREFIX - 1;
    if (!text_starts_with(name, LABEL_PREFIX) || name[prefix] == '\0')
        return name;
    return arena_format(arena, "container.label.%s", name + prefix);
}

static void add_identity(struct attributes *a, const struct identity *who)
{
    bool container = who->kind == IDENTITY_CONTAINER;
    add_text(a, "id", who->cgroup_path);
    if (container) {
        add_text(a, "container.id", who->container_id);
        add_text(a, "container.name", who->name);
        add_image(a, who->image);
        add_text(a, "container.runtime.name", runtime_of(who->cgroup_path));
    } else {
        add_text(a, "name", who->name);
        add_text(a, "image", who->image);
    }
    for (size_t l = 0; l < who->label_count; l++) {
        const char *name = who->labels[l].name;
        add_text(a, container ? label_key(&a->arena, name) : name, who->labels[l].value);
    }
    add_text(a, "simulated", who->simulated ? "true" : NULL);
}

static bool has_key(const struct attributes *a, const char *key)
{
    for (size_t i = 0; i < a->count; i++)
        if (text_equal(a->items[i].key, key))
            return true;
    return false;
}

void otlp_add_resource(struct buf *ret, const struct identity *who, const struct label *external,
                       size_t external_count)
{
    struct attributes a = {0};
    size_t most = OWN_ATTRIBUTES + external_count + (who ? who->label_count : 0);
    a.items = arena_alloc(&a.arena, most * sizeof *a.items);
    if (who)
        add_identity(&a, who);
    for (size_t i = 0; i < external_count; i++)
        if (!has_key(&a, external[i].name))
            add_text(&a, external[i].name, external[i].value);
    for (size_t i = 0; i < a.count; i++)
        put_attribute(ret, OTLP_TAG_OF_RESOURCE, &a.items[i], strlen(a.items[i].key));
    arena_done(&a.arena);
}
