/* Identities, parts, snapshots, the metric tables and counted bytes, as their headers promise. */
#include "base/buf.h"
#include "base/bytes.h"
#include "base/snapshot.h"
#include "base/text.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 1000 /* more than any first capacity */

static void test_identity(void **state)
{
    (void)state;
    char engine[] = "unix:///run/docker.sock";
    struct identity *a = identity_new(engine, "01");
    engine[0] = 'X'; /* its texts are copies */
    assert_string_equal(a->engine, "unix:///run/docker.sock");
    assert_string_equal(a->container_id, "01");
    assert_null(a->name);
    assert_null(a->image);
    assert_null(a->cgroup_path);
    assert_int_equal(a->label_count, 0);
    assert_int_equal(a->kind, IDENTITY_CONTAINER);
    assert_false(a->local); /* who makes it must know that it is */
    assert_int_equal(a->created_ns, 0);
    assert_int_equal(a->started_ns, 0);
    assert_false(a->simulated);
    assert_int_equal(a->references, 1);
    const struct identity *again = identity_ref(a);
    assert_ptr_equal(again, a);
    assert_int_equal(a->references, 2);
    identity_unref(again);
    assert_int_equal(a->references, 1);
    identity_unref(a);
    identity_unref(NULL);
}

static void test_same_container(void **state)
{
    (void)state;
    struct identity *a = identity_new("e1", "01");
    struct identity *restarted = identity_new("e1", "01");
    struct identity *other = identity_new("e1", "02");
    struct identity *elsewhere = identity_new("e2", "01");
    restarted->started_ns = 5;
    assert_true(identity_same_container(a, a));
    assert_true(identity_same_container(a, restarted));
    assert_false(identity_same_container(a, other));
    assert_false(identity_same_container(a, elsewhere));
    identity_unref(a);
    identity_unref(restarted);
    identity_unref(other);
    identity_unref(elsewhere);
}

static struct identity *make_local(const char *engine, const char *id, bool local)
{
    struct identity *i = identity_new(engine, id);
    i->local = local;
    return i;
}

/* A container of this host is one, by whatever way it is known; one of another host is told apart
 * by its engine. */
static void test_local_containers(void **state)
{
    (void)state;
    static const struct {
        const char *engine, *id;
        bool local;
    } who[] = {{"unix:///run/docker.sock", "01", true},
               {"unix:///var/run/x.sock", "01", true},
               {"", "01", true},
               {"tcp://far:2375", "01", false},
               {"tcp://other:2375", "01", false},
               {"", "02", true}};
    static const bool same[6][6] = {{1, 1, 1, 0, 0, 0}, {1, 1, 1, 0, 0, 0}, {1, 1, 1, 0, 0, 0},
                                    {0, 0, 0, 1, 0, 0}, {0, 0, 0, 0, 1, 0}, {0, 0, 0, 0, 0, 1}};
    struct identity *all[6];
    for (size_t i = 0; i < 6; i++)
        all[i] = make_local(who[i].engine, who[i].id, who[i].local);
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 6; j++) {
            assert_int_equal(identity_same_container(all[i], all[j]), same[i][j]);
            if (same[i][j])
                assert_true(identity_hash(all[i]) == identity_hash(all[j]));
        }
    }
    for (size_t i = 0; i < 6; i++)
        identity_unref(all[i]);
}

static void test_rows(void **state)
{
    (void)state;
    struct part p = {0};
    struct identity *i = identity_new("e", "01");
    for (unsigned n = 0; n < MANY; n++) {
        struct container_row *row = part_add_row(&p, i);
        assert_int_equal(row->state, STATE_UNKNOWN);
        assert_int_equal(row->knowledge, KNOWS_OF_OLD); /* what is not said is not claimed */
        assert_false(row->hidden);
        assert_int_equal(row->yields, 0);
        assert_true(row->birth == 0 && row->cgroup_version == 0);
        for (unsigned m = 0; m < CONTAINER_METRICS; m++)
            assert_false(row_has(row, m));
        row_set(row, CONTAINER_PIDS, n);
    }
    assert_int_equal(p.row_count, MANY);
    assert_int_equal(i->references, MANY + 1);
    for (unsigned n = 0; n < MANY; n++)
        assert_int_equal(p.rows[n].values[CONTAINER_PIDS], n);
    part_reset(&p);
    assert_int_equal(p.row_count, 0);
    assert_int_equal(i->references, 1);
    assert_false(row_has(part_add_row(&p, i), CONTAINER_PIDS)); /* nothing of the last round */
    part_done(&p);
    assert_int_equal(i->references, 1);
    identity_unref(i);
}

