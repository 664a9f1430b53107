/* What it knows: what kernels old and new write into net/dev, what a container may call its
 * interfaces, and which processes share a network namespace on the machine the test runs on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "collectors/proc_net.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY  65534
#define SKIPPED 77 /* exit status of a child that could not try */
#define HEADING                                                                      \
    "Inter-|   Receive                                                |  Transmit\n" \
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    "    \
    "packets errs drop fifo colls carrier compressed\n"
#define LO                                                                               \
    "    lo: 38869936079 3163881    0    0    0     0          0         0 38869936079 " \
    "3163881    0    0    0     0       0          0\n"
#define ETH0                                                                                 \
    "  eth0: 3019637647   82117    3    4    5     6          7         8  3774212   50187 " \
    "  11   12   13    14      15         16\n"
#define ZEROS " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
#define ONES  " 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n"
#define FFFD  "\xEF\xBF\xBD"

struct got {
    struct arena arena;
    struct interface_row *rows;
    size_t count;
};

/* Parses a copy that is exactly as long as said, so that a read past it is seen. */
static int parse_bytes(struct got *g, const char *text, size_t length)
{
    arena_done(&g->arena);
    g->rows = (struct interface_row *)1;
    g->count = 12345;
    char *copy = malloc(length + 1);
    assert_non_null(copy);
    memcpy(copy, text, length);
    copy[length] = '\0';
    int r = proc_net_parse(copy, length, &g->arena, &g->rows, &g->count);
    free(copy); /* names must not point into it */
    if (r < 0) {
        assert_ptr_equal(g->rows, (void *)1);
        assert_int_equal(g->count, 12345);
    }
    return r;
}

static int parse(struct got *g, const char *text)
{
    return parse_bytes(g, text, strlen(text));
}

static const struct interface_row *row_called(const struct got *g, const char *name)
{
    for (size_t i = 0; i < g->count; i++)
        if (strcmp(g->rows[i].name, name) == 0)
            return &g->rows[i];
    fail_msg("no interface %s", name);
    return NULL;
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct got));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    struct got *g = *state;
    arena_done(&g->arena);
    free(g);
    return 0;
}

static void test_kernel_of_today(void **state)
{
    struct got *g = *state;
    assert_int_equal(parse(g, HEADING LO "  ifb0:" ZEROS ETH0), 0);
    assert_int_equal(g->count, 2); /* ifb0 is no fallback device: somebody made it */
    (void)row_called(g, "ifb0");
    const struct interface_row *row = row_called(g, "eth0");
    assert_int_equal(row->present, (1U << INTERFACE_METRICS) - 1);
    assert_int_equal(row->values[INTERFACE_RX_BYTES], 3019637647);
    assert_int_equal(row->values[INTERFACE_RX_PACKETS], 82117);
    assert_int_equal(row->values[INTERFACE_RX_ERRORS], 3);
    assert_int_equal(row->values[INTERFACE_RX_DROPPED], 4);
    assert_int_equal(row->values[INTERFACE_TX_BYTES], 3774212);
    assert_int_equal(row->values[INTERFACE_TX_PACKETS], 50187);
    assert_int_equal(row->values[INTERFACE_TX_ERRORS], 11);
    assert_int_equal(row->values[INTERFACE_TX_DROPPED], 12);
}

/* "%6s:%8lu": a number of eight digits and more has no blank before it. */
static void test_colon_touches_the_number(void **state)
{
    struct got *g = *state;
    assert_int_equal(parse(g, HEADING "    lo:12345678 9 0 0 0 0 0 0 12345678 9 0 0 0 0 0 0\n"
                                      "  eth0:4294967295 1 2 3 0 0 0 0 99999999 5 6 7 0 0 0 0\n"
                                      "dummy0:       0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"),
                     0);
    assert_int_equal(g->count, 2);
    const struct interface_row *row = row_called(g, "eth0");
    assert_int_equal(row->values[INTERFACE_RX_BYTES], 4294967295);
    assert_int_equal(row->values[INTERFACE_RX_DROPPED], 3);
    assert_int_equal(row->values[INTERFACE_TX_BYTES], 99999999);
    assert_int_equal(row->values[INTERFACE_TX_ERRORS], 6);
    (void)row_called(g, "dummy0");
}

