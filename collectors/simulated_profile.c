/* What it knows: how simulated containers differ, when they start, and what they are called.
 * Document: simulated_model.h; labels as Docker Compose sets them. */
#include "collectors/simulated_model.h"

#include "base/clock.h"
#include "collectors/container_identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MIB            (UINT64_C(1) << 20)
#define NS_PER_MINUTE  (60 * NS_PER_SECOND)
#define GENERATION_NS  (NS_PER_MINUTE * 60 * 24 * 30) /* a deployment a month */
#define FIRST_START_NS NS_PER_MS /* the least start that is not "unknown" in ms */

/* What is picked for a container, each by a number of its own. */
enum pick {
    PICK_PHASE_NS,
    PICK_RESTART_MINUTES,
    PICK_LEAK_HOURS,
    PICK_IDLE_MILLI,
    PICK_PEAK_MILLI,
    PICK_BURST_PERIOD_S,
    PICK_RSS_MIB,
    PICK_CACHE_MIB,
    PICK_PIDS,
    PICK_RECEIVE,
    PICK_TRANSMIT,
    PICK_READ,
    PICK_WRITE,
    PICK_INTERFACES,
    PICK_DEVICES,
    PICK_RANGES,
    PICK_LIMITS = PICK_RANGES, /* bits */
    PICK_BURSTS,               /* seeds */
    PICK_RESTARTS,
    PICK_ID, /* and the numbers after it, four for each generation */
};

/* What a small container is likely to show; the unit is in the name, receive to write are bytes for
 * each millisecond of CPU time. */
static const uint64_t ranges[PICK_RANGES][2] = {
    [PICK_PHASE_NS] = {0, GENERATION_NS - 1},
    [PICK_RESTART_MINUTES] = {5, 30},
    [PICK_LEAK_HOURS] = {4, 12},
    [PICK_IDLE_MILLI] = {5, 60},
    [PICK_PEAK_MILLI] = {200, 1500},
    [PICK_BURST_PERIOD_S] = {60, 600},
    [PICK_RSS_MIB] = {8, 120},
    [PICK_CACHE_MIB] = {4, 100},
    [PICK_PIDS] = {1, 40},
    [PICK_RECEIVE] = {1000, 20000},
    [PICK_TRANSMIT] = {1000, 30000},
    [PICK_READ] = {100, 6000},
    [PICK_WRITE] = {100, 10000},
    [PICK_INTERFACES] = {1, 2},
    [PICK_DEVICES] = {1, 2},
};

#define BURST_SHARE        5    /* a burst lasts one part in so many of its period */
#define THROTTLED_MILLI    500  /* a quota that one busy task hits */
#define ROOMY_MILLI        4000 /* a quota that nothing here hits */
#define MEMORY_LIMIT_BYTES (512 * MIB)
#define LEAK_BYTES         (240 * MIB) /* on top of the most a container uses, within the limit */
#define PIDS_LIMIT         256

#define SIMULATED_LABELS 3
#define PROJECT          "sim"
#define ID_TEXT_SIZE     65 /* bytes: 64 hex digits and the end */

struct service {
    const char *name;
    const char *image;
};

/* In the order of enum simulated_shape. */
static const struct service services[SIMULATED_SHAPES] = {
    [SIMULATED_WAVE] = {"web", "nginx:1.27"},
    [SIMULATED_BURSTY] = {"api", "registry.example.com/shop/api:2.4.1"},
    [SIMULATED_STEADY] = {"db", "postgres:16"},
    [SIMULATED_THROTTLED] = {"worker", "registry.example.com/shop/worker:2.4.1"},
    [SIMULATED_LEAKING] = {"cache", "redis:7-alpine"},
    [SIMULATED_RESTARTING] = {"agent", "busybox:1.36"},
};

static uint64_t pick(const struct simulated_profile *p, enum pick what)
{
    return simulated_pick(p->seed, what, ranges[what][0], ranges[what][1]);
}

/* What each shape means for CPU, restarts and memory. */
static void pick_load(struct simulated_profile *p)
{
    uint32_t peak = (uint32_t)pick(p, PICK_PEAK_MILLI);
    p->idle_milli = (uint32_t)pick(p, PICK_IDLE_MILLI);
    switch (p->shape) {
    case SIMULATED_WAVE:
        p->wave_milli = peak;
        break;
    case SIMULATED_BURSTY:
        p->burst_milli = peak;
        break;
    case SIMULATED_THROTTLED:
        p->quota_milli = THROTTLED_MILLI;
        p->burst_milli = p->quota_milli - p->idle_milli; /* the quota, to the full */
        break;
    case SIMULATED_LEAKING:
        p->restart_ns = pick(p, PICK_LEAK_HOURS) * 60 * NS_PER_MINUTE;
        p->leak_bytes = LEAK_BYTES;
        p->memory_limit = MEMORY_LIMIT_BYTES;
        break;
    case SIMULATED_RESTARTING:
        p->restart_ns = pick(p, PICK_RESTART_MINUTES) * NS_PER_MINUTE;
        break;
    case SIMULATED_STEADY:
    default:
        p->idle_milli += peak / 2;
        break;
    }
    p->bursts.seed = simulated_hash(p->seed, PICK_BURSTS);
    p->bursts.period_ns = pick(p, PICK_BURST_PERIOD_S) * NS_PER_SECOND;
    p->bursts.length_ns = p->bursts.period_ns / BURST_SHARE;
}

