/* What it knows: what engines say of how a container does and what it was made from, and the texts
 * that become labels of it. Document: the Docker Engine API reference, "ContainerInspect" and
 * "SystemEvents". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collectors/container_identity.h"
#include "collectors/engine_life.h"
#include "engine_parse_fixture.h"

#include <stdio.h>
#include <string.h>

#define ID "589def48f99de698a49d166066adfa22748cca0e4a5a2bd25d15d6760aa4b83d"

static struct engine_inspect inspect_from(const char *members)
{
    struct err e = {0};
    struct engine_inspect i = {0};
    const char *json = arena_format(&arena, "{\"Id\":\"" ID "\",%s}", members);
    if (PARSE(engine_parse_inspect, json, &i) < 0)
        fail_msg("%s: %s", json, e.text);
    return i;
}

static void test_recorded_inspects(void **state)
{
    (void)state;
    struct engine_inspect i = {0};
    PARSE_FIXTURE(engine_parse_inspect, "docker-20.10/inspect_web.json", &i);
    assert_string_equal(i.image_id,
                        "sha256:31decdc60eaba231e1d82fb8cd9719157a78fd7262a5319c4bfd46e0bbd7bbe0");
    assert_int_equal(i.exit_code, 0);
    assert_int_equal(i.finished_ns, 0); /* year 1 */
    assert_int_equal(i.restarts, 0);
    assert_int_equal(i.health, ENGINE_HEALTH_NONE);
    assert_false(i.oom_killed);
    assert_int_equal(i.port_count, 0);
    assert_int_equal(i.mount_count, 0);
    PARSE_FIXTURE(engine_parse_inspect, "podman-4.3/inspect_pweb.json", &i);
    assert_int_equal(i.health, ENGINE_HEALTH_NONE); /* there, with an empty status */
    assert_int_equal(strncmp(i.image_id, "sha256:c644768b", 15), 0);
}

static void test_how_it_ended(void **state)
{
    (void)state;
    struct engine_inspect i = inspect_from(
        "\"RestartCount\":7,\"State\":{\"Status\":\"exited\",\"ExitCode\":137,\"OOMKilled\":true,"
        "\"StartedAt\":\"2026-11-22T11:59:33.359873556Z\","
        "\"FinishedAt\":\"2026-11-22T11:59:33.626739843Z\"}");
    assert_int_equal(i.exit_code, 137);
    assert_true(i.oom_killed);
    assert_int_equal(i.restarts, 7);
    assert_int_equal(i.finished_ns, 1795348773626739843);
    i = inspect_from("\"State\":{\"ExitCode\":-1,\"OOMKilled\":1,\"FinishedAt\":7}");
    assert_int_equal(i.exit_code, -1);
    assert_false(i.oom_killed);
    assert_int_equal(i.finished_ns, 0);
    i = inspect_from("\"State\":null,\"RestartCount\":\"x\",\"Image\":null");
    assert_int_equal(i.exit_code, 0);
    assert_int_equal(i.restarts, 0);
    assert_string_equal(i.image_id, "");
}

static void test_health(void **state)
{
    (void)state;
    static const struct {
        const char *state;
        enum engine_health health;
        unsigned streak;
    } cases[] = {
        {"{}", ENGINE_HEALTH_NONE, 0},
        {"{\"Health\":null}", ENGINE_HEALTH_NONE, 0},
        {"{\"Health\":{\"Status\":\"none\",\"FailingStreak\":0}}", ENGINE_HEALTH_NONE, 0},
        {"{\"Health\":{\"Status\":\"starting\",\"FailingStreak\":2}}", ENGINE_HEALTH_STARTING, 2},
        {"{\"Health\":{\"Status\":\"healthy\",\"FailingStreak\":0,\"Log\":[]}}",
         ENGINE_HEALTH_HEALTHY, 0},
        {"{\"Health\":{\"Status\":\"unhealthy\",\"FailingStreak\":44}}", ENGINE_HEALTH_UNHEALTHY,
         44},
        {"{\"Health\":{\"Status\":\"\",\"FailingStreak\":0,\"Log\":null}}", ENGINE_HEALTH_NONE, 0},
        {"{\"Healthcheck\":{\"Status\":\"healthy\"}}", ENGINE_HEALTH_HEALTHY, 0},
        {"{\"Health\":{\"Status\":\"reset\"}}", ENGINE_HEALTH_STARTING, 0},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct engine_inspect i =
            inspect_from(arena_format(&arena, "\"State\":%s", cases[c].state));
        assert_int_equal(i.health, cases[c].health);
        assert_int_equal(i.failing_streak, cases[c].streak);
    }
}

