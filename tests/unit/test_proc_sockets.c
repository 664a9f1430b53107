/* What it knows: what kernels write into net/tcp, udp, snmp and netstat, whole, in pieces and
 * broken. Documents: Documentation/networking/proc_net_tcp.rst and snmp_counter.rst; proc(5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "collectors/proc_sockets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TCP_HEADING                                                               \
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt" \
    "   uid  timeout inode                                                     \n"
#define TCP6_HEADING                                                                     \
    "  sl  local_address                         remote_address                        " \
    "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define UDP_HEADING                                                                \
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt" \
    "   uid  timeout inode ref pointer drops             \n"
/* The entry of the kernel's document. */
#define TCP_LINE(state)                                                                        \
    "  46: 010310AC:9C4C 030310AC:1770 " state " 00000150:00000000 01:00000019 00000000  1000" \
    "        0 54165785 4 cd1e6040 25 4 27 3 -1\n"
/* A socket in TIME_WAIT has fewer columns. */
#define TCP_WAITING                                                                     \
    "   7: 0100007F:0CEA 0100007F:A2D4 06 00000000:00000000 03:000015A8 00000000     0" \
    "        0 0 3 0000000000000000                                      \n"
#define TCP6_LINE                                                                                 \
    "   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A"        \
    " 00000000:00000000 00:00000000 00000000     0        0 20141 1 0000000000000000 100 0 0 10 " \
    "0\n"
#define UDP_LINE(tx, rx, drops)                                                      \
    "12345: 3500007F:0035 00000000:0000 07 " tx ":" rx " 00:00000000 00000000   101" \
    "        0 17437 2 0000000000000000 " drops "         \n"

static uint64_t value(const struct proc_sockets *table, const char *word)
{
    size_t count = 0;
    const char *const *words = proc_socket_words(table->kind, &count);
    for (size_t i = 0; i < count; i++)
        if (text_equal(words[i], word))
            return table->values[i];
    fail_msg("no value %s", word);
    return 0;
}

static int take(const char *text, enum proc_socket_kind kind, struct proc_sockets *ret)
{
    size_t used = 0;
    *ret = (struct proc_sockets){.kind = kind};
    int r = proc_sockets_take(ret, text, strlen(text), &used);
    if (r == 0)
        assert_int_equal(used, strlen(text));
    return r;
}

/* include/net/tcp_states.h: the numbers of the states. */
static void test_tcp_states(void **state)
{
    static const char *const words[] = {"established", "synsent",  "synrecv", "finwait1",
                                        "finwait2",    "timewait", "close",   "closewait",
                                        "lastack",     "listen",   "closing"};
    size_t count = 0;
    (void)state;
    (void)proc_socket_words(PROC_TCP, &count);
    assert_int_equal(count, 11);
    for (unsigned i = 0; i < 11; i++) {
        struct proc_sockets table;
        char text[1024];
        (void)snprintf(text, sizeof text, TCP_HEADING "%s", TCP_LINE("@@"));
        char *at = strstr(text, "@@");
        char number[3];
        (void)snprintf(number, sizeof number, "%02X", i + 1);
        memcpy(at, number, 2);
        assert_int_equal(take(text, PROC_TCP, &table), 0);
        assert_int_equal(table.count, 1);
        for (size_t w = 0; w < 11; w++)
            assert_int_equal(value(&table, words[w]), w == i);
    }
}

static void test_tcp(void **state)
{
    struct proc_sockets table;
    (void)state;
    assert_int_equal(take(TCP_HEADING TCP_LINE("01") TCP_LINE("01") TCP_WAITING TCP_LINE("03")
                              TCP_LINE("0C") TCP_LINE("0A"),
                          PROC_TCP, &table),
                     0);
    assert_int_equal(table.count, 6);
    assert_int_equal(value(&table, "established"), 2);
    assert_int_equal(value(&table, "timewait"), 1);
    assert_int_equal(value(&table, "synrecv"), 2); /* a request that is no socket yet too */
    assert_int_equal(value(&table, "listen"), 1);
    assert_int_equal(value(&table, "closewait"), 0);
    assert_int_equal(take(TCP_HEADING, PROC_TCP, &table), 0);
    assert_int_equal(table.count, 0);
    assert_int_equal(take(TCP6_HEADING TCP6_LINE, PROC_TCP, &table), 0);
    assert_int_equal(value(&table, "listen"), 1);
}

