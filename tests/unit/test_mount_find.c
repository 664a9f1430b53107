/* What it knows: which mount of a mountinfo a path is on, and cAdvisor's names of devices.
 * Documents: proc(5); mount_find.h. */
#include "collectors/mount_find.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena arena;

static int done(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static const char host[] =
    "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard\n"
    "23 22 0:21 / /proc rw,nosuid shared:12 - proc proc rw\n"
    "24 22 0:22 / /run rw shared:5 master:3 - tmpfs tmpfs rw,size=1g\n"
    "25 22 253:0 / /var/lib/docker rw - xfs /dev/mapper/data-docker rw\n"
    "26 25 0:50 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw,lowerdir=/a\n"
    "27 22 0:51 /@docker /btrfs rw - btrfs /dev/sdb2 rw\n"
    "28 22 0:52 / /net rw - nfs4 files:/export rw\n"
    "29 22 0:53 / /pool\\040one rw - zfs tank/docker rw\n"
    "30 22 8:3 / /early rw - ext4 /dev/root rw\n"
    "31 22 254:2 / /var/libx rw - ext4 /dev/vda2 rw\n";

static const char *device_of(const char *text, const char *path, uint32_t major, uint32_t minor)
{
    struct mount_found mount;
    if (mount_find(text, path, major, minor, &arena, &mount) < 0)
        return NULL;
    return mount_device(&mount, "/nowhere", &arena);
}

static void test_devices(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint32_t major, minor;
        const char *device;
    } cases[] = {
        {"/", 254, 1, "/dev/vda1"},
        {"/var/lib/containers/storage", 254, 1, "/dev/vda1"},
        {"/var/lib", 254, 1, "/dev/vda1"},
        {"/var/lib/docker", 253, 0, "/dev/mapper/data-docker"},
        {"/var/lib/docker/containers", 253, 0, "/dev/mapper/data-docker"},
        {"/var/lib/dockers", 254, 1, "/dev/vda1"},
        {"/var/lib/docker/overlay2/x/merged/var/lib/docker", 0, 50, "overlay_0-50"},
        {"/run/user", 0, 22, "/run"},
        {"/btrfs/docker", 0, 60, "/dev/sdb2"}, /* stat(2) has another number there */
        {"/net/docker", 0, 52, "files:/export"},
        {"/pool one/docker", 0, 53, "tank/docker"},
        {"/early/docker", 8, 3, "8:3"}, /* sysfs knows no name for it */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(device_of(host, cases[i].path, cases[i].major, cases[i].minor),
                            cases[i].device);
}

/* The device of the root is called /dev/root where nothing but the kernel's command line named it.
 */
static void test_name_of_sysfs(void **state)
{
    (void)state;
    char directory[] = "/tmp/weir-mount-XXXXXX";
    char path[512];
    assert_non_null(mkdtemp(directory));
    static const char *const parts[] = {"/dev", "/dev/block"};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s%s", directory, parts[i]);
        assert_int_equal(mkdir(path, 0755), 0);
    }
    (void)snprintf(path, sizeof path, "%s/dev/block/8:3", directory);
    assert_int_equal(symlink("../../devices/pci0/block/sda/sda3", path), 0);
    struct mount_found mount;
    assert_int_equal(mount_find(host, "/early", 8, 3, &arena, &mount), 0);
    assert_string_equal(mount_device(&mount, directory, &arena), "/dev/sda3");
    assert_int_equal(unlink(path), 0);
    for (size_t i = 2; i > 0; i--) {
        (void)snprintf(path, sizeof path, "%s%s", directory, parts[i - 1]);
        assert_int_equal(rmdir(path), 0);
    }
    assert_int_equal(rmdir(directory), 0);
}

static void test_mounts_over_each_other(void **state)
{
    (void)state;
    static const char twice[] = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
                                "2 1 8:2 / /data rw - ext4 /dev/sda2 rw\n"
                                "3 2 8:3 / /data rw - ext4 /dev/sda3 rw\n";
    assert_string_equal(device_of(twice, "/data/x", 8, 3), "/dev/sda3");
    assert_string_equal(device_of(twice, "/data/x", 0, 99), "/dev/sda3"); /* the last */
    /* /data/deep is hidden below what was mounted on /data later. */
    static const char hidden[] = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
                                 "2 1 8:2 / /data/deep rw - ext4 /dev/sda2 rw\n"
                                 "3 1 8:3 / /data rw - ext4 /dev/sda3 rw\n";
    assert_string_equal(device_of(hidden, "/data/deep/x", 8, 3), "/dev/sda3");
    assert_string_equal(device_of(hidden, "/data/deep/x", 8, 2), "/dev/sda2");
}

static void test_broken_lines(void **state)
{
    (void)state;
    struct mount_found mount = {.major = 7};
    static const char *const bad[] = {"",
                                      "\n\n",
                                      "1 0 8:1 / /",
                                      "1 0 8:1 / / rw\n",
                                      "1 0 8:1 / / rw shared:1\n",
                                      "1 0 8:1 / / rw -\n",
                                      "1 0 8:1 / / rw - ext4\n",
                                      "1 0 8:1 / / rw - ext4 /dev/sda1\n",
                                      "1 0 81 / / rw - ext4 /dev/sda1 rw\n",
                                      "1 0 8:x / / rw - ext4 /dev/sda1 rw\n",
                                      "1 0 4294967296:1 / / rw - ext4 /dev/sda1 rw\n",
                                      "1 0 8:1 / /other rw - ext4 /dev/sda1 rw\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(mount_find(bad[i], "/data", 8, 1, &arena, &mount), -ENOENT);
    assert_int_equal(mount.major, 7);
    /* Without a name, and after lines that are none. */
    assert_string_equal(device_of("rubbish\n1 0 8:1 / / rw - ext4 /dev/sda1 rw", "/data", 8, 1),
                        "/dev/sda1");
    assert_string_equal(device_of("1 0 0:9 / / rw - fuse  rw\n", "/data", 0, 9), "");
    assert_string_equal(device_of("1 0 0:9 / / rw - a\\040b c\\011d\\9\\000 rw\n", "/data", 0, 9),
                        "c\td\\9\\000");
}

/* This machine's own. */
static void test_real(void **state)
{
    (void)state;
    static char text[1 << 20];
    struct stat status;
    struct mount_found mount;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    assert_true(length > 0 && length < sizeof text - 1);
    text[length] = '\0';
    assert_int_equal(stat("/proc", &status), 0);
    assert_int_equal(
        mount_find(text, "/proc", major(status.st_dev), minor(status.st_dev), &arena, &mount), 0);
    assert_string_equal(mount.type, "proc");
    assert_string_equal(mount.point, "/proc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_name_of_sysfs),
        cmocka_unit_test(test_mounts_over_each_other),
        cmocka_unit_test(test_broken_lines),
        cmocka_unit_test(test_real),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