static void expect_ports(const char *members, const char *expected)
{
    struct engine_inspect i = inspect_from(members);
    assert_string_equal(engine_life_ports(&i, &arena), expected);
}

#define RUNNING "\"State\":{\"Status\":\"running\"},"
#define EXITED  "\"State\":{\"Status\":\"exited\"},"

static void test_ports(void **state)
{
    (void)state;
    expect_ports(RUNNING "\"NetworkSettings\":{\"Ports\":{}}", "");
    expect_ports(RUNNING "\"NetworkSettings\":{\"Ports\":null}", "");
    expect_ports(RUNNING "\"NetworkSettings\":{\"Ports\":[]}", "");
    expect_ports(RUNNING "\"Name\":\"x\"", "");
    /* By number; a port that is exposed and not published has no place. */
    expect_ports(RUNNING "\"NetworkSettings\":{\"Ports\":{\"443/tcp\":null,\"53/udp\":[],"
                         "\"80/tcp\":[{\"HostIp\":\"::\",\"HostPort\":\"8080\"},"
                         "{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"}],"
                         "\"53/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"5353\"},7,{}]}}",
                 "53/tcp->127.0.0.1:5353,53/udp,80/tcp->0.0.0.0:8080,80/tcp->[::]:8080,443/tcp");
    /* Configured and not in force while it runs: what is in force counts. */
    expect_ports(RUNNING "\"NetworkSettings\":{\"Ports\":{}},\"HostConfig\":{\"PortBindings\":{"
                         "\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"80\"}]}}",
                 "");
}

static void test_ports_of_a_stopped_container(void **state)
{
    (void)state;
    static const char configured[] =
        EXITED "\"NetworkSettings\":{\"Ports\":{}},\"HostConfig\":{\"NetworkMode\":\"%s\","
               "\"PortBindings\":{\"99/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"\"}],"
               "\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}]}},"
               "\"Config\":{\"ExposedPorts\":{\"80/tcp\":{},\"99/tcp\":{},\"443/tcp\":{}}}";
    char json[1024];
    (void)snprintf(json, sizeof json, configured, "bridge");
    expect_ports(json, "80/tcp->:8080,99/tcp,443/tcp");
    (void)snprintf(json, sizeof json, configured, "host"); /* where nothing is ever published */
    expect_ports(json, "");
}

static void test_mounts(void **state)
{
    (void)state;
    struct engine_inspect i = inspect_from(
        "\"Mounts\":[{\"Type\":\"volume\",\"Name\":\"n\",\"Source\":\"/host/v\","
        "\"Destination\":\"/var/lib/x\"},{\"Type\":\"bind\",\"Source\":\"/etc/secret\","
        "\"Destination\":\"/data\"},{\"Type\":\"tmpfs\",\"Source\":\"\",\"Destination\":\"/tm\"},"
        "{\"Type\":\"bind\"},null,{\"Destination\":\"/odd\"}]");
    assert_string_equal(engine_life_mounts(&i, &arena),
                        ":/odd,bind:/data,tmpfs:/tm,volume:/var/lib/x");
    i = inspect_from("\"Mounts\":null");
    assert_string_equal(engine_life_mounts(&i, &arena), "");
}

static void test_network_mode(void **state)
{
    (void)state;
    struct engine_inspect i = {.network_mode = "container:" ID};
    assert_string_equal(engine_life_network(&i, &arena), "container:" ID);
    i.network_mode = "ns:/run/netns/secret";
    assert_string_equal(engine_life_network(&i, &arena), "ns");
    i.network_mode = "";
    assert_string_equal(engine_life_network(&i, &arena), "");
}

