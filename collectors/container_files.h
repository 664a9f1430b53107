/* Who a container is, from the files that runtimes keep: names without an engine. Mostly root-only.
 * Blocking, pure of any loop: called on the reader's thread. Files: runc state.json, crun status,
 * Docker's config.v2.json and hostconfig.json, containers/storage containers.json and OCI
 * config.json, containerd's task directories, CRI-O's plain HTTP. */
#ifndef WEIR_COLLECTORS_CONTAINER_FILES_H
#define WEIR_COLLECTORS_CONTAINER_FILES_H

#include "base/arena.h"
#include "base/text.h"
#include "collectors/engine_parse.h"
#include "collectors/group_path.h"

#include <stdint.h>

/* Where to look. Lists may be empty; all texts outlive the calls. */
struct container_files_options {
    struct text_list docker_roots;  /* e.g. /var/lib/docker: containers/<id>/config.v2.json */
    struct text_list exec_roots;    /* e.g. /var/run/docker: runtime-runc/moby/<id>/state.json */
    struct text_list storage_roots; /* e.g. /var/lib/containers/storage */
    struct text_list storage_run_roots; /* e.g. /run/containers/storage */
    const char *run; /* /run, or where a fixture has it: run/runc, run/crun, run/containerd, crio */
};

/* What the files say; NULL or 0 where they do not. Texts are in the arena that was given. */
struct container_facts {
    const char *name;               /* without a leading slash; containerd's CRI gives none */
    const char *image;              /* as configured */
    const struct raw_label *labels; /* Docker's, CRI-O's, nerdctl's own; Podman's are in no file */
    size_t label_count;
    const char *pod, *pod_namespace, *pod_container; /* Kubernetes */
    bool sandbox; /* a pod's infrastructure container: owner of its network */
    /* Docker's own word. Of the others "host", or "ns:PATH" of a network namespace that is a
     * process's or the pod's, else NULL: no file tells a bridge from none. */
    const char *network_mode;
    uint64_t created_ns; /* since 1970; of a Podman container that never ran in whole seconds */
    /* Docker's, as its API has it; else when the runtime made this run: some 40 ms before what an
     * engine calls started. */
    uint64_t started_ns;
    /* Of its first process, 0 unknown. Files outlive processes: without the same start in its stat
     * (field 22, 0 unknown) the number may be somebody else's by now. */
    uint32_t pid;
    uint64_t pid_start_ticks;
};

/* Asks the files of `runtime` (all of them where it is RUNTIME_UNKNOWN) for `id` (64 hex digits;
 * nothing else is looked up, so it cannot leave a directory). 0 when anything was found; -ENOENT
 * when nothing knows it; -EACCES when a file may not be read and nothing else knew it; -EBADMSG
 * when what was found is broken. The sentence says which file and the mend. With 0 too `e` may have
 * one: the first file that could not be used, so that something may be missing. */
int container_files_find(const struct container_files_options *options, const char *id,
                         enum group_runtime runtime, struct arena *arena, struct err *e,
                         struct container_facts *ret);

/* The parsers, for tests and fuzzing; each fills what its file says and is not known yet, and
 * leaves the rest. Of the process id and its start only a runtime's state is believed over what is
 * there. 0, or -EBADMSG with `facts` unchanged and the sentence in `e`; of the storage's list also
 * -ENOENT, when `id` is not in it. */
int container_files_parse_docker(const char *text, size_t length, struct arena *arena,
                                 struct err *e, struct container_facts *facts);
int container_files_parse_docker_host(const char *text, size_t length, struct arena *arena,
                                      struct err *e, struct container_facts *facts);
int container_files_parse_runc(const char *text, size_t length, struct arena *arena, struct err *e,
                               struct container_facts *facts);
int container_files_parse_crun(const char *text, size_t length, struct arena *arena, struct err *e,
                               struct container_facts *facts);
int container_files_parse_oci(const char *text, size_t length, struct arena *arena, struct err *e,
                              struct container_facts *facts);
int container_files_parse_storage(const char *text, size_t length, const char *id,
                                  struct arena *arena, struct err *e,
                                  struct container_facts *facts);
int container_files_parse_crio(const char *text, size_t length, struct arena *arena, struct err *e,
                               struct container_facts *facts);

#endif
