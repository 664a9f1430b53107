/* What it knows: the values of a simulated container at a moment. Everything follows from the CPU
 * time used so far and from its age, so counters rise together and never fall. Document:
 * simulated_model.h; which values the tier may give: metric_list.h, column S. */
#include "collectors/simulated_model.h"

#include "base/clock.h"

#include <assert.h>
#include <string.h>

#define MIB           (UINT64_C(1) << 20)
#define MILLI         UINT64_C(1000)
#define CFS_PERIOD_US UINT64_C(100000) /* the kernel's default period of a CPU quota */
#define SECTOR_BYTES  UINT64_C(4096)   /* block I/O goes in pages */
#define BLOCK_BYTES   UINT64_C(16384)  /* mean size of an operation */
#define PACKET_BYTES  UINT64_C(700)    /* mean size of a packet */
#define DROPS_IN      UINT64_C(100000) /* one packet in so many is dropped */
#define ERRORS_IN     UINT64_C(5000000)
#define CPU_PER_FAULT (50 * NS_PER_US)      /* CPU time from page fault to page fault */
#define MAJOR_IN      UINT64_C(2000)        /* one fault in so many reads the disk */
#define LOAD_BYTES    (40 * MIB)            /* read at the start: the image's files */
#define LOAD_NS       (20 * NS_PER_SECOND)  /* and how long that takes */
#define CACHE_HALF_NS (600 * NS_PER_SECOND) /* the page cache is half full by then */
#define KERNEL_BYTES  (2 * MIB)             /* stacks and tables */
#define SWAY_NS       (600 * NS_PER_SECOND) /* memory in use goes up and down in this time */
#define SWAY_PARTS    16                    /* by one part in so many */
#define USER_MILLI    UINT64_C(720)         /* of the CPU time, in user mode */

/* What the values are computed from. */
struct moment {
    const struct simulated_profile *profile;
    const struct simulated_instance *instance;
    uint64_t now_ns;
    uint64_t age_ns;   /* of the instance */
    uint64_t burst_ns; /* how long of it was spent in bursts */
    uint64_t usage_ns; /* CPU time */
};

static struct moment moment_at(const struct simulated_profile *p,
                               const struct simulated_instance *i, uint64_t now_ns)
{
    /* Before the first start, which only a clock near 1970 can show, nothing was used. */
    if (now_ns < i->started_ns)
        now_ns = i->started_ns;
    struct moment m = {.profile = p, .instance = i, .now_ns = now_ns};
    m.age_ns = now_ns - i->started_ns;
    m.burst_ns = simulated_bursts_ns(&p->bursts, now_ns) - i->bursts_ns;
    /* Microseconds times thousandths of a CPU are nanoseconds of CPU time. */
    m.usage_ns = m.age_ns / NS_PER_US * p->idle_milli + m.burst_ns / NS_PER_US * p->burst_milli;
    if (p->wave_milli > 0)
        m.usage_ns += simulated_wave_ns(now_ns + p->phase_ns, p->wave_milli) - i->wave_ns;
    return m;
}

static void fill_cpu(const struct moment *m, struct container_row *row)
{
    uint64_t user_ns = m->usage_ns * USER_MILLI / MILLI;
    row_set(row, CONTAINER_CPU_USAGE, m->usage_ns);
    row_set(row, CONTAINER_CPU_USER, user_ns);
    row_set(row, CONTAINER_CPU_SYSTEM, m->usage_ns - user_ns);
    if (m->profile->quota_milli == 0)
        return;
    uint64_t period_ns = CFS_PERIOD_US * NS_PER_US;
    bool throttled = m->profile->shape == SIMULATED_THROTTLED;
    uint64_t periods = throttled ? m->burst_ns / period_ns : 0;
    row_set(row, CONTAINER_CPU_PERIODS, m->age_ns / period_ns);
    row_set(row, CONTAINER_CPU_THROTTLED_PERIODS, periods);
    /* One busy task: it runs until the quota is used up and waits for the rest of the period. */
    uint64_t quota_ns = m->profile->quota_milli * period_ns / MILLI;
    row_set(row, CONTAINER_CPU_THROTTLED, throttled ? periods * (period_ns - quota_ns) : 0);
}

