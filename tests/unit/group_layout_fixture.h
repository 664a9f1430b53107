/* Checks of a layout, for its tests: included after cmocka. */
#ifndef WEIR_TESTS_UNIT_GROUP_LAYOUT_FIXTURE_H
#define WEIR_TESTS_UNIT_GROUP_LAYOUT_FIXTURE_H

#include "base/buf.h"
#include "base/text.h"
#include "collectors/group_layout.h"

#define BIT(controller) (1u << CONTROLLER_##controller)
#define ID              "4f0c2f7be7e0b8f8a8b6c1d2e3f40516273849a0b1c2d3e4f5061728394a5b6c"
#define CPU_BOTH        (BIT(CPU) | BIT(CPUACCT))

static inline void assert_tree(const struct group_layout *layout, const char *path,
                               const char *root, int version, unsigned controllers)
{
    for (size_t i = 0; i < layout->tree_count; i++) {
        if (!text_equal(layout->trees[i].path, path))
            continue;
        assert_string_equal(layout->trees[i].root, root);
        assert_int_equal(layout->trees[i].version, version);
        assert_int_equal(layout->trees[i].controllers, controllers);
        return;
    }
    fail_msg("no tree at %s", path);
}

/* `count` named hierarchies mounted in `directory`. */
static inline void add_named(struct buf *text, const char *directory, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(buf_add_format(text,
                                        "32 31 0:%d / %s/n%d rw - cgroup cgroup rw,name=n%d\n",
                                        i + 20, directory, i, i),
                         0);
}

#endif
