/* What it knows: what inspect says of one container. Document: the Docker Engine API reference,
 * "ContainerInspect". */
#include "collectors/engine_parse.h"

#include "base/err.h"
#include "collectors/engine_json.h"

#include <errno.h>

static void parse_labels(yyjson_val *object, struct arena *arena, struct engine_inspect *i)
{
    size_t at = 0;
    size_t most = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    if (!yyjson_is_obj(object))
        return; /* the macro below computes an address from it */
    struct raw_label *labels = arena_alloc(arena, yyjson_obj_size(object) * sizeof *labels);
    yyjson_obj_foreach(object, at, most, key, value)
    {
        struct raw_label label = {.key = engine_json_string(key, arena),
                                  .value = engine_json_string(value, arena)};
        if (label.key && label.value)
            labels[i->label_count++] = label;
    }
    i->labels = labels;
}

static void parse_state(yyjson_val *state, struct arena *arena, struct engine_inspect *i)
{
    i->state = state_from_name(engine_json_text_or_empty(state, "Status", arena));
    i->pid = engine_json_u64_or_0(state, "Pid");
    /* A container that never ran has Go's zero time: started_ns stays 0. */
    (void)engine_json_time_ns(state, "StartedAt", &i->started_ns);
}

static void parse_host_config(yyjson_val *host, struct arena *arena, struct engine_inspect *i)
{
    i->cgroup_parent = engine_json_text_or_empty(host, "CgroupParent", arena);
    i->network_mode = engine_json_text_or_empty(host, "NetworkMode", arena);
    i->nano_cpus = engine_json_i64_or_0(host, "NanoCpus");
    i->cpu_quota_us = engine_json_i64_or_0(host, "CpuQuota");
    i->cpu_period_us = engine_json_i64_or_0(host, "CpuPeriod");
    i->cpu_shares = engine_json_i64_or_0(host, "CpuShares");
    i->memory_bytes = engine_json_i64_or_0(host, "Memory");
    i->memory_swap_bytes = engine_json_i64_or_0(host, "MemorySwap");
    i->memory_reservation_bytes = engine_json_i64_or_0(host, "MemoryReservation");
    i->pids_limit = engine_json_i64_or_0(host, "PidsLimit");
}

int engine_parse_inspect(const char *json, size_t length, struct arena *arena, struct err *e,
                         struct engine_inspect *ret)
{
    static const char what[] = "GET /containers/ID/json";
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = engine_json_open_object(json, length, what, e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *config = yyjson_obj_get(root, "Config");
    struct engine_inspect inspect = {
        .id = engine_json_container_id(root, "Id", arena),
        .name = engine_json_text_or_empty(root, "Name", arena),
        .image = engine_json_text_or_empty(config, "Image", arena),
    };
    if (!inspect.id)
        return err_set(e, -EBADMSG, "%s: Id is not 64 hex digits", what);
    if (*inspect.name == '/')
        inspect.name++;
    (void)engine_json_time_ns(root, "Created", &inspect.created_ns); /* 0 says unknown */
    parse_labels(yyjson_obj_get(config, "Labels"), arena, &inspect);
    parse_state(yyjson_obj_get(root, "State"), arena, &inspect);
    parse_host_config(yyjson_obj_get(root, "HostConfig"), arena, &inspect);
    *ret = inspect;
    return 0;
}
