/* What it knows: caches, threads and nodes of machines of several kinds. Documents:
 * collectors/machine.h; Documentation/ABI/testing/sysfs-devices-system-cpu;
 * Documentation/ABI/stable/sysfs-devices-node; hugetlbpage.rst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine_fixture.h"

#include <stdio.h>

#define KIB UINT64_C(1024)

static void put_node(struct machine_fixture *f, unsigned node, const char *name, const char *text)
{
    put(f, text, "sys/devices/system/node/node%u/%s", node, name);
}

/* core_id, level, node_id, type */
static uint64_t cache(const struct machine_fixture *f, const char *labels)
{
    return value_of(f, AGENT_MACHINE_CACHE, labels);
}

/* core_id, node_id, thread_id */
static uint64_t siblings(const struct machine_fixture *f, const char *labels)
{
    return value_of(f, AGENT_MACHINE_SIBLINGS, labels);
}

/* One socket, two cores of two threads, which share a cache of level 3. */
static void put_small(struct machine_fixture *f)
{
    put(f, "0-3\n", "sys/devices/system/cpu/online");
    put_node(f, 0, "cpulist", "0-3\n");
    put_node(f, 0, "meminfo", "Node 0 MemTotal:       16318000 kB\nNode 0 MemFree:  77 kB\n");
    put_node(f, 0, "distance", "10\n");
    put_node(f, 0, "hugepages/hugepages-2048kB/nr_hugepages", "12\n");
    put_node(f, 0, "hugepages/hugepages-2048kB/free_hugepages", "11\n");
    put_node(f, 0, "hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        const char *core = cpu % 2 == 0 ? "0,2" : "1,3";
        char threads[8];
        (void)snprintf(threads, sizeof threads, "%s\n", core);
        put_topology(f, cpu, 0, cpu % 2, threads);
        put_cache(f, cpu, 0, "Data", 1, "48K", core);
        put_cache(f, cpu, 1, "Instruction", 1, "32K", core);
        put_cache(f, cpu, 2, "Unified", 2, "2048K", core);
        put_cache(f, cpu, 3, "Unified", 3, "266240K", "0-3");
    }
}

static void test_one_socket(void **state)
{
    struct machine_fixture *f = *state;
    put_small(f);
    run(f, 0);
    assert_int_equal(cache(f, "0/1/0/Data"), 48 * KIB);
    assert_int_equal(cache(f, "1/1/0/Data"), 48 * KIB);
    assert_int_equal(cache(f, "0/1/0/Instruction"), 32 * KIB);
    assert_int_equal(cache(f, "1/2/0/Unified"), 2048 * KIB);
    assert_int_equal(cache(f, "/3/0/Unified"), 266240 * KIB); /* of no one core */
    assert_int_equal(count_of(f, AGENT_MACHINE_CACHE), 7);
    assert_int_equal(siblings(f, "0/0/0"), 2);
    assert_int_equal(siblings(f, "1/0/3"), 2);
    assert_int_equal(count_of(f, AGENT_MACHINE_SIBLINGS), 4);
    assert_int_equal(value_of(f, AGENT_MACHINE_NODE_MEMORY, "0"), 16318000 * KIB);
    assert_int_equal(value_of(f, AGENT_MACHINE_NODE_HUGEPAGES, "0/2048"), 12);
    assert_int_equal(value_of(f, AGENT_MACHINE_NODE_HUGEPAGES, "0/1048576"), 0);
    assert_int_equal(count_of(f, AGENT_MACHINE_NODE_HUGEPAGES), 2);
    assert_int_equal(value_of(f, AGENT_MACHINE_NODE_DISTANCE, "0/0"), 10);
    assert_int_equal(count_of(f, AGENT_MACHINE_NODE_DISTANCE), 1);
}

