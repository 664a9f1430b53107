/* Which procfs below a mounted root is taken for the host's. proc(5): NSpid has weir's pid in the
 * namespace of that procfs and in each one below it. */
#include "config_testing.h"

#include "agent/rootfs.h"
#include "collectors/collector.h"

#include <sys/stat.h>
#include <unistd.h>

static void test_what_shows_outside(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        bool outside;
    } cases[] = {
        {"Name:\tweir\nNSpid:\t4242\t1\nNSpgid:\t4242\t1\n", true},
        {"Name:\tweir\nNSpid:\t4242\t17\t1\n", true},
        {"Name:\tweir\nNSpid:\t4242\nNSpgid:\t4242\n", false},
        {"Name:\tweir\nNSpid:\t1\n", false},
        {"Name:\tweir\nNSpid:\t4242\t\nNSpgid:\t1\n", false},
        {"Name:\tweir\nNSpid:\n", false},
        {"Name:\tNSpid:\t2\t1\nPid:\t2\n", false},
        {"Name:\tweir\nPid:\t2\nNStgid:\t5\t1\n", false}, /* before Linux 4.1 */
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(rootfs_shows_outside(cases[i].status), cases[i].outside);
}

/* A root that holds the files but no procfs: an image's, or that of a chroot. */
static void test_other_roots_change_nothing(void **state)
{
    (void)state;
    char root[] = "/tmp/weir-rootfs-XXXXXX";
    static const char *const parts[] = {"/proc", "/proc/1", "/var", "/var/lib", "/var/lib/docker"};
    char path[128];
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", root, parts[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    struct config c = load_good(TEXTS(), TEXTS());
    rootfs_apply(&c, root);
    rootfs_apply(&c, "/nonexistent");
    assert_string_equal(c.path_procfs, "/proc");
    assert_list(&c.path_docker_root, TEXTS("/var/lib/docker"));
    assert_int_equal(c.notice_count, 0);
    config_done(&c);
    for (size_t i = sizeof parts / sizeof parts[0]; i > 0; i--) {
        (void)snprintf(path, sizeof path, "%s%s", root, parts[i - 1]);
        assert_int_equal(rmdir(path), 0);
    }
    assert_int_equal(rmdir(root), 0);
}

/* The machine's own root has a procfs, which is the one weir is in. */
static void test_own_procfs_is_no_other(void **state)
{
    (void)state;
    struct config c = load_good(TEXTS(), TEXTS());
    rootfs_apply(&c, "");
    assert_string_equal(c.path_procfs, "/proc");
    assert_list(&c.path_docker_root, TEXTS("/var/lib/docker"));
    config_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_shows_outside),
        cmocka_unit_test(test_other_roots_change_nothing),
        cmocka_unit_test(test_own_procfs_is_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
