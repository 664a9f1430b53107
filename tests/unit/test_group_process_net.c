/* What it knows: whose sockets and TCP counters are whose, on hosts that stand in for a machine: a
 * container's own, the host's, shared ones, and processes that cannot be seen. Documents:
 * network_namespaces(7); proc(5), /proc/PID/net. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/metric.h"
#include "base/text.h"
#include "group_fixture.h"

#include <string.h>

#define TCP_HEADING                                                               \
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt" \
    "   uid  timeout inode\n"
#define UDP_HEADING                                                                \
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt" \
    "   uid  timeout inode ref pointer drops\n"
#define TCP_LINE(state)                                                                        \
    "  46: 010310AC:9C4C 030310AC:1770 " state " 00000150:00000000 01:00000019 00000000  1000" \
    "        0 54165785 4 cd1e6040 25 4 27 3 -1\n"
#define UDP_LINE                                                                               \
    "   12: 3500007F:0035 00000000:0000 07 00000002:00000010 00:00000000 00000000   101     0" \
    " 17437 2 0000000000000000 5\n"
#define WANTED (GROUP_BIT(GROUP_TCP) | GROUP_BIT(GROUP_UDP) | GROUP_BIT(GROUP_ADVTCP))

static const enum metric_group groups[] = {GROUP_TCP, GROUP_UDP, GROUP_ADVTCP};

/* What the namespace of a process has; `established` of its sockets are that. */
static void put_sockets(struct group_fixture *f, unsigned pid, unsigned established)
{
    char text[4096] = TCP_HEADING TCP_LINE("0A");
    for (unsigned i = 0; i < established; i++)
        memcpy(text + strlen(text), TCP_LINE("01"), sizeof TCP_LINE("01"));
    put(f, text, "proc/%u/net/tcp", pid);
    put(f, TCP_HEADING TCP_LINE("08"), "proc/%u/net/tcp6", pid);
    put(f, UDP_HEADING UDP_LINE UDP_LINE, "proc/%u/net/udp", pid);
    put(f, UDP_HEADING, "proc/%u/net/udp6", pid);
    put(f, "Tcp: RtoMin MaxConn\nTcp: 200 -1\n", "proc/%u/net/snmp", pid);
    put(f, "TcpExt: TW ListenDrops\nTcpExt: 3 4\nIpExt: InNoRoutes\nIpExt: 9\n",
        "proc/%u/net/netstat", pid);
}

static void begin(struct group_fixture *f)
{
    f->options.groups |= WANTED;
    put_container(f, PATH);
    put_process(f, 100, 500, "a", PATH);
    put_sockets(f, 100, 2);
}

static bool has(const struct container_row *row, enum point_metric metric, const char *word,
                int64_t *ret)
{
    bool found = false;
    for (size_t i = 0; i < row->point_count; i++) {
        const struct point *p = &row->points[i];
        if (p->metric != metric || !text_equal(p->labels[0], word))
            continue;
        assert_false(found);
        assert_null(p->labels[1]);
        found = true;
        *ret = (int64_t)p->value;
    }
    return found;
}

#define assert_point(row, metric, word, expected)             \
    do {                                                      \
        int64_t value_ = 0;                                   \
        assert_true(has(row, POINT_##metric, word, &value_)); \
        assert_true(value_ == (expected));                    \
    } while (0)

static size_t count_of(const struct container_row *row, enum point_metric metric)
{
    size_t count = 0;
    for (size_t i = 0; i < row->point_count; i++)
        count += row->points[i].metric == (unsigned)metric;
    return count;
}

static void assert_none(const struct container_row *row, enum reason reason)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        assert_absent(row, groups[i], reason);
    assert_int_equal(row->point_count, 0);
}

static void assert_all(const struct container_row *row)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        assert_given(row, groups[i]);
    assert_int_equal(count_of(row, POINT_TCP), 11);
    assert_int_equal(count_of(row, POINT_TCP6), 11);
    assert_int_equal(count_of(row, POINT_UDP), 4);
    assert_int_equal(count_of(row, POINT_UDP6), 4);
    assert_int_equal(count_of(row, POINT_ADVTCP), 4);
}

static void test_own(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_all(row);
    assert_point(row, TCP, "established", 2);
    assert_point(row, TCP, "listen", 1);
    assert_point(row, TCP, "lastack", 0);
    assert_point(row, TCP6, "closewait", 1);
    assert_point(row, UDP, "listen", 2);
    assert_point(row, UDP, "dropped", 10);
    assert_point(row, UDP, "rxqueued", 32);
    assert_point(row, UDP, "txqueued", 4);
    assert_point(row, UDP6, "listen", 0);
    assert_point(row, ADVTCP, "rtomin", 200);
    assert_point(row, ADVTCP, "maxconn", -1);
    assert_point(row, ADVTCP, "tw", 3);
    assert_point(row, ADVTCP, "listendrops", 4);
    put_sockets(f, 100, 7);
    (void)fixture_run(f, 1);
    assert_point(row_at(f, PATH), TCP, "established", 7);
}