/* A core a socket, a node a socket, and a node of memory alone; numbers with a gap. */
static void test_two_sockets(void **state)
{
    struct machine_fixture *f = *state;
    put(f, "0-3\n", "sys/devices/system/cpu/online");
    put(f, "0,2,5\n", "sys/devices/system/node/online");
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        const char *core = cpu % 2 == 0 ? "0,2" : "1,3";
        char threads[8];
        (void)snprintf(threads, sizeof threads, "%s\n", core);
        put_topology(f, cpu, cpu % 2, 0, threads);
        put_cache(f, cpu, 0, "Unified", 2, "1024K", core);
        put_cache(f, cpu, 1, "Unified", 3, cpu % 2 == 0 ? "16384K" : "8192K", core);
    }
    put_node(f, 0, "cpulist", "0,2\n");
    put_node(f, 2, "cpulist", "1,3\n");
    put_node(f, 5, "cpulist", "\n");
    put_node(f, 0, "distance", "10 21 31\n");
    put_node(f, 2, "distance", "21 10 41\n");
    put_node(f, 5, "distance", "31 41 10\n");
    put_node(f, 5, "meminfo", "\nNode 5 MemTotal:       1 kB\n");
    run(f, 0);
    assert_int_equal(cache(f, "0/2/0/Unified"), 1024 * KIB);
    assert_int_equal(cache(f, "0/2/2/Unified"), 1024 * KIB);
    assert_int_equal(cache(f, "/3/0/Unified"), 16384 * KIB);
    assert_int_equal(cache(f, "/3/2/Unified"), 8192 * KIB);
    assert_int_equal(count_of(f, AGENT_MACHINE_CACHE), 4);
    assert_int_equal(siblings(f, "0/0/2"), 2);
    assert_int_equal(siblings(f, "0/2/1"), 2);
    assert_int_equal(value_of(f, AGENT_MACHINE_NODE_DISTANCE, "0/2"), 21);
    assert_int_equal(value_of(f, AGENT_MACHINE_NODE_DISTANCE, "5/2"), 41);
    assert_int_equal(value_of(f, AGENT_MACHINE_NODE_DISTANCE, "5/5"), 10);
    assert_int_equal(count_of(f, AGENT_MACHINE_NODE_DISTANCE), 9);
    assert_int_equal(value_of(f, AGENT_MACHINE_NODE_MEMORY, "5"), KIB);
    assert_int_equal(count_of(f, AGENT_MACHINE_NODE_MEMORY), 1);
}

/* A cache of level 3 that some cores of a node share is given for each of them. */
static void test_shared_by_some(void **state)
{
    struct machine_fixture *f = *state;
    put(f, "0-3\n", "sys/devices/system/cpu/online");
    put_node(f, 0, "cpulist", "0-3\n");
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        char threads[8];
        (void)snprintf(threads, sizeof threads, "%u\n", cpu);
        put_topology(f, cpu, 0, cpu, threads);
        put_cache(f, cpu, 0, "Unified", 2, "512K", cpu < 2 ? "0-1" : "2-3");
        put_cache(f, cpu, 1, "Unified", 3, "16384K", cpu < 2 ? "0-1" : "2-3");
    }
    run(f, 0);
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        char labels[32];
        (void)snprintf(labels, sizeof labels, "%u/3/0/Unified", cpu);
        assert_int_equal(cache(f, labels), 16384 * KIB);
        (void)snprintf(labels, sizeof labels, "%u/2/0/Unified", cpu);
        assert_int_equal(cache(f, labels), 512 * KIB);
    }
    assert_int_equal(count_of(f, AGENT_MACHINE_CACHE), 8);
}

/* One of level 2 that all share is the node's; with a core alone it is the core's. */
static void test_level_two(void **state)
{
    struct machine_fixture *f = *state;
    put(f, "0-1\n", "sys/devices/system/cpu/online");
    put_node(f, 0, "cpulist", "0-1\n");
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        put_topology(f, cpu, 0, cpu, cpu == 0 ? "0\n" : "1\n");
        put_cache(f, cpu, 0, "Unified", 2, "1024K", "0-1");
    }
    run(f, 0);
    assert_int_equal(cache(f, "/2/0/Unified"), 1024 * KIB);
    assert_int_equal(count_of(f, AGENT_MACHINE_CACHE), 1);
    put(f, "0\n", "sys/devices/system/cpu/online");
    put_node(f, 0, "cpulist", "0\n");
    put_cache(f, 0, 0, "Unified", 2, "1024K", "0");
    put_cache(f, 0, 1, "Unified", 3, "4096K", "0");
    run(f, 0);
    assert_int_equal(cache(f, "0/2/0/Unified"), 1024 * KIB);
    assert_int_equal(cache(f, "/3/0/Unified"), 4096 * KIB);
    assert_int_equal(count_of(f, AGENT_MACHINE_CACHE), 2);
}

