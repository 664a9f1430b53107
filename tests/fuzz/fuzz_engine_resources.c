/* What it knows: what must hold for any bytes an engine may say of what it has beside containers,
 * and for any mountinfo. The first byte chooses the parser, the rest is the text. */
#include "base/err.h"
#include "base/text.h"
#include "collectors/engine_parse_resources.h"
#include "collectors/mount_find.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fuzz_images(const char *json, size_t size, struct arena *arena, struct err *e)
{
    struct engine_images images = {0};
    int r = engine_parse_images(json, size, arena, e, &images);
    assert(images.known_count <= images.count && images.count <= size);
    for (size_t i = 0; i < images.known_count; i++) {
        const struct engine_image *image = &images.known[i];
        assert(*image->id != '\0' && strchr(image->digest, ':'));
        assert(i == 0 || strcmp(images.known[i - 1].id, image->id) <= 0);
        /* An image may be listed twice, and an id of "sha256:..." within another. */
        assert(text_starts_with(image->id, "sha256:") ||
               *engine_images_digest(&images, image->id) != '\0');
    }
    return r;
}

static int fuzz_count(const char *json, size_t size, struct arena *arena, struct err *e)
{
    uint64_t count = 0;
    (void)arena;
    int r = engine_parse_count(json, size, "GET /networks", e, &count);
    assert(count <= size);
    return r;
}

static int fuzz_volumes(const char *json, size_t size, struct arena *arena, struct err *e)
{
    uint64_t count = 0;
    (void)arena;
    int r = engine_parse_volumes(json, size, e, &count);
    assert(count <= size);
    return r;
}

static int fuzz_usage(const char *json, size_t size, struct arena *arena, struct err *e)
{
    struct engine_usage usage = {0};
    (void)arena;
    return engine_parse_usage(json, size, e, &usage);
}

static int fuzz_sizes(const char *json, size_t size, struct arena *arena, struct err *e)
{
    struct engine_sizes sizes = {0};
    int r = engine_parse_sizes(json, size, arena, e, &sizes);
    for (size_t i = 0; i < sizes.count; i++) {
        assert(text_is_container_id(sizes.items[i].id, strlen(sizes.items[i].id)));
        assert(engine_sizes_find(&sizes, sizes.items[i].id).given);
    }
    return r;
}

static void fuzz_mounts(const char *bytes, size_t size, struct arena *arena)
{
    struct mount_found mount;
    const char *text = arena_copy(arena, bytes, size);
    if (mount_find(text, "/var/lib/docker", 8, 1, arena, &mount) < 0)
        return;
    assert(text_starts_with("/var/lib/docker", mount.point));
    assert(mount_device(&mount, NULL, arena));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int (*const parsers[])(const char *, size_t, struct arena *, struct err *) = {
        fuzz_images, fuzz_count, fuzz_volumes, fuzz_usage, fuzz_sizes};
    const size_t parser_count = sizeof parsers / sizeof parsers[0];
    struct arena arena = {0};
    struct err e = {0};
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    size_t which = (size_t)(data[0] - '0');
    if (which < parser_count) {
        int r = parsers[which](text, size - 1, &arena, &e);
        assert(r == 0 || r == -EBADMSG || r == -ENODATA);
        assert((r < 0) == (e.text[0] != '\0'));
    } else {
        fuzz_mounts(text, size - 1, &arena);
    }
    arena_done(&arena);
    return 0;
}