static void test_udp(void **state)
{
    struct proc_sockets table;
    (void)state;
    assert_int_equal(take(UDP_HEADING UDP_LINE("00000150", "0000001A", "7")
                              UDP_LINE("00000001", "FFFFFFFF", "4294967295"),
                          PROC_UDP, &table),
                     0);
    assert_int_equal(value(&table, "listen"), 2);
    assert_int_equal(value(&table, "dropped"), UINT64_C(4294967302));
    assert_int_equal(value(&table, "txqueued"), 0x151);
    assert_int_equal(value(&table, "rxqueued"), UINT64_C(0x100000019));
}

static void test_broken_tables(void **state)
{
    static const char *const tcp[] = {
        "\n",
        "sl local_address\n",
        TCP_LINE("01"),          /* no heading */
        TCP_HEADING TCP_HEADING, /* two */
        TCP_HEADING "\n",        /* an empty line */
        TCP_HEADING "  46: 010310AC:9C4C 030310AC:1770 01\n",
        TCP_HEADING TCP_LINE("00"), /* no state has this number */
        TCP_HEADING TCP_LINE("0D"),
        TCP_HEADING TCP_LINE("FF"),
        TCP_HEADING TCP_LINE("1"),
        TCP_HEADING TCP_LINE("0x1"),
        TCP_HEADING TCP_LINE("-1"),
        TCP_HEADING "  46 010310AC:9C4C 030310AC:1770 01 00000150:00000000 01:00000019 0\n",
        TCP_HEADING "  4x: 010310AC:9C4C 030310AC:1770 01 00000150:00000000 01:00000019 0\n",
        TCP_HEADING "  46: 010310AC:9C4C 030310AC:1770 01 00000150 01:00000019 0\n",
    };
    static const char *const udp[] = {
        UDP_HEADING UDP_LINE("0000015G", "00000000", "0"),
        UDP_HEADING UDP_LINE("000000150", "00000000", "0"),
        UDP_HEADING UDP_LINE("00000150", "", "0"),
        UDP_HEADING UDP_LINE("00000150", "00000000", "-1"),
        UDP_HEADING UDP_LINE("00000150", "00000000", "4294967296"),
        UDP_HEADING UDP_LINE("00000150", "00000000", ""),
    };
    struct proc_sockets table;
    (void)state;
    for (size_t i = 0; i < sizeof tcp / sizeof tcp[0]; i++)
        assert_int_equal(take(tcp[i], PROC_TCP, &table), -EBADMSG);
    for (size_t i = 0; i < sizeof udp / sizeof udp[0]; i++)
        assert_int_equal(take(udp[i], PROC_UDP, &table), -EBADMSG);
}

/* However a table is cut, the same is in it. */
static void test_pieces(void **state)
{
    static const char text[] = TCP_HEADING TCP_LINE("01") TCP_WAITING TCP_LINE("0A");
    struct proc_sockets whole;
    (void)state;
    assert_int_equal(take(text, PROC_TCP, &whole), 0);
    for (size_t cut = 0; cut < sizeof text; cut++) {
        struct proc_sockets table = {.kind = PROC_TCP};
        size_t first = 0;
        size_t second = 0;
        assert_int_equal(proc_sockets_take(&table, text, cut, &first), 0);
        assert_true(first <= cut && (first == 0 || text[first - 1] == '\n'));
        assert_int_equal(proc_sockets_take(&table, text + first, sizeof text - 1 - first, &second),
                         0);
        assert_int_equal(first + second, sizeof text - 1);
        assert_memory_equal(&table, &whole, sizeof table);
    }
}

