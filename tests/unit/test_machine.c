/* What it knows: what is said of a machine beside its topology, whose ids it bears, and when it is
 * read. Documents: collectors/machine.h; machine-id(5); Documentation/admin-guide/cputopology.rst;
 * Documentation/admin-guide/RAS/main.rst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine_fixture.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define BOOT    "0f5bbd57-0d0f-4c53-a67b-1a4b2f4b6d29"
#define MACHINE "b08dfa6083e7567a1921a715000001fb"
#define OTHER   "3d1219c7c4c5404aaa1f6d2a48adfda4"
#define UUID    "1f862619-ba9f-4526-8f85-eceaf0c97430"
#define MIB     (UINT64_C(1024) * 1024)

#define BOOT_FILE "proc/sys/kernel/random/boot_id"
#define UUID_FILE "sys/class/dmi/id/product_uuid"

/* One socket, two cores, two threads each. */
static void put_small(struct machine_fixture *f)
{
    put(f, "0-3\n", "sys/devices/system/cpu/online");
    for (unsigned cpu = 0; cpu < 4; cpu++)
        put_topology(f, cpu, 0, cpu % 2, cpu % 2 == 0 ? "0,2\n" : "1,3\n");
}

/* Two sockets of two cores, whose cores are called alike. */
static void put_two_sockets(struct machine_fixture *f)
{
    put(f, "0-7\n", "sys/devices/system/cpu/online");
    for (unsigned cpu = 0; cpu < 8; cpu++) {
        char threads[16];
        (void)snprintf(threads, sizeof threads, "%u,%u\n", cpu % 4, cpu % 4 + 4);
        put_topology(f, cpu, cpu % 4 / 2, cpu % 2, threads);
    }
}

static void check_cores(const struct machine_fixture *f, unsigned cpus, uint64_t cores,
                        uint64_t sockets)
{
    assert_int_equal(f->cpus, cpus);
    assert_int_equal(value_of(f, AGENT_MACHINE_CORES, ""), cpus > 0 ? cpus : NOTHING);
    assert_int_equal(value_of(f, AGENT_MACHINE_PHYSICAL_CORES, ""), cores);
    assert_int_equal(value_of(f, AGENT_MACHINE_SOCKETS, ""), sockets);
}

/* --- processors --- */

static void test_one_socket(void **state)
{
    put_small(*state);
    run(*state, 0);
    check_cores(*state, 4, 2, 1);
}

static void test_two_sockets(void **state)
{
    put_two_sockets(*state);
    run(*state, 0);
    check_cores(*state, 8, 4, 2);
}

/* Without the list of threads, package and core tell cores apart. */
static void test_no_lists(void **state)
{
    struct machine_fixture *f = *state;
    put_two_sockets(f);
    for (unsigned cpu = 0; cpu < 8; cpu++)
        drop(f, "sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", cpu);
    run(f, 0);
    check_cores(f, 8, 4, 2);
    for (unsigned cpu = 0; cpu < 8; cpu++) /* its newer name */
        put_cpu(f, cpu, "topology/core_cpus_list", cpu % 2 == 0 ? "0,2,4,6\n" : "1,3,5,7\n");
    again(f);
    run(f, 0);
    check_cores(f, 8, 2, 2);
}

/* Cores of two clusters are called alike within one package; the lists tell them apart. */
static void test_clusters(void **state)
{
    struct machine_fixture *f = *state;
    put(f, "0-3\n", "sys/devices/system/cpu/online");
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        char threads[8];
        (void)snprintf(threads, sizeof threads, "%u\n", cpu);
        put_topology(f, cpu, 0, cpu % 2, threads);
    }
    run(f, 0);
    check_cores(f, 4, 4, 1);
}

/* The kernel takes the topology of a CPU that is off line away, and it out of every list. */
static void test_offline(void **state)
{
    struct machine_fixture *f = *state;
    put_two_sockets(f);
    run(f, 0);
    check_cores(f, 8, 4, 2);
    put(f, "0-1,4,6\n", "sys/devices/system/cpu/online");
    for (unsigned cpu = 0; cpu < 8; cpu++)
        if (cpu > 1 && cpu != 4 && cpu != 6)
            drop(f, "sys/devices/system/cpu/cpu%u/topology", cpu);
    put_cpu(f, 1, "topology/thread_siblings_list", "1\n");
    put_cpu(f, 6, "topology/thread_siblings_list", "6\n");
    run(f, 1); /* seen at once */
    check_cores(f, 4, 3, 2);
    put(f, "0\n", "sys/devices/system/cpu/online");
    put_cpu(f, 0, "topology/thread_siblings_list", "0\n");
    run(f, 1);
    check_cores(f, 1, 1, 1);
}

