/* The cgroup tier on a host that stands in for the machine: a loop, an inventory and a round's
 * part. Included after cmocka. */
#ifndef WEIR_TESTS_UNIT_CGROUP_FIXTURE_H
#define WEIR_TESTS_UNIT_CGROUP_FIXTURE_H

#include "collectors/collector.h"
#include "collectors/inventory.h"
#include "group_fixture.h"

#include <uv.h>

struct kernel_tier {
    struct group_fixture f; /* its reader is not used: the tier has one of its own */
    uv_loop_t loop;
    struct inventory *inventory;
    struct collector *collector; /* made by the first round, of the options as they are then */
    struct collector_options options;
    struct round round;
    struct part part; /* of the last round */
    unsigned done;    /* how often its end was told */
    char docker_root[80];
    char exec_root[80];
    char *docker_roots[1];
    char *exec_roots[1];
};

/* cmocka's: a v1 host, a v2 host. */
int tier_setup_1(void **state);
int tier_setup_2(void **state);
int tier_teardown(void **state);
#define TIER_1(test) cmocka_unit_test_setup_teardown(test, tier_setup_1, tier_teardown)
#define TIER_2(test) cmocka_unit_test_setup_teardown(test, tier_setup_2, tier_teardown)

/* A round begins `seconds` after the last one. */
void tier_begin(struct kernel_tier *t, unsigned seconds);
/* Runs the loop until nothing is under way: the tier may have no handle that keeps it alive then.
 */
void tier_wait(struct kernel_tier *t);
/* The round seals without the tier. */
void tier_cancel(struct kernel_tier *t);
/* A whole round. */
void tier_round(struct kernel_tier *t, unsigned seconds);

/* The only row of that container, service or host; NULL none. */
const struct container_row *tier_row(const struct kernel_tier *t, const char *id);
/* How often the last round reported that reason. */
uint64_t tier_problems(const struct kernel_tier *t, enum reason reason);

/* What an engine says of the container: it is called "web" and was started at `started_ns`. */
void tier_tell(struct kernel_tier *t, const char *id, const char *path, uint32_t pid,
               uint64_t started_ns);

#endif