/* Absent, zero and unlimited are told apart, value by value. */
static void test_row_values(void **state)
{
    (void)state;
    for (unsigned m = 0; m < CONTAINER_METRICS; m++) {
        struct container_row row = {0};
        row_set(&row, m, 0);
        assert_true(row_has(&row, m));
        assert_false(row_is_unlimited(&row, m));
        row_set_unlimited(&row, m);
        assert_true(row_has(&row, m));
        assert_true(row_is_unlimited(&row, m));
        for (unsigned other = 0; other < CONTAINER_METRICS; other++)
            assert_int_equal(row_has(&row, other), other == m);
        assert_true(row.present == CONTAINER_BIT(m) && row.unlimited == CONTAINER_BIT(m));
    }
    /* One more than a word of 64 bits, whatever the list holds today. */
    assert_true(CONTAINER_BIT(127) >> 127 == 1 && CONTAINER_BIT(64) != CONTAINER_BIT(0));
}

static void test_points(void **state)
{
    (void)state;
    struct part p = {0};
    char engine[] = "tcp://a";
    for (unsigned n = 0; n < MANY; n++) {
        const char *const labels[] = {engine, "running", NULL};
        part_add_point(&p, AGENT_ENGINE_CONTAINERS, n, labels);
    }
    const char *const five[] = {"1", "2", "3", "4", "5", NULL};
    part_add_point(&p, AGENT_ENGINE_INFO, 1, five);
    part_add_point(&p, AGENT_ROUNDS, 9, NULL);
    engine[0] = 'X';
    assert_int_equal(p.point_count, MANY + 2);
    assert_int_equal(p.points[7].value, 7);
    assert_int_equal(p.points[7].metric, AGENT_ENGINE_CONTAINERS);
    assert_string_equal(p.points[7].labels[0], "tcp://a");
    assert_string_equal(p.points[7].labels[1], "running");
    assert_null(p.points[7].labels[2]);
    assert_string_equal(p.points[MANY].labels[4], "5");
    assert_null(p.points[MANY + 1].labels[0]);
    part_reset(&p);
    assert_int_equal(p.point_count, 0);
    part_done(&p);
}

static void test_problems(void **state)
{
    (void)state;
    struct part p = {0};
    part_add_problem(&p, REASON_TIMEOUT, "e1", "first words");
    part_add_problem(&p, REASON_TIMEOUT, "e1", "other words");
    part_add_problem(&p, REASON_TIMEOUT, "e2", "");
    part_add_problem(&p, REASON_TLS, "e1", "");
    part_add_problem(&p, REASON_TIMEOUT, "e1", "");
    assert_int_equal(p.problem_count, 3);
    assert_int_equal(p.problems[0].count, 3);
    assert_int_equal(p.problems[0].reason, REASON_TIMEOUT);
    assert_string_equal(p.problems[0].source, "e1");
    assert_string_equal(p.problems[0].text, "first words");
    assert_int_equal(p.problems[1].count, 1);
    assert_string_equal(p.problems[1].source, "e2");
    assert_int_equal(p.problems[2].reason, REASON_TLS);
    part_reset(&p);
    assert_int_equal(p.problem_count, 0);
    part_done(&p);
}

static void test_snapshot(void **state)
{
    (void)state;
    struct identity *i = identity_new("e", "01");
    struct snapshot *s = snapshot_new();
    assert_int_equal(s->references, 1);
    assert_int_equal(s->row_count + s->point_count, 0);
    s->rows = arena_alloc(&s->arena, 2 * sizeof *s->rows);
    s->row_count = 2;
    s->rows[0].identity = identity_ref(i);
    s->rows[1].identity = identity_ref(i);
    assert_ptr_equal(snapshot_ref(s), s);
    snapshot_unref(s);
    assert_int_equal(i->references, 3); /* somebody still reads it */
    snapshot_unref(s);
    assert_int_equal(i->references, 1);
    snapshot_unref(NULL);
    identity_unref(i);
}

static void test_words(void **state)
{
    (void)state;
    static const char *const states[STATE_COUNT] = {
        "", "created", "running", "paused", "restarting", "removing", "exited", "dead", "removed"};
    for (enum container_state s = STATE_UNKNOWN; s < STATE_COUNT; s++) {
        assert_string_equal(state_name(s), states[s]);
        assert_int_equal(state_from_name(states[s]), s);
        assert_int_equal(state_is_live(s), s == STATE_RUNNING || s == STATE_PAUSED);
    }
    assert_int_equal(state_from_name("stopped"), STATE_EXITED);     /* Podman */
    assert_int_equal(state_from_name("configured"), STATE_CREATED); /* Podman */
    assert_int_equal(state_from_name("Running"), STATE_UNKNOWN);
    assert_int_equal(state_from_name("runnin"), STATE_UNKNOWN);
    assert_string_equal(tier_name(TIER_NONE), "");
    assert_string_equal(tier_name(TIER_ENGINE), "engine");
    assert_string_equal(tier_name(TIER_CGROUP), "cgroup");
    assert_string_equal(tier_name(TIER_SIMULATED), "simulated");
}

/* The data model of prometheus.io, without the colon, which is kept for recording rules. */
static bool is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] != '_' && !isalpha((unsigned char)text[i]) &&
            (i == 0 || !isdigit((unsigned char)text[i])))
            return false;
    return length > 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && text_equal(text + length - strlen(end), end);
}

