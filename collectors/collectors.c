/* What it knows: which tiers there are. A new one is one line in the table. */
#include "collectors/collectors.h"

#include "base/err.h"
#include "collectors/cgroup.h"
#include "collectors/engine.h"
#include "collectors/simulated.h"

#include <errno.h>

struct maker {
    const char *name;
    int (*make)(const struct collector_options *options, struct err *e,
                struct collector **ret_collector);
};

static int make_simulated(const struct collector_options *options, struct err *e,
                          struct collector **ret_collector)
{
    (void)e; /* it cannot fail */
    const struct simulated_options simulated = {
        .containers = options->simulate_containers,
        .seed = options->simulate_seed,
        .pod_labels = options->kubernetes_labels,
        .loop = options->loop,
        .clock = options->clock,
    };
    *ret_collector = simulated_new(&simulated);
    return 0;
}

static const struct maker makers[] = {
    {"engine", engine_new},
    {"cgroup", group_collector_new},
    {"simulated", make_simulated},
};

int collector_make(const char *name, const struct collector_options *options, struct err *e,
                   struct collector **ret_collector)
{
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++)
        if (text_equal(makers[i].name, name))
            return makers[i].make(options, e, ret_collector);
    return err_set(e, -EINVAL,
                   "there is no tier called \"%s\"; there are: engine, cgroup, simulated", name);
}