static void test_no_topology(void **state)
{
    struct machine_fixture *f = *state;
    put(f, "0-3\n", "sys/devices/system/cpu/online");
    run(f, 0);
    check_cores(f, 4, NOTHING, NOTHING);
    assert_int_equal(f->part.point_count, 1);
}

/* A sum that is not whole is none. */
static void test_one_unknown(void **state)
{
    struct machine_fixture *f = *state;
    put_two_sockets(f);
    drop(f, "sys/devices/system/cpu/cpu5/topology");
    run(f, 0);
    check_cores(f, 8, NOTHING, NOTHING);
    put_topology(f, 5, 0, 1, "1,5\n");
    put_cpu(f, 5, "topology/physical_package_id", "-1\n"); /* not known to the kernel */
    again(f);
    run(f, 0);
    check_cores(f, 8, 4, NOTHING);
}

/* Sockets of a mainframe are numbered within their books. */
static void test_mainframe(void **state)
{
    struct machine_fixture *f = *state;
    put(f, "0-3\n", "sys/devices/system/cpu/online");
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        put_topology(f, cpu, 1, cpu,
                     cpu % 2 == 0 ? (cpu == 0 ? "0\n" : "2\n") : (cpu == 1 ? "1\n" : "3\n"));
        put_cpu(f, cpu, "topology/book_id", cpu % 2 == 0 ? "1\n" : "2\n");
        put_cpu(f, cpu, "topology/drawer_id", cpu < 2 ? "1\n" : "2\n");
    }
    f->options.architecture = "s390x";
    run(f, 0);
    check_cores(f, 4, 4, 4);
    f->options.architecture = "x86_64";
    again(f);
    run(f, 0);
    check_cores(f, 4, 4, 1);
}

static void test_garbage(void **state)
{
    static const char *const lists[] = {"",
                                        "\n",
                                        "x\n",
                                        "3-1\n",
                                        "1,1\n",
                                        "0-2,2\n",
                                        "0-\n",
                                        "-3\n",
                                        "0 1\n",
                                        "0-99999999999999999999\n",
                                        "0-4000000000\n",
                                        "65536\n"};
    struct machine_fixture *f = *state;
    put_small(f);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        put(f, lists[i], "sys/devices/system/cpu/online");
        run(f, 1);
        check_cores(f, 0, NOTHING, NOTHING);
    }
    put(f, "0-3\n", "sys/devices/system/cpu/online");
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        put_cpu(f, 2, "topology/thread_siblings_list", lists[i]);
        put_cpu(f, 2, "topology/core_id", "0x0\n");
        again(f);
        run(f, 1);
        check_cores(f, 4, NOTHING, 1);
    }
    drop(f, "sys/devices/system/cpu/online");
    run(f, 1);
    check_cores(f, 0, NOTHING, NOTHING);
}

static void test_many(void **state)
{
    struct machine_fixture *f = *state;
    put(f, "0-4095,8000-8191\n", "sys/devices/system/cpu/online");
    run(f, 0);
    check_cores(f, 4096 + 192, NOTHING, NOTHING);
    put(f, "65535\n", "sys/devices/system/cpu/online");
    run(f, 1);
    check_cores(f, 1, NOTHING, NOTHING);
}

static void test_memory(void **state)
{
    struct machine_fixture *f = *state;
    const uint64_t memory = 8000 * MIB;
    const uint64_t none = 0;
    put_small(f);
    run(f, 0);
    assert_int_equal(value_of(f, AGENT_MACHINE_MEMORY, ""), NOTHING);
    assert_int_equal(value_of(f, AGENT_MACHINE_SWAP, ""), NOTHING);
    part_reset(&f->part);
    machine_add_points(f->machine, &memory, &none, &f->part);
    assert_int_equal(value_of(f, AGENT_MACHINE_MEMORY, ""), 8000 * MIB);
    assert_int_equal(value_of(f, AGENT_MACHINE_SWAP, ""), 0);
}

/* --- modules --- */

static void put_module(struct machine_fixture *f, unsigned controller, unsigned module,
                       const char *type, const char *size)
{
    const char *top = "sys/devices/system/edac/mc";
    put(f, type, "%s/mc%u/dimm%u/dimm_mem_type", top, controller, module);
    put(f, size, "%s/mc%u/dimm%u/size", top, controller, module);
}