static void test_names_with_colons(void **state)
{
    struct got *g = *state;
    static const struct {
        const char *text, *name;
        uint64_t bytes;
    } cases[] = {
        {"eth0:1:1234 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", "eth0:1", 1234},
        {"eth0:1: 1234 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", "eth0:1", 1234},
        {"eth0:web:    7 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", "eth0:web", 7},
        {"  5:6 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", "5", 6},
        {"5:6:7 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", "5:6", 7},
        {"5: 6 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", "5", 6},
        {"::8 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", ":", 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, HEADING "%s", cases[i].text);
        assert_int_equal(parse(g, text), 0);
        assert_int_equal(g->count, 1);
        assert_string_equal(g->rows[0].name, cases[i].name);
        assert_int_equal(g->rows[0].values[INTERFACE_RX_BYTES], cases[i].bytes);
    }
}

static void test_no_interfaces(void **state)
{
    struct got *g = *state;
    assert_int_equal(parse(g, HEADING), 0);
    assert_int_equal(g->count, 0);
    assert_int_equal(parse(g, HEADING LO), 0);
    assert_int_equal(g->count, 0);
    assert_int_equal(parse(g, ""), -ENODATA);
}

static void test_fallback_devices(void **state)
{
    struct got *g = *state;
    static const char *const names[] = {"tunl0",    "gre0", "gretap0", "erspan0", "ip_vti0",
                                        "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[1024];
        (void)snprintf(text, sizeof text, HEADING "%s:" ZEROS ETH0, names[i]);
        assert_int_equal(parse(g, text), 0);
        assert_int_equal(g->count, 1);
        assert_string_equal(g->rows[0].name, "eth0");
        (void)snprintf(text, sizeof text, HEADING "%s: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0\n",
                       names[i]);
        assert_int_equal(parse(g, text), 0); /* only carrier errors, but it is in use */
        assert_int_equal(g->count, 1);
        assert_string_equal(g->rows[0].name, names[i]);
        (void)snprintf(text, sizeof text, HEADING "%.*s:" ZEROS "%sx:" ZEROS,
                       (int)strlen(names[i]) - 1, names[i], names[i]);
        assert_int_equal(parse(g, text), 0); /* not those names: "tunl", "tunl0x" */
        assert_int_equal(g->count, 2);
    }
    assert_int_equal(parse(g, HEADING "lo0:" ONES "l:" ONES "LO:" ONES "lo:1:" ONES "lo:" ONES), 0);
    assert_int_equal(g->count, 4);
}

static void test_largest_counters(void **state)
{
    struct got *g = *state;
    assert_int_equal(parse(g, HEADING "a:18446744073709551615 0 0 0 0 0 0 0 "
                                      "18446744073709551614 0 0 0 0 0 0 18446744073709551615\n"),
                     0);
    assert_int_equal(g->count, 1);
    assert_true(g->rows[0].values[INTERFACE_RX_BYTES] == UINT64_MAX);
    assert_true(g->rows[0].values[INTERFACE_TX_BYTES] == UINT64_MAX - 1);
    assert_int_equal(parse(g, HEADING "a:18446744073709551616 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"),
                     -EBADMSG);
    assert_int_equal(parse(g, HEADING "a:0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 99999999999999999999\n"),
                     -EBADMSG);
}

static void test_many_interfaces(void **state)
{
    struct got *g = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    assert_int_equal(buf_add_string(&text, HEADING LO), 0);
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal(
            buf_add_format(&text, "veth%u:%8u %u 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n", i, i * 1000, i),
            0);
    assert_int_equal(parse_bytes(g, text.data, text.length), 0);
    assert_int_equal(g->count, 3000);
    for (size_t i = 0; i < g->count; i++) {
        char name[16];
        uint64_t number = g->rows[i].values[INTERFACE_RX_PACKETS];
        (void)snprintf(name, sizeof name, "veth%u", (unsigned)number);
        assert_string_equal(g->rows[i].name, name);
        assert_int_equal(g->rows[i].values[INTERFACE_RX_BYTES], number * 1000);
        assert_true(i == 0 || strcmp(g->rows[i - 1].name, name) < 0); /* each once */
    }
    buf_done(&text);
}

/* Cut anywhere but behind a whole line it is not taken for what the kernel meant. */
static void test_torn(void **state)
{
    struct got *g = *state;
    static const char text[] = HEADING LO ETH0 "  eth1:" ONES;
    for (size_t length = 1; length < sizeof text; length++) {
        bool whole = length >= sizeof HEADING - 1 && text[length - 1] == '\n';
        assert_int_equal(parse_bytes(g, text, length), whole ? 0 : -EBADMSG);
    }
    assert_int_equal(g->count, 2);
}