/* The memory the processes hold: what they began with, the leak, and a slow sway. */
static uint64_t rss_bytes(const struct moment *m)
{
    const struct simulated_profile *p = m->profile;
    uint64_t into = (m->now_ns + p->phase_ns) % SWAY_NS;
    uint64_t height = into < SWAY_NS / 2 ? into : SWAY_NS - into;
    uint64_t sway = p->rss_bytes / SWAY_PARTS * (height / NS_PER_MS) / (SWAY_NS / 2 / NS_PER_MS);
    uint64_t leak = 0;
    if (p->leak_bytes > 0) /* an instance lasts at most 3/2 of the mean */
        leak =
            p->leak_bytes * (m->age_ns / NS_PER_SECOND) / (p->restart_ns / 2 * 3 / NS_PER_SECOND);
    return (p->rss_bytes + sway + leak) / SECTOR_BYTES * SECTOR_BYTES;
}

static void fill_memory(const struct moment *m, struct container_row *row)
{
    const struct simulated_profile *p = m->profile;
    uint64_t age_s = m->age_ns / NS_PER_SECOND;
    uint64_t cache = p->cache_bytes * age_s / (age_s + CACHE_HALF_NS / NS_PER_SECOND) /
                     SECTOR_BYTES * SECTOR_BYTES;
    uint64_t inactive = cache / 5 * 3;
    uint64_t rss = rss_bytes(m);
    uint64_t usage = rss + cache + KERNEL_BYTES;
    uint64_t faults = m->usage_ns / CPU_PER_FAULT;
    row_set(row, CONTAINER_MEMORY_USAGE, usage);
    row_set(row, CONTAINER_MEMORY_WORKING_SET, usage - inactive);
    row_set(row, CONTAINER_MEMORY_RSS, rss);
    row_set(row, CONTAINER_MEMORY_CACHE, cache);
    row_set(row, CONTAINER_MEMORY_INACTIVE_FILE, inactive);
    row_set(row, CONTAINER_MEMORY_TREE_PGFAULT, faults);
    row_set(row, CONTAINER_MEMORY_TREE_PGMAJFAULT, faults / MAJOR_IN);
}

static void fill_interface(struct interface_row *interface, uint64_t receive, uint64_t transmit)
{
    const uint64_t values[INTERFACE_METRICS] = {
        [INTERFACE_RX_BYTES] = receive,
        [INTERFACE_RX_PACKETS] = receive / PACKET_BYTES,
        [INTERFACE_RX_DROPPED] = receive / PACKET_BYTES / DROPS_IN,
        [INTERFACE_RX_ERRORS] = receive / PACKET_BYTES / ERRORS_IN,
        [INTERFACE_TX_BYTES] = transmit,
        [INTERFACE_TX_PACKETS] = transmit / PACKET_BYTES,
        [INTERFACE_TX_DROPPED] = transmit / PACKET_BYTES / DROPS_IN,
        [INTERFACE_TX_ERRORS] = transmit / PACKET_BYTES / ERRORS_IN,
    };
    memcpy(interface->values, values, sizeof values);
    interface->present = (UINT64_C(1) << INTERFACE_METRICS) - 1;
}

static void fill_network(const struct moment *m, struct container_row *row, struct arena *arena)
{
    static const char *const names[] = {"eth0", "eth1"};
    const struct simulated_profile *p = m->profile;
    uint64_t usage_ms = m->usage_ns / NS_PER_MS;
    assert(p->interfaces <= sizeof names / sizeof *names);
    row->interface_count = p->interfaces;
    row->interfaces = arena_alloc(arena, p->interfaces * sizeof *row->interfaces);
    for (size_t i = 0; i < p->interfaces; i++) {
        row->interfaces[i].name = names[i];
        /* The second one is for management: a tenth of the traffic. */
        uint64_t part = i == 0 ? 1 : 10;
        fill_interface(&row->interfaces[i], usage_ms * p->receive / part,
                       usage_ms * p->transmit / part);
    }
}