static void test_most(void **state)
{
    struct proc_sockets table;
    size_t used = 0;
    (void)state;
    assert_int_equal(take(TCP_HEADING, PROC_TCP, &table), 0);
    for (size_t i = 0; i < PROC_SOCKETS_MOST; i++)
        assert_int_equal(
            proc_sockets_take(&table, TCP_LINE("01"), sizeof TCP_LINE("01") - 1, &used), 0);
    assert_int_equal(value(&table, "established"), PROC_SOCKETS_MOST);
    assert_int_equal(proc_sockets_take(&table, TCP_LINE("01"), sizeof TCP_LINE("01") - 1, &used),
                     -E2BIG);
}

/* The kernel needs the square of their number: a table of 100000 would keep the thread for 18 s. */
static void test_most_udp(void **state)
{
    static const char line[] = "    7: 0100007F:0035 00000000:0000 07 00000000:00000000 "
                               "00:00000000 00000000 0 0 1 2 0 0\n";
    struct proc_sockets table;
    size_t used = 0;
    (void)state;
    assert_int_equal(take(UDP_HEADING, PROC_UDP, &table), 0);
    for (size_t i = 0; i < PROC_UDP_MOST; i++)
        assert_int_equal(proc_sockets_take(&table, line, sizeof line - 1, &used), 0);
    assert_int_equal(value(&table, "listen"), PROC_UDP_MOST);
    assert_int_equal(proc_sockets_take(&table, line, sizeof line - 1, &used), -E2BIG);
}

/* --- files --- */

static int read_text(const char *text, size_t length, size_t times, struct proc_sockets *ret)
{
    char path[64];
    int fd = memfd_create("table", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, TCP_HEADING, sizeof TCP_HEADING - 1), sizeof TCP_HEADING - 1);
    for (size_t i = 0; i < times; i++)
        assert_int_equal(write(fd, text, length), length);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int r = proc_sockets_read(path, PROC_TCP, ret);
    assert_int_equal(close(fd), 0);
    return r;
}

static void test_read(void **state)
{
    static const char line[] = TCP_LINE("08");
    struct proc_sockets table = {.count = 99};
    (void)state;
    assert_int_equal(read_text(line, sizeof line - 1, 100000, &table), 0); /* 12 MB */
    assert_int_equal(table.count, 100000);
    assert_int_equal(value(&table, "closewait"), 100000);
    table.count = 99;
    assert_int_equal(read_text(line, sizeof line - 2, 1, &table), -EBADMSG); /* torn */
    assert_int_equal(proc_sockets_read("/proc/self/net/none", PROC_TCP, &table), -ENOENT);
    assert_int_equal(proc_sockets_read("/dev/null", PROC_TCP, &table), -EBADMSG);
    assert_int_equal(proc_sockets_read("/dev/zero", PROC_TCP, &table), -EBADMSG); /* one line */
    assert_int_equal(table.count, 99);
}

/* --- counters --- */

#define SNMP                                                                              \
    "Ip: Forwarding DefaultTTL\nIp: 1 64\n"                                               \
    "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens\nTcp: 1 200 120000 -1 1013761\n" \
    "Udp: InDatagrams\nUdp: 5\n"
#define NETSTAT                                                                      \
    "TcpExt: SyncookiesSent TW TCPHPHits PAWSOldAck\nTcpExt: 22 758035 11084667 3\n" \
    "IpExt: InNoRoutes\nIpExt: 0\n"

static const struct proc_counter *counter(const struct proc_counters *counters, const char *name)
{
    const struct proc_counter *found = NULL;
    for (size_t i = 0; i < counters->count; i++) {
        if (!text_equal(counters->items[i].name, name))
            continue;
        assert_null(found);
        found = &counters->items[i];
    }
    return found;
}

#define assert_counter(counters, name, expected)                   \
    do {                                                           \
        assert_non_null(counter(counters, name));                  \
        assert_true(counter(counters, name)->value == (expected)); \
    } while (0)

static int parse(const char *text, const char *protocol, struct arena *arena,
                 struct proc_counters *counters)
{
    return proc_counters_parse(text, strlen(text), protocol, arena, counters);
}