static void test_garbage(void **state)
{
    struct got *g = *state;
    static const char *const odd[] = {
        "\n",
        "garbage",
        ETH0,                                                /* no heading */
        "Inter-|   Receive\n" ETH0,                          /* half of it */
        " " HEADING,                                         /* shifted */
        HEADING HEADING,                                     /* twice */
        HEADING "\n",                                        /* an empty line */
        HEADING ETH0 "\n",                                   /* at the end */
        HEADING ":" ONES,                                    /* no name */
        HEADING "   :" ONES,                                 /* no name */
        HEADING "eth0" ONES,                                 /* no colon */
        HEADING "eth0 :" ONES,                               /* a blank in the name */
        HEADING "a/b:" ONES,                                 /* no name of a device */
        HEADING "a:/" ONES,                                  /* no number */
        HEADING "sixteen_letters_:" ONES,                    /* longer than a name can be */
        HEADING "eth0: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",     /* 15 columns */
        HEADING "eth0: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n", /* 17 columns */
        HEADING "eth0: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 \n",  /* a blank at the end */
        HEADING "eth0: 1 1 1 1 -1 1 1 1 1 1 1 1 1 1 1 1\n",  /* a sign */
        HEADING "eth0: 1 1 1 1 1x 1 1 1 1 1 1 1 1 1 1 1\n",  /* a letter */
        HEADING "eth0: 1 1 1 1 1.5 1 1 1 1 1 1 1 1 1 1 1\n", /* a fraction */
        HEADING "eth0:\t1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",  /* not the kernel's blank */
        HEADING "eth0: 1 1 1 1 1 1 1 1\n 1 1 1 1 1 1 1 1\n", /* in two lines */
        HEADING "  dummy: No statistics available.\n",       /* no numbers */
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        if (parse(g, odd[i]) != -EBADMSG)
            fail_msg("taken for the kernel's: %s", odd[i]);
    assert_int_equal(parse_bytes(g, HEADING "a\0b:" ONES, sizeof(HEADING "a\0b:" ONES) - 1),
                     -EBADMSG);
    assert_int_equal(parse_bytes(g, HEADING ETH0 "\0", sizeof(HEADING ETH0)), -EBADMSG);
}

static void test_names_become_utf8(void **state)
{
    struct got *g = *state;
    static const struct {
        const char *name, *clean;
    } cases[] = {
        {"fifteen_letters", "fifteen_letters"},
        {"a\"b\\c{}\x01\x7f", "a\"b\\c{}\x01\x7f"}, /* for the encoders to escape */
        {"\xC3\xA9th0", "\xC3\xA9th0"},
        {"\xE2\x82\xAC", "\xE2\x82\xAC"},
        {"\xF0\x9F\x90\xB3", "\xF0\x9F\x90\xB3"},
        {"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"}, /* U+10FFFF */
        {FFFD, FFFD},
        {"a\xFF", "a" FFFD},
        {"\xFF"
         "b",
         FFFD "b"},
        {"\x80", FFFD},
        {"\xC3", FFFD},                            /* cut off by the colon */
        {"\xE2\x82", FFFD FFFD},                   /* the same */
        {"\xF0\x9F\x90", FFFD FFFD FFFD},          /* the same */
        {"\xC0\x80", FFFD FFFD},                   /* overlong NUL */
        {"\xC0\xAF", FFFD FFFD},                   /* overlong slash */
        {"\xE0\x80\xAF", FFFD FFFD FFFD},          /* overlong slash */
        {"\xED\xA0\x80", FFFD FFFD FFFD},          /* a surrogate */
        {"\xF4\x90\x80\x80", FFFD FFFD FFFD FFFD}, /* past U+10FFFF */
        {"\xF8\x88\x80\x80\x80", FFFD FFFD FFFD FFFD FFFD},
        {"\xF5\x80\x80\x80", FFFD FFFD FFFD FFFD},
        {"\xC3:\xA9", FFFD ":" FFFD},
        {"\xC3\xC3\xA9", FFFD "\xC3\xA9"},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
         FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, HEADING "%s:" ONES, cases[i].name);
        assert_int_equal(parse(g, text), 0);
        assert_int_equal(g->count, 1);
        assert_string_equal(g->rows[0].name, cases[i].clean);
    }
}

