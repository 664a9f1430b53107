/* What it knows: whose network counters are whose: a container's own, the host's, one that several
 * share, none, and processes that come, go and cannot be seen. Documents: network_namespaces(7);
 * proc(5), /proc/PID/net/dev and hidepid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "group_fixture.h"

#include <stdio.h>
#include <unistd.h>

#define RECHECK    10 /* seconds within which another namespace is noticed */
#define PODS       "/kubepods.slice/kubepods-pod7a3c24c5_9f0e_4f6b_8d5f_0d8e8f3c2b1a.slice"
#define IN_POD(id) PODS "/cri-containerd-" id ".scope"

static void test_own(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_process(f, 100, 500, "a", PATH);
    put_bytes_received(f, "a", 77);
    (void)fixture_run(f, 0);
    assert_received(f, PATH, 77);
    const uint64_t *values = row_at(f, PATH)->interfaces[0].values;
    assert_int_equal(values[INTERFACE_RX_PACKETS], 2);
    assert_int_equal(values[INTERFACE_RX_ERRORS], 3);
    assert_int_equal(values[INTERFACE_RX_DROPPED], 4);
    assert_int_equal(values[INTERFACE_TX_BYTES], 5);
    assert_int_equal(values[INTERFACE_TX_PACKETS], 6);
    assert_int_equal(values[INTERFACE_TX_ERRORS], 7);
    assert_int_equal(values[INTERFACE_TX_DROPPED], 8);
    put_bytes_received(f, "a", 78);
    (void)fixture_run(f, 1);
    assert_received(f, PATH, 78);
}

static void test_of_the_host(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_process(f, 100, 500, HOST_NETWORK, PATH);
    (void)fixture_run(f, 0);
    assert_no_network(f, PATH, REASON_HOST_NETWORK);
    assert_received(f, "/", 1000); /* once, at the host */
}

/* Where pid 1 cannot be seen, weir's own network stands for the host's. */
static void test_of_the_host_without_pid_1(void **state)
{
    struct group_fixture *f = *state;
    char from[128];
    char to[128];
    put_container(f, PATH);
    put_process(f, 100, 500, HOST_NETWORK, PATH);
    drop(f, "proc/1");
    put_directory(f, "proc/net");
    (void)snprintf(from, sizeof from, "%s/proc/100/net/dev", f->top);
    (void)snprintf(to, sizeof to, "%s/proc/net/dev", f->top);
    assert_int_equal(link(from, to), 0);
    (void)fixture_run(f, 0);
    assert_no_network(f, PATH, REASON_HOST_NETWORK);
    assert_int_equal(row_at(f, "/")->tiers[GROUP_NETWORK], TIER_NONE);
}

static void test_only_lo(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_process(f, 100, 500, "a", PATH);
    put_interfaces(f, "a", "");
    (void)fixture_run(f, 0);
    assert_no_network(f, PATH, REASON_NO_NETWORK);
    put_bytes_received(f, "a", 5); /* connected later */
    (void)fixture_run(f, 1);
    assert_received(f, PATH, 5);
}

static void test_hidden(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_process(f, 100, 500, NULL, PATH);
    (void)fixture_run(f, 0);
    assert_no_network(f, PATH, REASON_NO_PROCESS);
    assert_value(row_at(f, PATH), MEMORY_USAGE, 104857600);
    assert_int_equal(group_reader_result(f->reader)->part.problem_count, 0);
    put_process(f, 100, 500, "a", PATH); /* shown from now on */
    (void)fixture_run(f, 1);
    assert_received(f, PATH, 2000);
}

static void test_no_process(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    (void)fixture_run(f, 0);
    assert_no_network(f, PATH, REASON_NO_PROCESS);
    put_process(f, 100, 500, "a", PATH);
    (void)fixture_run(f, 1);
    assert_received(f, PATH, 2000);
}

/* The first process of the container is the one whose network counts, not the lowest number. */
static void test_first_process(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_process(f, 90, 900, "nested", PATH);
    put_process(f, 100, 500, "a", PATH);
    put_process(f, 80, 700, "b", PATH);
    put_bytes_received(f, "a", 77);
    (void)fixture_run(f, 0);
    assert_received(f, PATH, 77);
}