/* `count` mounts of `each` bytes in the text, and a last one of `last` bytes, 0 none. */
static const char *mounts_of(size_t count, size_t each, size_t last)
{
    struct engine_mount *mounts = arena_alloc(&arena, (count + 1) * sizeof *mounts);
    for (size_t m = 0; m < count + (last > 0); m++) {
        size_t length = (m < count ? each : last) - strlen("bind:");
        char *path = arena_alloc(&arena, length + 1);
        memset(path, m < count ? 'a' : 'z', length);
        mounts[m] = (struct engine_mount){"bind", path};
    }
    const struct engine_inspect i = {.mounts = mounts, .mount_count = count + (last > 0)};
    return engine_life_mounts(&i, &arena);
}

static void test_long_texts(void **state)
{
    (void)state;
    const char *text = mounts_of(819, 9, 0);
    assert_int_equal(strlen(text), 8189);
    text = mounts_of(1, LABEL_VALUE_MAX, 0);
    assert_int_equal(strlen(text), LABEL_VALUE_MAX);
    assert_null(strstr(text, "..."));
    text = mounts_of(1, LABEL_VALUE_MAX + 1, 0);
    assert_string_equal(text, "...");
    /* The last one does not fit: no half of it. */
    text = mounts_of(818, 9, 12);
    assert_int_equal(strlen(text), LABEL_VALUE_MAX);
    assert_null(strstr(text, "..."));
    text = mounts_of(818, 9, 13);
    assert_int_equal(strlen(text), 8179 + strlen(",..."));
    assert_string_equal(text + strlen(text) - 14, ",bind:aaaa,...");
    /* Neither does the one before, since there must be room for the sign. */
    text = mounts_of(819, 9, 13);
    assert_int_equal(strlen(text), 8189 - 10 + strlen(",..."));
    for (size_t count = 1; count < 3000; count += 7) {
        text = mounts_of(count, 11, 0);
        assert_true(strlen(text) <= LABEL_VALUE_MAX);
        assert_true((strlen(text) < count * 12 - 1) == (strstr(text, ",...") != NULL));
    }
}

/* Thousands of ports take no time that shows. */
static void test_many_ports(void **state)
{
    (void)state;
    struct buf json;
    buf_init(&json, 16 * 1024 * 1024);
    (void)buf_add_string(&json, "{\"Id\":\"" ID "\",\"State\":{\"Status\":\"exited\"},"
                                "\"Config\":{\"ExposedPorts\":{");
    for (unsigned p = 65535; p > 0; p--)
        (void)buf_add_format(&json, "%s\"%u/tcp\":{}", p < 65535 ? "," : "", p);
    (void)buf_add_string(&json, "}},\"HostConfig\":{\"PortBindings\":{");
    for (unsigned p = 65535; p > 0; p--)
        (void)buf_add_format(&json, "%s\"%u/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"%u\"}]",
                             p < 65535 ? "," : "", p, p);
    (void)buf_add_string(&json, "}}}");
    assert_false(json.failed);
    struct err e = {0};
    struct engine_inspect i = {0};
    assert_int_equal(engine_parse_inspect(json.data, json.length, &arena, &e, &i), 0);
    buf_done(&json);
    const char *text = engine_life_ports(&i, &arena);
    assert_int_equal(strncmp(text, "1/tcp->:1,2/tcp->:2,3/tcp->:3,", 30), 0);
    assert_string_equal(text + strlen(text) - 4, ",...");
    assert_true(strlen(text) <= LABEL_VALUE_MAX);
}

static struct engine_event event_from(const char *json)
{
    struct err e = {0};
    struct engine_event v = {0};
    if (PARSE(engine_parse_event, json, &v) < 0)
        fail_msg("%s: %s", json, e.text);
    return v;
}

