/* Endpoints and discovery, from the ways docker(1) and podman(1) name an engine. */
#include "base/err.h"
#include "collectors/engine_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char *empty_environment[] = {NULL};

static void expect_refused(const char *text, const char *part_of_sentence)
{
    struct err e = {0};
    struct engine_endpoint p;
    assert_int_equal(engine_endpoint_parse(text, empty_environment, &e, &p), -22);
    assert_non_null(strstr(e.text, part_of_sentence));
    assert_non_null(strstr(e.text, text));
}

static void test_unix(void **state)
{
    (void)state;
    struct engine_endpoint p;
    assert_int_equal(engine_endpoint_parse("unix:///run/docker.sock", empty_environment, NULL, &p),
                     0);
    assert_int_equal(p.kind, ENGINE_UNIX);
    assert_string_equal(p.path, "/run/docker.sock");
    assert_string_equal(p.key, "unix:///run/docker.sock");
    engine_endpoint_done(&p);
}

static void test_tcp(void **state)
{
    (void)state;
    struct engine_endpoint p;
    assert_int_equal(
        engine_endpoint_parse("tcp://engine.example:1234", empty_environment, NULL, &p), 0);
    assert_int_equal(p.kind, ENGINE_TCP);
    assert_string_equal(p.host, "engine.example");
    assert_int_equal(p.port, 1234);
    engine_endpoint_done(&p);
    assert_int_equal(engine_endpoint_parse("tcp://10.0.0.1", empty_environment, NULL, &p), 0);
    assert_int_equal(p.port, 2375);
    engine_endpoint_done(&p);
    assert_int_equal(engine_endpoint_parse("tcp://[::1]:2375/", empty_environment, NULL, &p), 0);
    assert_string_equal(p.host, "::1");
    assert_string_equal(p.key, "tcp://[::1]:2375");
    engine_endpoint_done(&p);
}

/* A file in the directory; what it holds does not matter here. */
static void make_file(const char *directory, const char *name, char path[static 256])
{
    (void)snprintf(path, 256, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void test_tls(void **state)
{
    (void)state;
    char directory[] = "/tmp/weir-certs-XXXXXX";
    assert_non_null(mkdtemp(directory));
    char variable[128];
    char ca[256];
    char cert[256];
    (void)snprintf(variable, sizeof variable, "DOCKER_CERT_PATH=%s", directory);
    make_file(directory, "ca.pem", ca);
    make_file(directory, "cert.pem", cert);
    char *environment[] = {(char[]){"DOCKER_TLS_VERIFY=1"}, variable, NULL};
    struct engine_endpoint p;
    assert_int_equal(engine_endpoint_parse("tcp://engine.example", environment, NULL, &p), 0);
    assert_int_equal(p.kind, ENGINE_TLS);
    assert_int_equal(p.port, 2376);
    assert_true(p.verify);
    assert_string_equal(p.key, "https://engine.example:2376");
    assert_string_equal(p.ca_file, ca);
    assert_string_equal(p.cert_file, cert);
    assert_null(p.key_file); /* there is none, as docker(1) allows */
    engine_endpoint_done(&p);
    assert_int_equal(engine_endpoint_parse("https://engine.example:1", empty_environment, NULL, &p),
                     0);
    assert_int_equal(p.kind, ENGINE_TLS);
    assert_true(p.verify);
    assert_null(p.ca_file);
    engine_endpoint_done(&p);
    assert_int_equal(unlink(ca) + unlink(cert) + rmdir(directory), 0);
}

static void test_refusals(void **state)
{
    (void)state;
    expect_refused("ssh://root@host", "not supported");
    expect_refused("/run/docker.sock", "unix://");
    expect_refused("npipe:////./pipe/docker_engine", "expected");
    expect_refused("unix://relative.sock", "expected");
    expect_refused("tcp://", "tcp://HOST:PORT");
    expect_refused("tcp://host:0", "1 to 65535");
    expect_refused("tcp://host:65536", "1 to 65535");
    expect_refused("tcp://host:12x", "without a path");
    expect_refused("tcp://host:1/v1.40", "without a path");
    expect_refused("", "expected");
}

static void free_list(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
}

static void test_discovery_by_environment(void **state)
{
    (void)state;
    char *docker[] = {(char[]){"DOCKER_HOST=tcp://a:1"}, (char[]){"CONTAINER_HOST=unix:///b"},
                      (char[]){"DOCKER_CONTEXT=ignored"}, NULL};
    char *podman[] = {(char[]){"DOCKER_HOST="}, (char[]){"CONTAINER_HOST=unix:///b"}, NULL};
    struct text_list found;
    assert_int_equal(engine_host_discover(docker, NULL, &found), 0);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0], "tcp://a:1");
    free_list(&found);
    assert_int_equal(engine_host_discover(podman, NULL, &found), 0);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0], "unix:///b");
    free_list(&found);
}

static void test_context_is_refused(void **state)
{
    (void)state;
    char *named[] = {(char[]){"DOCKER_CONTEXT=remote"}, NULL};
    char *usual[] = {(char[]){"DOCKER_CONTEXT=default"}, NULL};
    struct err e = {0};
    struct text_list found;
    assert_int_equal(engine_host_discover(named, &e, &found), -22);
    assert_non_null(strstr(e.text, "--engine.host"));
    assert_int_equal(engine_host_discover(usual, NULL, &found), 0);
    assert_true(found.count >= 1);
    free_list(&found);
}

/* A unix socket and a loopback port may lead to this host; a port in the network never does, since
 * another host can be this one's clone. */
static void test_which_engines_are_here(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool here;
    } cases[] = {
        {"unix:///run/docker.sock", true},
        {"tcp://localhost:2375", true},
        {"tcp://127.0.0.1:2375", true},
        {"tcp://127.1.2.3", true},
        {"tcp://[::1]:2375", true},
        {"https://localhost:2376", true},
        {"https://127.0.0.1:2376", true},
        {"tcp://10.0.0.1:2375", false},
        {"tcp://1.127.0.0:2375", false},
        {"tcp://12.7.0.1:2375", false},
        {"tcp://engine.example:2375", false},
        {"tcp://localhost.example:2375", false},
        {"tcp://[fe80::1]:2375", false},
        {"tcp://[::11]:2375", false},
        {"https://engine.example:2376", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine_endpoint p;
        assert_int_equal(engine_endpoint_parse(cases[i].text, empty_environment, NULL, &p), 0);
        if (engine_endpoint_is_here(&p) != cases[i].here)
            fail_msg("%s is %s", cases[i].text, cases[i].here ? "here" : "not here");
        engine_endpoint_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unix),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_which_engines_are_here),
        cmocka_unit_test(test_discovery_by_environment),
        cmocka_unit_test(test_context_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