/* v2 allows processes in the lowest groups only. */
static void test_processes_below(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_group(f, PATH "/init");
    put_group(f, PATH "/system.slice/a.service");
    put_process(f, 100, 500, "a", PATH "/system.slice/a.service");
    put_bytes_received(f, "a", 77);
    (void)fixture_run(f, 0);
    assert_received(f, PATH, 77);
}

/* An engine inside the container: its containers have networks of their own, and whatever order the
 * directories are listed in, the outer container's is that of its first process. */
static void test_engine_inside(void **state)
{
    static const char *const names[] = {"init", "a", "z", "zz", "system.slice", "b"};
    struct group_fixture *f = *state;
    put_container(f, PATH);
    for (unsigned i = 0; i < 6; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", PATH, names[i]);
        put_group(f, path);
        put_process(f, 100 + i, 500, "a", path);
        put_group(f, PATH "/docker/" ID_2);
        put_process(f, 99, 600, "inner", PATH "/docker/" ID_2);
        put_bytes_received(f, "a", 77);
        fixture_again(f);
        (void)fixture_run(f, 0);
        assert_received(f, PATH, 77);
        drop_container(f, path);
        drop_container(f, PATH "/docker");
    }
}

/* The process that supervises is of the host. */
static void check_supervised(struct group_fixture *f, const char *path, const char *theirs,
                             const char *own)
{
    char below[256];
    put_container(f, path);
    (void)snprintf(below, sizeof below, "%s/%s", path, theirs);
    put_group(f, below);
    put_process(f, 90, 400, HOST_NETWORK, below);
    (void)snprintf(below, sizeof below, "%s/%s", path, own);
    put_group(f, below);
    put_process(f, 100, 500, "a", below);
    put_bytes_received(f, "a", 77);
    (void)fixture_run(f, 0);
    assert_received(f, path, 77);
}

static void test_supervised(void **state)
{
    check_supervised(*state, "/machine.slice/systemd-nspawn@web.service", "supervisor", "payload");
    check_supervised(*state, "/machine.slice/systemd-nspawn@db.service", ".control", "payload");
    check_supervised(*state, "/lxc.payload.web", ".lxc", "init.scope");
}

/* 0 stands for a process of another pid namespace. */
static void test_processes_of_another_namespace(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_file(f, "memory", PATH, "cgroup.procs", "0\n0\n");
    (void)fixture_run(f, 0);
    assert_no_network(f, PATH, REASON_NO_PROCESS);
}

static void test_many_processes(void **state)
{
    struct group_fixture *f = *state;
    struct buf text;
    put_container(f, PATH);
    put_process(f, 100, 500, "a", PATH);
    put_bytes_received(f, "a", 77);
    buf_init(&text, 1 << 20);
    for (unsigned pid = 100; pid < 20100; pid++) /* more than 64 KiB */
        assert_int_equal(buf_add_format(&text, "%u\n", pid), 0);
    put_file(f, "memory", PATH, "cgroup.procs", text.data);
    buf_done(&text);
    (void)fixture_run(f, 0);
    assert_received(f, PATH, 77);
}

/* --- shared --- */

static void put_pair(struct group_fixture *f)
{
    put_container(f, PATH);
    put_container(f, PATH_2);
    put_process(f, 100, 500, "a", PATH);
    put_process(f, 200, 400, "a", PATH_2);
    put_bytes_received(f, "a", 77);
}

static void test_shared(void **state)
{
    struct group_fixture *f = *state;
    put_pair(f);
    for (unsigned round = 0; round < 2; round++) {
        (void)fixture_run(f, 1);
        assert_received(f, PATH_2, 77); /* it was there first */
        assert_no_network(f, PATH, REASON_SHARED_NETWORK);
    }
    /* A third one joins. */
    put_container(f, PATH_3);
    put_process(f, 300, 600, "a", PATH_3);
    (void)fixture_run(f, 1);
    assert_received(f, PATH_2, 77);
    assert_no_network(f, PATH, REASON_SHARED_NETWORK);
    assert_no_network(f, PATH_3, REASON_SHARED_NETWORK);
    /* Who had it ends: the next has it. */
    drop_container(f, PATH_2);
    drop(f, "proc/200");
    (void)fixture_run(f, 1);
    assert_received(f, PATH, 77);
    assert_no_network(f, PATH_3, REASON_SHARED_NETWORK);
}

