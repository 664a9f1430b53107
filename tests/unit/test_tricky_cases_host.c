/* The tricky cases of test_tricky_cases.c that only the kernel's files or the whole cascade show,
 * under the same numbers: a cascade of real tiers over a host that stands in for the machine.
 *
 * What an inode, a file or a number of CPUs says is read in real rounds, on cgroup v1 and v2, and
 * what must be seen on the wire is looked for in the exposition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "collectors/cascade.h"
#include "exporters/prometheus.h"
#include "group_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define NONE         INT64_C(-1)      /* no percentage */
#define PERCENT      INT64_C(1000000) /* one percent as it is stored */
#define REALTIME     (1767225600 * NS_PER_SECOND)
#define US           UINT64_C(1)
#define MS           (1000 * US)
#define SECOND       (1000 * MS) /* CPU times are in microseconds here, which v2 has and v1 can say */
#define STEP_S       5           /* between rounds */
#define PAGE_MAX     (1 << 20)   /* bytes of an exposition */
#define ROUND_MAX_MS 20000       /* of real time: a round that takes as long hangs */

/* A host and the cascade that looks at it. */
struct host {
    struct group_fixture tree;
    uv_loop_t loop;
    struct clock clock;
    uint64_t realtime_ns;
    struct collector_options options;
    struct cascade *cascade;
    struct snapshot *snapshot; /* of the last round */
    uint64_t rounds;
    bool done;
};

static uint64_t monotonic(void *context)
{
    return ((const struct host *)context)->tree.now_ns;
}

static uint64_t realtime(void *context)
{
    return ((const struct host *)context)->realtime_ns;
}

static void start_tiers(struct host *h, enum group_mode mode, const char *first, const char *second)
{
    static char *environment[] = {NULL};
    char names[2][16];
    char *list[] = {names[0], names[1]};
    struct err e = {0};
    *h = (struct host){.realtime_ns = REALTIME};
    fixture_new(&h->tree, mode);
    put(&h->tree, "0-3\n", "sys/devices/system/cpu/online");
    h->clock = (struct clock){h, monotonic, realtime};
    assert_int_equal(uv_loop_init(&h->loop), 0);
    h->options = (struct collector_options){.loop = &h->loop,
                                            .clock = &h->clock,
                                            .environment = environment,
                                            .procfs = h->tree.procfs,
                                            .sysfs = h->tree.sysfs,
                                            .groups = GROUPS_DEFAULT,
                                            .group_max_files = 1000,
                                            .state_directory = "",
                                            .simulate_containers = 6,
                                            .simulate_seed = 1};
    (void)snprintf(names[0], sizeof names[0], "%s", first);
    (void)snprintf(names[1], sizeof names[1], "%s", second ? second : "");
    const struct text_list tiers = {list, second ? 2 : 1};
    if (cascade_new(&h->options, &tiers, &e, &h->cascade) < 0)
        fail_msg("no cascade: %s", e.text);
}

static void start(struct host *h, enum group_mode mode)
{
    start_tiers(h, mode, "cgroup", NULL);
}

static void end(struct host *h)
{
    snapshot_unref(h->snapshot);
    cascade_close(h->cascade);
    (void)uv_run(&h->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&h->loop), 0);
    fixture_done(&h->tree);
}

static void round_done(void *context)
{
    ((struct host *)context)->done = true;
}

/* A round so much later. */
static void round_after(struct host *h, uint64_t seconds)
{
    h->tree.now_ns += seconds * NS_PER_SECOND;
    h->realtime_ns += seconds * NS_PER_SECOND;
    h->done = false;
    const struct round round = {.number = ++h->rounds,
                                .begun_ns = h->tree.now_ns,
                                .deadline_ns = h->tree.now_ns + NS_PER_SECOND};
    uint64_t give_up_ms = uv_hrtime() / NS_PER_MS + ROUND_MAX_MS;
    cascade_begin(h->cascade, &round, round_done, h);
    while (!h->done && uv_hrtime() / NS_PER_MS < give_up_ms)
        (void)uv_run(&h->loop, UV_RUN_ONCE);
    assert_true(h->done);
    snapshot_unref(h->snapshot);
    h->snapshot = cascade_seal(h->cascade, NULL);
}

/* The row of the group at `path`; NULL when there is none. */
static const struct container_row *find(const struct host *h, const char *path)
{
    for (size_t i = 0; i < h->snapshot->row_count; i++)
        if (text_equal(h->snapshot->rows[i].identity->cgroup_path, path))
            return &h->snapshot->rows[i];
    return NULL;
}

