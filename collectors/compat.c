/* What it knows: the words of cadvisor_version_info, and when a round may lack containers or the
 * machine. Documents: compat.h; os-release(5). */
#include "collectors/compat.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/text.h"
#include "collectors/engine_host.h"
#include "collectors/machine.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define OS_RELEASE_MAX_BYTES (64 * 1024) /* some hundred bytes everywhere */
#define OS_NAME_MAX          256         /* bytes: a line of text */

struct compat {
    unsigned groups;
    char *kernel; /* owned, as the next; "" not known */
    char *system;
};

/* --- the operating system --- */

/* The value of an assignment as a shell reads it, up to the end of its line. */
static char *unquote(const char *at)
{
    char value[OS_NAME_MAX + 1];
    size_t length = 0;
    char quote = '\0';
    for (; *at != '\0' && *at != '\n' && length < OS_NAME_MAX; at++) {
        if (*at == quote && quote != '\0') {
            quote = '\0';
        } else if (quote == '\0' && (*at == '"' || *at == '\'')) {
            quote = *at;
        } else {
            if (*at == '\\' && quote != '\'' && at[1] != '\0' && at[1] != '\n')
                at++;
            value[length++] = *at;
        }
    }
    value[length] = '\0';
    while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\r'))
        value[--length] = '\0';
    return alloc_string(value);
}

/* PRETTY_NAME of the file, the last one given; "Linux" where it has none. */
static char *pretty_name(const char *text)
{
    static const char key[] = "PRETTY_NAME=";
    const char *found = NULL;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (text_starts_with(line, key))
            found = line + sizeof key - 1;
    }
    char *name = found ? unquote(found) : alloc_string("Linux");
    if (!text_is_utf8(name))
        name[0] = '\0';
    return name;
}

/* NULL where there is no such file below `root`. */
static char *read_system(const char *root)
{
    static const char *const names[] = {"etc/os-release", "usr/lib/os-release"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[PATH_MAX];
        struct buf text;
        buf_init(&text, OS_RELEASE_MAX_BYTES);
        (void)snprintf(path, sizeof path, "%s/%s", root, names[i]);
        char *name =
            fs_read_file(path, &text) == 0 && text.length > 0 ? pretty_name(text.data) : NULL;
        buf_done(&text);
        if (name)
            return name;
    }
    return NULL;
}

/* The mount may hold that file alone. Where it holds the whole root and the file cannot be read,
 * weir's own would be that of an image. */
static char *find_system(const char *mount)
{
    char *name = read_system(mount);
    if (!name && *machine_host_root(mount) == '\0')
        name = read_system("");
    return name ? name : alloc_string("");
}

struct compat *compat_new(unsigned groups, const char *mount)
{
    struct compat *c = alloc_zeroed(1, sizeof *c);
    struct utsname kernel;
    c->groups = groups;
    c->kernel = alloc_string(uname(&kernel) == 0 ? kernel.release : "");
    c->system = find_system(mount);
    return c;
}

void compat_free(struct compat *c)
{
    if (!c)
        return;
    free(c->kernel);
    free(c->system);
    free(c);
}

/* --- who it is --- */

static const struct point *find_point(const struct part *part, enum agent_metric metric)
{
    for (size_t i = 0; part && i < part->point_count; i++)
        if (part->points[i].metric == metric)
            return &part->points[i];
    return NULL;
}

/* The version of the first Docker, else of the first engine; "" without one. */
static const char *engine_version(const struct part *const parts[], size_t count)
{
    const char *any = NULL;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < parts[i]->point_count; k++) {
            const struct point *p = &parts[i]->points[k];
            if (p->metric != AGENT_ENGINE_INFO)
                continue;
            if (text_equal(p->labels[1], "docker"))
                return p->labels[2];
            any = any ? any : p->labels[2];
        }
    }
    return any ? any : "";
}

