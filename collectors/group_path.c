/* What it knows: how container runtimes and systemd name control groups. Documents:
 * docs/ARCHITECTURE.md, "The cgroup tier"; systemd.unit(5) for unit names and their escapes;
 * libvirt's cgroups.rst; elsewhere the runtimes' own sources, as no document has it.
 *
 * Anybody who may make a group chooses its name, so whole shapes are compared, never a piece found
 * somewhere in a name. */
#include "collectors/group_path.h"

#include "base/text.h"
#include "collectors/group_piece.h"

#include <assert.h>
#include <string.h>

#define HEX_ID_LENGTH      64 /* digits of an OCI engine's id */
#define BUILDKIT_ID_LENGTH 25 /* digits in base 36 of a BuildKit step's id */

/* The component that is judged, and the two it lies in; empty where there are none. */
struct place {
    struct piece name;
    struct piece parent;
    struct piece grandparent;
};

static bool is_buildkit_id(const char *text, size_t length)
{
    assert(length == BUILDKIT_ID_LENGTH);
    for (size_t i = 0; i < length; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z')))
            return false;
    return true;
}

static struct place place_of(const char *path)
{
    struct piece rest = {path, strlen(path)};
    struct place place;
    place.name = piece_drop_component(&rest);
    place.parent = piece_drop_component(&rest);
    place.grandparent = piece_drop_component(&rest);
    return place;
}

static struct group_name no_container(enum group_kind kind)
{
    return (struct group_name){.kind = kind, .runtime = RUNTIME_UNKNOWN};
}

static struct group_name container(enum group_runtime runtime, struct piece id)
{
    return (struct group_name){
        .kind = GROUP_IS_CONTAINER,
        .runtime = runtime,
        .id = id.at,
        .id_length = id.length,
        .hex_id = text_is_container_id(id.at, id.length),
    };
}

/* Every judge below: is the place of a family it knows? Then its verdict is in `ret`. */

/* liblxc: the payload is the container; monitor and pivot are its own, .lxc is a container's. */
static bool judge_lxc(const struct place *place, struct group_name *ret)
{
    struct piece name = place->name;
    bool beside = piece_has_prefix(name, "lxc.monitor.") || piece_has_prefix(name, "lxc.pivot-") ||
                  piece_equal(name, "lxc.monitor") || piece_equal(name, "lxc.pivot") ||
                  piece_equal(name, ".lxc");
    /* Before 4.0, and Proxmox to this day, the name alone in a group of LXC's. */
    bool below = piece_equal(place->parent, "lxc") || piece_equal(place->parent, "lxc.payload");
    if (beside) {
        *ret = no_container(GROUP_IS_IGNORED);
        return true;
    }
    bool payload = piece_drop_prefix(&name, "lxc.payload.");
    if (name.length == 0 || !(payload || below))
        return false;
    *ret = container(RUNTIME_LXC, name);
    return true;
}

/* Divides PREFIX-ID, PARENT:PREFIX:ID (a systemd parent given to a runtime that is not told to use
 * systemd) or a bare ID, each with or without ".scope". `ret_prefix` is empty for the bare one. */
static bool split_id(struct piece name, size_t id_length, bool (*is_id)(const char *, size_t),
                     struct piece *ret_prefix, struct piece *ret_id)
{
    (void)piece_drop_suffix(&name, ".scope");
    if (name.length < id_length)
        return false;
    struct piece prefix = {name.at, name.length - id_length};
    struct piece id = {name.at + prefix.length, id_length};
    if (!is_id(id.at, id.length))
        return false;
    if (piece_drop_suffix(&prefix, ":")) {
        const char *colon = memrchr(prefix.at, ':', prefix.length);
        size_t parent = colon ? (size_t)(colon + 1 - prefix.at) : 0;
        prefix = (struct piece){prefix.at + parent, prefix.length - parent};
    } else if (prefix.length > 0 && !piece_drop_suffix(&prefix, "-")) {
        return false;
    }
    *ret_prefix = prefix;
    *ret_id = id;
    return true;
}

struct word {
    const char *text;
    enum group_runtime runtime;
};

static bool find_word(const struct word *words, size_t count, struct piece p,
                      enum group_runtime *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (piece_equal(p, words[i].text)) {
            *ret = words[i].runtime;
            return true;
        }
    }
    return false;
}

