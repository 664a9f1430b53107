/* agent/config.h: which groups of metrics are given, and what --help and the log say of them. */
#include "config_testing.h"

#include "agent/config_groups.h"

static unsigned groups(const char *const flags[])
{
    struct config c = load_good(flags, TEXTS());
    unsigned result = config_groups(&c);
    config_done(&c);
    return result;
}

static void test_default_less_disabled_and_enabled(void **state)
{
    (void)state;
    unsigned all = GROUPS_ALL;
    assert_int_equal(groups(TEXTS()), GROUPS_DEFAULT);
    assert_int_equal(groups(TEXTS("--metrics.enable=disk,tcp")),
                     GROUPS_DEFAULT | GROUP_BIT(GROUP_DISK) | GROUP_BIT(GROUP_TCP));
    assert_int_equal(groups(TEXTS("--metrics.disable=cpu,tcp")),
                     GROUPS_DEFAULT & ~GROUP_BIT(GROUP_CPU));
    assert_int_equal(groups(TEXTS("--metrics.disable=all")), 0);
    assert_int_equal(groups(TEXTS("--metrics.disable=all", "--metrics.enable=state,cpu")),
                     GROUP_BIT(GROUP_NONE) | GROUP_BIT(GROUP_CPU));
    assert_int_equal(groups(TEXTS("--metrics.disable=cpu", "--metrics.enable=cpu")),
                     GROUPS_DEFAULT);
    assert_int_equal(groups(TEXTS("--metrics.enable=app,percpu", "--metrics.disable=resctrl")),
                     GROUPS_DEFAULT);
    for (enum metric_group g = 0; g < GROUP_ALL; g++) {
        char flag[64];
        (void)snprintf(flag, sizeof flag, "--metrics.enable=%s", metric_group_name(g));
        assert_int_equal(groups(TEXTS("--metrics.disable=all", flag)), GROUP_BIT(g));
        all &= ~GROUP_BIT(g);
    }
    assert_int_equal(all, 0);
}

/* One line, however many there are. */
static void test_groups_without_effect_are_told(void **state)
{
    (void)state;
    struct config c =
        load_good(TEXTS("--metrics.enable=resctrl,disk,app", "--metrics.disable=percpu"), TEXTS());
    assert_int_equal(c.notice_count, 1);
    assert_int_equal(c.notices[0].level, LOG_LEVEL_WARN);
    assert_part(c.notices[0].text, "without effect");
    assert_part(c.notices[0].text, ": app, percpu, resctrl");
    config_done(&c);
    c = load_good(TEXTS("--metrics.enable=cpu_topology,disk", "--metrics.disable=cpu"), TEXTS());
    assert_int_equal(c.notice_count, 0);
    config_done(&c);
    c = load_good(TEXTS(), TEXTS("WEIR_METRICS_ENABLE=perf_event"));
    assert_int_equal(c.notice_count, 1);
    config_done(&c);
}

/* Every group once, below the title that says whether it is given. */
static void test_help_lists_every_group(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, PRINT_MAX_BYTES);
    assert_int_equal(config_help(&b), 0);
    const char *given = strstr(b.data, "\nGroups of metrics that are given\n");
    const char *asked = strstr(b.data, "\nGroups of metrics on request");
    assert_non_null(given);
    assert_non_null(asked);
    assert_true(given < asked);
    for (enum metric_group g = 0; g < GROUP_ALL; g++) {
        char line[64];
        (void)snprintf(line, sizeof line, "\n  %s ", metric_group_name(g));
        const char *at = strstr(given, line);
        assert_non_null(at);
        assert_int_equal(at < asked, (GROUPS_DEFAULT & GROUP_BIT(g)) != 0);
    }
    assert_part(asked, "without effect: app, percpu, perf_event, referenced_memory, resctrl\n");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_less_disabled_and_enabled),
        cmocka_unit_test(test_groups_without_effect_are_told),
        cmocka_unit_test(test_help_lists_every_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