/* The engine says who joined whom. */
static void test_shared_by_hint(void **state)
{
    struct group_fixture *f = *state;
    struct group_hint hints[] = {{.id = ID}, {.id = ID_2, .network = REASON_SHARED_NETWORK}};
    put_pair(f);
    (void)fixture_run(f, 0);
    assert_received(f, PATH_2, 77);
    hint(f, 2, hints);
    (void)fixture_run(f, 1);
    assert_received(f, PATH, 77);
    assert_no_network(f, PATH_2, REASON_SHARED_NETWORK);
}

/* A container that joined one the cgroup tier does not see has counters nobody else shows. */
static void test_host_by_hint(void **state)
{
    struct group_fixture *f = *state;
    struct group_hint hints[] = {{.id = ID, .network = REASON_HOST_NETWORK}};
    put_container(f, PATH);
    put_process(f, 100, 500, "a", PATH);
    (void)fixture_run(f, 0);
    assert_received(f, PATH, 2000);
    hint(f, 1, hints);
    (void)fixture_run(f, 1);
    assert_no_network(f, PATH, REASON_HOST_NETWORK);
}

/* The group of the one that had it is still there, its processes are not. */
static void test_owner_without_processes(void **state)
{
    struct group_fixture *f = *state;
    put_pair(f);
    f->options.max_files = 0;
    (void)fixture_run(f, 0);
    assert_received(f, PATH_2, 77);
    put_file(f, "memory", PATH_2, "cgroup.procs", "");
    drop(f, "proc/200");
    for (unsigned round = 0; round < 3; round++)
        (void)fixture_run(f, RECHECK);
    assert_received(f, PATH, 77);
    assert_no_network(f, PATH_2, REASON_NO_PROCESS);
}

/* A pod's sandbox has the pod's network, whoever of it was there first. */
static void test_sandbox(void **state)
{
    struct group_fixture *f = *state;
    static const char bundle[] =
        "run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID_3 "/config.json";
    static char run[128];
    (void)snprintf(run, sizeof run, "%s/run", f->top);
    f->options.files.run = run;
    put_container(f, IN_POD(ID));
    put_container(f, IN_POD(ID_3));
    put_process(f, 100, 500, "a", IN_POD(ID));
    put_process(f, 300, 600, "a", IN_POD(ID_3));
    put_bytes_received(f, "a", 77);
    put(f,
        "{\"ociVersion\":\"1.1.0\",\"process\":{\"args\":[\"/pause\"],\"cwd\":\"/\"},"
        "\"annotations\":{\"io.kubernetes.cri.container-type\":\"sandbox\","
        "\"io.kubernetes.cri.sandbox-id\":\"" ID_3 "\","
        "\"io.kubernetes.cri.sandbox-name\":\"web-0\","
        "\"io.kubernetes.cri.sandbox-namespace\":\"default\"}}\n",
        "%s", bundle);
    (void)fixture_run(f, 0);
    const struct group_found *sandbox = found_at(f, IN_POD(ID_3));
    assert_non_null(sandbox->facts);
    assert_true(sandbox->facts->sandbox);
    (void)fixture_run(f, 1);
    assert_received(f, IN_POD(ID_3), 77);
    assert_no_network(f, IN_POD(ID), REASON_SHARED_NETWORK);
}

static void test_malformed(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_process(f, 100, 500, "a", PATH);
    put(f, "not the kernel's\n", "networks/a");
    (void)fixture_run(f, 0);
    assert_no_network(f, PATH, REASON_MALFORMED);
    assert_true(problems(f, REASON_MALFORMED) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V1(test_own),
        V2(test_own),
        HYBRID(test_own),
        V2(test_of_the_host),
        V2(test_of_the_host_without_pid_1),
        V2(test_only_lo),
        V1(test_hidden),
        V2(test_hidden),
        V1(test_no_process),
        V1(test_first_process),
        V1(test_processes_below),
        V2(test_processes_below),
        V2(test_engine_inside),
        V2(test_supervised),
        V2(test_processes_of_another_namespace),
        V2(test_many_processes),
        V1(test_shared),
        V2(test_shared),
        V2(test_shared_by_hint),
        V2(test_host_by_hint),
        V2(test_owner_without_processes),
        V2(test_sandbox),
        V2(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
