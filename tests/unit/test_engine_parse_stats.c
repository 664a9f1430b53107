/* What it knows: the stats answers of real engines, and what the API reference says of members that
 * are missing, null or zero. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "collectors/engine_parse.h"
#include "engine_parse_fixture.h"

#include <errno.h>
#include <string.h>

static void assert_given(struct maybe m, uint64_t value)
{
    assert_true(m.given);
    assert_int_equal(m.value, value);
}

static void test_stats_v1(void **state)
{
    (void)state;
    struct engine_stats s = {0};
    PARSE_FIXTURE(engine_parse_stats, "docker-20.10/stats_web.json", &s);
    assert_false(s.empty);
    assert_int_equal(s.read_ns, 1795312828892534759);
    assert_given(s.cpu_total_ns, 658371351);
    assert_given(s.cpu_user_ns, 650000000);
    assert_given(s.cpu_system_ns, 0);
    assert_given(s.host_cpu_ns, 3189140000000);
    assert_int_equal(s.online_cpus, 2);
    assert_given(s.periods, 66);
    assert_given(s.throttled_periods, 64);
    assert_given(s.throttled_ns, 5702838363);
    assert_true(s.memory_given);
    assert_given(s.memory_usage, 593920);
    assert_given(s.memory_max_usage, 3555328);
    assert_false(s.memory_failcnt.given); /* zero is left out */
    assert_given(s.memory_limit, 67108864);
    assert_given(s.memory[ENGINE_MEMORY_TOTAL_RSS], 114688);
    assert_given(s.memory[ENGINE_MEMORY_PGFAULT], 1110);
    assert_given(s.memory[ENGINE_MEMORY_TOTAL_INACTIVE_FILE], 0);
    assert_false(s.memory[ENGINE_MEMORY_ANON].given);
    assert_given(s.pids, 2);
    assert_given(s.pids_limit, 50);
    assert_true(s.networks_given);
    assert_int_equal(s.network_count, 1);
    assert_string_equal(s.networks[0].name, "eth0");
    assert_given(s.networks[0].rx_bytes, 586);
    assert_given(s.networks[0].rx_packets, 7);
    assert_given(s.networks[0].tx_dropped, 0);
    assert_true(s.service_bytes.given);
    assert_int_equal(s.service_bytes.count, 0);
}

static void test_stats_v1_block_and_networks(void **state)
{
    (void)state;
    struct engine_stats s = {0};
    PARSE_FIXTURE(engine_parse_stats, "docker-20.10/stats_multi.json", &s);
    assert_int_equal(s.network_count, 2);
    assert_string_equal(s.networks[1].name, "eth1");
    assert_int_equal(s.service_bytes.count, 6);
    assert_int_equal(s.service_bytes.entries[1].operation, ENGINE_BLOCK_WRITE);
    assert_int_equal(s.service_bytes.entries[1].value, 293797888);
    assert_int_equal(s.service_bytes.entries[5].operation, ENGINE_BLOCK_TOTAL);
    assert_int_equal(s.service_bytes.entries[0].major, 254);
    assert_int_equal(s.serviced.count, 6);
    assert_false(s.pids_limit.given);
    PARSE_FIXTURE(engine_parse_stats, "docker-20.10/stats_quota.json", &s);
    assert_false(s.networks_given); /* --network host */
    assert_int_equal(s.network_count, 0);
}

