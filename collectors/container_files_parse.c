/* What it knows: what the files of the runtimes call the things weir wants to know. Documents:
 * moby's container.Container and HostConfig; runc's libcontainer.State; crun's status.c;
 * runtime-spec, config.md; containers/storage's Container with the metadata of CRI-O and libpod;
 * the annotations of containerd's CRI plugin, CRI-O and nerdctl; CRI-O's pkg/types. */
#include "collectors/container_files.h"

#include "base/clock.h"
#include "base/err.h"
#include "collectors/engine_json.h"

#include <errno.h>
#include <string.h>

#define PID_LIMIT      4194304 /* the kernel's PID_MAX_LIMIT */
#define POD_NAME_PARTS 5       /* of CRI-O: k8s_NAME_NAMESPACE_UID_ATTEMPT */

/* Annotations or labels; Go's maps, so in no order of their own. */
struct pairs {
    struct raw_label *items;
    size_t count;
};

/* Which text of the facts a key gives. */
struct known_key {
    const char *key;
    size_t field; /* its offset */
};
#define FACT(member) offsetof(struct container_facts, member)

/* What the kubelet labels containers with, on Docker and CRI-O. */
static const struct known_key label_keys[] = {
    {"io.kubernetes.container.name", FACT(pod_container)},
    {"io.kubernetes.pod.name", FACT(pod)},
    {"io.kubernetes.pod.namespace", FACT(pod_namespace)},
};

/* Of one fact the better one comes first. */
static const struct known_key annotation_keys[] = {
    {"io.kubernetes.cri.container-name", FACT(pod_container)},
    {"io.kubernetes.cri.sandbox-name", FACT(pod)},
    {"io.kubernetes.cri.sandbox-namespace", FACT(pod_namespace)},
    {"io.kubernetes.cri.image-name", FACT(image)},
    {"io.kubernetes.cri.podsandbox.image-name", FACT(image)},
    {"io.kubernetes.cri-o.KubeName", FACT(pod)},
    {"io.kubernetes.cri-o.Namespace", FACT(pod_namespace)},
    {"io.kubernetes.cri-o.ContainerName", FACT(name)},
    {"io.kubernetes.cri-o.Name", FACT(name)},
    {"io.kubernetes.cri-o.ImageName", FACT(image)},
    {"nerdctl/name", FACT(name)},
};

static void set_text(const char **field, const char *value)
{
    if (!*field && value && *value != '\0')
        *field = value;
}

static void set_time(uint64_t *field, yyjson_val *object, const char *key)
{
    if (*field == 0)
        (void)engine_json_time_ns(object, key, field); /* left alone where there is none */
}

static uint32_t pid_of(yyjson_val *object, const char *key)
{
    uint64_t pid = engine_json_u64_or_0(object, key);
    return pid <= PID_LIMIT ? (uint32_t)pid : 0;
}

/* A process id says who it is only together with the start of its process, so both are of one file.
 */
static void set_process(struct container_facts *facts, uint32_t pid, uint64_t start_ticks)
{
    if (pid == 0)
        return;
    facts->pid = pid;
    facts->pid_start_ticks = start_ticks;
}

static struct pairs pairs_of_object(yyjson_val *object, struct arena *arena)
{
    struct pairs pairs = {0};
    size_t at = 0;
    size_t most = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    if (!yyjson_is_obj(object))
        return pairs; /* the macro below computes an address from it */
    pairs.items = arena_alloc(arena, yyjson_obj_size(object) * sizeof *pairs.items);
    yyjson_obj_foreach(object, at, most, key, value)
    {
        struct raw_label pair = {.key = engine_json_string(key, arena),
                                 .value = engine_json_string(value, arena)};
        if (pair.key && pair.value)
            pairs.items[pairs.count++] = pair;
    }
    return pairs;
}

