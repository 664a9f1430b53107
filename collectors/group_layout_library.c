/* What it knows: libcgroup, opened for one question and closed again, because its tables take 0.8
 * MB. It reads /proc and /sys of its own accord, so it can be asked about this host's own places
 * only. Documents: <libcgroup/init.h>, <libcgroup/iterators.h>, <libcgroup/log.h>; dlopen(3). */
#include "collectors/group_layout_internal.h"

#include "base/text.h"
#include "collectors/group_layout.h"

#include <dlfcn.h>
#include <errno.h>
#include <libcgroup.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

/* libcgroup 2.0 never gives back its list of second mounts (4 kB each), nor 40 bytes when it fails:
 * once a process, which a leak checker cannot know. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define LEAKS_ALLOW()  __lsan_disable()
#define LEAKS_FORBID() __lsan_enable()
#endif
#endif
#ifndef LEAKS_ALLOW
#define LEAKS_ALLOW()  (void)0
#define LEAKS_FORBID() (void)0
#endif

#define LIBRARY "libcgroup.so.2" /* the ABI of 2.x */

#define LIBRARY_FUNCTION_LIST(F) \
    F(set_logger)                \
    F(init)                      \
    F(get_controller_begin)      \
    F(get_controller_next)       \
    F(get_controller_end)

#define LIBRARY_FUNCTION_MEMBER(name) __typeof__(cgroup_##name) *name;

struct library {
    void *handle; /* of dlopen(3) */
    LIBRARY_FUNCTION_LIST(LIBRARY_FUNCTION_MEMBER)
};

/* A void pointer of dlsym(3) is a function's address on POSIX. */
#define LIBRARY_FUNCTION_FIND(name)                          \
    library->name = dlsym(library->handle, "cgroup_" #name); \
    complete = complete && library->name;

static bool find_functions(struct library *library)
{
    bool complete = true;
    LIBRARY_FUNCTION_LIST(LIBRARY_FUNCTION_FIND)
    return complete;
}

/* Without a logger libcgroup installs its own, which writes to standard output what the variable
 * CGROUP_LOGLEVEL asks for. */
static void discard_message(void *context, int level, const char *format, va_list arguments)
{
    (void)context;
    (void)level;
    (void)format;
    (void)arguments;
}

static bool same_file_system(const char *a, const char *b)
{
    struct stat status_a;
    struct stat status_b;
    return stat(a, &status_a) == 0 && stat(b, &status_b) == 0 && status_a.st_dev == status_b.st_dev;
}

/* The first `settled` trees stay as they are: mountinfo knows better. */
static void add_controller(const char *base, struct group_layout *layout, size_t settled,
                           const struct cgroup_mount_point *mount)
{
    unsigned controller = group_controller_bit(mount->name, strlen(mount->name));
    int version = group_directory_version(mount->path);
    if (controller == 0 || version <= 0 || !group_path_is_below(mount->path, base))
        return;
    for (size_t i = 0; i < layout->tree_count; i++) {
        struct group_tree *tree = &layout->trees[i];
        if (i >= settled && version == 1 && text_equal(tree->path, mount->path))
            tree->controllers |= controller;
        if ((tree->controllers & controller) != 0 || (version == 2 && tree->version == 2) ||
            same_file_system(tree->path, mount->path))
            return;
    }
    (void)group_layout_add(layout, mount->path, "/", version, version == 1 ? controller : 0);
}

static int ask(const struct library *library, const char *base, struct group_layout *layout)
{
    library->set_logger(discard_message, CGROUP_LOG_ERROR, NULL);
    LEAKS_ALLOW();
    int r = library->init();
    LEAKS_FORBID();
    if (r != 0)
        return -EIO;
    const size_t settled = layout->tree_count;
    void *walk = NULL;
    struct cgroup_mount_point mount;
    r = library->get_controller_begin(&walk, &mount);
    for (; r == 0; r = library->get_controller_next(&walk, &mount))
        add_controller(base, layout, settled, &mount);
    (void)library->get_controller_end(&walk);
    return r == ECGEOF ? 0 : -EIO;
}

int group_layout_ask_library(const char *base, struct group_layout *layout)
{
    struct library library = {.handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL)};
    if (!library.handle)
        return -ENOENT;
    int r = find_functions(&library) ? ask(&library, base, layout) : -ENOSYS;
    (void)dlclose(library.handle);
    return r;
}
