/* What it knows: what real engines answered, and what the API reference says of members that are
 * missing, null or zero. */
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

#define ID "589def48f99de698a49d166066adfa22748cca0e4a5a2bd25d15d6760aa4b83d"

static void test_api_versions(void **state)
{
    (void)state;
    struct api_version v = {0};
    assert_int_equal(engine_parse_api_version("1.41", &v), 0);
    assert_int_equal(v.major, 1);
    assert_int_equal(v.minor, 41);
    static const char *const bad[] = {"",       "1",     "1.",   ".41",           "1.4a", "v1.41",
                                      "1.41.2", " 1.41", "-1.4", "1.99999999999", "1,41"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(engine_parse_api_version(bad[i], &v), -EINVAL);
    assert_int_equal(v.minor, 41); /* written only on success */
    const struct api_version low = {1, 9};
    const struct api_version high = {1, 41};
    const struct api_version next = {2, 0};
    assert_true(api_version_compare(low, high) < 0);
    assert_true(api_version_compare(high, low) > 0);
    assert_int_equal(api_version_compare(high, high), 0);
    assert_true(api_version_compare(high, next) < 0);
}

static void test_versions_of_engines(void **state)
{
    (void)state;
    struct engine_version v = {0};
    PARSE_FIXTURE(engine_parse_version, "docker-20.10/version.json", &v);
    assert_false(v.podman);
    assert_string_equal(v.version, "20.10.24+dfsg1");
    assert_int_equal(v.release[0], 20);
    assert_int_equal(v.release[1], 10);
    assert_int_equal(v.release[2], 24);
    assert_int_equal(v.api.minor, 41);
    assert_int_equal(v.min_api.minor, 12);
    PARSE_FIXTURE(engine_parse_version, "podman-4.3/version.json", &v);
    assert_true(v.podman);
    assert_string_equal(v.version, "4.3.1");
    assert_int_equal(v.release[0], 4);
    assert_int_equal(v.min_api.minor, 24);
    PARSE_FIXTURE(engine_parse_version, "docker-28-cgroup2/version.json", &v);
    assert_false(v.podman);
    assert_int_equal(v.api.minor, 51);
}

static void test_version_without_parts(void **state)
{
    (void)state;
    struct err e = {0};
    struct engine_version v = {0};
    assert_int_equal(PARSE(engine_parse_version, "{\"ApiVersion\":\"1.30\"}", &v), 0);
    assert_string_equal(v.version, "");
    assert_int_equal(v.release[0], 0);
    assert_int_equal(v.min_api.major, 1);
    assert_int_equal(v.min_api.minor, 24);
    assert_int_equal(
        PARSE(engine_parse_version,
              "{\"ApiVersion\":\"1.52\",\"Version\":\"29.0-rc1\",\"MinAPIVersion\":\"x\"}", &v),
        0);
    assert_int_equal(v.release[0], 29);
    assert_int_equal(v.release[1], 0);
    assert_int_equal(v.release[2], 0);
    assert_int_equal(v.min_api.minor, 24);
    /* Something else listens there. */
    assert_int_equal(PARSE(engine_parse_version, "{\"ok\":true}", &v), -EBADMSG);
    assert_non_null(strstr(e.text, "ApiVersion is missing"));
    assert_int_equal(PARSE(engine_parse_version, "{\"ApiVersion\":\"one\"}", &v), -EBADMSG);
    assert_non_null(strstr(e.text, "\"one\""));
}

static void test_infos(void **state)
{
    (void)state;
    struct engine_info i = {0};
    PARSE_FIXTURE(engine_parse_info, "docker-20.10/info.json", &i);
    assert_int_equal(i.cpus, 2);
    assert_int_equal(i.memory_bytes, 25274793984);
    assert_int_equal(i.cgroup_version, 1);
    assert_string_equal(i.cgroup_driver, "cgroupfs");
    assert_string_equal(i.id, "TC3C:A4FJ:VR7I:WXTI:TIPG:YJ34:DEQ2:HPCZ:LC26:ZK4C:CDCS:X4KJ");
    assert_false(i.rootless);
    PARSE_FIXTURE(engine_parse_info, "podman-4.3/info.json", &i);
    assert_int_equal(i.cgroup_version, 1);
    assert_false(i.rootless);
    PARSE_FIXTURE(engine_parse_info, "docker-28-cgroup2/info.json", &i);
    assert_int_equal(i.cgroup_version, 2);
    assert_false(i.rootless);
    PARSE_FIXTURE(engine_parse_info, "docker-28-cgroup2/info_rootless.json", &i);
    assert_int_equal(i.cgroup_version, 2);
    assert_string_equal(i.cgroup_driver, "systemd");
    assert_true(i.rootless);
    /* API < 1.41 says no cgroup version. */
    struct err e = {0};
    assert_int_equal(PARSE(engine_parse_info, "{\"NCPU\":-1,\"MemTotal\":\"1\"}", &i), 0);
    assert_int_equal(i.cgroup_version, 0);
    assert_int_equal(i.cpus, 0);
    assert_int_equal(i.memory_bytes, 0);
    assert_string_equal(i.cgroup_driver, "");
    assert_string_equal(i.id, "");
    assert_int_equal(
        PARSE(engine_parse_info, "{\"SecurityOptions\":[null,\"name=rootlesskit\"]}", &i), 0);
    assert_false(i.rootless);
}

static void test_lists(void **state)
{
    (void)state;
    struct engine_list_entry *entries = NULL;
    size_t count = 0;
    struct buf text = fixture_read("docker-20.10/list.json");
    struct err e = {0};
    assert_int_equal(engine_parse_list(text.data, text.length, &arena, &e, &entries, &count), 0);
    buf_done(&text);
    assert_int_equal(count, 10);
    assert_string_equal(entries[0].name, "made");
    assert_int_equal(entries[0].state, STATE_CREATED);
    assert_string_equal(entries[2].id, ID);
    assert_string_equal(entries[2].name, "web");
    assert_int_equal(entries[2].state, STATE_RUNNING);
    assert_string_equal(entries[3].name, "paused");
    assert_int_equal(entries[3].state, STATE_PAUSED);
    assert_string_equal(entries[4].name, "over");
    assert_int_equal(entries[4].state, STATE_EXITED);
    text = fixture_read("podman-4.3/list.json");
    assert_int_equal(engine_parse_list(text.data, text.length, &arena, &e, &entries, &count), 0);
    buf_done(&text);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++)
        assert_true(entries[i].name[0] == 'p' && entries[i].state != STATE_UNKNOWN);
}