static void test_counters(void **state)
{
    struct arena arena = {0};
    struct proc_counters counters = {0};
    (void)state;
    assert_int_equal(parse(SNMP, "Tcp", &arena, &counters), 0);
    assert_int_equal(counters.count, 5);
    assert_counter(&counters, "rtoalgorithm", 1);
    assert_counter(&counters, "rtomax", 120000);
    assert_counter(&counters, "maxconn", -1);
    assert_counter(&counters, "activeopens", 1013761);
    assert_int_equal(parse(NETSTAT, "TcpExt", &arena, &counters), 0);
    assert_int_equal(counters.count, 9);
    assert_counter(&counters, "rtoalgorithm", 1);
    assert_counter(&counters, "syncookiessent", 22);
    assert_counter(&counters, "tw", 758035);
    assert_counter(&counters, "tcphphits", 11084667);
    assert_counter(&counters, "pawsoldack", 3);
    assert_int_equal(parse(NETSTAT, "Tcp", &arena, &counters), -ENODATA);
    assert_int_equal(parse("", "Tcp", &arena, &counters), -ENODATA);
    assert_int_equal(counters.count, 9);
    arena_done(&arena);
}

static void test_odd_counters(void **state)
{
    struct arena arena = {0};
    struct proc_counters counters = {0};
    (void)state;
    assert_int_equal(parse("Tcp: A a B C D\nTcp: 1 2 9223372036854775807 9223372036854775808 "
                           "99999999999999999999\n",
                           "Tcp", &arena, &counters),
                     0);
    assert_int_equal(counters.count, 2); /* one of two alike, none of those past an int64_t */
    assert_counter(&counters, "a", 1);
    assert_counter(&counters, "b", INT64_MAX);
    arena_done(&arena);
}

static void test_broken_counters(void **state)
{
    static const char *const texts[] = {
        "Tcp: A B\n",
        "Tcp: A B\nTcp: 1\n",
        "Tcp: A\nTcp: 1 2\n",
        "Tcp: A B\nTcp: 1 2",
        "Tcp: A B\nTcpExt: 1 2\n",
        "Tcp: A  B\nTcp: 1  2\n",
        "Tcp: A B \nTcp: 1 2 \n",
        "Tcp: \nTcp: \n",
        "Tcp: A B\nTcp: 1 x\n",
        "Tcp: A B\nTcp: 1 +2\n",
        "Tcp: A B\nTcp: 1 -\n",
        "Tcp: A B\nTcp: 1 0x2\n",
        "Tcp: A \"B\nTcp: 1 2\n",
        "Tcp: A \xC3\xA9\nTcp: 1 2\n",
    };
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct proc_counters counters = {0};
        assert_int_equal(parse(texts[i], "Tcp", &arena, &counters), -EBADMSG);
        assert_int_equal(counters.count, 0);
    }
    arena_done(&arena);
}

/* The running kernel's own files. */
static void test_this_kernel(void **state)
{
    static const char *const files[] = {"/proc/self/net/snmp", "/proc/self/net/netstat"};
    static const char *const protocols[] = {"Tcp", "TcpExt"};
    struct proc_sockets table;
    struct arena arena = {0};
    struct proc_counters counters = {0};
    (void)state;
    if (access(files[0], R_OK) != 0)
        skip();
    assert_int_equal(proc_sockets_read("/proc/self/net/tcp", PROC_TCP, &table), 0);
    assert_int_equal(proc_sockets_read("/proc/self/net/udp", PROC_UDP, &table), 0);
    for (size_t i = 0; i < 2; i++) {
        char text[16384];
        FILE *file = fopen(files[i], "re");
        assert_non_null(file);
        size_t length = fread(text, 1, sizeof text - 1, file);
        assert_int_equal(fclose(file), 0);
        text[length] = '\0';
        assert_int_equal(proc_counters_parse(text, length, protocols[i], &arena, &counters), 0);
    }
    assert_non_null(counter(&counters, "maxconn"));
    assert_non_null(counter(&counters, "listendrops"));
    assert_true(counters.count > 90);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_states),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_udp),
        cmocka_unit_test(test_broken_tables),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_most),
        cmocka_unit_test(test_most_udp),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_odd_counters),
        cmocka_unit_test(test_broken_counters),
        cmocka_unit_test(test_this_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