static void fill_device(struct device_row *device, uint64_t read, uint64_t write)
{
    read = read / SECTOR_BYTES * SECTOR_BYTES;
    write = write / SECTOR_BYTES * SECTOR_BYTES;
    const uint64_t values[DEVICE_METRICS] = {
        [DEVICE_READ_BYTES] = read,          [DEVICE_WRITE_BYTES] = write,
        [DEVICE_READS] = read / BLOCK_BYTES, [DEVICE_WRITES] = write / BLOCK_BYTES,
        [DEVICE_USAGE_READ] = read,          [DEVICE_USAGE_WRITE] = write,
    };
    memcpy(device->values, values, sizeof values);
    device->present = UINT64_C(1) << DEVICE_READ_BYTES | UINT64_C(1) << DEVICE_WRITE_BYTES |
                      UINT64_C(1) << DEVICE_READS | UINT64_C(1) << DEVICE_WRITES |
                      UINT64_C(1) << DEVICE_USAGE_READ | UINT64_C(1) << DEVICE_USAGE_WRITE;
}

static void fill_block(const struct moment *m, struct container_row *row, struct arena *arena)
{
    static const struct device_row devices[] = {
        {.name = "/dev/sda", .major = 8, .minor = 0},
        {.name = "/dev/nvme0n1", .major = 259, .minor = 0},
    };
    const struct simulated_profile *p = m->profile;
    uint64_t usage_ms = m->usage_ns / NS_PER_MS;
    uint64_t loaded_ns = m->age_ns < LOAD_NS ? m->age_ns : LOAD_NS;
    uint64_t load = LOAD_BYTES * (loaded_ns / NS_PER_MS) / (LOAD_NS / NS_PER_MS);
    assert(p->devices <= sizeof devices / sizeof *devices);
    row->device_count = p->devices;
    row->devices = arena_alloc(arena, p->devices * sizeof *row->devices);
    for (size_t i = 0; i < p->devices; i++) {
        row->devices[i] = devices[i];
        /* Images are on the first one; the second is a volume that takes half of the rest. */
        fill_device(&row->devices[i], (i == 0 ? load : 0) + usage_ms * p->read / p->devices,
                    usage_ms * p->write / p->devices);
    }
}

static void set_limit(struct container_row *row, enum container_metric metric, uint64_t limit)
{
    if (limit > 0)
        row_set(row, metric, limit);
    else
        row_set_unlimited(row, metric);
}

static void fill_limits(const struct moment *m, struct container_row *row)
{
    const struct simulated_profile *p = m->profile;
    row_set(row, CONTAINER_SPEC_CPU_PERIOD, CFS_PERIOD_US);
    set_limit(row, CONTAINER_SPEC_CPU_QUOTA, p->quota_milli * CFS_PERIOD_US / MILLI);
    set_limit(row, CONTAINER_SPEC_MEMORY_LIMIT, p->memory_limit);
    set_limit(row, CONTAINER_PIDS_LIMIT, p->pids_limit);
    row_set(row, CONTAINER_SUM_MEMORY_LIMIT,
            p->memory_limit > 0 ? p->memory_limit : SIMULATED_HOST_MEMORY_BYTES);
}

/* Some tasks come and go. */
static void fill_pids(const struct moment *m, struct container_row *row)
{
    uint64_t minute = m->now_ns / (60 * NS_PER_SECOND);
    row_set(row, CONTAINER_PIDS,
            m->profile->pids + simulated_pick(m->profile->seed, minute, 0, m->profile->pids / 4));
}

void simulated_fill(const struct simulated_profile *profile,
                    const struct simulated_instance *instance, uint64_t now_ns,
                    struct container_row *row, struct arena *arena)
{
    const struct moment m = moment_at(profile, instance, now_ns);
    row->state = STATE_RUNNING;
    row->cpus = SIMULATED_HOST_CPUS;
    for (enum metric_group group = 0; group < GROUP_COUNT; group++)
        row->tiers[group] = TIER_SIMULATED;
    fill_cpu(&m, row);
    fill_memory(&m, row);
    fill_network(&m, row, arena);
    fill_block(&m, row, arena);
    fill_pids(&m, row);
    fill_limits(&m, row);
}