/* Who makes groups of bare ids there. In a Kubernetes pod, and in a parent the user chose, it may
 * be one of several: that stays unknown. */
static enum group_runtime runtime_by_parent(const struct place *place)
{
    static const struct word parents[] = {
        {"docker", RUNTIME_DOCKER},
        {"buildx", RUNTIME_DOCKER}, /* its builders */
        {"default", RUNTIME_CONTAINERD},
        {"k8s.io", RUNTIME_CONTAINERD},
    };
    enum group_runtime runtime = RUNTIME_UNKNOWN;
    if (piece_equal(place->grandparent, "ecs"))
        return RUNTIME_DOCKER;
    (void)find_word(parents, sizeof parents / sizeof parents[0], place->parent, &runtime);
    return runtime;
}

static bool judge_hex_id(const struct place *place, struct group_name *ret)
{
    static const struct word prefixes[] = {
        {"docker", RUNTIME_DOCKER},
        {"libpod", RUNTIME_PODMAN},
        {"libpod-payload", RUNTIME_PODMAN},
        {"cri-containerd", RUNTIME_CONTAINERD},
        {"nerdctl", RUNTIME_CONTAINERD},
        {"containerd", RUNTIME_CONTAINERD},
        {"crio", RUNTIME_CRIO},
    };
    struct piece prefix;
    struct piece id;
    enum group_runtime runtime = RUNTIME_UNKNOWN;
    if (!split_id(place->name, HEX_ID_LENGTH, text_is_container_id, &prefix, &id))
        return false;
    if (piece_has_suffix(prefix, "conmon")) {
        *ret = no_container(GROUP_IS_IGNORED);
        return true;
    }
    /* Podman without systemd: a pod is bare, its containers are libpod-<id>. */
    if (prefix.length == 0 && piece_equal(place->parent, "libpod_parent"))
        return false;
    if (prefix.length == 0)
        runtime = runtime_by_parent(place);
    else if (!find_word(prefixes, sizeof prefixes / sizeof prefixes[0], prefix, &runtime))
        return false;
    *ret = container(runtime, id);
    return true;
}

static bool judge_buildkit(const struct place *place, struct group_name *ret)
{
    struct piece prefix;
    struct piece id;
    if (!split_id(place->name, BUILDKIT_ID_LENGTH, is_buildkit_id, &prefix, &id))
        return false;
    bool bare = id.length == place->name.length &&
                (piece_equal(place->parent, "buildkit") || piece_equal(place->parent, "buildx"));
    /* "docker-" and 25 letters may be anybody's directory; only systemd makes scopes. */
    bool scope =
        piece_has_suffix(place->name, ".scope") || memchr(place->name.at, ':', place->name.length);
    if (!bare && !(piece_equal(prefix, "docker") && scope))
        return false;
    *ret = container(RUNTIME_BUILDKIT, id);
    return true;
}

/* Virtual machines of libvirt and Proxmox, and libvirt's containers. libvirt calls a machine
 * DRIVER-NUMBER-NAME, old releases DRIVER-NAME; systemd escapes the dashes. */
