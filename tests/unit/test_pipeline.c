/* agent/pipeline.h: which options make other tiers and rounds, and which a reload changes in place.
 */
#include "config_testing.h"

#include "agent/pipeline.h"

static bool is_same(const char *const flags[])
{
    struct config plain = load_good(TEXTS(), TEXTS());
    struct config other = load_good(flags, TEXTS());
    bool same = pipeline_is_same(&plain, &other);
    config_done(&plain);
    config_done(&other);
    return same;
}

static void test_what_a_pipeline_is_made_of(void **state)
{
    (void)state;
    static const char *const others[] = {
        "--collect.tiers=cgroup",     "--collect.scope=all",
        "--collect.max-age=2s",       "--collect.timeout=6s",
        "--engine.host=tcp://e:1",    "--engine.timeout=1s",
        "--engine.max-concurrency=2", "--cgroup.max-fds=1",
        "--path.procfs=/p",           "--path.docker-root=/d",
        "--container.label-allow=",   "--container.include=name=a",
        "--container.exclude=name=a", "--simulate.containers=11",
        "--simulate.seed=2",          "--state-dir=/s",
        "--path.docker-exec-root=/e", "--path.sysfs=/s",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (is_same(TEXTS(others[i])))
            fail_msg("%s makes no other pipeline", others[i]);
}

static void test_what_is_changed_in_place(void **state)
{
    (void)state;
    static const char *const places[] = {
        "--web.listen-address=:1", "--web.telemetry-path=/m", "--web.route-prefix=/w",
        "--web.max-requests=1",    "--web.enable-lifecycle",  "--web.config.file=/f",
        "--log.level=debug",       "--log.format=json",       "--collect.max-age=1000ms",
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (!is_same(TEXTS(places[i])))
            fail_msg("%s makes another pipeline", places[i]);
    assert_true(is_same(TEXTS()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_pipeline_is_made_of),
        cmocka_unit_test(test_what_is_changed_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