/* Of "KEY=VALUE" texts, as runc keeps annotations. */
static struct pairs pairs_of_list(yyjson_val *list, struct arena *arena)
{
    struct pairs pairs = {0};
    size_t at = 0;
    size_t most = 0;
    yyjson_val *item = NULL;
    if (!yyjson_is_arr(list))
        return pairs;
    pairs.items = arena_alloc(arena, yyjson_arr_size(list) * sizeof *pairs.items);
    yyjson_arr_foreach(list, at, most, item)
    {
        const char *text = engine_json_string(item, arena);
        const char *sign = text ? strchr(text, '=') : NULL;
        if (sign)
            pairs.items[pairs.count++] = (struct raw_label){
                .key = arena_copy(arena, text, (size_t)(sign - text)), .value = sign + 1};
    }
    return pairs;
}

static const char *pair_value(const struct pairs *pairs, const char *key)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (text_equal(pairs->items[i].key, key))
            return pairs->items[i].value;
    return "";
}

static void use_keys(const struct pairs *pairs, const struct known_key *keys, size_t count,
                     struct container_facts *facts)
{
    for (size_t i = 0; i < count; i++)
        set_text((const char **)((char *)facts + keys[i].field), pair_value(pairs, keys[i].key));
}

/* A sandbox is the pod itself, whatever a runtime calls the container in it. */
static void use_sandbox(bool sandbox, struct container_facts *facts)
{
    if (facts->pod_container && text_equal(facts->pod_container, "POD"))
        sandbox = true;
    facts->sandbox = facts->sandbox || sandbox;
    if (facts->sandbox)
        facts->pod_container = NULL;
}

static void use_labels(struct pairs labels, struct container_facts *facts)
{
    use_keys(&labels, label_keys, sizeof label_keys / sizeof *label_keys, facts);
    use_sandbox(text_equal(pair_value(&labels, "io.kubernetes.docker.type"), "podsandbox"), facts);
    if (facts->labels || labels.count == 0)
        return;
    facts->labels = labels.items;
    facts->label_count = labels.count;
}

/* CRI-O keeps a container's labels as JSON in an annotation. */
static void use_crio_labels(const char *json, struct arena *arena, struct container_facts *facts)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    if (engine_json_open(json, strlen(json), "labels", NULL, &doc) == 0)
        use_labels(pairs_of_object(yyjson_doc_get_root(doc), arena), facts);
}

/* Labels that nerdctl repeats as annotations: its own, and in older releases all, of which only
 * Compose's can be told from annotations. */
static void use_nerdctl_labels(const struct pairs *annotations, struct arena *arena,
                               struct container_facts *facts)
{
    if (facts->labels || *pair_value(annotations, "nerdctl/namespace") == '\0')
        return;
    struct raw_label *labels = arena_alloc(arena, annotations->count * sizeof *labels);
    for (size_t i = 0; i < annotations->count; i++)
        if (text_starts_with(annotations->items[i].key, "nerdctl/") ||
            text_starts_with(annotations->items[i].key, "com.docker.compose."))
            labels[facts->label_count++] = annotations->items[i];
    facts->labels = labels;
}

static void use_annotations(const struct pairs *annotations, struct arena *arena,
                            struct container_facts *facts)
{
    const char *created = pair_value(annotations, "io.kubernetes.cri-o.Created");
    use_keys(annotations, annotation_keys, sizeof annotation_keys / sizeof *annotation_keys, facts);
    use_keys(annotations, label_keys, sizeof label_keys / sizeof *label_keys, facts);
    use_sandbox(
        text_equal(pair_value(annotations, "io.kubernetes.cri.container-type"), "sandbox") ||
            text_equal(pair_value(annotations, "io.kubernetes.cri-o.ContainerType"), "sandbox"),
        facts);
    use_crio_labels(pair_value(annotations, "io.kubernetes.cri-o.Labels"), arena, facts);
    use_nerdctl_labels(annotations, arena, facts);
    if (facts->created_ns == 0)
        (void)text_parse_rfc3339_ns(created, &facts->created_ns);
}

/* Is it one of a pod's containers that share the sandbox's network? */
static bool joins_a_pod(const struct pairs *annotations)
{
    return text_equal(pair_value(annotations, "io.kubernetes.cri.container-type"), "container") ||
           text_equal(pair_value(annotations, "io.kubernetes.cri-o.ContainerType"), "container");
}

