/* What a control group is, by its path: a container (and which runtime's), a service, or nothing to
 * show. Pure. Documents: docs/ARCHITECTURE.md, "The cgroup tier"; systemd.unit(5) for escapes. */
#ifndef WEIR_COLLECTORS_GROUP_PATH_H
#define WEIR_COLLECTORS_GROUP_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum group_kind {
    GROUP_IS_INNER,     /* no container itself; containers may be below: slices, pods, parents */
    GROUP_IS_SERVICE,   /* a systemd unit; a container may be below it (podman split, delegation) */
    GROUP_IS_CONTAINER, /* nothing below it is looked at: that is nested and counted within */
    GROUP_IS_IGNORED,   /* nothing below it either: conmon, mounts, monitors, virtual machines */
};

enum group_runtime {
    RUNTIME_UNKNOWN,
    RUNTIME_DOCKER,
    RUNTIME_PODMAN,
    RUNTIME_CONTAINERD, /* also nerdctl and Kubernetes' cri-containerd */
    RUNTIME_CRIO,
    RUNTIME_BUILDKIT,
    RUNTIME_LXC, /* also Incus, LXD, Proxmox, and libvirt's containers */
    RUNTIME_NSPAWN,
    RUNTIME_NOMAD,
    RUNTIME_FARGATE,
    RUNTIME_GARDEN,
};

/* What a path says. The texts point into the path that was given. */
struct group_name {
    enum group_kind kind;
    enum group_runtime runtime; /* of a container */
    const char *id; /* a container's: 64 hex digits, or its name where the runtime has no such id;
                       not terminated */
    size_t id_length;
    bool hex_id; /* `id` is 64 hex digits: an engine may know it */
};

/* Judges the last component of `path` ("/system.slice/docker-<id>.scope"), given that everything
 * above it was judged GROUP_IS_INNER or GROUP_IS_SERVICE. `path` begins with '/' and does not end
 * in one; "/" is GROUP_IS_INNER. */
struct group_name group_path_judge(const char *path);

/* A unit's name with systemd's \xNN escapes decoded, as a label may show it, in `ret`
 * (NUL-terminated, cut to `size`, which is not 0). A '-' that means '/' is left as it is, and so
 * are \x00 and what is no whole escape. The bytes need not be UTF-8. */
void group_path_unescape(const char *name, size_t length, char *ret, size_t size);

/* The word in labels and logs, e.g. "docker"; "" for RUNTIME_UNKNOWN. */
const char *group_runtime_name(enum group_runtime runtime);

#endif
