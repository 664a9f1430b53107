/* What it knows: the stats answer, member by member. Documents: the Docker Engine API reference,
 * "ContainerStats"; Podman's compatible API. Go leaves out members that are zero, so a missing one
 * is common: what that means is decided in engine_row.c, which knows the product. */
#include "collectors/engine_parse.h"

#include "base/text.h"
#include "collectors/engine_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void parse_cpu(yyjson_val *cpu, struct engine_stats *s)
{
    yyjson_val *usage = yyjson_obj_get(cpu, "cpu_usage");
    yyjson_val *throttling = yyjson_obj_get(cpu, "throttling_data");
    s->cpu_total_ns = engine_json_u64(usage, "total_usage");
    s->cpu_user_ns = engine_json_u64(usage, "usage_in_usermode");
    s->cpu_system_ns = engine_json_u64(usage, "usage_in_kernelmode");
    s->host_cpu_ns = engine_json_u64(cpu, "system_cpu_usage");
    s->online_cpus = engine_json_unsigned_or_0(cpu, "online_cpus");
    s->periods = engine_json_u64(throttling, "periods");
    s->throttled_periods = engine_json_u64(throttling, "throttled_periods");
    s->throttled_ns = engine_json_u64(throttling, "throttled_time");
}

static void parse_memory(yyjson_val *memory, struct engine_stats *s)
{
#define MEMORY_KEY_NAME(id, key) key,
    static const char *const keys[] = {ENGINE_MEMORY_KEYS(MEMORY_KEY_NAME)};
    _Static_assert(sizeof keys / sizeof keys[0] == ENGINE_MEMORY_KEY_COUNT, "one name a key");
    yyjson_val *stats = yyjson_obj_get(memory, "stats");
    s->memory_usage = engine_json_u64(memory, "usage");
    s->memory_given = s->memory_usage.given;
    s->memory_max_usage = engine_json_u64(memory, "max_usage");
    s->memory_failcnt = engine_json_u64(memory, "failcnt");
    s->memory_limit = engine_json_u64(memory, "limit");
    for (size_t i = 0; i < ENGINE_MEMORY_KEY_COUNT; i++)
        s->memory[i] = engine_json_u64(stats, keys[i]);
}

static int compare_networks(const void *a, const void *b)
{
    const struct engine_network *left = a;
    const struct engine_network *right = b;
    return strcmp(left->name, right->name);
}

/* JSON allows a name twice; two interfaces of one name would make one series twice. */
static void drop_repeated_networks(struct engine_stats *s)
{
    size_t kept = 0;
    if (s->network_count > 1)
        qsort(s->networks, s->network_count, sizeof *s->networks, compare_networks);
    for (size_t i = 0; i < s->network_count; i++)
        if (kept == 0 || !text_equal(s->networks[kept - 1].name, s->networks[i].name))
            s->networks[kept++] = s->networks[i];
    s->network_count = kept;
}

static void parse_networks(yyjson_val *networks, struct arena *arena, struct engine_stats *s)
{
    size_t i = 0;
    size_t most = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    s->networks_given = yyjson_is_obj(networks);
    if (!s->networks_given)
        return; /* the macro below computes an address from it */
    s->networks = arena_alloc(arena, yyjson_obj_size(networks) * sizeof *s->networks);
    yyjson_obj_foreach(networks, i, most, key, value)
    {
        const char *name = engine_json_string(key, arena);
        if (!name || !yyjson_is_obj(value))
            continue;
        s->networks[s->network_count++] = (struct engine_network){
            .name = name,
            .rx_bytes = engine_json_u64(value, "rx_bytes"),
            .rx_packets = engine_json_u64(value, "rx_packets"),
            .rx_dropped = engine_json_u64(value, "rx_dropped"),
            .tx_bytes = engine_json_u64(value, "tx_bytes"),
            .tx_packets = engine_json_u64(value, "tx_packets"),
            .tx_dropped = engine_json_u64(value, "tx_dropped"),
        };
    }
    drop_repeated_networks(s);
}

/* The operation a word means, upper or lower case; ENGINE_BLOCK_OPERATIONS for any other word. */
static enum engine_block_operation operation_from_name(const char *name)
{
    static const char *const names[ENGINE_BLOCK_OPERATIONS] = {
        [ENGINE_BLOCK_READ] = "read",       [ENGINE_BLOCK_WRITE] = "write",
        [ENGINE_BLOCK_SYNC] = "sync",       [ENGINE_BLOCK_ASYNC] = "async",
        [ENGINE_BLOCK_DISCARD] = "discard", [ENGINE_BLOCK_TOTAL] = "total",
    };
    enum engine_block_operation operation = 0;
    while (operation < ENGINE_BLOCK_OPERATIONS && strcasecmp(names[operation], name) != 0)
        operation++;
    return operation;
}

static struct engine_block_list parse_block_list(yyjson_val *list, struct arena *arena)
{
    struct engine_block_list result = {.given = yyjson_is_arr(list)};
    size_t i = 0;
    size_t most = 0;
    yyjson_val *item = NULL;
    result.entries = arena_alloc(arena, yyjson_arr_size(list) * sizeof *result.entries);
    yyjson_arr_foreach(list, i, most, item)
    {
        struct maybe major = engine_json_u64(item, "major");
        struct maybe minor = engine_json_u64(item, "minor");
        struct maybe value = engine_json_u64(item, "value");
        const char *op = yyjson_get_str(yyjson_obj_get(item, "op"));
        enum engine_block_operation operation = operation_from_name(op ? op : "");
        if (!major.given || !minor.given || !value.given || major.value > UINT32_MAX ||
            minor.value > UINT32_MAX || operation == ENGINE_BLOCK_OPERATIONS)
            continue;
        result.entries[result.count++] = (struct engine_block_entry){
            .major = (uint32_t)major.value,
            .minor = (uint32_t)minor.value,
            .operation = operation,
            .value = value.value,
        };
    }
    return result;
}

/* CPU times of a Windows engine are counted in 100 ns and stand beside num_procs, which is 0 on
 * Linux: no value is better than one in another unit. */
static void drop_windows_cpu(yyjson_val *root, struct engine_stats *s)
{
    if (engine_json_u64_or_0(root, "num_procs") > 0)
        s->cpu_total_ns = s->cpu_user_ns = s->cpu_system_ns = (struct maybe){0};
}

int engine_parse_stats(const char *json, size_t length, struct arena *arena, struct err *e,
                       struct engine_stats *ret)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = engine_json_open_object(json, length, "GET /containers/ID/stats", e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *pids = yyjson_obj_get(root, "pids_stats");
    yyjson_val *block = yyjson_obj_get(root, "blkio_stats");
    struct engine_stats s = {0};
    bool zero_time = engine_json_time_ns(root, "read", &s.read_ns) == -ENODATA;
    parse_cpu(yyjson_obj_get(root, "cpu_stats"), &s);
    if (zero_time || (s.cpu_total_ns.value == 0 && !s.host_cpu_ns.given)) {
        *ret = (struct engine_stats){.empty = true};
        return 0;
    }
    drop_windows_cpu(root, &s);
    parse_memory(yyjson_obj_get(root, "memory_stats"), &s);
    s.pids = engine_json_u64(pids, "current");
    s.pids_limit = engine_json_u64(pids, "limit");
    parse_networks(yyjson_obj_get(root, "networks"), arena, &s);
    s.service_bytes = parse_block_list(yyjson_obj_get(block, "io_service_bytes_recursive"), arena);
    s.serviced = parse_block_list(yyjson_obj_get(block, "io_serviced_recursive"), arena);
    *ret = s;
    return 0;
}