static const struct container_row *at(const struct host *h, const char *path)
{
    const struct container_row *row = find(h, path);
    if (!row)
        fail_msg("there is no row of %s", path);
    return row;
}

static int64_t percent_at(const struct host *h, const char *path)
{
    const struct container_row *row = at(h, path);
    return row_has(row, CONTAINER_SUM_CPU_PERCENT) ? (int64_t)row->values[CONTAINER_SUM_CPU_PERCENT]
                                                   : NONE;
}

/* The value of one of the snapshot's points without labels. */
static uint64_t point(const struct host *h, enum agent_metric metric)
{
    for (size_t i = 0; i < h->snapshot->point_count; i++)
        if (h->snapshot->points[i].metric == metric)
            return h->snapshot->points[i].value;
    fail_msg("there is no %s", agent_metrics[metric].family);
    return 0;
}

/* Why the row has none of the group, as the point says it; NULL where it says nothing. */
static const char *absent(const struct container_row *row, const char *group)
{
    for (size_t i = 0; i < row->point_count; i++)
        if (row->points[i].metric == POINT_ABSENT && text_equal(row->points[i].labels[0], group))
            return row->points[i].labels[1];
    return NULL;
}

/* What the group at `path` has used so far, and its periods, in both versions' files. */
static void put_cpu(struct host *h, const char *path, uint64_t usage_us, unsigned periods,
                    unsigned throttled)
{
    char text[512];
    if (h->tree.mode == GROUP_MODE_UNIFIED) {
        (void)snprintf(text, sizeof text,
                       "usage_usec %" PRIu64 "\nuser_usec %" PRIu64
                       "\nsystem_usec 0\nnr_periods %u\nnr_throttled %u\nthrottled_usec 887766\n",
                       usage_us, usage_us, periods, throttled);
        put_file(&h->tree, "unified", path, "cpu.stat", text);
        return;
    }
    (void)snprintf(text, sizeof text, "%" PRIu64 "\n", usage_us * 1000);
    put_file(&h->tree, "cpuacct", path, "cpuacct.usage", text);
    (void)snprintf(text, sizeof text, "nr_periods %u\nnr_throttled %u\nthrottled_time 887766000\n",
                   periods, throttled);
    put_file(&h->tree, "cpu", path, "cpu.stat", text);
}

/* A round STEP_S later in which the container at PATH has used that much; its percentage. */
static int64_t used(struct host *h, uint64_t usage_us)
{
    put_cpu(h, PATH, usage_us, 0, 0);
    round_after(h, STEP_S);
    return percent_at(h, PATH);
}

/* Does the exposition have a line with all of these in it? */
static bool page_has(const struct host *h, const char *family, const char *const parts[])
{
    struct buf page;
    bool found = false;
    buf_init(&page, PAGE_MAX);
    assert_int_equal(prometheus_encode(h->snapshot, &prometheus_whole_text, &page), 0);
    char *rest = page.data;
    for (char *line = strsep(&rest, "\n"); line && !found; line = strsep(&rest, "\n")) {
        found = text_starts_with(line, family);
        for (size_t i = 0; parts[i] && found; i++)
            found = strstr(line, parts[i]) != NULL;
    }
    buf_done(&page);
    return found;
}

#define PAGE_HAS(h, family, ...) page_has(h, family, (const char *const[]){__VA_ARGS__, NULL})

/* Each case on cgroup v1 and on v2. */
static const enum group_mode modes[] = {GROUP_MODE_LEGACY, GROUP_MODE_UNIFIED};
#define EACH_MODE(mode) \
    for (const enum group_mode *mode = modes; mode < modes + sizeof modes / sizeof modes[0]; mode++)

/* --- the cases --- */

/* No engine says when it was started: the control group's inode does. */
static void case_4_restart_with_a_larger_counter(void **state)
{
    (void)state;
    EACH_MODE(mode)
    {
        struct host h;
        start(&h, *mode);
        put_container(&h.tree, PATH);
        assert_int_equal(used(&h, 200 * MS), NONE);
        assert_int_equal(used(&h, 300 * MS), 2 * PERCENT);
        renew_container(&h.tree, PATH);
        put_cpu(&h, PATH, 4 * SECOND, 0, 0);
        round_after(&h, 60);
        assert_int_equal(percent_at(&h, PATH), NONE);
        assert_int_equal(at(&h, PATH)->values[CONTAINER_CPU_USAGE], 4 * NS_PER_SECOND);
        assert_int_equal(used(&h, 4500 * MS), 10 * PERCENT);
        end(&h);
    }
}