static int parse_list(const char *text, struct engine_list_entry **entries, size_t *count)
{
    struct err e = {0};
    int r = engine_parse_list(text, strlen(text), &arena, &e, entries, count);
    assert_true((r < 0) == (e.text[0] != '\0'));
    return r;
}

static void test_odd_lists(void **state)
{
    (void)state;
    struct engine_list_entry *entries = NULL;
    size_t count = 99;
    assert_int_equal(parse_list("[]\n", &entries, &count), 0);
    assert_int_equal(count, 0);
    /* Names of legacy links, none, null; no state as before API 1.23. */
    assert_int_equal(parse_list("[{\"Id\":\"" ID "\",\"Names\":[\"/web/db\",7,\"/db\"]},"
                                "{\"Id\":\"" ID "\",\"Names\":[\"/a/b\"]},"
                                "{\"Id\":\"" ID "\",\"Names\":null,\"State\":\"removing\"}]",
                                &entries, &count),
                     0);
    assert_int_equal(count, 3);
    assert_string_equal(entries[0].name, "db");
    assert_int_equal(entries[0].state, STATE_UNKNOWN);
    assert_string_equal(entries[1].name, "a/b");
    assert_string_equal(entries[2].name, "");
    assert_int_equal(entries[2].state, STATE_REMOVING);
    assert_int_equal(parse_list("{}", &entries, &count), -EBADMSG);
    assert_int_equal(parse_list("[{}]", &entries, &count), -EBADMSG);
    assert_int_equal(parse_list("[null]", &entries, &count), -EBADMSG);
    /* An id becomes part of a path: nothing but 64 digits is one. */
    assert_int_equal(parse_list("[{\"Id\":\"../../info\"}]", &entries, &count), -EBADMSG);
    assert_int_equal(parse_list("[{\"Id\":\"" ID "0\"}]", &entries, &count), -EBADMSG);
    assert_int_equal(count, 3);
}