static void test_stats_v2(void **state)
{
    (void)state;
    struct engine_stats s = {0};
    PARSE_FIXTURE(engine_parse_stats, "docker-28-cgroup2/stats.json", &s);
    assert_int_equal(s.read_ns, 1770091506123456780); /* eight digits of a second */
    assert_given(s.memory[ENGINE_MEMORY_ANON], 20971520);
    assert_given(s.memory[ENGINE_MEMORY_FILE_DIRTY], 8192);
    assert_given(s.memory[ENGINE_MEMORY_PGSCAN], 321);
    assert_false(s.memory[ENGINE_MEMORY_TOTAL_RSS].given);
    assert_false(s.memory_max_usage.given);
    assert_given(s.memory_failcnt, 3);
    assert_given(s.pids_limit, UINT64_MAX);
    assert_int_equal(s.service_bytes.count, 4);
    assert_int_equal(s.service_bytes.entries[0].operation, ENGINE_BLOCK_READ);
    assert_false(s.serviced.given); /* null */
    PARSE_FIXTURE(engine_parse_stats, "docker-28-cgroup2/stats_idle.json", &s);
    assert_false(s.service_bytes.given);
}

static void test_stats_of_podman(void **state)
{
    (void)state;
    struct engine_stats s = {0};
    PARSE_FIXTURE(engine_parse_stats, "podman-4.3/stats_pweb.json", &s);
    assert_given(s.cpu_total_ns, 460197832);
    assert_given(s.memory_usage, 593920);
    assert_false(s.memory[ENGINE_MEMORY_TOTAL_INACTIVE_FILE].given);
    assert_false(s.pids_limit.given);
    assert_string_equal(s.networks[0].name, "network");
    assert_false(s.serviced.given);
    PARSE_FIXTURE(engine_parse_stats, "podman-5-cgroup2/stats.json", &s);
    assert_int_equal(s.read_ns, 1770091506500000000); /* the zone is +08:00 */
    assert_int_equal(s.service_bytes.count, 2);       /* rios, wios, dbytes, dios are other words */
}

/* Case 16: stopped, so no numbers. Case 17: running, and yet an object without values. */
static void test_empty_stats(void **state)
{
    (void)state;
    struct err e = {0};
    struct engine_stats s = {0};
    PARSE_FIXTURE(engine_parse_stats, "docker-20.10/stats_made.json", &s);
    assert_true(s.empty);
    assert_false(s.cpu_total_ns.given);
    struct buf text = fixture_read("podman-4.3/stats_pmade.json");
    assert_int_equal(engine_parse_stats(text.data, text.length, &arena, &e, &s), -ENODATA);
    buf_done(&text);
    assert_int_equal(PARSE(engine_parse_stats, "{}", &s), 0);
    assert_true(s.empty);
    assert_int_equal(PARSE(engine_parse_stats,
                           "{\"read\":\"2026-01-01T00:00:00Z\","
                           "\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":0}}}",
                           &s),
                     0);
    assert_true(s.empty);
    assert_int_equal(PARSE(engine_parse_stats,
                           "{\"read\":\"0001-01-01T00:00:00Z\",\"cpu_stats\":{\"cpu_usage\":"
                           "{\"total_usage\":5},\"system_cpu_usage\":5}}",
                           &s),
                     0);
    assert_true(s.empty);
    /* Not yet any time used, but read: an answer. */
    assert_int_equal(PARSE(engine_parse_stats,
                           "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":0},"
                           "\"system_cpu_usage\":5}}",
                           &s),
                     0);
    assert_false(s.empty);
    assert_int_equal(s.read_ns, 0);
    assert_false(s.memory_given);
    assert_false(s.networks_given);
}