static void test_modules(void **state)
{
    struct machine_fixture *f = *state;
    put_module(f, 0, 0, "Registered-DDR4\n", "16384\n");
    put_module(f, 0, 3, "Registered-DDR4\n", "16384\n");
    put_module(f, 1, 0, "Registered-DDR4\n", "32768\n");
    put_module(f, 1, 1, "Non-volatile-RAM\n", "131072\n");
    put(f, "x", "sys/devices/system/edac/mc/power/control");
    put(f, "7\n", "sys/devices/system/edac/mc/mc0/size_mb");
    put(f, "x", "sys/devices/system/edac/mc/mc0/dimm_is_none/size");
    put(f, "x", "sys/devices/system/edac/mc/mc0/rank0/size");
    run(f, 0);
    assert_int_equal(value_of(f, AGENT_MACHINE_DIMMS, "Registered-DDR4"), 3);
    assert_int_equal(value_of(f, AGENT_MACHINE_DIMM_BYTES, "Registered-DDR4"), 65536 * MIB);
    assert_int_equal(value_of(f, AGENT_MACHINE_DIMMS, "Non-volatile-RAM"), 1);
    assert_int_equal(value_of(f, AGENT_MACHINE_DIMM_BYTES, "Non-volatile-RAM"), 131072 * MIB);
    assert_int_equal(f->part.point_count, 4);
}

/* One that cannot be read makes every sum a wrong one. */
static void test_bad_module(void **state)
{
    static const struct {
        const char *type;
        const char *size;
    } bad[] = {{"Registered-DDR4\n", "x\n"},
               {"Registered-DDR4\n", "-1\n"},
               {"Registered-DDR4\n", ""},
               {"Registered-DDR4\n", "18446744073709551615\n"},
               {"\n", "16384\n"},
               {"two words\n", "16384\n"}};
    struct machine_fixture *f = *state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put_module(f, 0, 0, "Registered-DDR4\n", "16384\n");
        put_module(f, 0, 1, bad[i].type, bad[i].size);
        again(f);
        run(f, 0);
        assert_int_equal(f->part.point_count, 0);
    }
    drop(f, "sys/devices/system/edac/mc/mc0/dimm1/dimm_mem_type");
    again(f);
    run(f, 0);
    assert_int_equal(f->part.point_count, 0);
    drop(f, "sys/devices/system/edac/mc/mc0/dimm1");
    again(f);
    run(f, 0);
    assert_int_equal(f->part.point_count, 2);
}

/* --- ids --- */

static void check_ids(struct machine_fixture *f, const char *boot, const char *machine,
                      const char *uuid)
{
    again(f);
    run(f, 0);
    assert_true(f->part.point_count > 0);
    for (size_t i = 0; i < f->part.point_count; i++) {
        assert_string_equal(f->part.points[i].labels[0], boot);
        assert_string_equal(f->part.points[i].labels[1], machine);
        assert_string_equal(f->part.points[i].labels[2], uuid);
    }
}

static void test_ids(void **state)
{
    struct machine_fixture *f = *state;
    put_small(f);
    check_ids(f, "", "", "");
    put(f, BOOT "\n", BOOT_FILE);
    put(f, MACHINE "\n", "root/etc/machine-id");
    put(f, OTHER "\n", "root/var/lib/dbus/machine-id");
    put(f, UUID "\n", UUID_FILE);
    check_ids(f, BOOT, MACHINE, UUID);
    drop(f, "root/etc/machine-id");
    check_ids(f, BOOT, OTHER, UUID);
    drop(f, "root/var/lib/dbus/machine-id");
    drop(f, BOOT_FILE);
    check_ids(f, "", "", UUID);
}

/* What is no id is not given as one. */
static void test_no_ids(void **state)
{
    static const char *const texts[] = {"", "\n", "uninitialized\n", "two words\n", "t\xc3\xbc\n"};
    struct machine_fixture *f = *state;
    char length[200];
    memset(length, 'a', sizeof length - 1);
    length[sizeof length - 1] = '\0';
    put_small(f);
    put(f, OTHER, "root/var/lib/dbus/machine-id");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put(f, texts[i], "root/etc/machine-id");
        check_ids(f, "", OTHER, "");
    }
    put(f, length, "root/etc/machine-id");
    check_ids(f, "", OTHER, "");
}

static void put_with_nul(struct machine_fixture *f, const char *text, const char *name)
{
    char path[256];
    put(f, "", "%s", name);
    (void)snprintf(path, sizeof path, "%s/%s", f->top, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text) + 1, file), strlen(text) + 1);
    assert_int_equal(fclose(file), 0);
}

/* Power has its ids in the device tree, each ended by NUL. */
static void test_device_tree(void **state)
{
    struct machine_fixture *f = *state;
    put_small(f);
    put(f, MACHINE, "root/etc/machine-id");
    check_ids(f, "", MACHINE, "");
    put_with_nul(f, UUID, "proc/device-tree/vm,uuid");
    check_ids(f, "", MACHINE, UUID);
    put_with_nul(f, "IBM,0278B1234", "proc/device-tree/system-id");
    check_ids(f, "", MACHINE, "IBM,0278B1234");
}

static void test_mainframe_id(void **state)
{
    struct machine_fixture *f = *state;
    put_small(f);
    put(f, MACHINE, "root/etc/machine-id");
    f->options.architecture = "s390x";
    check_ids(f, "", MACHINE, MACHINE);
}