static void check_metric(const struct metric *m)
{
    static const char *const prefixes[] = {"container_", "weir_",     "process_",
                                           "machine_",   "cadvisor_", "docker_"};
    bool known = false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        known = known || text_starts_with(m->family, prefixes[i]);
    assert_true(known);
    assert_true(is_name(m->family, strlen(m->family)));
    assert_true(m->tiers != 0);
    assert_true(ends_with(m->help, "."));
    assert_null(strpbrk(m->help, "\n\\"));
    /* cAdvisor named some otherwise, and docker_ families are another exporter's. */
    bool named_by_others = ends_with(m->family, "_failcnt") ||
                           text_starts_with(m->family, "docker_") ||
                           text_starts_with(m->family, "container_network_tcp") ||
                           text_starts_with(m->family, "container_network_udp") ||
                           text_starts_with(m->family, "container_network_advance_") ||
                           text_equal(m->family, "container_fs_inodes_total");
    if (!named_by_others)
        assert_int_equal(ends_with(m->family, "_total"), m->type == METRIC_COUNTER);
    assert_string_equal(metric_type_name(m->type), m->type == METRIC_COUNTER ? "counter" : "gauge");
    if (m->unit == UNIT_NS)
        assert_non_null(strstr(m->family, "_seconds"));
}

/* Lines of one family share what HELP and TYPE say and differ in their labels. */
static void check_list(const struct metric *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_metric(&metrics[i]);
        for (size_t other = 0; other < i; other++) {
            if (!text_equal(metrics[i].family, metrics[other].family))
                continue;
            assert_int_equal(metrics[i].type, metrics[other].type);
            assert_int_equal(metrics[i].unit, metrics[other].unit);
            assert_int_equal(metrics[i].group, metrics[other].group);
            assert_string_equal(metrics[i].help, metrics[other].help);
            assert_string_not_equal(metrics[i].labels, metrics[other].labels);
        }
    }
}

/* name="value" pairs, comma-separated. */
static void check_constant_labels(const struct metric *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *at = metrics[i].labels;
        while (*at != '\0') {
            size_t name = strcspn(at, "=");
            assert_true(is_name(at, name));
            assert_memory_equal(at + name, "=\"", 2);
            at += name + 2;
            at += strcspn(at, "\",\\");
            assert_int_equal(*at, '"');
            at += at[1] == ',' ? 2 : 1;
        }
        assert_true(metrics[i].group < GROUP_COUNT || metrics[i].tiers == TIERS_D);
    }
}

/* Names, comma-separated, no more than a point has room for. */
static void check_variable_labels(const struct metric *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t names = 0;
        for (const char *at = metrics[i].labels; *at != '\0'; names++) {
            size_t length = strcspn(at, ",");
            assert_true(is_name(at, length));
            at += length + (at[length] == ',');
        }
        assert_true(names <= POINT_LABELS_MAX);
    }
}

static void test_metric_lists(void **state)
{
    (void)state;
    check_list(container_metrics, CONTAINER_METRICS);
    check_list(interface_metrics, INTERFACE_METRICS);
    check_list(device_metrics, DEVICE_METRICS);
    check_list(point_metrics, POINT_METRICS);
    check_list(agent_metrics, AGENT_METRICS);
    check_constant_labels(container_metrics, CONTAINER_METRICS);
    check_constant_labels(interface_metrics, INTERFACE_METRICS);
    check_constant_labels(device_metrics, DEVICE_METRICS);
    check_variable_labels(point_metrics, POINT_METRICS);
    check_variable_labels(agent_metrics, AGENT_METRICS);
    assert_string_equal(metric_group_name(GROUP_BLOCK_IO), "diskIO");
}

static void test_bytes(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(buf_add(&b, "a\0b", 3), 0);
    const char *data = b.data;
    struct bytes *taken = bytes_from_buf(&b);
    assert_ptr_equal(taken->data, data); /* taken over, not copied */
    assert_int_equal(taken->length, 3);
    assert_memory_equal(taken->data, "a\0b", 4);
    assert_int_equal(b.length, 0);
    assert_int_equal(buf_add_string(&b, "again"), 0);
    buf_done(&b);

    assert_ptr_equal(bytes_ref(taken), taken);
    bytes_unref(taken);
    assert_int_equal(taken->references, 1);
    assert_memory_equal(taken->data, "a\0b", 4);
    bytes_unref(taken);
    bytes_unref(NULL);

    struct bytes *empty = bytes_from_buf(&b);
    assert_int_equal(empty->length, 0);
    assert_string_equal(empty->data, "");
    bytes_unref(empty);
    struct bytes *text = bytes_from_string("hello");
    assert_int_equal(text->length, 5);
    assert_string_equal(text->data, "hello");
    bytes_unref(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_same_container),
        cmocka_unit_test(test_local_containers),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_row_values),
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_problems),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_metric_lists),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