static void add_version(const struct compat *c, const char *engine, const struct part *agent,
                        struct part *own)
{
    const struct point *build = find_point(agent, AGENT_BUILD_INFO);
    char version[128] = "";
    if (build)
        (void)snprintf(version, sizeof version, "weir-%s", build->labels[0]);
    part_add_point(own, AGENT_VERSION_INFO, 1,
                   (const char *const[]){c->kernel, c->system, engine, version,
                                         build ? build->labels[1] : "", NULL});
}

/* --- what may be missing --- */

/* What the parts say of who sees which containers. */
struct sight {
    bool simulated;
    bool groups_read;   /* the cgroup tier is there */
    bool groups_failed; /* and failed in this round */
    bool host_seen;
    size_t engines;   /* that were asked */
    size_t up_here;   /* of those that may be this host's */
    size_t down_here; /* likewise */
    size_t down_away;
};

static bool has_problem(const struct part *part, enum reason reason, const char *source)
{
    for (size_t i = 0; i < part->problem_count; i++)
        if (part->problems[i].reason == reason &&
            (!source || text_equal(part->problems[i].source, source)))
            return true;
    return false;
}

/* May its containers be this host's? */
static bool is_here(const char *key)
{
    char *environment[] = {NULL};
    struct engine_endpoint endpoint;
    if (engine_endpoint_parse(key, environment, NULL, &endpoint) < 0)
        return false;
    bool here = engine_endpoint_is_here(&endpoint);
    engine_endpoint_done(&endpoint);
    return here;
}

static void look_at_engine(const struct part *part, const struct point *up, struct sight *s)
{
    const char *key = up->labels[0];
    if (has_problem(part, REASON_SAME_ENGINE, key))
        return;
    bool whole = up->value != 0 && !has_problem(part, REASON_TOO_MANY, key);
    s->engines++;
    if (!is_here(key))
        s->down_away += !whole;
    else if (whole)
        s->up_here++;
    else
        s->down_here++;
}

static void look_at(const struct part *part, struct sight *s)
{
    static const enum reason failures[] = {REASON_STUCK, REASON_PERMISSION_DENIED,
                                           REASON_NO_HIERARCHY, REASON_TOO_MANY};
    const struct point *tier = find_point(part, AGENT_COLLECTOR_SUCCESS);
    s->host_seen = s->host_seen || part->sees_host;
    s->simulated = s->simulated || find_point(part, AGENT_SIMULATED);
    for (size_t i = 0; i < part->point_count; i++)
        if (part->points[i].metric == AGENT_ENGINE_UP)
            look_at_engine(part, &part->points[i], s);
    if (!tier || !text_equal(tier->labels[0], "cgroup"))
        return;
    s->groups_read = true;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        s->groups_failed = s->groups_failed || has_problem(part, failures[i], "cgroup");
}

static bool may_lack_containers(const struct sight *s)
{
    if (s->simulated)
        return false;
    if (s->down_away > 0)
        return true;
    if (s->host_seen)
        return false;
    if (s->groups_read)
        return s->groups_failed || s->down_here > 0 || s->up_here == 0;
    return s->down_here > 0 || s->engines == 0;
}

static bool has_machine(const struct part *const parts[], size_t count)
{
    bool cores = false;
    bool memory = false;
    for (size_t i = 0; i < count; i++) {
        cores = cores || find_point(parts[i], AGENT_MACHINE_CORES);
        memory = memory || find_point(parts[i], AGENT_MACHINE_MEMORY);
    }
    return cores && memory;
}

void compat_add_points(const struct compat *c, const struct part *const parts[], size_t count,
                       const struct part *agent, struct part *own)
{
    struct sight s = {0};
    for (size_t i = 0; i < count; i++)
        look_at(parts[i], &s);
    add_version(c, engine_version(parts, count), agent, own);
    part_add_point(own, AGENT_SCRAPE_ERROR, may_lack_containers(&s), NULL);
    if (s.groups_read)
        part_add_point(own, AGENT_MACHINE_ERROR,
                       c->groups & GROUP_BIT(GROUP_MACHINE) && !has_machine(parts, count), NULL);
}
