/* What a stats answer says. The rules of engine_parse.h hold. */
#ifndef WEIR_COLLECTORS_ENGINE_PARSE_STATS_H
#define WEIR_COLLECTORS_ENGINE_PARSE_STATS_H

#include "base/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* A number that may not be there. */
struct maybe {
    uint64_t value;
    bool given;
};

/* The keys of memory_stats.stats that weir reads, from both cgroup versions. Columns: id, key. */
/* clang-format off */
#define ENGINE_MEMORY_KEYS(K)                                                                 \
    K(TOTAL_RSS, "total_rss") K(TOTAL_CACHE, "total_cache")                                   \
    K(TOTAL_MAPPED_FILE, "total_mapped_file") K(TOTAL_ACTIVE_FILE, "total_active_file")       \
    K(TOTAL_INACTIVE_FILE, "total_inactive_file") K(TOTAL_DIRTY, "total_dirty")               \
    K(TOTAL_WRITEBACK, "total_writeback") K(TOTAL_PGFAULT, "total_pgfault")                   \
    K(TOTAL_PGMAJFAULT, "total_pgmajfault") K(PGFAULT, "pgfault") K(PGMAJFAULT, "pgmajfault") \
    K(ANON, "anon") K(FILE, "file") K(FILE_MAPPED, "file_mapped")                             \
    K(ACTIVE_FILE, "active_file") K(INACTIVE_FILE, "inactive_file")                           \
    K(FILE_DIRTY, "file_dirty") K(FILE_WRITEBACK, "file_writeback")                           \
    K(PGSCAN, "pgscan") K(PGSTEAL, "pgsteal")

enum engine_block_operation {
    ENGINE_BLOCK_READ, ENGINE_BLOCK_WRITE, ENGINE_BLOCK_SYNC, ENGINE_BLOCK_ASYNC,
    ENGINE_BLOCK_DISCARD, ENGINE_BLOCK_TOTAL, ENGINE_BLOCK_OPERATIONS,
};
/* clang-format on */
#define ENGINE_MEMORY_ENUM(id, key) ENGINE_MEMORY_##id,
enum engine_memory_key { ENGINE_MEMORY_KEYS(ENGINE_MEMORY_ENUM) ENGINE_MEMORY_KEY_COUNT };

struct engine_network {
    const char *name;
    struct maybe rx_bytes, rx_packets, rx_dropped, tx_bytes, tx_packets, tx_dropped;
};

/* One entry of a blkio_stats list; both "Read" and "read" are known, other words are left out. */
struct engine_block_entry {
    uint32_t major, minor;
    enum engine_block_operation operation;
    uint64_t value;
};

struct engine_block_list {
    bool given; /* a list came, perhaps empty; false: null or missing */
    struct engine_block_entry *entries;
    size_t count;
};

/* GET /containers/ID/stats?stream=false. */
struct engine_stats {
    bool empty; /* a stopped container's answer: year 0001, or CPU total 0 without system_cpu_usage
                   (Docker); no values */
    uint64_t read_ns; /* realtime of the reading, 0 unknown */
    struct maybe cpu_total_ns, cpu_user_ns, cpu_system_ns, host_cpu_ns;
    unsigned online_cpus; /* 0 not said */
    struct maybe periods, throttled_periods, throttled_ns;
    struct maybe memory_usage, memory_max_usage, memory_failcnt, memory_limit;
    bool memory_given; /* memory_stats has a usage */
    struct maybe memory[ENGINE_MEMORY_KEY_COUNT];
    struct maybe pids, pids_limit; /* a limit of 2^64-1 is unlimited */
    bool networks_given;           /* the networks object was there */
    struct engine_network *networks;
    size_t network_count;
    struct engine_block_list service_bytes; /* io_service_bytes_recursive */
    struct engine_block_list serviced;      /* io_serviced_recursive */
};
int engine_parse_stats(const char *json, size_t length, struct arena *arena, struct err *e,
                       struct engine_stats *ret);

#endif