/* Case 8: 15 entries of percpu_usage say nothing about the CPUs there are. */
static void test_stats_old_and_odd(void **state)
{
    (void)state;
    struct err e = {0};
    struct engine_stats s = {0};
    assert_int_equal(
        PARSE(engine_parse_stats,
              "{\"read\":\"yesterday\",\"num_procs\":0,\"cpu_stats\":{\"cpu_usage\":{"
              "\"total_usage\":7,\"percpu_usage\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]},"
              "\"system_cpu_usage\":9},\"memory_stats\":{\"usage\":-1,\"limit\":1e3,\"stats\":[]},"
              "\"pids_stats\":[],\"networks\":{\"b\":{\"rx_bytes\":1},\"a\":{},\"b\":{},\"c\":7},"
              "\"blkio_stats\":{\"io_service_bytes_recursive\":["
              "{\"major\":8,\"minor\":0,\"op\":\"READ\",\"value\":1},"
              "{\"major\":8,\"minor\":0,\"op\":\"Flush\",\"value\":1},"
              "{\"major\":\"(unknown)\",\"minor\":0,\"op\":\"Read\",\"value\":1},"
              "{\"major\":4294967296,\"minor\":0,\"op\":\"Read\",\"value\":1},"
              "{\"major\":8,\"op\":\"Read\",\"value\":1},7,null,"
              "{\"major\":8,\"minor\":0,\"op\":\"Discard\",\"value\":18446744073709551615}]}}",
              &s),
        0);
    assert_false(s.empty);
    assert_int_equal(s.online_cpus, 0);
    assert_given(s.cpu_total_ns, 7);
    assert_int_equal(s.read_ns, 0);
    assert_false(s.memory_given);
    assert_false(s.memory_limit.given);
    assert_false(s.pids.given);
    assert_int_equal(s.network_count, 2); /* a name that comes twice counts once */
    assert_string_equal(s.networks[0].name, "a");
    assert_string_equal(s.networks[1].name, "b");
    assert_int_equal(s.service_bytes.count, 2);
    assert_int_equal(s.service_bytes.entries[1].operation, ENGINE_BLOCK_DISCARD);
    assert_int_equal(s.service_bytes.entries[1].value, UINT64_MAX);
    /* Windows counts CPU time in another unit. */
    assert_int_equal(PARSE(engine_parse_stats,
                           "{\"num_procs\":4,\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":70}}}",
                           &s),
                     0);
    assert_false(s.empty);
    assert_false(s.cpu_total_ns.given);
}

static void test_bad_json(void **state)
{
    (void)state;
    struct engine_stats s = {0};
    static const char *const bad[] = {"{",    "[]",          "7",     "\"x\"",  "{\"a\":1}x",
                                      "null", "{\"a\":nan}", "{a:1}", "\xff{}", "<html>"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = {0};
        assert_int_equal(PARSE(engine_parse_stats, bad[i], &s), -EBADMSG);
        assert_int_equal(e.code, -EBADMSG);
        assert_non_null(strstr(e.text, "GET /containers/ID/stats: the answer is"));
    }
    struct err e = {0};
    assert_int_equal(engine_parse_stats(NULL, 0, &arena, &e, &s), -ENODATA);
    assert_int_equal(PARSE(engine_parse_stats, " \r\n\t", &s), -ENODATA);
    assert_int_equal(engine_parse_stats("{}", 2, &arena, NULL, &s), 0); /* `e` may be missing */
    assert_int_equal(engine_parse_stats("{", 1, &arena, NULL, &s), -EBADMSG);
    assert_int_equal(engine_parse_stats("{}garbage", 2, &arena, &e, &s), 0); /* length counts */
}

static void test_deep_json(void **state)
{
    (void)state;
    enum { DEPTH = 200000 };
    struct err e = {0};
    struct engine_stats s = {0};
    struct buf text;
    buf_init(&text, 2 * DEPTH + 2);
    for (int i = 0; i < DEPTH; i++)
        (void)buf_add_char(&text, '[');
    for (int i = 0; i < DEPTH; i++)
        (void)buf_add_char(&text, ']');
    assert_false(text.failed);
    assert_int_equal(engine_parse_stats(text.data, text.length, &arena, &e, &s), -EBADMSG);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stats_v1),    cmocka_unit_test(test_stats_v1_block_and_networks),
        cmocka_unit_test(test_stats_v2),    cmocka_unit_test(test_stats_of_podman),
        cmocka_unit_test(test_empty_stats), cmocka_unit_test(test_stats_old_and_odd),
        cmocka_unit_test(test_bad_json),    cmocka_unit_test(test_deep_json),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