static bool judge_libvirt(const struct place *place, struct group_name *ret)
{
    struct piece name = place->name;
    bool scope = piece_drop_suffix(&name, ".scope");
    bool machine = scope && piece_drop_prefix(&name, "machine-");
    if ((machine && piece_has_prefix(name, "qemu\\x2d")) ||
        piece_has_suffix(place->name, ".libvirt-qemu") ||
        (scope && piece_is_number(name) && piece_equal(place->parent, "qemu.slice"))) {
        *ret = no_container(GROUP_IS_IGNORED);
        return true;
    }
    if (machine) {
        if (!piece_drop_prefix(&name, "lxc\\x2d") || !piece_drop_number(&name, "\\x2d"))
            return false;
    } else if (piece_drop_suffix(&name, ".libvirt-lxc")) {
        struct piece numbered = name;
        if (piece_drop_prefix(&numbered, "lxc-") && piece_drop_number(&numbered, "-"))
            name = numbered;
    } else {
        return false;
    }
    if (name.length == 0)
        return false;
    *ret = container(RUNTIME_LXC, name);
    return true;
}

/* A scope called machine-... is a machine of systemd-machined only in a slice of machines:
 * elsewhere it is a user's own, as machine-learning.scope. */
static bool judge_nspawn(const struct place *place, struct group_name *ret)
{
    struct piece unit = place->name;
    struct piece scope = place->name;
    bool machines =
        piece_equal(place->parent, "machine.slice") ||
        (piece_has_prefix(place->parent, "machine-") && piece_has_suffix(place->parent, ".slice"));
    if (piece_drop_suffix(&unit, ".service") && piece_drop_prefix(&unit, "systemd-nspawn@") &&
        unit.length > 0)
        *ret = container(RUNTIME_NSPAWN, unit);
    else if (machines && piece_drop_suffix(&scope, ".scope") &&
             piece_drop_prefix(&scope, "machine-") && scope.length > 0)
        *ret = container(RUNTIME_NSPAWN, scope);
    else
        return false;
    return true;
}

/* <allocation>.<task>.scope in a parent that can be configured; on cgroup v1 /nomad without
 * ".scope". */