/* Cores of two clusters called alike: what they have alike is given once, what differs not. */
static void test_clusters(void **state)
{
    struct machine_fixture *f = *state;
    put(f, "0-3\n", "sys/devices/system/cpu/online");
    put_node(f, 0, "cpulist", "0-3\n");
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        char core[8];
        (void)snprintf(core, sizeof core, "%u", cpu);
        put_topology(f, cpu, 0, cpu % 2, core);
        put_cache(f, cpu, 0, "Data", 1, "32K", core);
        put_cache(f, cpu, 1, "Unified", 2, cpu < 2 ? "256K" : "1024K", core);
    }
    run(f, 0);
    assert_int_equal(cache(f, "0/1/0/Data"), 32 * KIB);
    assert_int_equal(cache(f, "1/1/0/Data"), 32 * KIB);
    assert_int_equal(count_of(f, AGENT_MACHINE_CACHE), 2);
    assert_int_equal(siblings(f, "0/0/2"), 1);
    assert_int_equal(count_of(f, AGENT_MACHINE_SIBLINGS), 4);
}

static void test_no_caches(void **state)
{
    struct machine_fixture *f = *state;
    put_small(f);
    drop(f, "sys/devices/system/cpu/cpu1/cache"); /* the first thread of its core tells */
    run(f, 0);
    assert_int_equal(cache(f, "0/1/0/Data"), 48 * KIB);
    assert_int_equal(cache(f, "1/1/0/Data"), NOTHING);
    assert_int_equal(cache(f, "/3/0/Unified"), 266240 * KIB);
    assert_int_equal(count_of(f, AGENT_MACHINE_CACHE), 4);
    assert_int_equal(count_of(f, AGENT_MACHINE_SIBLINGS), 4);
}

/* Some files of a cache are hidden where the kernel does not know what would be in them. */
static void test_half_known_caches(void **state)
{
    static const char *const names[] = {"type", "level", "size", "shared_cpu_list"};
    static const char *const garbage[] = {
        "", "x\n", "-1\n", "48\n", "48M\n", "3-1\n", "18446744073709551615K\n"};
    struct machine_fixture *f = *state;
    put_small(f);
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        const char *file = "sys/devices/system/cpu/cpu0/cache/index0";
        put_cache(f, 0, 0, "Data", 1, "48K", "0,2");
        drop(f, "%s/%s", file, names[n]);
        again(f);
        run(f, 0);
        assert_int_equal(count_of(f, AGENT_MACHINE_CACHE), 6);
        for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
            put_cache(f, 0, 0, "Data", 1, "48K", "0,2");
            if (n == 3 && (i == 0 || i == 3)) /* that is a list */
                continue;
            if (n == 1 && i == 3) /* that is a level */
                continue;
            put(f, garbage[i], "%s/%s", file, names[n]);
            again(f);
            run(f, 0);
            assert_int_equal(cache(f, "0/1/0/Data"), NOTHING);
            assert_int_equal(count_of(f, AGENT_MACHINE_CACHE), 6);
        }
    }
}

/* A kernel without nodes: packages stand for them, and memory is not told by node. */
static void test_no_nodes(void **state)
{
    struct machine_fixture *f = *state;
    put_small(f);
    drop(f, "sys/devices/system/node");
    put_topology(f, 1, 7, 1, NULL);
    put_topology(f, 3, 7, 1, NULL);
    run(f, 0);
    assert_int_equal(siblings(f, "0/0/2"), 2);
    assert_int_equal(siblings(f, "1/7/3"), 2);
    assert_int_equal(cache(f, "1/1/7/Data"), 48 * KIB);
    assert_int_equal(cache(f, "0/3/0/Unified"), 266240 * KIB); /* shared by more than that node */
    assert_int_equal(cache(f, "1/3/7/Unified"), 266240 * KIB);
    assert_int_equal(count_of(f, AGENT_MACHINE_NODE_MEMORY), 0);
    assert_int_equal(count_of(f, AGENT_MACHINE_NODE_DISTANCE), 0);
    assert_int_equal(count_of(f, AGENT_MACHINE_NODE_HUGEPAGES), 0);
}

