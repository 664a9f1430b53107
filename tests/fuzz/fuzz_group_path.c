/* What it knows: what must hold for any path of a control group. The first byte is the size of the
 * buffer that the name is unescaped into, the rest is the path below the root. */
#include "base/text.h"
#include "collectors/group_path.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *path, const struct group_name *name)
{
    const char *component = strrchr(path, '/') + 1;
    if (name->kind != GROUP_IS_CONTAINER) {
        assert(name->runtime == RUNTIME_UNKNOWN && !name->id);
        assert(name->id_length == 0 && !name->hex_id);
        return;
    }
    assert(name->id >= component && name->id_length > 0);
    assert(name->id + name->id_length <= path + strlen(path));
    assert(name->hex_id == text_is_container_id(name->id, name->id_length));
    assert(!name->hex_id || name->runtime != RUNTIME_BUILDKIT);
    const char *before = name->id - component >= 7 ? name->id - 7 : "";
    assert(!name->hex_id || strncmp(before, "conmon", 6) != 0);
}

static void check_unescape(const char *path, size_t room)
{
    size_t length = strlen(path);
    char *out = malloc(room);
    assert(out);
    group_path_unescape(path, length, out, room);
    size_t came = strlen(out);
    assert(came < room && came <= length);
    if (!strstr(path, "\\x"))
        assert(memcmp(out, path, came) == 0 && (came == length || came == room - 1));
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *path = malloc(size + 1); /* exactly the bytes: a sanitizer sees a read past them */
    assert(path);
    path[0] = '/';
    (void)memcpy(path + 1, data + 1, size - 1);
    path[size] = '\0';
    struct group_name name = group_path_judge(path);
    check_name(path, &name);
    check_unescape(path, (size_t)data[0] + 1);
    assert(group_runtime_name(name.runtime));
    free(path);
    return 0;
}
