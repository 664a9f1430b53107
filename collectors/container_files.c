/* What it knows: which runtime keeps which files where, and in which order they are asked: what one
 * file says is not changed by a later one, but for the process, of which the runtime knows best.
 * Documents: dockerd(8), --data-root and --exec-root; containerd's "State and root directories";
 * containers-storage.conf(5); runc(8) and crun(1), --root; CRI-O's inspect endpoint. */
#include "collectors/container_files.h"

#include "base/err.h"
#include "collectors/container_files_read.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#define ENTRIES_MAX 256 /* of a directory of namespaces or of a storage: some ten are usual */
#define TASKS       "io.containerd.runtime.v2.task"

typedef int file_parser(const char *text, size_t length, struct arena *arena, struct err *e,
                        struct container_facts *facts);

struct query {
    const struct container_files_options *options;
    const char *id;
    struct arena *arena;  /* for what the facts refer to */
    struct arena scratch; /* for paths */
    struct container_facts facts;
    struct err trouble; /* the first file that could not be used */
    bool found;
};

/* Takes down what became of one source. True when it told something. */
static bool conclude(struct query *q, int r, const struct err *e)
{
    if (r == 0)
        q->found = true;
    else if (r != -ENOENT && q->trouble.code == 0)
        q->trouble = *e;
    return r == 0;
}

/* `parse` NULL: the storage's list, which holds more than one container. */
static int parse_text(struct query *q, file_parser *parse, const char *path, const struct buf *text,
                      struct err *e)
{
    struct err inner = {0};
    const char *bytes = text->data ? text->data : "";
    int r = parse ? parse(bytes, text->length, q->arena, &inner, &q->facts)
                  : container_files_parse_storage(bytes, text->length, q->id, q->arena, &inner,
                                                  &q->facts);
    if (r < 0)
        (void)err_set(e, r, "%s: %s; the runtime writes it anew when the container is restarted",
                      path, inner.text);
    return r;
}

static bool ask_file(struct query *q, file_parser *parse, const char *path)
{
    struct err e = {0};
    struct buf text;
    buf_init(&text, CONTAINER_FILE_MAX);
    int r = container_files_read(path, &text, &e);
    if (r == 0)
        r = parse_text(q, parse, path, &text, &e);
    buf_done(&text);
    return conclude(q, r, &e);
}

#define ASK(q, parse, ...) ask_file(q, parse, arena_format(&(q)->scratch, __VA_ARGS__))

static void close_directory(DIR **directory)
{
    if (*directory)
        (void)closedir(*directory);
}
#define CLEANUP_DIRECTORY __attribute__((cleanup(close_directory)))

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && text_equal(text + length - strlen(end), end);
}

/* Visits the entries of `path` whose names end in `end` until one tells something. */
static bool each_entry(struct query *q, const char *path, const char *end,
                       bool (*visit)(struct query *q, const char *path))
{
    CLEANUP_DIRECTORY DIR *directory = opendir(path);
    struct err e = {0};
    if (!directory)
        return conclude(q, container_files_refused(path, -errno, &e), &e);
    for (size_t seen = 0;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry)
            return conclude(q, errno ? container_files_refused(path, -errno, &e) : -ENOENT, &e);
        if (++seen > ENTRIES_MAX)
            return conclude(q,
                            err_set(&e, -EBADMSG, "%s: only the first %d entries were searched",
                                    path, ENTRIES_MAX),
                            &e);
        if (entry->d_name[0] == '.' || !ends_in(entry->d_name, end))
            continue;
        if (visit(q, arena_format(&q->scratch, "%s/%s", path, entry->d_name)))
            return true;
    }
}

static void ask_docker(struct query *q)
{
    const struct text_list *roots = &q->options->docker_roots;
    for (size_t i = 0; i < roots->count; i++) {
        if (!ASK(q, container_files_parse_docker, "%s/containers/%s/config.v2.json",
                 roots->items[i], q->id))
            continue;
        (void)ASK(q, container_files_parse_docker_host, "%s/containers/%s/hostconfig.json",
                  roots->items[i], q->id);
        return;
    }
}

static bool ask_runc_namespace(struct query *q, const char *path)
{
    return ASK(q, container_files_parse_runc, "%s/%s/state.json", path, q->id);
}

static void ask_exec_roots(struct query *q)
{
    const struct text_list *roots = &q->options->exec_roots;
    for (size_t i = 0; i < roots->count; i++)
        if (ASK(q, container_files_parse_runc, "%s/runtime-runc/moby/%s/state.json",
                roots->items[i], q->id))
            return;
}

/* crun keeps the configuration beside its status. */
static bool ask_crun(struct query *q, const char *run)
{
    if (!ASK(q, container_files_parse_crun, "%s/crun/%s/status", run, q->id))
        return false;
    (void)ASK(q, container_files_parse_oci, "%s/crun/%s/config.json", run, q->id);
    return true;
}

/* The low-level runtimes, which have a state as long as there is a process. */
static void ask_runtimes(struct query *q)
{
    const char *run = q->options->run;
    if (ASK(q, container_files_parse_runc, "%s/runc/%s/state.json", run, q->id) || ask_crun(q, run))
        return;
    (void)each_entry(q, arena_format(&q->scratch, "%s/containerd/runc", run), "",
                     ask_runc_namespace);
}