/* Half of the containers have each limit, where their shape has not decided. */
static void pick_limits(struct simulated_profile *p)
{
    uint64_t limits = simulated_hash(p->seed, PICK_LIMITS);
    if (limits & 1)
        p->memory_limit = MEMORY_LIMIT_BYTES;
    if (limits & 2)
        p->pids_limit = PIDS_LIMIT;
    if ((limits & 4) && p->quota_milli == 0)
        p->quota_milli = ROOMY_MILLI;
}

static void pick_sizes(struct simulated_profile *p)
{
    p->rss_bytes = pick(p, PICK_RSS_MIB) * MIB;
    p->cache_bytes = pick(p, PICK_CACHE_MIB) * MIB;
    p->pids = pick(p, PICK_PIDS);
    p->receive = pick(p, PICK_RECEIVE);
    p->transmit = pick(p, PICK_TRANSMIT);
    p->read = pick(p, PICK_READ);
    p->write = pick(p, PICK_WRITE);
    p->interfaces = pick(p, PICK_INTERFACES);
    p->devices = pick(p, PICK_DEVICES);
}

struct simulated_profile simulated_profile_make(uint64_t seed, size_t index)
{
    struct simulated_profile p = {
        .seed = simulated_hash(seed, index),
        .index = index,
        .shape = (enum simulated_shape)(index % SIMULATED_SHAPES),
    };
    p.phase_ns = pick(&p, PICK_PHASE_NS);
    pick_load(&p);
    pick_limits(&p);
    pick_sizes(&p);
    return p;
}

/* When the restart of this number comes, counted from the generation's beginning: rising with
 * `number`, since the moment moves by less than half of the mean time between two. */
static uint64_t restart_offset(const struct simulated_profile *p, uint64_t generation,
                               uint64_t number)
{
    if (number == 0)
        return 0;
    uint64_t seed = simulated_hash(p->seed, PICK_RESTARTS) + generation;
    return number * p->restart_ns + simulated_hash(seed, number) % (p->restart_ns / 2);
}

static uint64_t at_least_first(uint64_t t_ns)
{
    return t_ns < FIRST_START_NS ? FIRST_START_NS : t_ns;
}

struct simulated_instance simulated_instance_at(const struct simulated_profile *p, uint64_t now_ns)
{
    uint64_t generation = (now_ns + p->phase_ns) / GENERATION_NS;
    uint64_t begun = generation * GENERATION_NS; /* in time shifted by the phase */
    struct simulated_instance i = {
        .generation = generation,
        .created_ns = at_least_first(begun > p->phase_ns ? begun - p->phase_ns : 0),
        .ends_ns = begun + GENERATION_NS - p->phase_ns,
    };
    i.started_ns = i.created_ns;
    if (p->restart_ns > 0 && now_ns > i.created_ns) {
        uint64_t since = now_ns - i.created_ns;
        uint64_t number = since / p->restart_ns;
        if (restart_offset(p, generation, number) > since)
            number--;
        uint64_t next = i.created_ns + restart_offset(p, generation, number + 1);
        i.started_ns = i.created_ns + restart_offset(p, generation, number);
        i.ends_ns = next < i.ends_ns ? next : i.ends_ns;
    }
    i.wave_ns = simulated_wave_ns(i.started_ns + p->phase_ns, p->wave_milli);
    i.bursts_ns = simulated_bursts_ns(&p->bursts, i.started_ns);
    return i;
}

static const struct label *make_labels(struct arena *arena, const struct service *service,
                                       size_t number)
{
    const struct label labels[] = {
        {"container_label_com_docker_compose_container_number", arena_format(arena, "%zu", number)},
        {"container_label_com_docker_compose_project", PROJECT},
        {"container_label_com_docker_compose_service", service->name},
    };
    _Static_assert(sizeof labels / sizeof *labels == SIMULATED_LABELS, "every label is counted");
    struct label *copy = arena_alloc(arena, sizeof labels);
    memcpy(copy, labels, sizeof labels);
    return copy;
}

static void add_pod_labels(struct identity *identity, const char *service)
{
    const struct raw_label raw[] = {{"com.docker.compose.project", PROJECT},
                                    {"com.docker.compose.service", service}};
    struct label_drops drops = {0};
    identity_add_pod_labels(identity, raw, sizeof raw / sizeof raw[0], NULL, &drops);
}

const struct identity *simulated_identity_make(const struct simulated_profile *p,
                                               const struct simulated_instance *instance)
{
    const struct service *service = &services[p->shape];
    size_t number = p->index / SIMULATED_SHAPES + 1;
    uint64_t id[4];
    for (unsigned i = 0; i < 4; i++)
        id[i] = simulated_hash(p->seed, PICK_ID + instance->generation * 4 + i);
    char hex[ID_TEXT_SIZE];
    (void)snprintf(hex, sizeof hex, "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64, id[0],
                   id[1], id[2], id[3]);
    struct identity *identity = identity_new("simulated", hex);
    struct arena *arena = &identity->arena;
    identity->cgroup_path = arena_format(arena, "/simulated/%s", hex);
    identity->name = arena_format(arena, "sim-%s-%zu", service->name, number);
    identity->image = service->image;
    identity->labels = make_labels(arena, service, number);
    identity->label_count = SIMULATED_LABELS;
    if (p->pod_labels)
        add_pod_labels(identity, service->name);
    identity->created_ns = instance->created_ns;
    identity->started_ns = instance->started_ns;
    identity->simulated = true;
    return identity;
}
