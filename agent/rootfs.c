/* What it knows: how to tell the host's procfs below a mounted root from any other. An ordinary
 * host may have a /rootfs too, of an image or a chroot; its procfs is never taken for the host's.
 * Documents: proc(5), "NSpid"; pid_namespaces(7), "/proc and PID namespaces". */
#include "agent/rootfs.h"

#include "agent/config_notice.h"
#include "agent/config_value.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/text.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define STATUS_MAX_BYTES (64 * 1024) /* some 1.5 KiB, more with many groups and CPUs */

bool rootfs_shows_outside(const char *status)
{
    static const char key[] = "\nNSpid:";
    const char *line = strstr(status, key);
    if (!line)
        return false;
    line += sizeof key - 1;
    size_t first = strspn(line, "\t ");
    size_t digits = strspn(line + first, "0123456789");
    const char *second = line + first + digits;
    return digits > 0 && strspn(second, "\t ") > 0 &&
           strspn(second + strspn(second, "\t "), "0123456789") > 0;
}

static bool is_procfs(const char *path)
{
    struct statfs fs;
    return statfs(path, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* Seen through a procfs, weir has a pid in its namespace and in each one below, down to weir's own.
 * One alone is the namespace weir is in, and a procfs that weir is not in has no self. */
static bool is_outside(const char *procfs)
{
    struct buf status;
    struct stat st;
    char *init = alloc_format("%s/1", procfs);
    char *self = alloc_format("%s/self/status", procfs);
    buf_init(&status, STATUS_MAX_BYTES);
    bool outside = stat(init, &st) == 0 && fs_read_file(self, &status) == 0 && status.length > 0 &&
                   rootfs_shows_outside(status.data);
    buf_done(&status);
    free(init);
    free(self);
    return outside;
}

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void take(struct config *c, const struct option *o, const char *path)
{
    if (config_set(c, o, ROOTFS, path, NULL) == 0)
        config_notice_add(c, LOG_LEVEL_INFO, "%s is %s: the host's root is mounted there", o->name,
                          path);
}

void rootfs_apply(struct config *c, const char *root)
{
    const struct option *procfs = option_find("path.procfs");
    const struct option *docker = option_find("path.docker-root");
    char *host_procfs = alloc_format("%s/proc", root);
    char *host_docker = alloc_format("%s%s", root, docker->fallback);
    if (is_procfs(host_procfs)) {
        if (!config_was_given(c, procfs) && is_outside(host_procfs))
            take(c, procfs, host_procfs);
        if (!config_was_given(c, docker) && !is_directory(docker->fallback) &&
            is_directory(host_docker))
            take(c, docker, host_docker);
    }
    free(host_procfs);
    free(host_docker);
}