/* init.pid: a decimal number. Its process's start is not said. */
static int parse_init_pid(const char *text, size_t length, struct arena *arena, struct err *e,
                          struct container_facts *facts)
{
    uint64_t pid = 0;
    (void)arena;
    if (length > 0 && text[length - 1] == '\n')
        length--;
    if (text_parse_u64(text, length, &pid) < 0 || pid > INT32_MAX)
        return err_set(e, -EBADMSG, "not a process id");
    if (facts->pid == 0)
        facts->pid = (uint32_t)pid;
    return 0;
}

static bool ask_task_namespace(struct query *q, const char *path)
{
    bool found = ASK(q, container_files_parse_oci, "%s/%s/config.json", path, q->id);
    return ASK(q, parse_init_pid, "%s/%s/init.pid", path, q->id) || found;
}

static bool ask_tasks(struct query *q, const char *state)
{
    return each_entry(q, arena_format(&q->scratch, "%s/" TASKS, state), "", ask_task_namespace);
}

static void ask_containerd(struct query *q)
{
    const struct text_list *roots = &q->options->exec_roots;
    for (size_t i = 0; i < roots->count; i++)
        if (ask_tasks(q, arena_format(&q->scratch, "%s/containerd/daemon", roots->items[i])))
            return;
    if (!ask_tasks(q, arena_format(&q->scratch, "%s/containerd", q->options->run)))
        (void)ask_tasks(q, arena_format(&q->scratch, "%s/k3s/containerd", q->options->run));
}

static bool ask_storage_config(struct query *q, const char *path)
{
    return ASK(q, container_files_parse_oci, "%s/%s/userdata/config.json", path, q->id);
}

/* Containers that are removed at their end are in a list of their own. */
static bool ask_storage_list(struct query *q, const char *path)
{
    return ASK(q, NULL, "%s/containers.json", path) ||
           ASK(q, NULL, "%s/volatile-containers.json", path);
}

static bool each_storage(struct query *q, bool (*visit)(struct query *q, const char *path))
{
    const struct text_list lists[] = {q->options->storage_run_roots, q->options->storage_roots};
    for (size_t list = 0; list < sizeof lists / sizeof *lists; list++)
        for (size_t i = 0; i < lists[list].count; i++)
            if (each_entry(q, lists[list].items[i], "-containers", visit))
                return true;
    return false;
}

/* Podman has the configuration below the root, CRI-O below both. It goes first: its times are
 * finer than the list's. */
static void ask_storage(struct query *q)
{
    (void)each_storage(q, ask_storage_config);
    (void)each_storage(q, ask_storage_list);
}

/* A call, so only for what no file told. */
static void ask_crio(struct query *q)
{
    struct err e = {0};
    struct err inner = {0};
    struct buf body;
    if (q->facts.name || q->facts.pod)
        return;
    const char *path = arena_format(&q->scratch, "%s/crio/crio.sock", q->options->run);
    const char *target = arena_format(&q->scratch, "/containers/%s", q->id);
    buf_init(&body, CONTAINER_FILE_MAX);
    int r = container_files_get(path, target, &body, &e);
    if (r == 0) {
        r = container_files_parse_crio(body.data ? body.data : "", body.length, q->arena, &inner,
                                       &q->facts);
        if (r < 0)
            (void)err_set(&e, r, "%s: %s", path, inner.text);
    }
    buf_done(&body);
    (void)conclude(q, r, &e);
}

#define OF(runtime) (1U << (runtime))

static const struct source {
    unsigned runtimes;
    void (*ask)(struct query *q);
} sources[] = {
    {OF(RUNTIME_DOCKER), ask_docker},
    {OF(RUNTIME_DOCKER), ask_exec_roots},
    {OF(RUNTIME_PODMAN) | OF(RUNTIME_CONTAINERD) | OF(RUNTIME_CRIO), ask_runtimes},
    {OF(RUNTIME_DOCKER) | OF(RUNTIME_CONTAINERD), ask_containerd},
    {OF(RUNTIME_PODMAN) | OF(RUNTIME_CRIO), ask_storage},
    {OF(RUNTIME_CRIO), ask_crio},
};

int container_files_find(const struct container_files_options *options, const char *id,
                         enum group_runtime runtime, struct arena *arena, struct err *e,
                         struct container_facts *ret)
{
    struct query q = {.options = options, .id = id, .arena = arena};
    if (!text_is_container_id(id, strlen(id)))
        return err_set(e, -ENOENT, "a container's name is not looked up in files, only its id");
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (runtime == RUNTIME_UNKNOWN || sources[i].runtimes & OF(runtime))
            sources[i].ask(&q);
    arena_done(&q.scratch);
    if (q.trouble.code < 0)
        (void)err_set(e, q.trouble.code, "%s", q.trouble.text);
    if (q.found) {
        *ret = q.facts;
        return 0;
    }
    if (q.trouble.code < 0)
        return q.trouble.code;
    return err_set(e, -ENOENT, "no file of a runtime knows container %.12s", id);
}
