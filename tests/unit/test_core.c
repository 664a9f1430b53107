/* agent/core.h: what the environment and the limits of the process do to what the tiers are given.
 */
#include "config_testing.h"

#include "agent/core.h"

#include <sys/resource.h>

/* The configuration outlives the core. */
struct running {
    struct core core;
    struct config config;
};

static void start(struct running *r, const char *const flags[], const char *const environment[])
{
    struct err e = {0};
    r->config = load_good(flags, environment);
    if (core_init(&r->core, &r->config, (char *const *)(uintptr_t)environment, &e) < 0)
        fail_msg("%s", e.text);
}

static void stop(struct running *r)
{
    core_close(&r->core);
    assert_int_equal(core_done(&r->core, NULL), 0);
    config_done(&r->config);
}

static void test_state_directory(void **state)
{
    (void)state;
    static const struct {
        const char *flag;
        const char *environment[3];
        const char *expected;
    } cases[] = {
        {"--state-dir=", {NULL}, ""},
        {"--state-dir=", {"STATE_DIRECTORY="}, ""},
        {"--state-dir=", {"XSTATE_DIRECTORY=/x", "STATE_DIRECTORY_=/y"}, ""},
        {"--state-dir=", {"A=b", "STATE_DIRECTORY=/var/lib/weir"}, "/var/lib/weir"},
        {"--state-dir=", {"STATE_DIRECTORY=/var/lib/weir:/var/lib/other"}, "/var/lib/weir"},
        {"--state-dir=/a:b", {"STATE_DIRECTORY=/var/lib/weir"}, "/a:b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct running r;
        start(&r, TEXTS("--collect.tiers=simulated", cases[i].flag), cases[i].environment);
        assert_string_equal(r.core.pipeline->state_directory, cases[i].expected);
        stop(&r);
    }
}

/* From the largest down: a hard limit cannot be raised again. */
static void test_descriptors(void **state)
{
    (void)state;
    static const struct {
        rlim_t soft, hard;
        const char *tiers, *files;
        uint64_t wanted, allowed, kept;
    } cases[] = {
        {1024, 30000, "--collect.tiers=simulated", "--cgroup.max-fds=16384", 4096, 4096, 0},
        {25000, 30000, "--collect.tiers=cgroup", "--cgroup.max-fds=16384", 20480, 25000, 16384},
        {1024, 30000, "--collect.tiers=engine,cgroup", "--cgroup.max-fds=16384", 20480, 20480,
         16384},
        {1024, 30000, "--collect.tiers=cgroup", "--cgroup.max-fds=0", 4096, 4096, 0},
        {1024, 20000, "--collect.tiers=cgroup", "--cgroup.max-fds=16384", 20480, 20000, 15904},
        {1024, 8192, "--collect.tiers=cgroup", "--cgroup.max-fds=1000000", 1004096, 8192, 4096},
        {1024, 8192, "--collect.tiers=cgroup", "--cgroup.max-fds=100", 4196, 4196, 100},
        {1024, 4096, "--collect.tiers=cgroup", "--cgroup.max-fds=16384", 20480, 4096, 2048},
        {512, 1024, "--collect.tiers=cgroup", "--cgroup.max-fds=16384", 20480, 1024, 512},
        {512, 1024, "--collect.tiers=cgroup", "--cgroup.max-fds=10", 4106, 1024, 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rlimit now;
        struct running r;
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
        if (now.rlim_max < cases[i].hard)
            continue; /* this machine has not so many; the smaller cases are left */
        const struct rlimit limit = {cases[i].soft, cases[i].hard};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        start(&r, TEXTS(cases[i].tiers, cases[i].files, "--engine.host=unix:///nowhere/e.sock"),
              TEXTS());
        assert_int_equal(r.core.pipeline->descriptors.wanted, cases[i].wanted);
        assert_int_equal(r.core.pipeline->descriptors.allowed, cases[i].allowed);
        assert_int_equal(r.core.pipeline->descriptors.files, cases[i].kept);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
        assert_int_equal(now.rlim_cur, cases[i].allowed);
        assert_int_equal(now.rlim_max, cases[i].hard);
        stop(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_directory),
        cmocka_unit_test(test_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
