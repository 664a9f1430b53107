/* What it knows: what Prometheus asks of names, and what the tables of base/metric_list.h and
 * base/reason.h promise of themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/metric.h"
#include "base/reason.h"

#include <string.h>

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyz0123456789_"

static const struct {
    const struct metric *metrics;
    size_t count;
} tables[] = {
    {container_metrics, CONTAINER_METRICS}, {interface_metrics, INTERFACE_METRICS},
    {device_metrics, DEVICE_METRICS},       {point_metrics, POINT_METRICS},
    {agent_metrics, AGENT_METRICS},
};
#define TABLES (sizeof tables / sizeof tables[0])

static void test_names(void **state)
{
    (void)state;
    for (size_t t = 0; t < TABLES; t++) {
        for (size_t i = 0; i < tables[t].count; i++) {
            const struct metric *m = &tables[t].metrics[i];
            assert_int_equal(strspn(m->family, NAME_BYTES), strlen(m->family));
            assert_true(m->family[0] >= 'a' && m->family[0] <= 'z');
            assert_true(strlen(m->help) > 10);
            assert_null(strpbrk(m->help, "\n\\")); /* would need escapes in HELP lines */
            assert_int_equal(m->help[strlen(m->help) - 1], '.');
        }
    }
}

/* Lines of a family stand together, in one table, and agree on what a family is. */
static void test_families(void **state)
{
    (void)state;
    for (size_t t = 0; t < TABLES; t++) {
        for (size_t i = 1; i < tables[t].count; i++) {
            const struct metric *m = &tables[t].metrics[i];
            for (size_t j = 0; j < i; j++) {
                const struct metric *earlier = &tables[t].metrics[j];
                if (strcmp(m->family, earlier->family) != 0)
                    continue;
                assert_string_equal(tables[t].metrics[i - 1].family, m->family);
                assert_string_not_equal(earlier->labels, m->labels);
                assert_string_equal(earlier->help, m->help);
                assert_int_equal(earlier->type, m->type);
                assert_int_equal(earlier->unit, m->unit);
                assert_int_equal(earlier->group, m->group);
            }
        }
    }
    for (size_t t = 0; t < TABLES; t++)
        for (size_t u = 0; u < t; u++)
            for (size_t i = 0; i < tables[t].count; i++)
                for (size_t j = 0; j < tables[u].count; j++)
                    assert_string_not_equal(tables[t].metrics[i].family,
                                            tables[u].metrics[j].family);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Names of weir's own say type and unit; cAdvisor's are as they are. */
static void test_own_names(void **state)
{
    (void)state;
    for (size_t t = 0; t < TABLES; t++) {
        for (size_t i = 0; i < tables[t].count; i++) {
            const struct metric *m = &tables[t].metrics[i];
            if (strncmp(m->family, "weir_", 5) != 0)
                continue;
            assert_true(ends_with(m->family, "_total") == (m->type == METRIC_COUNTER));
            if (m->unit == UNIT_NS || m->unit == UNIT_MS)
                assert_non_null(strstr(m->family, "_seconds"));
            if (m->unit == UNIT_BYTES)
                assert_non_null(strstr(m->family, "_bytes"));
            if (m->unit == UNIT_PERCENT)
                assert_true(ends_with(m->family, "_percent"));
        }
    }
}

static void test_columns(void **state)
{
    (void)state;
    for (size_t t = 0; t < TABLES; t++) {
        for (size_t i = 0; i < tables[t].count; i++) {
            const struct metric *m = &tables[t].metrics[i];
            bool own = tables[t].metrics == agent_metrics;
            assert_true(m->tiers != 0);
            /* What weir says of a container without asking a tier: when it was made and seen, its
             * state, and what of it is missing. */
            bool said = (t == 0 && (i == CONTAINER_CREATED || i == CONTAINER_STARTED ||
                                    i == CONTAINER_LAST_SEEN)) ||
                        (tables[t].metrics == point_metrics && i <= POINT_ABSENT);
            assert_int_equal(m->group == GROUP_NONE, said);
            assert_int_equal(m->group > GROUP_NONE, own);
            assert_true(m->group < GROUP_NONE || m->tiers == TIERS_D);
            /* A value that is computed is given by nobody. */
            assert_true(!(m->tiers & TIERS_D) || m->tiers == TIERS_D);
            assert_string_equal(metric_type_name(m->type),
                                m->type == METRIC_COUNTER ? "counter" : "gauge");
        }
    }
}

/* Which tier's number is another counter: the decisions behind the tiers column. */
static void test_who_may_give(void **state)
{
    (void)state;
    const unsigned engine = TIERS_E1 | TIERS_E2;
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        if (container_metrics[m].group == GROUP_PRESSURE)
            assert_int_equal(container_metrics[m].tiers, TIERS_C1 | TIERS_C2);
    /* Its v1 files leave out nested groups. */
    for (unsigned m = 0; m < DEVICE_METRICS; m++)
        assert_false(device_metrics[m].tiers & TIERS_E1);
    assert_false(device_metrics[DEVICE_READS].tiers & engine);
    assert_false(interface_metrics[INTERFACE_RX_ERRORS].tiers & engine);
    assert_false(interface_metrics[INTERFACE_TX_ERRORS].tiers & engine);
    assert_int_equal(container_metrics[CONTAINER_MEMORY_FAILCNT].tiers & engine, TIERS_E1);
    /* Whatever an engine may give, the kernel's files may: so no value is lost by falling back. */
    for (size_t t = 0; t < 3; t++) {
        for (size_t i = 0; i < tables[t].count; i++) {
            unsigned tiers = tables[t].metrics[i].tiers;
            if (tables[t].metrics[i].group == GROUP_LIFE)
                continue; /* how a container ended its engine alone knows */
            assert_true(!(tiers & TIERS_E1) || (tiers & TIERS_C1));
            assert_true(!(tiers & TIERS_E2) || (tiers & TIERS_C2));
        }
    }
}

static void assert_word(const char *word)
{
    assert_int_equal(strspn(word, NAME_BYTES "IOL"), strlen(word)); /* as cAdvisor writes them */
    assert_true(*word != '\0');
}

static void test_groups(void **state)
{
    (void)state;
    for (enum metric_group g = 0; g < GROUP_ALL; g++) {
        assert_word(metric_group_name(g));
        assert_int_equal(metric_group_find(metric_group_name(g), strlen(metric_group_name(g))), g);
        for (enum metric_group h = 0; h < g; h++)
            assert_string_not_equal(metric_group_name(g), metric_group_name(h));
    }
    assert_string_equal(metric_group_name(GROUP_BLOCK_IO), "diskIO");
    assert_string_equal(metric_group_name(GROUP_PRESSURE), "pressure");
    assert_int_equal(metric_group_find("cpus", 3), GROUP_CPU);
    assert_int_equal(metric_group_find("cpus", 4), GROUP_ALL);
    assert_int_equal(metric_group_find("CPU", 3), GROUP_ALL);
    assert_int_equal(metric_group_find("", 0), GROUP_ALL);
}

static void test_reasons(void **state)
{
    (void)state;
    assert_string_equal(reason_name(REASON_NONE), "");
    assert_false(reason_is_error(REASON_NONE));
    for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++) {
        assert_word(reason_name(r));
        for (enum reason s = 0; s < r; s++)
            assert_string_not_equal(reason_name(r), reason_name(s));
    }
    assert_string_equal(reason_name(REASON_ACCOUNTING_OFF), "accounting_off");
    assert_true(reason_is_error(REASON_TIMEOUT));
    assert_true(reason_is_error(REASON_MALFORMED));
    /* How a container is, is no error. */
    assert_false(reason_is_error(REASON_GONE));
    assert_false(reason_is_error(REASON_NOT_GIVEN));
    assert_false(reason_is_error(REASON_HOST_NETWORK));
    assert_false(reason_is_error(REASON_NO_NETWORK));
    assert_false(reason_is_error(REASON_SHARED_NETWORK));
    assert_false(reason_is_error(REASON_ACCOUNTING_OFF));
    assert_false(reason_is_error(REASON_NO_CONTROLLER));
    assert_false(reason_is_error(REASON_NO_PRESSURE));
    assert_false(reason_is_error(REASON_NO_PROCESS));
    assert_true(reason_is_error(REASON_STUCK));
    assert_true(reason_is_error(REASON_NO_HIERARCHY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),        cmocka_unit_test(test_families),
        cmocka_unit_test(test_own_names),    cmocka_unit_test(test_columns),
        cmocka_unit_test(test_who_may_give), cmocka_unit_test(test_groups),
        cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
