/* agent/notify.h, over real datagram sockets: sd_notify(3), sd_watchdog_enabled(3). */
#include "agent/notify.h"
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define RECEIVE_TIMEOUT_S 5
#define SENDS_MAX         100000 /* far more datagrams than a socket's queue holds */

/* A service manager: a datagram socket, and $NOTIFY_SOCKET that names it. */
struct manager {
    char directory[32];
    char name[64];
    int fd;
};

static void bind_manager(struct manager *m, const struct sockaddr_un *address, size_t path_size)
{
    struct timeval limit = {.tv_sec = RECEIVE_TIMEOUT_S};
    m->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(m->fd >= 0);
    assert_int_equal(setsockopt(m->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(bind(m->fd, (const struct sockaddr *)address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_size)),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", m->name, 1), 0);
}

static void open_path(struct manager *m)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *m = (struct manager){.directory = "/tmp/weir-notify-XXXXXX"};
    assert_non_null(mkdtemp(m->directory));
    (void)snprintf(m->name, sizeof m->name, "%s/socket", m->directory);
    memcpy(address.sun_path, m->name, strlen(m->name));
    bind_manager(m, &address, strlen(m->name) + 1);
}

static void open_abstract(struct manager *m)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *m = (struct manager){.fd = -1};
    (void)snprintf(m->name, sizeof m->name, "@weir-notify-%ld", (long)getpid());
    memcpy(address.sun_path + 1, m->name + 1, strlen(m->name) - 1);
    bind_manager(m, &address, strlen(m->name));
}

static void close_manager(struct manager *m)
{
    assert_int_equal(close(m->fd), 0);
    if (m->directory[0] != '\0') {
        assert_int_equal(unlink(m->name), 0);
        assert_int_equal(rmdir(m->directory), 0);
    }
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

static void expect(const struct manager *m, const char *state)
{
    char got[256] = "";
    ssize_t length = recv(m->fd, got, sizeof got, 0);
    assert_int_equal(length, strlen(state));
    assert_memory_equal(got, state, strlen(state));
}

static void exchange(const struct manager *m)
{
    struct err e = {0};
    assert_int_equal(notify_send("READY=1\nSTATUS=3 containers", &e), 0);
    assert_int_equal(notify_send("STOPPING=1", &e), 0);
    assert_string_equal(e.text, "");
    expect(m, "READY=1\nSTATUS=3 containers");
    expect(m, "STOPPING=1");
}

static void test_path(void **state)
{
    (void)state;
    struct manager m;
    open_path(&m);
    exchange(&m);
    close_manager(&m);
}

static void test_abstract(void **state)
{
    (void)state;
    struct manager m;
    open_abstract(&m);
    exchange(&m);
    close_manager(&m);
}

static void test_without_manager(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_int_equal(notify_send("READY=1", &e), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", "", 1), 0);
    assert_int_equal(notify_send("READY=1", &e), 0);
    assert_int_equal(e.code, 0);
}

static void expect_error(const char *name, int code, const char *part)
{
    struct err e = {0};
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    assert_int_equal(notify_send("READY=1", &e), code);
    assert_int_equal(e.code, code);
    assert_non_null(strstr(e.text, part));
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

static void test_errors(void **state)
{
    (void)state;
    char name[300];
    expect_error("relative/path", -EAFNOSUPPORT, "relative/path");
    expect_error("vsock:2:1234", -EAFNOSUPPORT, "vsock:2:1234");
    expect_error("@", -EAFNOSUPPORT, "\"@\"");
    expect_error("/nonexistent/weir/socket", -ENOENT, "/nonexistent/weir/socket");
    expect_error("@weir-nobody-listens-here", -ECONNREFUSED, "@weir-nobody-listens-here");
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    name[0] = '/';
    expect_error(name, -ENAMETOOLONG, "longer");
    name[0] = '@';
    expect_error(name, -ENAMETOOLONG, "longer");
    name[sizeof((struct sockaddr_un){0}.sun_path)] = '\0'; /* the longest abstract name */
    expect_error(name, -ECONNREFUSED, "aaa");
    name[0] = '/'; /* as a path one byte too long: its NUL has to fit as well */
    expect_error(name, -ENAMETOOLONG, "longer");
    name[sizeof((struct sockaddr_un){0}.sun_path) - 1] = '\0';
    expect_error(name, -ENOENT, "aaa");
}

/* A manager that does not read must not hold up the loop. */
static void test_full_queue_does_not_block(void **state)
{
    (void)state;
    struct manager m;
    struct err e = {0};
    int r = 0;
    open_path(&m);
    for (int i = 0; r == 0 && i < SENDS_MAX; i++)
        r = notify_send("WATCHDOG=1", &e);
    assert_int_equal(r, -EAGAIN);
    assert_int_equal(e.code, -EAGAIN);
    expect(&m, "WATCHDOG=1");
    assert_int_equal(notify_send("WATCHDOG=1", &e), 0);
    close_manager(&m);
}

static uint64_t interval(const char *usec, const char *pid)
{
    assert_int_equal(usec ? setenv("WATCHDOG_USEC", usec, 1) : unsetenv("WATCHDOG_USEC"), 0);
    assert_int_equal(pid ? setenv("WATCHDOG_PID", pid, 1) : unsetenv("WATCHDOG_PID"), 0);
    return notify_watchdog_interval_ms();
}

static void test_watchdog(void **state)
{
    (void)state;
    char own[32];
    char other[32];
    (void)snprintf(own, sizeof own, "%ld", (long)getpid());
    (void)snprintf(other, sizeof other, "%ld", (long)getpid() + 1);
    assert_int_equal(interval("30000000", own), 15000);
    assert_int_equal(interval("30000000", NULL), 15000);
    assert_int_equal(interval("3000", own), 1);
    assert_int_equal(interval("1", own), 1); /* never 0, which means none */
    assert_int_equal(interval("30000000", other), 0);
    assert_int_equal(interval(NULL, own), 0);
    static const char *const bad[] = {
        "", "0", "-1", " 1000000", "1000000 ", "1e6", "30s", "x", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(interval(bad[i], own), 0);
    assert_int_equal(interval("18446744073709551615", own), 0);
    static const char *const bad_pids[] = {"", "x", "0", "-1", " 1"};
    for (size_t i = 0; i < sizeof bad_pids / sizeof bad_pids[0]; i++)
        assert_int_equal(interval("30000000", bad_pids[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_abstract),
        cmocka_unit_test(test_without_manager),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_full_queue_does_not_block),
        cmocka_unit_test(test_watchdog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