/* A container without a network namespace of its own is in the host's. Of the others only those
 * that join somebody's can be told: a new one without a path may be wired up by a hook, as Docker
 * does. */
static void use_namespaces(yyjson_val *namespaces, const char *network,
                           const struct pairs *annotations, struct arena *arena,
                           struct container_facts *facts)
{
    size_t at = 0;
    size_t most = 0;
    yyjson_val *item = NULL;
    if (!yyjson_is_arr(namespaces) || facts->network_mode)
        return;
    yyjson_arr_foreach(namespaces, at, most, item)
    {
        if (!yyjson_equals_str(yyjson_obj_get(item, "type"), network))
            continue;
        const char *path = engine_json_text_or_empty(item, "path", arena);
        if (text_starts_with(path, "/proc/") || (*path != '\0' && joins_a_pod(annotations)))
            facts->network_mode = arena_format(arena, "ns:%s", path);
        return;
    }
    facts->network_mode = "host";
}

/* A file that should be one object. 0 or -EBADMSG. */
static int open_object(const char *text, size_t length, const char *what, struct err *e,
                       yyjson_doc **ret)
{
    struct err inner = {0};
    int r = engine_json_open_object(text, length, what, &inner, ret);
    return r < 0 ? err_set(e, -EBADMSG, "%s", inner.text) : 0;
}

int container_files_parse_docker(const char *text, size_t length, struct arena *arena,
                                 struct err *e, struct container_facts *facts)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = open_object(text, length, "Docker's config.v2.json", e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *config = yyjson_obj_get(root, "Config");
    yyjson_val *state = yyjson_obj_get(root, "State");
    const char *name = engine_json_text_or_empty(root, "Name", arena);
    set_text(&facts->name, *name == '/' ? name + 1 : name);
    set_text(&facts->image, engine_json_text(config, "Image", arena));
    use_labels(pairs_of_object(yyjson_obj_get(config, "Labels"), arena), facts);
    set_time(&facts->created_ns, root, "Created");
    set_time(&facts->started_ns, state, "StartedAt");
    if (facts->pid == 0)
        set_process(facts, pid_of(state, "Pid"), 0);
    return 0;
}

int container_files_parse_docker_host(const char *text, size_t length, struct arena *arena,
                                      struct err *e, struct container_facts *facts)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = open_object(text, length, "Docker's hostconfig.json", e, &doc);
    if (r < 0)
        return r;
    set_text(&facts->network_mode,
             engine_json_text(yyjson_doc_get_root(doc), "NetworkMode", arena));
    return 0;
}

int container_files_parse_runc(const char *text, size_t length, struct arena *arena, struct err *e,
                               struct container_facts *facts)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = open_object(text, length, "runc's state.json", e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *config = yyjson_obj_get(root, "config");
    struct pairs annotations = pairs_of_list(yyjson_obj_get(config, "labels"), arena);
    set_process(facts, pid_of(root, "init_process_pid"),
                engine_json_u64_or_0(root, "init_process_start"));
    set_time(&facts->started_ns, root, "created");
    use_annotations(&annotations, arena, facts);
    use_namespaces(yyjson_obj_get(config, "namespaces"), "NEWNET", &annotations, arena, facts);
    return 0;
}

