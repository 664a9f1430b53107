/* The metric list as enumerations and descriptor tables. */
#ifndef WEIR_BASE_METRIC_H
#define WEIR_BASE_METRIC_H

#include "base/metric_group.h"
#include "base/metric_list.h"
#include "base/metric_list_agent.h"

#include <stdbool.h>
#include <stddef.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_GAUGE_ZERO };
enum metric_unit {
    UNIT_COUNT,
    UNIT_BYTES,
    UNIT_MICROSECONDS, /* exposed as they are: cAdvisor's names say so */
    UNIT_NS,
    UNIT_MS,
    UNIT_PERCENT, /* stored in millionths of a percent */
};

/* Bits of the tiers column. */
enum metric_tiers {
    TIERS_E1 = 1, /* engine, cgroup v1 host */
    TIERS_E2 = 2, /* engine, cgroup v2 host */
    TIERS_C1 = 4,
    TIERS_C2 = 8,
    TIERS_S = 16,
    TIERS_D = 32, /* derived at seal */
};

struct metric {
    const char *family;
    const char *labels; /* see metric_list.h */
    const char *help;
    enum metric_type type;
    enum metric_unit unit;
    enum metric_group group;
    unsigned tiers; /* enum metric_tiers bits */
};

#define METRIC_ENUM_CONTAINER(id, ...) CONTAINER_##id,
#define METRIC_ENUM_INTERFACE(id, ...) INTERFACE_##id,
#define METRIC_ENUM_DEVICE(id, ...)    DEVICE_##id,
#define METRIC_ENUM_POINT(id, ...)     POINT_##id,
#define METRIC_ENUM_AGENT(id, ...)     AGENT_##id,

enum container_metric { METRIC_LIST_CONTAINER(METRIC_ENUM_CONTAINER) CONTAINER_METRICS };
enum interface_metric { METRIC_LIST_INTERFACE(METRIC_ENUM_INTERFACE) INTERFACE_METRICS };
enum device_metric { METRIC_LIST_DEVICE(METRIC_ENUM_DEVICE) DEVICE_METRICS };
enum point_metric { METRIC_LIST_POINT(METRIC_ENUM_POINT) POINT_METRICS };
enum agent_metric { METRIC_LIST_AGENT(METRIC_ENUM_AGENT) AGENT_METRICS };

extern const struct metric container_metrics[CONTAINER_METRICS];
extern const struct metric interface_metrics[INTERFACE_METRICS];
extern const struct metric device_metrics[DEVICE_METRICS];
extern const struct metric point_metrics[POINT_METRICS];
extern const struct metric agent_metrics[AGENT_METRICS];

/* "counter" or "gauge", as TYPE lines say it. */
const char *metric_type_name(enum metric_type type);

#endif