/* Two lines with one label set would be refused by whoever reads them. */
static void test_no_name_twice(void **state)
{
    struct got *g = *state;
    assert_int_equal(parse(g, HEADING "z:" ONES "\xFE:" ONES "\xC3\xA9:" ONES "\xFF:" ONES
                                      "a:" ONES FFFD ": 5 6 0 0 0 0 0 0 18446744073709551615 0 0 "
                                      "0 0 0 0 0\n"),
                     0);
    assert_int_equal(g->count, 4);
    const struct interface_row *row = row_called(g, FFFD);
    assert_int_equal(row->values[INTERFACE_RX_BYTES], 7); /* all traffic is in the sum */
    assert_int_equal(row->values[INTERFACE_RX_PACKETS], 8);
    assert_int_equal(row->values[INTERFACE_TX_PACKETS], 2);
    assert_true(row->values[INTERFACE_TX_BYTES] == UINT64_MAX); /* and does not begin anew */
    assert_int_equal(parse(g, HEADING "b:" ONES "a:" ONES "b:" ONES), 0);
    assert_int_equal(g->count, 2);
    assert_int_equal(row_called(g, "b")->values[INTERFACE_RX_BYTES], 1); /* shown twice */
}

/* Reads as the kernel gives it, a page at a time, and parses. */
static int parse_descriptor(struct got *g, int fd)
{
    char text[65536];
    size_t length = 0;
    ssize_t got = 0;
    do {
        got = pread(fd, text + length, sizeof text - 1 - length, (off_t)length);
        assert_true(got >= 0);
        length += (size_t)got;
    } while (got > 0);
    return parse_bytes(g, text, length);
}

/* Are the two in one namespace, by the links only their owner may read? -1: not for us to know. */
static int same_by_link(pid_t a, pid_t b)
{
    struct stat left;
    struct stat right;
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/ns/net", (int)a);
    if (stat(path, &left) < 0)
        return -1;
    (void)snprintf(path, sizeof path, "/proc/%d/ns/net", (int)b);
    return stat(path, &right) < 0 ? -1 : left.st_ino == right.st_ino;
}

