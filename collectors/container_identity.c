/* What it knows: which labels a container is given, where engines put a container's group, and
 * which containers are wanted. Documents: cgroups(7), "/proc/[pid]/cgroup"; systemd.slice(5). */
#include "collectors/container_identity.h"

#include "base/container_rule.h"
#include "base/text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define SANDBOX_NAME \
    "POD" /* what the kubelet once called the container that holds a pod's network */

static bool matches_any(char *const globs[], size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (text_glob(globs[i], text))
            return true;
    return false;
}

/* A label on its way: sorted by name, then by key. */
struct candidate {
    struct label label;
    const char *key;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *left = a;
    const struct candidate *right = b;
    int names = strcmp(left->label.name, right->label.name);
    return names != 0 ? names : strcmp(left->key, right->key);
}

void identity_set_labels(struct identity *i, const struct raw_label *labels, size_t count,
                         char *const allow[], size_t allow_count, struct label_drops *drops)
{
    struct arena scratch = {0};
    struct candidate *candidates = arena_alloc(&scratch, count * sizeof *candidates);
    size_t kept = 0;
    for (size_t at = 0; at < count; at++) {
        if (!matches_any(allow, allow_count, labels[at].key) || labels[at].value[0] == '\0')
            continue;
        if (strlen(labels[at].value) > LABEL_VALUE_MAX || strlen(labels[at].key) > LABEL_KEY_MAX) {
            drops->too_long++;
            continue;
        }
        candidates[kept++] = (struct candidate){
            .label = {.name =
                          container_label_name(labels[at].key, strlen(labels[at].key), &scratch),
                      .value = labels[at].value},
            .key = labels[at].key,
        };
    }
    if (kept > 1)
        qsort(candidates, kept, sizeof *candidates, compare_candidates);
    struct label *result = arena_alloc(&i->arena, kept * sizeof *result);
    i->label_count = 0;
    for (size_t at = 0; at < kept; at++) {
        const struct label *label = &candidates[at].label;
        if (at > 0 && text_equal(candidates[at - 1].label.name, label->name)) {
            drops->collisions++;
            continue;
        }
        result[i->label_count++] = (struct label){arena_string(&i->arena, label->name),
                                                  arena_string(&i->arena, label->value)};
    }
    i->labels = result;
    arena_done(&scratch);
}

static const char *find_label(const struct raw_label *labels, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(labels[i].key, key) && labels[i].value[0] != '\0')
            return labels[i].value;
    return NULL;
}