static bool judge_nomad(const struct place *place, struct group_name *ret)
{
    struct piece id = place->name;
    bool ours = piece_drop_suffix(&id, ".scope") || piece_equal(place->parent, "nomad");
    struct piece task = id;
    if (!ours || !piece_drop_shape(&task, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh.") ||
        task.length == 0)
        return false;
    *ret = container(RUNTIME_NOMAD, id);
    return true;
}

/* <task of 32 hex digits>-<number>, in the task's group below /ecs. */
static bool judge_fargate(const struct place *place, struct group_name *ret)
{
    struct piece number = place->name;
    bool below = piece_equal(place->parent, "ecs") || piece_equal(place->grandparent, "ecs");
    if (!below || !piece_drop_shape(&number, "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-") ||
        !piece_is_number(number))
        return false;
    *ret = container(RUNTIME_FARGATE, place->name);
    return true;
}

static bool judge_garden(const struct place *place, struct group_name *ret)
{
    if (!piece_equal(place->parent, "garden") ||
        !(piece_has_shape(place->name, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh") ||
          piece_has_shape(place->name, "hhhhhhhh-hhhh-hhhh-hhhh-hhhh"))) /* Diego cuts its guids */
        return false;
    *ret = container(RUNTIME_GARDEN, place->name);
    return true;
}

/* Podman's monitors: /libpod_parent/conmon, and "runtime" beside a payload in the unit both are
 * split from. */
static bool judge_monitor(const struct place *place, struct group_name *ret)
{
    bool in_unit =
        piece_has_suffix(place->parent, ".service") || piece_has_suffix(place->parent, ".scope");
    if (!piece_equal(place->name, "conmon") && !(in_unit && piece_equal(place->name, "runtime")))
        return false;
    *ret = no_container(GROUP_IS_IGNORED);
    return true;
}

/* A slice that is the parent or the pod of an orchestrator's containers and would only count them
 * twice. A '-' divides a slice's levels. */
static bool is_orchestrator_slice(struct piece slice)
{
    bool first = true;
    while (slice.length > 0) {
        const char *dash = memchr(slice.at, '-', slice.length);
        struct piece level = {slice.at, dash ? (size_t)(dash - slice.at) : slice.length};
        if (piece_equal(level, "kubepods") || piece_has_prefix(level, "libpod_pod_"))
            return true;
        if (first && (piece_equal(level, "ecstasks") || piece_equal(level, "nomad")))
            return true;
        first = false;
        size_t used = level.length + (dash ? 1 : 0);
        slice = (struct piece){slice.at + used, slice.length - used};
    }
    return false;
}

static bool is_ignored_unit(struct piece name)
{
    static const char *const suffixes[] = {".mount",  ".swap",  ".automount", ".socket",
                                           ".target", ".timer", ".path",      ".device"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (piece_has_suffix(name, suffixes[i]))
            return name.length > strlen(suffixes[i]);
    return false;
}

static bool judge_unit(const struct place *place, struct group_name *ret)
{
    struct piece name = place->name;
    if (is_ignored_unit(name)) {
        *ret = no_container(GROUP_IS_IGNORED);
        return true;
    }
    bool slice = piece_drop_suffix(&name, ".slice");
    bool other =
        !slice && (piece_drop_suffix(&name, ".service") || piece_drop_suffix(&name, ".scope"));
    if (name.length == 0 || !(slice || other))
        return false;
    bool inner =
        slice && (is_orchestrator_slice(name) || piece_equal(place->parent, "nomad.slice"));
    *ret = no_container(inner ? GROUP_IS_INNER : GROUP_IS_SERVICE);
    return true;
}

struct group_name group_path_judge(const char *path)
{
    /* Names the user chooses come first: an LXC container may be called "a.mount". */
    static bool (*const judges[])(const struct place *, struct group_name *) = {
        judge_lxc,   judge_hex_id,  judge_buildkit, judge_libvirt, judge_nspawn,
        judge_nomad, judge_fargate, judge_garden,   judge_monitor, judge_unit};
    assert(path[0] == '/');
    struct place place = place_of(path);
    for (size_t i = 0; i < sizeof judges / sizeof judges[0]; i++) {
        struct group_name name;
        if (judges[i](&place, &name))
            return name;
    }
    return no_container(GROUP_IS_INNER);
}

/* The byte that `p` begins with an escape of, 0 where it does not. */
static unsigned char escaped_byte(struct piece p)
{
    if (!piece_drop_prefix(&p, "\\x") || p.length < 2)
        return 0;
    int high = text_hex_digit(p.at[0]);
    int low = text_hex_digit(p.at[1]);
    return high < 0 || low < 0 ? 0 : (unsigned char)(high * 16 + low);
}

void group_path_unescape(const char *name, size_t length, char *ret, size_t size)
{
    assert(size > 0);
    struct piece rest = {name, length};
    size_t used = 0;
    while (rest.length > 0 && used + 1 < size) {
        unsigned char byte = escaped_byte(rest);
        size_t step = byte != 0 ? strlen("\\xNN") : 1;
        ret[used++] = byte != 0 ? (char)byte : *rest.at;
        rest.at += step;
        rest.length -= step;
    }
    ret[used] = '\0';
}

const char *group_runtime_name(enum group_runtime runtime)
{
    static const char *const names[] = {
        [RUNTIME_UNKNOWN] = "",      [RUNTIME_DOCKER] = "docker",
        [RUNTIME_PODMAN] = "podman", [RUNTIME_CONTAINERD] = "containerd",
        [RUNTIME_CRIO] = "cri-o",    [RUNTIME_BUILDKIT] = "buildkit",
        [RUNTIME_LXC] = "lxc",       [RUNTIME_NSPAWN] = "nspawn",
        [RUNTIME_NOMAD] = "nomad",   [RUNTIME_FARGATE] = "fargate",
        [RUNTIME_GARDEN] = "garden",
    };
    assert((size_t)runtime < sizeof names / sizeof names[0]);
    return names[runtime];
}