static void test_inspect_of_docker(void **state)
{
    (void)state;
    struct engine_inspect i = {0};
    PARSE_FIXTURE(engine_parse_inspect, "docker-20.10/inspect_web.json", &i);
    assert_string_equal(i.id, ID);
    assert_string_equal(i.name, "web");
    assert_string_equal(i.image, "bb:1");
    assert_int_equal(i.label_count, 3);
    assert_string_equal(i.labels[0].key, "com.docker.compose.project");
    assert_string_equal(i.labels[0].value, "shop");
    assert_string_equal(i.labels[2].value, "v \"quoted\" \xe2\x9c\x93");
    assert_int_equal(i.state, STATE_RUNNING);
    assert_int_equal(i.pid, 19246);
    assert_int_equal(i.created_ns, 1795312822198368254);
    assert_int_equal(i.started_ns, 1795312822613003474);
    assert_string_equal(i.cgroup_parent, "");
    assert_string_equal(i.network_mode, "wnet");
    assert_int_equal(i.nano_cpus, 100000000);
    assert_int_equal(i.cpu_quota_us, 0);
    assert_int_equal(i.memory_bytes, 67108864);
    assert_int_equal(i.memory_swap_bytes, 134217728);
    assert_int_equal(i.memory_reservation_bytes, 33554432);
    assert_int_equal(i.pids_limit, 50);
    PARSE_FIXTURE(engine_parse_inspect, "docker-20.10/inspect_quota.json", &i);
    assert_string_equal(i.network_mode, "host");
    assert_int_equal(i.cpu_quota_us, 50000);
    assert_int_equal(i.cpu_period_us, 200000);
    assert_int_equal(i.cpu_shares, 512);
    assert_int_equal(i.memory_swap_bytes, -1);
    assert_int_equal(i.pids_limit, 0); /* null */
    assert_int_equal(i.label_count, 0);
}

static void test_inspect_of_podman(void **state)
{
    (void)state;
    struct engine_inspect i = {0};
    PARSE_FIXTURE(engine_parse_inspect, "podman-4.3/inspect_pguest.json", &i);
    assert_string_equal(i.name, "pguest");
    assert_int_equal(strncmp(i.network_mode, "container:3cc85ff0", 18), 0);
    assert_int_equal(i.pids_limit, 2048);
    assert_int_equal(i.state, STATE_RUNNING);
    PARSE_FIXTURE(engine_parse_inspect, "podman-4.3/inspect_pweb.json", &i);
    assert_int_equal(i.nano_cpus, 100000000);
    assert_int_equal(i.cpu_quota_us, 10000);
    assert_string_equal(i.labels[0].key, "app");
}

static void test_odd_inspects(void **state)
{
    (void)state;
    struct err e = {0};
    struct engine_inspect i = {0};
    assert_int_equal(PARSE(engine_parse_inspect, "{\"Id\":\"" ID "\"}", &i), 0);
    assert_string_equal(i.name, "");
    assert_string_equal(i.image, "");
    assert_string_equal(i.network_mode, "");
    assert_string_equal(i.cgroup_parent, "");
    assert_int_equal(i.state, STATE_UNKNOWN);
    assert_int_equal(i.created_ns, 0);
    assert_int_equal(i.label_count, 0);
    assert_int_equal(
        PARSE(engine_parse_inspect,
              "{\"Id\":\"" ID "\",\"Config\":{\"Labels\":{\"a\":1,\"b\":null,\"c\":\"\","
              "\"d\":\"x\\u0000y\",\"e\":\"f\"}},\"State\":{\"Status\":\"sleeping\",\"Pid\":-1,"
              "\"StartedAt\":\"0001-01-01T00:00:00Z\"},"
              "\"HostConfig\":{\"Memory\":9223372036854775808,\"PidsLimit\":-1,\"NanoCpus\":1.5}}",
              &i),
        0);
    assert_int_equal(i.label_count, 2); /* c and e: a text with a NUL would be cut short */
    assert_string_equal(i.labels[0].key, "c");
    assert_string_equal(i.labels[1].key, "e");
    assert_int_equal(i.state, STATE_UNKNOWN);
    assert_int_equal(i.pid, 0);
    assert_int_equal(i.started_ns, 0);
    assert_int_equal(i.memory_bytes, 0);
    assert_int_equal(i.pids_limit, -1);
    assert_int_equal(i.nano_cpus, 0);
    assert_int_equal(PARSE(engine_parse_inspect, "{\"Name\":\"/x\"}", &i), -EBADMSG);
    assert_non_null(strstr(e.text, "Id"));
}

/* Parses the lines of a stream one by one, as they come. */
static size_t parse_event_lines(const char *name, struct engine_event *events, size_t most)
{
    struct buf text = fixture_read(name);
    size_t count = 0;
    for (const char *line = text.data; *line != '\0';) {
        struct err e = {0};
        size_t length = strcspn(line, "\n") + 1; /* with its newline */
        assert_true(count < most);
        assert_int_equal(engine_parse_event(line, length, &arena, &e, &events[count++]), 0);
        line += length;
    }
    buf_done(&text);
    return count;
}