int container_files_parse_crun(const char *text, size_t length, struct arena *arena, struct err *e,
                               struct container_facts *facts)
{
    (void)arena; /* numbers alone */
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = open_object(text, length, "crun's status", e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    set_process(facts, pid_of(root, "pid"), engine_json_u64_or_0(root, "process-start-time"));
    set_time(&facts->started_ns, root, "created");
    return 0;
}

int container_files_parse_oci(const char *text, size_t length, struct arena *arena, struct err *e,
                              struct container_facts *facts)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = open_object(text, length, "the OCI config.json", e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *spec = yyjson_obj_get(root, "linux");
    struct pairs annotations = pairs_of_object(yyjson_obj_get(root, "annotations"), arena);
    use_annotations(&annotations, arena, facts);
    use_namespaces(yyjson_obj_get(spec, "namespaces"), "network", &annotations, arena, facts);
    return 0;
}

/* CRI-O's pod-name holds the pod's name and namespace, in which Kubernetes allows no '_'. */
static void use_pod_name(const char *pod_name, struct arena *arena, struct container_facts *facts)
{
    const char *parts[POD_NAME_PARTS] = {pod_name};
    size_t count = 1;
    for (const char *c = pod_name; *c != '\0'; c++) {
        if (*c != '_')
            continue;
        if (count < POD_NAME_PARTS)
            parts[count] = c + 1;
        count++;
    }
    if (count != POD_NAME_PARTS || !text_starts_with(pod_name, "k8s_")) {
        set_text(&facts->pod, pod_name);
        return;
    }
    set_text(&facts->pod, arena_copy(arena, parts[1], (size_t)(parts[2] - parts[1] - 1)));
    set_text(&facts->pod_namespace, arena_copy(arena, parts[2], (size_t)(parts[3] - parts[2] - 1)));
}

/* The metadata of an entry is what its owner wrote, JSON where that is libpod or CRI-O. */
static void use_metadata(yyjson_val *metadata, struct arena *arena, struct container_facts *facts)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    const char *json = yyjson_get_str(metadata);
    if (!json || engine_json_open(json, yyjson_get_len(metadata), "metadata", NULL, &doc) < 0)
        return;
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *pod_name = engine_json_text_or_empty(root, "pod-name", arena);
    uint64_t created_s = engine_json_u64_or_0(root, "created-at");
    set_text(&facts->name, engine_json_text(root, "name", arena));
    set_text(&facts->image, engine_json_text(root, "image-name", arena));
    if (*pod_name != '\0') {
        use_pod_name(pod_name, arena, facts);
        set_text(&facts->pod_container, engine_json_text(root, "metadata-name", arena));
        use_sandbox(yyjson_is_true(yyjson_obj_get(root, "pod")), facts);
    }
    if (facts->created_ns == 0 && created_s <= UINT64_MAX / NS_PER_SECOND)
        facts->created_ns = created_s * NS_PER_SECOND;
}

int container_files_parse_storage(const char *text, size_t length, const char *id,
                                  struct arena *arena, struct err *e, struct container_facts *facts)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    size_t at = 0;
    size_t most = 0;
    yyjson_val *entry = NULL;
    struct err inner = {0};
    if (engine_json_open(text, length, "the storage's list", &inner, &doc) < 0)
        return err_set(e, -EBADMSG, "%s", inner.text);
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!yyjson_is_arr(root))
        return err_set(e, -EBADMSG, "the storage's list is a JSON %s, expected an array",
                       yyjson_get_type_desc(root));
    yyjson_arr_foreach(root, at, most, entry)
    {
        if (!yyjson_equals_str(yyjson_obj_get(entry, "id"), id))
            continue;
        use_metadata(yyjson_obj_get(entry, "metadata"), arena, facts);
        set_text(&facts->name,
                 engine_json_string(yyjson_arr_get_first(yyjson_obj_get(entry, "names")), arena));
        return 0;
    }
    return err_set(e, -ENOENT, "the storage's list has no such container");
}

int container_files_parse_crio(const char *text, size_t length, struct arena *arena, struct err *e,
                               struct container_facts *facts)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = open_object(text, length, "CRI-O's answer", e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct pairs annotations = pairs_of_object(yyjson_obj_get(root, "crio_annotations"), arena);
    set_text(&facts->name, engine_json_text(root, "name", arena));
    set_text(&facts->image, engine_json_text(root, "image", arena));
    use_labels(pairs_of_object(yyjson_obj_get(root, "labels"), arena), facts);
    use_annotations(&annotations, arena, facts);
    if (facts->created_ns == 0)
        facts->created_ns = engine_json_u64_or_0(root, "created_time");
    if (facts->pid == 0)
        set_process(facts, pid_of(root, "pid"), 0);
    if (yyjson_is_true(yyjson_obj_get(root, "host_network")))
        set_text(&facts->network_mode, "host");
    return 0;
}