/* Realtime is set back by an hour, and later runs on by half an hour in which the machine slept. */
static void case_5_and_6_only_monotonic_time_counts(void **state)
{
    (void)state;
    struct host h;
    start(&h, GROUP_MODE_UNIFIED);
    put_container(&h.tree, PATH);
    assert_int_equal(used(&h, 1 * SECOND), NONE);
    h.realtime_ns -= 3600 * NS_PER_SECOND;
    assert_int_equal(used(&h, 2 * SECOND), 20 * PERCENT);
    assert_int_equal(at(&h, PATH)->cpu_sampled_ns, h.tree.now_ns);
    h.realtime_ns += 1800 * NS_PER_SECOND;
    assert_int_equal(used(&h, 3 * SECOND), 20 * PERCENT);
    assert_int_equal(at(&h, PATH)->cpu_sampled_ns, h.tree.now_ns);
    end(&h);
}

/* The share of the host is percent by machine_cpu_cores, which is the number of the moment. */
static void case_7_cpus_go_offline(void **state)
{
    (void)state;
    EACH_MODE(mode)
    {
        struct host h;
        start(&h, *mode);
        put_container(&h.tree, PATH);
        assert_int_equal(used(&h, 0), NONE);
        assert_int_equal(used(&h, 15 * SECOND), 300 * PERCENT);
        assert_int_equal(point(&h, AGENT_MACHINE_CORES), 4);
        put(&h.tree, "0-1\n", "sys/devices/system/cpu/online");
        assert_int_equal(used(&h, 30 * SECOND), 300 * PERCENT);
        assert_int_equal(point(&h, AGENT_MACHINE_CORES), 2);
        assert_int_equal(used(&h, 37500 * MS), 150 * PERCENT);
        put(&h.tree, "0-7\n", "sys/devices/system/cpu/online");
        assert_int_equal(used(&h, 77500 * MS), 800 * PERCENT);
        assert_int_equal(point(&h, AGENT_MACHINE_CORES), 8);
        assert_int_equal(point(&h, AGENT_CPU_OUT_OF_RANGE), 0);
        end(&h);
    }
}

static void case_10_paused_is_a_real_zero(void **state)
{
    (void)state;
    EACH_MODE(mode)
    {
        struct host h;
        start(&h, *mode);
        put_container(&h.tree, PATH);
        assert_int_equal(used(&h, 1 * SECOND), NONE);
        put_file(&h.tree, "freezer", PATH, "freezer.state", "FROZEN\n");
        put_file(&h.tree, "unified", PATH, "cgroup.events", "populated 1\nfrozen 1\n");
        assert_int_equal(used(&h, 1 * SECOND), 0);
        assert_int_equal(at(&h, PATH)->state, STATE_PAUSED);
        assert_value(at(&h, PATH), MEMORY_USAGE, 104857600);
        assert_true(PAGE_HAS(&h, "weir_container_state{", ID, "state=\"paused\"", "} 1"));
        end(&h);
    }
}

/* The share of the limit and the ratio are the reader's to compute; weir has what they need. */
static void case_11_quota_of_a_tenth(void **state)
{
    (void)state;
    EACH_MODE(mode)
    {
        struct host h;
        start(&h, *mode);
        put_container(&h.tree, PATH);
        put_file(&h.tree, "cpu", PATH, "cpu.max", "10000 100000\n");
        put_file(&h.tree, "cpu", PATH, "cpu.cfs_quota_us", "10000\n");
        put_file(&h.tree, "cpu", PATH, "cpu.cfs_period_us", "100000\n");
        put_cpu(&h, PATH, 1 * SECOND, 9880, 9871);
        round_after(&h, STEP_S);
        put_cpu(&h, PATH, 1500 * MS, 9930, 9921);
        round_after(&h, STEP_S);
        const struct container_row *row = at(&h, PATH);
        assert_int_equal(percent_at(&h, PATH), 10 * PERCENT);
        assert_value(row, CPU_PERIODS, 9930);
        assert_value(row, CPU_THROTTLED_PERIODS, 9921);
        assert_value(row, CPU_THROTTLED, 887766000);
        assert_value(row, SPEC_CPU_QUOTA, 10000);
        assert_value(row, SPEC_CPU_PERIOD, 100000);
        assert_int_equal((uint64_t)percent_at(&h, PATH) * row->values[CONTAINER_SPEC_CPU_PERIOD] /
                             row->values[CONTAINER_SPEC_CPU_QUOTA],
                         100 * PERCENT);
        end(&h);
    }
}