static void test_events(void **state)
{
    (void)state;
    struct engine_event events[32] = {0};
    assert_int_equal(parse_event_lines("docker-20.10/events.jsonl", events, 32), 15);
    assert_string_equal(events[0].type, "image");
    assert_string_equal(events[2].type, "network");
    assert_string_equal(events[14].type, "container");
    assert_string_equal(events[14].action, "create");
    assert_int_equal(strlen(events[14].id), 64);
    assert_int_equal(events[14].time_ns, 1795312822821219256);
    assert_int_equal(parse_event_lines("podman-4.3/events.jsonl", events, 32), 6);
    assert_string_equal(events[2].action, "start");
    assert_string_equal(events[4].action, "die");
    assert_string_equal(events[5].action, "cleanup");
    /* Without the legacy keys, as from API 1.52 on. */
    assert_int_equal(parse_event_lines("docker-28-cgroup2/event.jsonl", events, 32), 1);
    assert_string_equal(events[0].action, "health_status");
    assert_string_equal(events[0].type, "container");
    assert_int_equal(strncmp(events[0].id, "7c6f9a1e", 8), 0);
}

static void test_odd_events(void **state)
{
    (void)state;
    struct err e = {0};
    struct engine_event v = {0};
    /* With nothing but the legacy keys, as before API 1.22. */
    assert_int_equal(PARSE(engine_parse_event, "{\"status\":\"die\",\"id\":\"" ID "\"}", &v), 0);
    assert_string_equal(v.type, "container");
    assert_string_equal(v.action, "die");
    assert_string_equal(v.id, ID);
    assert_int_equal(v.time_ns, 0);
    /* An event about the engine has no id. */
    assert_int_equal(PARSE(engine_parse_event,
                           "{\"Type\":\"system\",\"Action\":\"refresh\",\"Actor\":{\"ID\":\"\"}}",
                           &v),
                     0);
    assert_string_equal(v.id, "");
    assert_int_equal(PARSE(engine_parse_event, "{\"Type\":\"container\"}", &v), -EBADMSG);
    assert_int_equal(PARSE(engine_parse_event, "{\"Type\":\"container\",\"Action\":\"start\"}", &v),
                     -EBADMSG);
    assert_non_null(strstr(e.text, "\"start\""));
    assert_int_equal(PARSE(engine_parse_event, "\n", &v), -ENODATA);
}

static void test_bad_json_everywhere(void **state)
{
    (void)state;
    struct err e = {0};
    struct engine_version version;
    struct engine_info info;
    struct engine_list_entry *entries;
    size_t count;
    struct engine_inspect inspect;
    struct engine_event event;
    assert_int_equal(PARSE(engine_parse_version, "", &version), -ENODATA);
    assert_int_equal(PARSE(engine_parse_version, "{", &version), -EBADMSG);
    assert_int_equal(PARSE(engine_parse_info, "[]", &info), -EBADMSG);
    assert_int_equal(engine_parse_list("[", 1, &arena, &e, &entries, &count), -EBADMSG);
    assert_int_equal(PARSE(engine_parse_inspect, "]", &inspect), -EBADMSG);
    assert_int_equal(PARSE(engine_parse_event, "{} {}", &event), -EBADMSG);
}

static const char *message_of(const char *body)
{
    return engine_parse_message(body, strlen(body), &arena);
}

static void test_messages(void **state)
{
    (void)state;
    struct buf text = fixture_read("docker-20.10/missing.json");
    assert_string_equal(engine_parse_message(text.data, text.length, &arena),
                        "No such container: nosuch");
    buf_done(&text);
    assert_string_equal(message_of("{\"cause\":\"a\",\"message\":\"b\\nc\"}"), "b c");
    /* 20.10 says this as plain text. */
    assert_string_equal(message_of("client version 1.9 is too old\n"),
                        "client version 1.9 is too old");
    assert_string_equal(message_of("{\"message\":7}"), "{\"message\":7}");
    assert_string_equal(message_of("<html>\r\n\t<b>\x7f"), "<html>   <b> ");
    assert_string_equal(message_of("\r\n  404 page not found\r\n"), "404 page not found");
    assert_string_equal(message_of(""), "");
    assert_string_equal(engine_parse_message(NULL, 0, &arena), "");
    char longer[400];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(strlen(message_of(longer)), 200);
    memcpy(longer + 199, "\xe2\x9c\x93", 3); /* not cut in the middle of a character */
    assert_int_equal(strlen(message_of(longer)), 199);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_versions),
        cmocka_unit_test(test_versions_of_engines),
        cmocka_unit_test(test_version_without_parts),
        cmocka_unit_test(test_infos),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_odd_lists),
        cmocka_unit_test(test_inspect_of_docker),
        cmocka_unit_test(test_inspect_of_podman),
        cmocka_unit_test(test_odd_inspects),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_odd_events),
        cmocka_unit_test(test_bad_json_everywhere),
        cmocka_unit_test(test_messages),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