static struct pod_names find_pod_names(const struct identity *i, const struct raw_label *labels,
                                       size_t count, const struct pod_names *files)
{
    static const struct pod_names nothing;
    const char *container = find_label(labels, count, "io.kubernetes.container.name");
    const char *pod = find_label(labels, count, "io.kubernetes.pod.name");
    const char *space = find_label(labels, count, "io.kubernetes.pod.namespace");
    files = files ? files : &nothing;
    struct pod_names own = {
        .container = container ? container : files->container,
        .pod = pod ? pod : files->pod,
        .space = space ? space : files->space,
    };
    if (own.container && text_equal(own.container, SANDBOX_NAME))
        own.container = NULL;
    if (own.pod || own.space)
        return own;
    return (struct pod_names){
        .container = i->name,
        .pod = find_label(labels, count, "com.docker.compose.service"),
        .space = find_label(labels, count, "com.docker.compose.project"),
    };
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

void identity_add_pod_labels(struct identity *i, const struct raw_label *labels, size_t count,
                             const struct pod_names *files, struct label_drops *drops)
{
    const struct pod_names names = find_pod_names(i, labels, count, files);
    const struct label wanted[] = {
        {"container", names.container}, {"namespace", names.space}, {"pod", names.pod}};
    const size_t most = sizeof wanted / sizeof wanted[0];
    struct label *all = arena_alloc(&i->arena, (i->label_count + most) * sizeof *all);
    size_t kept = i->label_count;
    if (kept > 0)
        memcpy(all, i->labels, kept * sizeof *all);
    for (size_t at = 0; at < most; at++) {
        const char *value = wanted[at].value ? wanted[at].value : "";
        bool too_long = strlen(value) > LABEL_VALUE_MAX;
        drops->too_long += too_long;
        if (*value != '\0' && !too_long)
            all[kept++] = (struct label){wanted[at].name, arena_string(&i->arena, value)};
    }
    qsort(all, kept, sizeof *all, compare_labels);
    i->labels = all;
    i->label_count = kept;
}

/* Is it the group of `id`: "<id>", "docker-<id>.scope", "kubepods-x.slice:cri-containerd:<id>"? */
static bool component_is_container(const char *component, size_t length, const char *id)
{
    static const char scope[] = ".scope";
    const size_t scope_length = sizeof scope - 1;
    if (length > scope_length &&
        memcmp(component + length - scope_length, scope, scope_length) == 0)
        length -= scope_length;
    size_t begin = length;
    while (begin > 0 && component[begin - 1] != '-' && component[begin - 1] != ':')
        begin--;
    return length - begin == strlen(id) && memcmp(component + begin, id, length - begin) == 0;
}

/* How much of `path` (of `length` bytes) leads to the container's own group; 0: it is not in it. */
static size_t match_path(const char *path, size_t length, const char *id)
{
    size_t begin = 0;
    while (begin < length) {
        const char *slash = memchr(path + begin, '/', length - begin);
        size_t end = slash ? (size_t)(slash - path) : length;
        if (component_is_container(path + begin, end - begin, id))
            return end;
        begin = end + 1;
    }
    return 0;
}

/* From outside its namespace a path is relative to the reader's root and leads nowhere; of a
 * removed group only the name is left. */
static bool path_is_usable(const char *path, size_t length)
{
    static const char deleted[] = " (deleted)";
    const size_t deleted_length = sizeof deleted - 1;
    if (length == 0 || path[0] != '/' || (length >= 3 && memcmp(path, "/..", 3) == 0))
        return false;
    return length < deleted_length ||
           memcmp(path + length - deleted_length, deleted, deleted_length) != 0;
}

const char *identity_path_from_proc(const char *text, const char *container_id, struct arena *arena)
{
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        /* hierarchy:controllers:path; only the first two colons part, a path may hold more. */
        const char *first = memchr(line, ':', length);
        const char *second =
            first ? memchr(first + 1, ':', length - (size_t)(first + 1 - line)) : NULL;
        if (second) {
            const char *path = second + 1;
            size_t path_length = length - (size_t)(path - line);
            size_t matched =
                path_is_usable(path, path_length) ? match_path(path, path_length, container_id) : 0;
            if (matched > 0)
                return arena_copy(arena, path, matched);
        }
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    return NULL;
}

/* The path of a slice: each '-' in its name is a level, so a-b.slice is /a.slice/a-b.slice. NULL
 * when `slice` is not one. Document: systemd.slice(5). */
static const char *expand_slice(const char *slice, struct arena *arena)
{
    static const char suffix[] = ".slice";
    const char *last = strrchr(slice, '/');
    slice = last ? last + 1 : slice; /* a path: its last name says all */
    size_t length = strlen(slice);
    if (length <= sizeof suffix - 1 || length > NAME_MAX ||
        !text_equal(slice + length - (sizeof suffix - 1), suffix))
        return NULL;
    if (text_equal(slice, "-.slice"))
        return ""; /* the root */
    size_t name_length = length - (sizeof suffix - 1);
    const char *path = "";
    for (size_t i = 1; i < name_length; i++)
        if (slice[i] == '-')
            path = arena_format(arena, "%s/%.*s.slice", path, (int)i, slice);
    return arena_format(arena, "%s/%s", path, slice);
}

static const char *path_below_directory(const char *parent, bool podman, const char *container_id,
                                        struct arena *arena)
{
    const char *prefix = podman ? "libpod-" : "";
    if (*parent == '\0')
        parent = podman ? "/libpod_parent" : "/docker";
    while (*parent == '/')
        parent++;
    size_t length = strlen(parent);
    while (length > 0 && parent[length - 1] == '/')
        length--;
    return arena_format(arena, "%s%.*s/%s%s", length > 0 ? "/" : "", (int)length, parent, prefix,
                        container_id);
}

const char *identity_path_from_driver(const char *driver, const char *parent, bool podman,
                                      const char *container_id, struct arena *arena)
{
    if (text_equal(driver, "cgroupfs"))
        return path_below_directory(parent, podman, container_id, arena);
    if (!text_equal(driver, "systemd"))
        return NULL;
    if (*parent == '\0')
        parent = podman ? "machine.slice" : "system.slice";
    const char *slice = expand_slice(parent, arena);
    if (!slice)
        return NULL;
    return arena_format(arena, "%s/%s-%s.scope", slice, podman ? "libpod" : "docker", container_id);
}

/* A label that is not there matches nothing. */
static bool label_matches(const struct container_rule *rule, const struct engine_inspect *inspect)
{
    for (size_t i = 0; i < inspect->label_count; i++) {
        const struct raw_label *l = &inspect->labels[i];
        if (strlen(l->key) == rule->key_length &&
            memcmp(l->key, rule->key, rule->key_length) == 0 && text_glob(rule->glob, l->value))
            return true;
    }
    return false;
}

static bool filter_matches(const char *filter, const struct engine_inspect *inspect)
{
    struct container_rule rule;
    if (!container_rule_parse(filter, &rule))
        return false; /* the configuration refuses it before */
    switch (rule.field) {
    case CONTAINER_FIELD_NAME:
        return text_glob(rule.glob, inspect->name);
    case CONTAINER_FIELD_IMAGE:
        return text_glob(rule.glob, inspect->image);
    case CONTAINER_FIELD_LABEL:
        break;
    }
    return label_matches(&rule, inspect);
}

static bool any_filter_matches(char *const filters[], size_t count,
                               const struct engine_inspect *inspect)
{
    for (size_t i = 0; i < count; i++)
        if (filter_matches(filters[i], inspect))
            return true;
    return false;
}

bool identity_is_wanted(const struct engine_inspect *inspect, char *const include[],
                        size_t include_count, char *const exclude[], size_t exclude_count)
{
    if (include_count > 0 && !any_filter_matches(include, include_count, inspect))
        return false;
    return !any_filter_matches(exclude, exclude_count, inspect);
}