/* Each alone, and none. */
static void test_wanted(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    for (size_t i = 0; i < 4; i++) {
        f->options.groups = GROUPS_DEFAULT | (i < 3 ? GROUP_BIT(groups[i]) : 0);
        fixture_again(f);
        (void)fixture_run(f, 1);
        const struct container_row *row = row_at(f, PATH);
        for (size_t k = 0; k < 3; k++) {
            if (k == i)
                assert_given(row, groups[k]);
            else
                assert_absent(row, groups[k], REASON_NOT_GIVEN);
        }
        assert_int_equal(count_of(row, POINT_TCP), i == 0 ? 11 : 0);
        assert_int_equal(count_of(row, POINT_UDP), i == 1 ? 4 : 0);
        assert_int_equal(count_of(row, POINT_ADVTCP), i == 2 ? 4 : 0);
    }
}

static void pass_seconds(struct group_fixture *f)
{
    f->now_ns += 2 * NS_PER_SECOND;
}

/* Tables that take long cost no other group its values. */
static void test_out_of_time(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    f->at_clock = pass_seconds;
    f->at_clock_calls = 2; /* the first is the round's begin */
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_absent(row, GROUP_TCP, REASON_TIMEOUT);
    assert_absent(row, GROUP_UDP, REASON_TIMEOUT);
    assert_given(row, GROUP_ADVTCP);
    assert_given(row, GROUP_MEMORY);
    (void)fixture_run(f, 1);
    assert_all(row_at(f, PATH));
}

static void test_without_ipv6(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    drop(f, "proc/100/net/tcp6");
    drop(f, "proc/100/net/udp6");
    (void)fixture_run(f, 0);
    const struct container_row *row = row_at(f, PATH);
    assert_given(row, GROUP_TCP);
    assert_given(row, GROUP_UDP);
    assert_int_equal(count_of(row, POINT_TCP), 11);
    assert_int_equal(count_of(row, POINT_UDP), 4);
    assert_int_equal(count_of(row, POINT_TCP6), 0);
    assert_int_equal(count_of(row, POINT_UDP6), 0);
}

static void test_of_the_host(void **state)
{
    struct group_fixture *f = *state;
    f->options.groups |= WANTED;
    put_container(f, PATH);
    put_process(f, 100, 500, HOST_NETWORK, PATH);
    put_sockets(f, 100, 2);
    put_sockets(f, 1, 5);
    (void)fixture_run(f, 0);
    assert_none(row_at(f, PATH), REASON_HOST_NETWORK);
    assert_all(row_at(f, "/"));
    assert_point(row_at(f, "/"), TCP, "established", 5);
}

static void test_host_without_pid_1(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    drop(f, "proc/1");
    (void)fixture_run(f, 0);
    assert_none(row_at(f, "/"), REASON_NO_PROCESS);
    assert_all(row_at(f, PATH));
}

static void test_shared(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put_container(f, PATH_2);
    put_process(f, 101, 600, "a", PATH_2);
    put_sockets(f, 101, 2);
    (void)fixture_run(f, 0);
    assert_all(row_at(f, PATH));
    assert_none(row_at(f, PATH_2), REASON_SHARED_NETWORK);
}

/* Without an interface there are sockets all the same. */
static void test_only_lo(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put_interfaces(f, "a", "");
    (void)fixture_run(f, 0);
    assert_no_network(f, PATH, REASON_NO_NETWORK);
    assert_all(row_at(f, PATH));
}

static void test_no_process(void **state)
{
    struct group_fixture *f = *state;
    f->options.groups |= WANTED;
    put_container(f, PATH);
    (void)fixture_run(f, 0);
    assert_none(row_at(f, PATH), REASON_NO_PROCESS);
}

/* The process ended, its number is another's, and one of the others is found in the round after. */
static void test_ends(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put_process(f, 101, 600, "a", PATH);
    put_sockets(f, 101, 9);
    (void)fixture_run(f, 0);
    assert_point(row_at(f, PATH), TCP, "established", 2);
    put_network(f, 100, "other");
    put_file(f, "memory", PATH, "cgroup.procs", "101\n");
    (void)fixture_run(f, 1);
    assert_none(row_at(f, PATH), REASON_NO_PROCESS);
    assert_given(row_at(f, PATH), GROUP_NETWORK);
    (void)fixture_run(f, 1);
    assert_all(row_at(f, PATH));
    assert_point(row_at(f, PATH), TCP, "established", 9);
}

static void test_broken(void **state)
{
    struct group_fixture *f = *state;
    begin(f);
    put(f, "sl local\n", "proc/100/net/tcp6");
    put(f, UDP_HEADING "torn", "proc/100/net/udp");
    put(f, "TcpExt: TW\n", "proc/100/net/netstat");
    (void)fixture_run(f, 0);
    assert_none(row_at(f, PATH), REASON_MALFORMED);
    assert_int_equal(problems(f, REASON_MALFORMED), 3);
}

static void test_services(void **state)
{
    struct group_fixture *f = *state;
    f->options.scope = SCOPE_SERVICES;
    f->options.groups |= WANTED;
    put_container(f, "/system.slice/ssh.service");
    put_process(f, 100, 500, HOST_NETWORK, "/system.slice/ssh.service");
    (void)fixture_run(f, 0);
    assert_none(row_at(f, "/system.slice/ssh.service"), REASON_NO_NETWORK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V1(test_own),          V2(test_own),
        HYBRID(test_own),      V2(test_wanted),
        V2(test_out_of_time),  V2(test_of_the_host),
        V2(test_without_ipv6), V2(test_of_the_host),
        V2(test_shared),       V2(test_only_lo),
        V2(test_no_process),   V1(test_ends),
        V2(test_ends),         V2(test_broken),
        V2(test_services),     V2(test_host_without_pid_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