#define EVENT(action, attributes)                                                     \
    "{\"Type\":\"container\",\"Action\":\"" action "\",\"Actor\":{\"ID\":\"" ID "\"," \
    "\"Attributes\":" attributes "}}"

static void test_exit_codes_of_events(void **state)
{
    (void)state;
    struct engine_event v = event_from(EVENT("die", "{\"exitCode\":\"137\",\"name\":\"x\"}"));
    assert_true(v.exit_given);
    assert_int_equal(v.exit_code, 137);
    v = event_from(EVENT("died", "{\"containerExitCode\":\"3\"}"));
    assert_true(v.exit_given);
    assert_int_equal(v.exit_code, 3);
    v = event_from(EVENT("die", "{\"exitCode\":\"-1\",\"containerExitCode\":\"4\"}"));
    assert_int_equal(v.exit_code, -1);
    /* Podman has its attribute on every event. */
    assert_false(event_from(EVENT("start", "{\"containerExitCode\":\"0\"}")).exit_given);
    static const char *const none[] = {
        EVENT("die", "{}"),
        EVENT("die", "null"),
        EVENT("die", "{\"exitCode\":\"\"}"),
        EVENT("die", "{\"exitCode\":\"-\"}"),
        EVENT("die", "{\"exitCode\":\"1x\"}"),
        EVENT("die", "{\"exitCode\":137}"),
        EVENT("die", "{\"exitCode\":\"99999999999\"}"),
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(event_from(none[i]).exit_given);
}

static void test_kinds_of_events(void **state)
{
    (void)state;
    static const struct {
        const char *type, *action;
        enum engine_event_kind kind;
    } cases[] = {
        {"container", "die", ENGINE_EVENT_CONTAINER_DIE},
        {"container", "died", ENGINE_EVENT_CONTAINER_DIE},
        {"container", "destroy", ENGINE_EVENT_CONTAINER_DESTROY},
        {"container", "remove", ENGINE_EVENT_CONTAINER_DESTROY},
        {"container", "health_status", ENGINE_EVENT_CONTAINER_HEALTH},
        {"container", "pull", ENGINE_EVENT_CONTAINER_OTHER},
        {"container", "", ENGINE_EVENT_CONTAINER_OTHER},
        {"image", "pull", ENGINE_EVENT_IMAGE_PULL},
        {"image", "remove", ENGINE_EVENT_IMAGE_DELETE},
        {"image", "push", ENGINE_EVENT_IMAGE_OTHER},
        {"volume", "destroy", ENGINE_EVENT_VOLUME_DESTROY},
        {"volume", "remove", ENGINE_EVENT_VOLUME_DESTROY},
        {"network", "connect", ENGINE_EVENT_NETWORK_OTHER},
        {"daemon", "reload", ENGINE_EVENT_OTHER},
        {"", "", ENGINE_EVENT_OTHER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct engine_event event = {.type = cases[i].type, .action = cases[i].action};
        assert_int_equal(engine_event_kind(&event), cases[i].kind);
    }
    assert_string_equal(event_from(EVENT("health_status: unhealthy", "{}")).action,
                        "health_status");
    assert_string_equal(event_from(EVENT("exec_start: sh -c x", "{}")).action, "exec_start");
}

/* It tells of each container and once of all. */
static void test_prune(void **state)
{
    (void)state;
    struct engine_event v =
        event_from("{\"status\":\"prune\",\"Type\":\"container\",\"Action\":\"prune\","
                   "\"Actor\":{\"ID\":\"\",\"Attributes\":{\"reclaimed\":\"0\"}},\"timeNano\":5}");
    assert_string_equal(v.id, "");
    assert_int_equal(engine_event_kind(&v), ENGINE_EVENT_CONTAINER_PRUNE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_inspects),
        cmocka_unit_test(test_how_it_ended),
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_ports_of_a_stopped_container),
        cmocka_unit_test(test_mounts),
        cmocka_unit_test(test_network_mode),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_many_ports),
        cmocka_unit_test(test_exit_codes_of_events),
        cmocka_unit_test(test_kinds_of_events),
        cmocka_unit_test(test_prune),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
