/* What it knows: what inspect says of one container. Document: the Docker Engine API reference,
 * "ContainerInspect". */
#include "collectors/engine_parse.h"

#include "base/err.h"
#include "base/text.h"
#include "collectors/engine_json.h"
#include "collectors/engine_row.h"

#include <assert.h>
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

/* Docker has no Health where there is no check, Podman one with an empty Status. A word that is
 * none of these ("stopped", "reset") is of a check that has said nothing yet. */
static enum engine_health health_from_name(const char *name)
{
    static const struct {
        const char *name;
        enum engine_health health;
    } words[] = {
        {"", ENGINE_HEALTH_NONE},
        {"none", ENGINE_HEALTH_NONE},
        {"healthy", ENGINE_HEALTH_HEALTHY},
        {"unhealthy", ENGINE_HEALTH_UNHEALTHY},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (text_equal(words[i].name, name))
            return words[i].health;
    return ENGINE_HEALTH_STARTING;
}

static void parse_state(yyjson_val *state, struct arena *arena, struct engine_inspect *i)
{
    i->state = state_from_name(engine_json_text_or_empty(state, "Status", arena));
    i->pid = engine_json_u64_or_0(state, "Pid");
    /* A container that never ran has Go's zero time: started_ns stays 0. */
    (void)engine_json_time_ns(state, "StartedAt", &i->started_ns);
    (void)engine_json_time_ns(state, "FinishedAt", &i->finished_ns);
    i->exit_code = engine_json_i64_or_0(state, "ExitCode");
    i->oom_killed = yyjson_is_true(yyjson_obj_get(state, "OOMKilled"));
    yyjson_val *health = yyjson_obj_get(state, "Health");
    if (!yyjson_is_obj(health))
        health = yyjson_obj_get(state, "Healthcheck");
    i->health = health_from_name(engine_json_text_or_empty(health, "Status", arena));
    i->failing_streak = engine_json_u64_or_0(health, "FailingStreak");
}

/* One that is only exposed has null, or an object, instead of places on the host. */
static size_t count_places(yyjson_val *places)
{
    size_t at = 0;
    size_t most = 0;
    size_t count = 0;
    yyjson_val *place = NULL;
    yyjson_arr_foreach(places, at, most, place)
    {
        count += yyjson_is_str(yyjson_obj_get(place, "HostPort"));
    }
    return count;
}

/* How many entries such a map ({"80/tcp": [{"HostIp", "HostPort"}, ...] or null}) makes. */
static size_t count_ports(yyjson_val *ports)
{
    size_t at = 0;
    size_t most = 0;
    size_t count = 0;
    yyjson_val *key = NULL;
    yyjson_val *places = NULL;
    if (!yyjson_is_obj(ports))
        return 0; /* the macro below computes an address from it */
    yyjson_obj_foreach(ports, at, most, key, places)
    {
        size_t places_count = count_places(places);
        count += places_count > 0 ? places_count : 1;
    }
    return count;
}

/* Puts the port behind those that are there. */
static void add_port(const char *port, yyjson_val *places, struct arena *arena,
                     struct engine_port *ports, size_t *count)
{
    size_t at = 0;
    size_t most = 0;
    size_t before = *count;
    yyjson_val *place = NULL;
    yyjson_arr_foreach(places, at, most, place)
    {
        if (!yyjson_is_str(yyjson_obj_get(place, "HostPort")))
            continue;
        ports[(*count)++] = (struct engine_port){
            .port = port,
            .host_ip = engine_json_text_or_empty(place, "HostIp", arena),
            .host_port = engine_json_text_or_empty(place, "HostPort", arena),
        };
    }
    if (*count == before)
        ports[(*count)++] = (struct engine_port){.port = port, .host_ip = "", .host_port = ""};
}

static void add_ports(yyjson_val *map, struct arena *arena, struct engine_port *ports,
                      size_t *count)
{
    size_t at = 0;
    size_t most = 0;
    yyjson_val *key = NULL;
    yyjson_val *places = NULL;
    if (!yyjson_is_obj(map))
        return;
    yyjson_obj_foreach(map, at, most, key, places)
    {
        const char *port = engine_json_string(key, arena);
        if (port)
            add_port(port, places, arena, ports, count);
    }
}

/* NetworkSettings says what is published, but only while the container runs; what it will be stands
 * in the configuration. */
static void parse_ports(yyjson_val *root, struct arena *arena, struct engine_inspect *i)
{
    yyjson_val *now = yyjson_obj_get(yyjson_obj_get(root, "NetworkSettings"), "Ports");
    yyjson_val *published = yyjson_obj_get(yyjson_obj_get(root, "HostConfig"), "PortBindings");
    yyjson_val *exposed = yyjson_obj_get(yyjson_obj_get(root, "Config"), "ExposedPorts");
    bool own = engine_network_of_mode(i->network_mode) == REASON_NONE;
    size_t most = count_ports(now);
    if (most == 0 && own && !state_is_live(i->state)) {
        most = count_ports(published) + count_ports(exposed);
    } else {
        published = NULL;
        exposed = NULL;
    }
    struct engine_port *ports = arena_alloc(arena, most * sizeof *ports);
    add_ports(now, arena, ports, &i->port_count);
    add_ports(published, arena, ports, &i->port_count);
    add_ports(exposed, arena, ports, &i->port_count);
    assert(i->port_count <= most);
    i->ports = ports;
}

static void parse_mounts(yyjson_val *array, struct arena *arena, struct engine_inspect *i)
{
    size_t at = 0;
    size_t most = 0;
    yyjson_val *mount = NULL;
    struct engine_mount *mounts = arena_alloc(arena, yyjson_arr_size(array) * sizeof *mounts);
    yyjson_arr_foreach(array, at, most, mount)
    {
        const char *destination = engine_json_text(mount, "Destination", arena);
        if (destination)
            mounts[i->mount_count++] = (struct engine_mount){
                .type = engine_json_text_or_empty(mount, "Type", arena),
                .destination = destination,
            };
    }
    i->mounts = mounts;
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
        .image_id = engine_json_text_or_empty(root, "Image", arena),
        .restarts = engine_json_u64_or_0(root, "RestartCount"),
    };
    if (!inspect.id)
        return err_set(e, -EBADMSG, "%s: Id is not 64 hex digits", what);
    if (*inspect.name == '/')
        inspect.name++;
    (void)engine_json_time_ns(root, "Created", &inspect.created_ns); /* 0 says unknown */
    parse_labels(yyjson_obj_get(config, "Labels"), arena, &inspect);
    parse_state(yyjson_obj_get(root, "State"), arena, &inspect);
    parse_host_config(yyjson_obj_get(root, "HostConfig"), arena, &inspect);
    parse_ports(root, arena, &inspect);
    parse_mounts(yyjson_obj_get(root, "Mounts"), arena, &inspect);
    *ret = inspect;
    return 0;
}