/* "max 100000" and -1: no limit, so neither a quota nor periods, of which the kernel writes zeros.
 */
static void case_12_no_quota(void **state)
{
    (void)state;
    EACH_MODE(mode)
    {
        struct host h;
        start(&h, *mode);
        put_container(&h.tree, PATH);
        put_file(&h.tree, "cpu", PATH, "cpu.max", "max 100000\n");
        put_file(&h.tree, "cpu", PATH, "cpu.cfs_quota_us", "-1\n");
        put_file(&h.tree, "cpu", PATH, "cpu.cfs_period_us", "100000\n");
        assert_int_equal(used(&h, 1 * SECOND), NONE);
        assert_int_equal(used(&h, 21 * SECOND), 400 * PERCENT); /* all CPUs that are online */
        const struct container_row *row = at(&h, PATH);
        assert_value(row, SPEC_CPU_PERIOD, 100000);
        assert_no_value(row, SPEC_CPU_QUOTA);
        assert_no_value(row, CPU_PERIODS);
        assert_no_value(row, CPU_THROTTLED_PERIODS);
        assert_no_value(row, CPU_THROTTLED);
        assert_false(PAGE_HAS(&h, "container_spec_cpu_quota{", ID));
        assert_true(PAGE_HAS(&h, "container_spec_cpu_period{", ID, "} 100000"));
        end(&h);
    }
}

/* As it is seen on the wire. */
static void case_13_impossible_values(void **state)
{
    (void)state;
    EACH_MODE(mode)
    {
        struct host h;
        start(&h, *mode);
        put_container(&h.tree, PATH);
        assert_int_equal(used(&h, 0), NONE);
        assert_int_equal(used(&h, 15 * SECOND), 300 * PERCENT);
        assert_false(PAGE_HAS(&h, "weir_container_absent{", ID, "group=\"cpu\""));
        assert_true(PAGE_HAS(&h, "weir_container_cpu_usage_percent", ID, "} 300"));
        assert_int_equal(used(&h, 15 * SECOND + 21 * SECOND + 5 * US), NONE);
        assert_true(PAGE_HAS(&h, "weir_container_absent{", ID, "group=\"cpu\"",
                             "reason=\"out_of_range\"", "} 1"));
        assert_true(PAGE_HAS(&h, "weir_cpu_percent_out_of_range_total", " 1"));
        assert_false(PAGE_HAS(&h, "weir_container_cpu_usage_percent", ID));
        assert_true(PAGE_HAS(&h, "container_cpu_usage_seconds_total", ID, "} 36.000005"));
        assert_true(PAGE_HAS(&h, "weir_container_tier{", ID, "tier=\"cgroup\""));
        assert_int_equal(used(&h, 37 * SECOND + 5 * US), 20 * PERCENT);
        assert_false(PAGE_HAS(&h, "weir_container_absent{", ID, "group=\"cpu\""));
        assert_true(PAGE_HAS(&h, "weir_cpu_percent_out_of_range_total", " 1"));
        end(&h);
    }
}

/* Without an id a container is its path, and LXC's is its name: the inode tells the new one. */
static void case_20_path_is_used_again(void **state)
{
    (void)state;
    static const char path[] = "/lxc.payload.web";
    EACH_MODE(mode)
    {
        struct host h;
        start(&h, *mode);
        put_container(&h.tree, path);
        put_cpu(&h, path, 1 * SECOND, 0, 0);
        round_after(&h, STEP_S);
        put_cpu(&h, path, 1500 * MS, 0, 0);
        round_after(&h, STEP_S);
        assert_int_equal(percent_at(&h, path), 10 * PERCENT);
        uint64_t birth = at(&h, path)->birth;
        renew_container(&h.tree, path);
        put_cpu(&h, path, 2 * SECOND, 0, 0);
        round_after(&h, STEP_S);
        assert_int_not_equal(at(&h, path)->birth, birth);
        assert_int_equal(percent_at(&h, path), NONE);
        put_cpu(&h, path, 2500 * MS, 0, 0);
        round_after(&h, STEP_S);
        assert_int_equal(percent_at(&h, path), 10 * PERCENT);
        end(&h);
    }
}

