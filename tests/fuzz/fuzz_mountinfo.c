/* Fuzzes the parser of mountinfo: what it finds is a path and a root, each hierarchy once and below
 * what was asked for; and the same mounts a second time add nothing. */
#include "collectors/group_layout.h"

#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BELOW "/sys/fs/cgroup"

static void check_tree(const struct group_layout *layout, size_t at, const char *below)
{
    const struct group_tree *tree = &layout->trees[at];
    assert(tree->path[0] == '/' && tree->root[0] == '/');
    assert(tree->version == 1 || (tree->version == 2 && tree->controllers == 0));
    assert(tree->controllers < 1u << CONTROLLER_COUNT);
    assert(!below || text_starts_with(tree->path, below));
    for (size_t i = 0; i < at; i++) {
        const struct group_tree *other = &layout->trees[i];
        assert(other->version == 1 || tree->version == 1);
        assert((other->controllers & tree->controllers) == 0);
    }
}

static void check(const char *text, const char *twice, const char *below)
{
    struct group_layout once = {0};
    struct group_layout again = {0};
    int r = group_layout_parse_mountinfo(text, below, &once);
    assert(r == 0 || r == -E2BIG || (r == -EBADMSG && once.tree_count == 0));
    assert(group_layout_parse_mountinfo(twice, below, &again) == r);
    assert(once.tree_count <= GROUP_TREES_MAX && once.tree_count == again.tree_count);
    for (size_t i = 0; i < once.tree_count; i++) {
        check_tree(&once, i, below);
        assert(text_equal(once.trees[i].path, again.trees[i].path));
        assert(text_equal(once.trees[i].root, again.trees[i].root));
        assert(once.trees[i].controllers == again.trees[i].controllers);
    }
    group_layout_done(&once);
    group_layout_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* blocks of their own: a read past the end is seen */
    memcpy(text, data, size);
    text[size] = '\0';
    size_t length = strlen(text);
    char *twice = malloc(2 * length + 2);
    memcpy(twice, text, length);
    twice[length] = '\n';
    memcpy(twice + length + 1, text, length + 1);
    check(text, twice, NULL);
    check(text, twice, BELOW);
    free(text);
    free(twice);
    return 0;
}
