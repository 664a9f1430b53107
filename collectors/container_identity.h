/* Builds identities: which labels are allowed, how they are named, and the cgroup path. */
#ifndef WEIR_COLLECTORS_CONTAINER_IDENTITY_H
#define WEIR_COLLECTORS_CONTAINER_IDENTITY_H

#include "base/identity.h"
#include "collectors/engine_parse.h"
#include "collectors/inventory.h"

/* Longest label value exposed; a longer one is left out and counted, so that one container cannot
 * swell every scrape. */
#define LABEL_VALUE_MAX 8192 /* bytes */
#define PROC_CGROUP_MAX_BYTES                                                     \
    (64 * 1024)            /* of /proc/PID/cgroup: a dozen lines with a path each \
                            */
#define LABEL_KEY_MAX 1024 /* bytes: the longest in use, OCI's and Compose's, have some 60 */

/* Fills labels of `i` from the raw ones whose key matches one of the `allow` globs: name
 * "container_label_" + key with every character (of UTF-8) outside [a-zA-Z0-9_] replaced by '_',
 * sorted by name; an empty value is left out, a value above LABEL_VALUE_MAX or a key above
 * LABEL_KEY_MAX too; of keys that collide the first in byte order stays. Adds to `drops`. Copies
 * everything into the identity's arena. */
void identity_set_labels(struct identity *i, const struct raw_label *labels, size_t count,
                         char *const allow[], size_t allow_count, struct label_drops *drops);

/* What Kubernetes calls a container, as the CRI's files have it; NULL where they do not. */
struct pod_names {
    const char *container, *pod, *space;
};

/* Adds the labels container, pod and namespace, each where it is known and not empty, and keeps all
 * sorted: Kubernetes' by the raw labels io.kubernetes.*, else by `files` (may be NULL); of a
 * container that is in no pod its name, Compose service and Compose project. A pod's sandbox is no
 * container of it. After name and identity_set_labels. What is above LABEL_VALUE_MAX is left out
 * and added to `drops`. */
void identity_add_pod_labels(struct identity *i, const struct raw_label *labels, size_t count,
                             const struct pod_names *files, struct label_drops *drops);

/* The path of the container's group as the first line of `text` (/proc/PID/cgroup) that holds
 * `container_id` as a component has it, up to that component; relative ("/../..") and deleted paths
 * do not count. Component rule: a trailing .scope is dropped, what follows the last '-' or
 * ':' is the id. NULL when there is none; else in `arena`. Document: cgroups(7). */
const char *identity_path_from_proc(const char *text, const char *container_id,
                                    struct arena *arena);

/* The path the engine's cgroup driver makes: cgroupfs: /docker/<id>, PARENT/<id>; systemd:
 * /system.slice/docker-<id>.scope, expanded PARENT.slice/docker-<id>.scope; Podman:
 * /machine.slice/libpod-<id>.scope or /libpod_parent/libpod-<id>. In `arena`; NULL where that is
 * not known (driver "none", a parent that systemd does not take). A rootless engine's path has the
 * user's slices before it, which no answer says: only /proc knows it. */
const char *identity_path_from_driver(const char *driver, const char *parent, bool podman,
                                      const char *container_id, struct arena *arena);

/* May this container be shown? `include` and `exclude` are field=glob with field name, image or
 * label.KEY (already checked by the configuration); no include: all; exclude wins. */
bool identity_is_wanted(const struct engine_inspect *inspect, char *const include[],
                        size_t include_count, char *const exclude[], size_t exclude_count);

#endif