static void test_own_namespace(void **state)
{
    struct got *g = *state;
    int fd = -1;
    uint64_t own = 0;
    uint64_t again = 0;
    uint64_t host = 0;
    assert_int_equal(proc_net_open("/proc", (uint32_t)getpid(), &fd, &own), 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(parse_descriptor(g, fd), 0);
    assert_int_equal(close(fd), 0);
    assert_true(own != 0);
    assert_int_equal(proc_net_namespace("/proc", (uint32_t)getpid(), &again), 0);
    assert_true(own == again);
    int r = proc_net_namespace("/proc", 1, &host);
    if (r == -ENOENT || r == -EPERM || r == -EACCES) {
        print_message("SKIP: pid 1 is hidden\n");
        skip();
    }
    assert_int_equal(r, 0);
    int same = same_by_link(getpid(), 1);
    print_message("this process is %s the namespace of pid 1; the links say %s\n",
                  own == host ? "in" : "outside",
                  same < 0 ? "nothing" : (same ? "the same" : "they differ"));
    if (same >= 0)
        assert_int_equal(own == host, same);
}

static void test_no_such_process(void **state)
{
    (void)state;
    uint64_t namespace = 77;
    int fd = -5;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(proc_net_namespace("/proc", (uint32_t)child, &namespace), -ENOENT);
    assert_int_equal(proc_net_open("/proc", (uint32_t)child, &fd, &namespace), -ENOENT);
    assert_int_equal(proc_net_open("/nonexistent", 1, &fd, &namespace), -ENOENT);
    char path[5000];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(proc_net_open(path, 1, &fd, &namespace), -ENAMETOOLONG);
    assert_int_equal(proc_net_namespace(path, 1, &namespace), -ENAMETOOLONG);
    assert_int_equal(fd, -5);
    assert_int_equal(namespace, 77);
}

/* A process that lives until `hold` is closed. */
struct child {
    pid_t pid;
    int hold;
};

/* A loopback device that is down may be renamed, so a name needs no module. */
static int rename_lo(const char *name)
{
    struct ifreq request = {.ifr_name = "lo"};
    memcpy(request.ifr_newname, name, strlen(name));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int r = fd < 0 ? -1 : ioctl(fd, SIOCSIFNAME, &request);
    if (fd >= 0)
        (void)close(fd);
    return r;
}

/* A child in a namespace of its own, its loopback device renamed; skips without the rights. */
static struct child start_apart(const char *lo_name)
{
    int hold[2];
    int ready[2];
    char word = 0;
    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    struct child c = {.pid = fork(), .hold = hold[1]};
    assert_true(c.pid >= 0);
    if (c.pid == 0) {
        (void)close(hold[1]);
        bool good = unshare(CLONE_NEWNET) == 0 && (!lo_name || rename_lo(lo_name) == 0);
        if (!good || write(ready[1], "r", 1) != 1)
            _exit(SKIPPED);
        (void)close(ready[1]);
        _exit(read(hold[0], &word, 1) == 0 ? 0 : 1);
    }
    (void)close(hold[0]);
    (void)close(ready[1]);
    ssize_t got = read(ready[0], &word, 1);
    (void)close(ready[0]);
    if (got != 1) {
        (void)close(c.hold);
        (void)waitpid(c.pid, NULL, 0);
        print_message("SKIP: a network namespace or a name in it needs rights that are not here\n");
        skip();
    }
    return c;
}

static void stop(struct child c)
{
    int status = 0;
    (void)close(c.hold);
    assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
    assert_int_equal(status, 0);
}

static void test_process_apart(void **state)
{
    struct got *g = *state;
    uint64_t own = 0;
    uint64_t other = 0;
    uint64_t opened = 0;
    int fd = -1;
    struct child c = start_apart(NULL);
    assert_int_equal(proc_net_namespace("/proc", (uint32_t)getpid(), &own), 0);
    assert_int_equal(proc_net_namespace("/proc", (uint32_t)c.pid, &other), 0);
    assert_int_equal(proc_net_open("/proc", (uint32_t)c.pid, &fd, &opened), 0);
    assert_true(other == opened);
    assert_true(own != other);
    assert_true(same_by_link(getpid(), c.pid) != 1);
    assert_int_equal(parse_descriptor(g, fd), 0);
    assert_int_equal(g->count, 0); /* lo, and at most what tunnel modules made */
    stop(c);
    assert_int_equal(parse_descriptor(g, fd), 0); /* bound to the namespace, not the process */
    assert_int_equal(close(fd), 0);
}

static void test_hostile_name_of_a_real_interface(void **state)
{
    struct got *g = *state;
    uint64_t namespace = 0;
    int fd = -1;
    struct child c = start_apart("\xFF\"\\{\x01");
    assert_int_equal(proc_net_open("/proc", (uint32_t)c.pid, &fd, &namespace), 0);
    assert_int_equal(parse_descriptor(g, fd), 0);
    assert_int_equal(close(fd), 0);
    stop(c);
    assert_int_equal(g->count, 1);
    assert_string_equal(g->rows[0].name, FFFD "\"\\{\x01");
}

/* In a child without rights: 0 where pid 1 and the parent look as they do to the test. */
static int look_without_rights(uint64_t host, uint64_t parent)
{
    uint64_t seen = 0;
    uint64_t opened = 0;
    int fd = -1;
    if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                           setresuid(NOBODY, NOBODY, NOBODY) < 0))
        return SKIPPED;
    int r = proc_net_namespace("/proc", 1, &seen);
    if (r == -ENOENT || r == -EPERM || r == -EACCES)
        return SKIPPED;
    if (r != 0 || seen != host)
        return 1;
    r = proc_net_open("/proc", (uint32_t)getppid(), &fd, &opened);
    return r == 0 && opened == parent && close(fd) == 0 ? 0 : 2;
}

static void test_without_rights(void **state)
{
    (void)state;
    uint64_t host = 0;
    uint64_t own = 0;
    int status = 0;
    if (proc_net_namespace("/proc", 1, &host) < 0) {
        print_message("SKIP: pid 1 is hidden\n");
        skip();
    }
    assert_int_equal(proc_net_namespace("/proc", (uint32_t)getpid(), &own), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(look_without_rights(host, own));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED) {
        print_message("SKIP: other users' processes are hidden, or rights cannot be given up\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kernel_of_today),
        TEST(test_colon_touches_the_number),
        TEST(test_names_with_colons),
        TEST(test_no_interfaces),
        TEST(test_fallback_devices),
        TEST(test_largest_counters),
        TEST(test_many_interfaces),
        TEST(test_torn),
        TEST(test_garbage),
        TEST(test_names_become_utf8),
        TEST(test_no_name_twice),
        TEST(test_own_namespace),
        TEST(test_no_such_process),
        TEST(test_process_apart),
        TEST(test_hostile_name_of_a_real_interface),
        TEST(test_without_rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