static void test_host_root(void **state)
{
    struct machine_fixture *f = *state;
    assert_string_equal(machine_host_root(f->root), "");
    put(f, "x", "root/etc/machine-id");
    assert_string_equal(machine_host_root(f->root), "");
    put(f, "x", "root/proc/meminfo");
    assert_string_equal(machine_host_root(f->root), f->root);
}

/* --- what is read when --- */

static void test_groups(void **state)
{
    struct machine_fixture *f = *state;
    put_small(f);
    put(f, MACHINE, "root/etc/machine-id");
    put_module(f, 0, 0, "Registered-DDR4\n", "16384\n");
    put_cache(f, 0, 0, "Data", 1, "32K", "0,2");
    put(f, "0-3\n", "sys/devices/system/node/node0/cpulist");
    f->options.groups = GROUP_BIT(GROUP_MACHINE);
    check_ids(f, "", MACHINE, "");
    assert_int_equal(f->part.point_count, 5);
    check_cores(f, 4, 2, 1);
    f->options.groups = GROUP_BIT(GROUP_TOPOLOGY);
    check_ids(f, "", MACHINE, "");
    assert_int_equal(count_of(f, AGENT_MACHINE_SIBLINGS), 4);
    assert_int_equal(count_of(f, AGENT_MACHINE_CACHE), 1);
    assert_int_equal(f->part.point_count, 6);
    f->options.groups = GROUPS_DEFAULT & ~(GROUP_BIT(GROUP_MACHINE) | GROUP_BIT(GROUP_TOPOLOGY));
    check_ids(f, "", "", ""); /* how many CPUs there are, rows need to know */
    assert_int_equal(f->part.point_count, 1);
}

static void test_when(void **state)
{
    struct machine_fixture *f = *state;
    put_small(f);
    put(f, MACHINE, "root/etc/machine-id");
    run(f, 0);
    put(f, OTHER, "root/etc/machine-id");
    put_module(f, 0, 0, "Registered-DDR4\n", "16384\n");
    run(f, 1);
    assert_string_equal(f->part.points[0].labels[1], MACHINE);
    run(f, 298);
    assert_string_equal(f->part.points[0].labels[1], MACHINE);
    assert_int_equal(count_of(f, AGENT_MACHINE_DIMMS), 0);
    run(f, 1);
    assert_string_equal(f->part.points[0].labels[1], OTHER);
    assert_int_equal(count_of(f, AGENT_MACHINE_DIMMS), 1);
    put(f, MACHINE, "root/etc/machine-id");
    run(f, 299);
    assert_string_equal(f->part.points[0].labels[1], OTHER);
    put(f, "0-2\n", "sys/devices/system/cpu/online");
    run(f, 0);
    assert_string_equal(f->part.points[0].labels[1], MACHINE);
    assert_int_equal(f->cpus, 3);
}

static void test_this_machine(void **state)
{
    struct machine_fixture *f = *state;
    struct utsname kernel;
    assert_int_equal(uname(&kernel), 0);
    f->options.procfs = "/proc";
    f->options.sysfs = "/sys";
    f->options.root = "";
    f->options.architecture = kernel.machine;
    if (access("/sys/devices/system/cpu/online", R_OK) < 0)
        skip();
    run(f, 0);
    assert_int_equal(f->cpus, sysconf(_SC_NPROCESSORS_ONLN));
    uint64_t cores = value_of(f, AGENT_MACHINE_PHYSICAL_CORES, "");
    uint64_t sockets = value_of(f, AGENT_MACHINE_SOCKETS, "");
    if (cores != NOTHING)
        assert_in_range(cores, 1, f->cpus);
    if (sockets != NOTHING && cores != NOTHING)
        assert_in_range(sockets, 1, cores);
    for (size_t i = 0; i < f->part.point_count; i++) {
        char path[] = "/proc/sys/kernel/random/boot_id";
        char boot[64] = "";
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        assert_non_null(fgets(boot, sizeof boot, file));
        assert_int_equal(fclose(file), 0);
        boot[strcspn(boot, "\n")] = '\0';
        assert_string_equal(f->part.points[i].labels[0], boot);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_socket),  TEST(test_two_sockets),  TEST(test_no_lists),
        TEST(test_clusters),    TEST(test_offline),      TEST(test_no_topology),
        TEST(test_one_unknown), TEST(test_mainframe),    TEST(test_garbage),
        TEST(test_many),        TEST(test_memory),       TEST(test_modules),
        TEST(test_bad_module),  TEST(test_ids),          TEST(test_no_ids),
        TEST(test_device_tree), TEST(test_mainframe_id), TEST(test_host_root),
        TEST(test_groups),      TEST(test_when),         TEST(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