/* The outer group's files count what is below it: one row, with what they say. */
static void case_21_nested_containers_are_in_the_outer_one(void **state)
{
    (void)state;
    EACH_MODE(mode)
    {
        struct host h;
        start(&h, *mode);
        put_container(&h.tree, PATH);
        put_container(&h.tree, PATH PATH_2);
        put_cpu(&h, PATH PATH_2, 900 * MS, 0, 0);
        assert_int_equal(used(&h, 1 * SECOND), NONE);
        put_cpu(&h, PATH PATH_2, 1400 * MS, 0, 0);
        assert_int_equal(used(&h, 1500 * MS), 10 * PERCENT);
        assert_null(find(&h, PATH PATH_2));
        assert_int_equal(h.snapshot->row_count, 2); /* it and the host */
        assert_value(at(&h, PATH), MEMORY_USAGE, 104857600);
        assert_value(at(&h, PATH), CPU_USAGE, 1500 * MS * 1000);
        end(&h);
    }
}

static void case_21_shared_network_is_counted_once(void **state)
{
    (void)state;
    EACH_MODE(mode)
    {
        struct host h;
        start(&h, *mode);
        put_container(&h.tree, PATH);
        put_container(&h.tree, PATH_2);
        put_process(&h.tree, 201, 1000, "pod", PATH);
        put_process(&h.tree, 202, 2000, "pod", PATH_2);
        round_after(&h, STEP_S);
        assert_int_equal(at(&h, PATH)->interface_count, 1);
        assert_true(row_has(at(&h, PATH), CONTAINER_SUM_NETWORK_RECEIVE));
        assert_int_equal(at(&h, PATH_2)->interface_count, 0);
        assert_no_value(at(&h, PATH_2), SUM_NETWORK_RECEIVE);
        assert_string_equal(absent(at(&h, PATH_2), "network"), "shared_network");
        end(&h);
    }
}

/* Every series of a container that says something says that it is simulated. */
static void case_23_simulated_values_are_marked(void **state)
{
    (void)state;
    struct host h;
    struct buf page;
    size_t series = 0;
    start_tiers(&h, GROUP_MODE_UNIFIED, "simulated", NULL);
    round_after(&h, STEP_S);
    round_after(&h, STEP_S);
    assert_int_equal(h.snapshot->row_count, 6);
    assert_int_equal(point(&h, AGENT_SIMULATED), 1);
    buf_init(&page, PAGE_MAX);
    assert_int_equal(prometheus_encode(h.snapshot, &prometheus_whole_text, &page), 0);
    char *rest = page.data;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        if (!text_starts_with(line, "container_") && !text_starts_with(line, "weir_container_"))
            continue;
        if (text_starts_with(line, "container_scrape_error "))
            continue; /* it is about the round */
        assert_non_null(strstr(line, "simulated=\"true\""));
        series++;
    }
    assert_in_range(series, 6 * 20, SIZE_MAX);
    buf_done(&page);
    end(&h);
}

/* A real tier works here, so that nothing simulated stands in for what it cannot read. */
static void case_23_failed_read_is_never_replaced(void **state)
{
    (void)state;
    struct host h;
    start_tiers(&h, GROUP_MODE_UNIFIED, "cgroup", "simulated");
    put_container(&h.tree, PATH);
    put_file(&h.tree, "unified", PATH, "memory.current", "104857"); /* torn */
    put_file(&h.tree, "unified", PATH, "cpu.stat", "not what the kernel writes\n");
    round_after(&h, STEP_S);
    round_after(&h, STEP_S);
    const struct container_row *row = at(&h, PATH);
    assert_int_equal(h.snapshot->row_count, 2); /* it and the host */
    assert_no_value(row, MEMORY_USAGE);
    assert_no_value(row, CPU_USAGE);
    assert_string_equal(absent(row, "memory"), "malformed");
    assert_string_equal(absent(row, "cpu"), "malformed");
    assert_false(row->identity->simulated);
    assert_false(PAGE_HAS(&h, "", "simulated=\"true\""));
    for (size_t i = 0; i < h.snapshot->point_count; i++)
        assert_true(h.snapshot->points[i].metric != AGENT_SIMULATED);
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_4_restart_with_a_larger_counter),
        cmocka_unit_test(case_5_and_6_only_monotonic_time_counts),
        cmocka_unit_test(case_7_cpus_go_offline),
        cmocka_unit_test(case_10_paused_is_a_real_zero),
        cmocka_unit_test(case_11_quota_of_a_tenth),
        cmocka_unit_test(case_12_no_quota),
        cmocka_unit_test(case_13_impossible_values),
        cmocka_unit_test(case_20_path_is_used_again),
        cmocka_unit_test(case_21_nested_containers_are_in_the_outer_one),
        cmocka_unit_test(case_21_shared_network_is_counted_once),
        cmocka_unit_test(case_23_simulated_values_are_marked),
        cmocka_unit_test(case_23_failed_read_is_never_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