static void test_no_topology(void **state)
{
    struct machine_fixture *f = *state;
    put_small(f);
    for (unsigned cpu = 0; cpu < 4; cpu++)
        drop(f, "sys/devices/system/cpu/cpu%u/topology", cpu);
    run(f, 0);
    assert_int_equal(count_of(f, AGENT_MACHINE_CACHE), 0);
    assert_int_equal(count_of(f, AGENT_MACHINE_SIBLINGS), 0);
    assert_int_equal(count_of(f, AGENT_MACHINE_NODE_MEMORY), 1);
}

/* Half of each core is off line. */
static void test_offline(void **state)
{
    struct machine_fixture *f = *state;
    put_small(f);
    run(f, 0);
    put(f, "0-1\n", "sys/devices/system/cpu/online");
    put_node(f, 0, "cpulist", "0-1\n");
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        put_cpu(f, cpu, "topology/thread_siblings_list", cpu == 0 ? "0\n" : "1\n");
        put_cache(f, cpu, 2, "Unified", 2, "2048K", cpu == 0 ? "0" : "1");
        put_cache(f, cpu, 3, "Unified", 3, "266240K", "0-1");
        drop(f, "sys/devices/system/cpu/cpu%u/topology", cpu + 2);
        drop(f, "sys/devices/system/cpu/cpu%u/cache", cpu + 2);
    }
    run(f, 1);
    assert_int_equal(count_of(f, AGENT_MACHINE_SIBLINGS), 2);
    assert_int_equal(siblings(f, "1/0/1"), 1);
    assert_int_equal(cache(f, "0/2/0/Unified"), 2048 * KIB);
    assert_int_equal(cache(f, "/3/0/Unified"), 266240 * KIB);
}

static void test_bad_nodes(void **state)
{
    static const char *const distances[] = {
        "", "\n", "10 20\n", "x\n", "10 x\n", "-10\n", "99999999999999999999\n"};
    static const char *const memories[] = {"", "Node 0 MemFree: 1 kB\n", "Node 0 MemTotal: x kB\n",
                                           "Node 0 MemTotal: 18446744073709551615 kB\n",
                                           "Node 0 MemTotal: 1\n"};
    struct machine_fixture *f = *state;
    put_small(f);
    put_node(f, 0, "hugepages/hugepages-2048kB/nr_hugepages", "x\n");
    put_node(f, 0, "hugepages/hugepages-kB/nr_hugepages", "1\n");
    put_node(f, 0, "hugepages/hugepages-64/nr_hugepages", "1\n");
    put_node(f, 0, "hugepages/huge", "1\n");
    for (size_t i = 0; i < sizeof distances / sizeof distances[0]; i++) {
        put_node(f, 0, "distance", distances[i]);
        again(f);
        run(f, 0);
        assert_int_equal(count_of(f, AGENT_MACHINE_NODE_DISTANCE), 0);
    }
    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {
        put_node(f, 0, "meminfo", memories[i]);
        again(f);
        run(f, 0);
        assert_int_equal(count_of(f, AGENT_MACHINE_NODE_MEMORY), 0);
    }
    assert_int_equal(count_of(f, AGENT_MACHINE_NODE_HUGEPAGES), 1);
    put_node(f, 0, "cpulist", "x\n"); /* of no node as far as can be told */
    again(f);
    run(f, 0);
    assert_int_equal(count_of(f, AGENT_MACHINE_SIBLINGS), 0);
    assert_int_equal(count_of(f, AGENT_MACHINE_CACHE), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_socket),        TEST(test_two_sockets), TEST(test_shared_by_some),
        TEST(test_level_two),         TEST(test_clusters),    TEST(test_no_caches),
        TEST(test_half_known_caches), TEST(test_no_nodes),    TEST(test_no_topology),
        TEST(test_offline),           TEST(test_bad_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
