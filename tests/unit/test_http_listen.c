/* Tests net/http_listen on real sockets in a folder of its own. Documents: net/http_listen.h,
 * unix(7), ipv6(7), socket(7). */
#include "net/http_listen.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

/* How open the file of a unix socket was when others first could see it, and when they first could
 * connect. */
static struct stat when_bound;
static struct stat when_listening;
static char watched[108];

int bind(int fd, const struct sockaddr *address, socklen_t length);
int listen(int fd, int backlog);

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    int r = real(fd, address, length);
    if (r == 0 && address->sa_family == AF_UNIX) {
        (void)snprintf(watched, sizeof watched, "%s",
                       ((const struct sockaddr_un *)(const void *)address)->sun_path);
        (void)stat(watched, &when_bound);
    }
    return r;
}

int listen(int fd, int backlog)
{
    int (*real)(int, int) = dlsym(RTLD_NEXT, "listen");
    (void)stat(watched, &when_listening);
    return real(fd, backlog);
}

struct folder {
    char path[64];
    char file[80]; /* of the socket */
    char address[160];
    mode_t umask;
};

static int setup(void **state)
{
    struct folder *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    (void)snprintf(f->path, sizeof f->path, "/tmp/weir-listen-XXXXXX");
    if (!mkdtemp(f->path))
        return -1;
    (void)snprintf(f->file, sizeof f->file, "%s/socket", f->path);
    (void)snprintf(f->address, sizeof f->address, "unix:%s", f->file);
    f->umask = umask(022);
    *state = f;
    return 0;
}

/* Every test removes what it made, so that a file left behind is seen. */
static int teardown(void **state)
{
    struct folder *f = *state;
    (void)umask(f->umask);
    int r = rmdir(f->path);
    free(f);
    return r;
}

static struct http_listen open_or_fail(const char *address)
{
    struct err e = {0};
    struct http_listen l = {.fd = -1};
    if (http_listen_open(address, &e, &l) < 0)
        fail_msg("%s", e.text);
    assert_true(l.fd >= 0);
    return l;
}

/* It fails with that code and a sentence that has both words. */
static void expect_error(const char *address, int code, const char *what, const char *mend)
{
    struct err e = {0};
    struct http_listen l = {.fd = -7};
    int r = http_listen_open(address, &e, &l);
    if (r != code || !strstr(e.text, what) || !strstr(e.text, mend))
        fail_msg("%s: %d: %s", address, r, e.text);
    assert_int_equal(l.fd, -7);
    assert_null(l.path);
}

static bool connects(const struct http_listen *l)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    assert_int_equal(getsockname(l->fd, (struct sockaddr *)&address, &length), 0);
    CLEANUP_FD int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, length) < 0)
        return false;
    struct pollfd wait = {.fd = l->fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 5000), 1);
    CLEANUP_FD int accepted = accept(l->fd, NULL, NULL);
    return accepted >= 0;
}

static void check_flags(const struct http_listen *l)
{
    assert_true(fcntl(l->fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(l->fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(accept(l->fd, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
}

static mode_t mode_of(const char *path)
{
    struct stat s;
    assert_int_equal(lstat(path, &s), 0);
    return s.st_mode & 07777;
}

static bool exists(const char *path)
{
    struct stat s;
    return lstat(path, &s) == 0;
}

/* A unix socket that is bound and nothing else. */
static int bind_other(const char *path, int type)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static bool has_six(void)
{
    struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = loopback};
    CLEANUP_FD int fd = socket(AF_INET6, SOCK_STREAM, 0);
    return fd >= 0 && bind(fd, (struct sockaddr *)&to, sizeof to) == 0;
}

/* Addresses as text. */

#define TEN     "aaaaaaaaaa"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void test_right_addresses(void **state)
{
    static const char *const right[] = {
        ":10142",
        ":0",
        "127.0.0.1:10142",
        "localhost:65535",
        "my-host.example.org:1",
        "my_container:1",
        "[::1]:10142",
        "[::]:0",
        "[fe80::1%eth0]:10142",
        "[::ffff:192.0.2.1]:80",
        "unix:/run/weir/weir.sock",
        "unix:/a?mode=0660",
        "unix:/a?mode=660",
        "unix:/a?mode=0",
        "unix:/a?mode=0777",
        "unix:/a?group=prometheus",
        "unix:/a?mode=0666&group=prometheus",
        "unix:/a?group=prometheus&mode=0600",
        "unix:/with:colon",
        "unix:/12345" HUNDRED "a", /* 107 bytes, sun_path less its NUL */
    };
    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        const char *why = http_listen_check(right[i]);
        if (why)
            fail_msg("%s %s", right[i], why);
    }
}

struct wrong {
    const char *address;
    const char *word;
};

static const struct wrong wrong_addresses[] = {
    {"", "no port"},
    {"10142", "no port"},
    {"localhost", "no port"},
    {"localhost:", "0 to 65535"},
    {":http", "0 to 65535"},
    {":65536", "0 to 65535"},
    {":-1", "0 to 65535"},
    {": 1", "0 to 65535"},
    {":99999999999999999999999", "0 to 65535"},
    {"::1:80", "brackets"},
    {"::", "0 to 65535"},
    {"[::1:80", "]"},
    {"[]:80", "]"},
    {"[::1]", "0 to 65535"},
    {"[::1]x:80", "]"},
    {"[localhost]:80", "no IPv6 address"},
    {"[127.0.0.1]:80", "no IPv6 address"},
    {"[::1::]:80", "no IPv6 address"},
    {"[" HUNDRED "]:80", "no IPv6 address"},
    {"[%eth0]:80", "no IPv6 address"},
    {"[fe80::1%]:80", "interface"},
    {"[fe80::1%an-interface-name]:80", "interface"},
    {"[fe80::1]:80", "interface"},
    {"http://localhost:80", "brackets"},
    {"local host:80", "character"},
    {"a/b:80", "character"},
    {"host\xc3\xa4:80", "character"},
    {HUNDRED HUNDRED HUNDRED ":80", "255"},
    {"unix:", "absolute"},
    {"unix:run/weir.sock", "absolute"},
    {"unix:@abstract", "absolute"},
    {"unix:?mode=0660", "absolute"},
    {"unix:/", "ends with /"},
    {"unix:/run/", "ends with /"},
    {"unix:/run/?mode=0660", "ends with /"},
    {"unix:/123456" HUNDRED "a", "107"},
    {"unix:/a?", "neither"},
    {"unix:/a?mode", "neither"},
    {"unix:/a?Mode=0660", "neither"},
    {"unix:/a?user=root", "neither"},
    {"unix:/a?mode=0660&", "neither"},
    {"unix:/a?&mode=0660", "neither"},
    {"unix:/a?mode=", "octal"},
    {"unix:/a?mode=0668", "octal"},
    {"unix:/a?mode=1777", "octal"},
    {"unix:/a?mode=00660", "octal"},
    {"unix:/a?mode=rw", "octal"},
    {"unix:/a?mode=0660?group=a", "octal"},
    {"unix:/a?group=", "empty"},
    {"unix:/a?mode=0&mode=0", "twice"},
    {"unix:/a?group=a&group=a", "twice"},
    {"unix:/a?group=" HUNDRED HUNDRED HUNDRED, "255"},
};

static void test_wrong_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_addresses / sizeof wrong_addresses[0]; i++) {
        const struct wrong *w = &wrong_addresses[i];
        const char *why = http_listen_check(w->address);
        if (!why || !strstr(why, w->word))
            fail_msg("%s: %s", w->address, why ?: "taken");
        expect_error(w->address, -EINVAL, w->word, "for example :10142");
    }
}

/* IPv4 and IPv6. */

static void test_internet(void **state)
{
    static const char *const addresses[] = {":0", "127.0.0.1:0", "localhost:0", "[::1]:0",
                                            "[::]:0"};
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        if (addresses[i][0] == '[' && !has_six()) {
            print_message("%s left out: this host has no IPv6\n", addresses[i]);
            continue;
        }
        struct http_listen l = open_or_fail(addresses[i]);
        int fd = l.fd;
        assert_null(l.path);
        assert_int_not_equal(http_listen_port(&l), 0);
        check_flags(&l);
        assert_true(connects(&l));
        http_listen_close(&l);
        assert_int_equal(l.fd, -1);
        assert_int_equal(fcntl(fd, F_GETFD), -1);
    }
}

/* ":PORT" takes IPv4 peers as well, and the port is the one asked for. */
static void test_all_addresses(void **state)
{
    char address[32];
    (void)state;
    struct http_listen l = open_or_fail(":0");
    uint16_t port = http_listen_port(&l);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CLEANUP_FD int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    (void)snprintf(address, sizeof address, ":%u", port);
    expect_error(address, -EADDRINUSE, "in use", "choose another port");
    http_listen_close(&l);
    l = open_or_fail(address); /* at once, though a connection was open */
    assert_int_equal(http_listen_port(&l), port);
    http_listen_close(&l);
}

static void test_internet_errors(void **state)
{
    (void)state;
    expect_error("192.0.2.1:0", -EADDRNOTAVAIL, "192.0.2.1:0", "'ip address'");
    expect_error("no-such-host.invalid:0", -EADDRNOTAVAIL, "no address", "use an address");
    expect_error("[fe80::1%nointerface]:0", -EADDRNOTAVAIL, "no address", "use an address");
}

/* A link-local address with its interface, wherever there is one. */
static void test_zone(void **state)
{
    struct ifaddrs *list = NULL;
    char address[INET6_ADDRSTRLEN + IF_NAMESIZE + 8] = "";
    (void)state;
    assert_int_equal(getifaddrs(&list), 0);
    for (struct ifaddrs *i = list; i; i = i->ifa_next) {
        const struct sockaddr_in6 *six = (const void *)i->ifa_addr;
        char text[INET6_ADDRSTRLEN];
        if (!six || six->sin6_family != AF_INET6 || !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr))
            continue;
        assert_non_null(inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text));
        (void)snprintf(address, sizeof address, "[%s%%%s]:0", text, i->ifa_name);
    }
    freeifaddrs(list);
    if (address[0] == '\0') {
        print_message("this host has no link-local address\n");
        skip();
    }
    struct http_listen l = open_or_fail(address);
    assert_int_not_equal(http_listen_port(&l), 0);
    assert_true(connects(&l));
    http_listen_close(&l);
}

/* Unix. */

static void test_unix(void **state)
{
    struct folder *f = *state;
    struct http_listen l = open_or_fail(f->address);
    assert_string_equal(l.path, f->file);
    assert_int_equal(http_listen_port(&l), 0);
    assert_int_equal(mode_of(f->file), 0660);
    check_flags(&l);
    assert_true(connects(&l));
    http_listen_close(&l);
    assert_null(l.path);
    assert_false(exists(f->file));
}

/* Never more open than asked for, whatever the umask, and from listen(2) on just that. */
static void test_unix_modes(void **state)
{
    static const mode_t modes[] = {0660, 0600, 0666, 0777, 0};
    static const mode_t umasks[] = {022, 0, 077, 0777};
    struct folder *f = *state;
    char address[200];
    for (size_t i = 0; i < 20; i++) {
        (void)umask(umasks[i / 5]);
        (void)snprintf(address, sizeof address, "%s?mode=%04o", f->address, modes[i % 5]);
        struct http_listen l = open_or_fail(address);
        assert_int_equal(when_bound.st_mode, S_IFSOCK);
        assert_int_equal(when_listening.st_mode & 07777, modes[i % 5]);
        assert_int_equal(mode_of(f->file), modes[i % 5]);
        assert_int_equal(umask(umasks[i / 5]), umasks[i / 5]);
        http_listen_close(&l);
    }
}

/* A group of which this process may give a file away. */
static const struct group *some_group(void)
{
    struct group *group = geteuid() == 0 ? getgrnam("daemon") : getgrgid(getegid());
    return group;
}

static void test_unix_group(void **state)
{
    struct folder *f = *state;
    const struct group *group = some_group();
    char address[300];
    if (!group) {
        print_message("there is no group to try it with\n");
        skip();
    }
    for (int i = 0; i < 2; i++) {
        const char *before = i == 0 ? "mode=0620&" : "";
        const char *after = i == 0 ? "" : "&mode=0620";
        gid_t gid = group->gr_gid;
        (void)snprintf(address, sizeof address, "%s?%sgroup=%s%s", f->address, before,
                       group->gr_name, after);
        struct http_listen l = open_or_fail(address);
        assert_int_equal(when_listening.st_gid, gid);
        assert_int_equal(when_listening.st_mode & 07777, 0620);
        http_listen_close(&l);
    }
    (void)snprintf(address, sizeof address, "%s?group=no-such-group", f->address);
    expect_error(address, -ENOENT, "no-such-group", "create it");
    assert_false(exists(f->file));
}

static int try_as_nobody(const char *address)
{
    struct err e = {0};
    struct http_listen l = {.fd = -1};
    if (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
        return 1;
    if (http_listen_open(address, &e, &l) != -EPERM)
        return 2;
    return strstr(e.text, "group \"daemon\"") && strstr(e.text, "make weir's user a member") ? 0
                                                                                             : 3;
}

static void test_unix_group_of_others(void **state)
{
    struct folder *f = *state;
    char address[200];
    int status = 0;
    if (geteuid() != 0 || !getgrnam("daemon")) {
        print_message("only root can become somebody else\n");
        skip();
    }
    (void)snprintf(address, sizeof address, "%s?group=daemon", f->address);
    assert_int_equal(chmod(f->path, 0777), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(try_as_nobody(address));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_false(exists(f->file)); /* nothing is left of the attempt */
}

static void test_unix_longest_path(void **state)
{
    struct folder *f = *state;
    char address[160];
    int length = snprintf(address, sizeof address, "unix:%s/", f->path);
    memset(address + length, 'a', sizeof address - (size_t)length);
    address[strlen("unix:") + 107] = '\0';
    struct http_listen l = open_or_fail(address);
    assert_int_equal(strlen(l.path), 107);
    assert_true(exists(l.path));
    assert_true(connects(&l));
    http_listen_close(&l);
    assert_false(exists(address + strlen("unix:")));
}

static void test_unix_dead_socket_is_replaced(void **state)
{
    struct folder *f = *state;
    (void)close(bind_other(f->file, SOCK_STREAM));
    assert_true(exists(f->file));
    struct http_listen l = open_or_fail(f->address);
    assert_true(connects(&l));
    http_listen_close(&l);
    (void)close(bind_other(f->file, SOCK_DGRAM));
    l = open_or_fail(f->address);
    assert_true(connects(&l));
    http_listen_close(&l);
    assert_false(exists(f->file));
}

static void test_unix_live_socket_stays(void **state)
{
    struct folder *f = *state;
    struct http_listen l = open_or_fail(f->address);
    expect_error(f->address, -EADDRINUSE, "a program listens there", "choose another path");
    expect_error(f->address, -EADDRINUSE, "a program listens there", "choose another path");
    assert_true(exists(f->file));
    assert_true(connects(&l));
    http_listen_close(&l);

    int other = bind_other(f->file, SOCK_DGRAM);
    expect_error(f->address, -EADDRINUSE, "a program listens there", "choose another path");
    assert_true(exists(f->file));
    (void)close(other);
    (void)unlink(f->file);
}

/* A full queue would make a blocking connect(2) wait for ever. */
static void test_unix_full_queue_is_live(void **state)
{
    struct folder *f = *state;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int peers[8];
    int count = 0;
    (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", f->file);
    int other = bind_other(f->file, SOCK_STREAM);
    assert_int_equal(listen(other, 0), 0);
    int r = 0;
    while (r == 0 && count < 8) {
        peers[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        r = connect(peers[count++], (struct sockaddr *)&to, sizeof to);
    }
    assert_int_equal(r, -1);
    assert_int_equal(errno, EAGAIN);
    (void)alarm(20);
    expect_error(f->address, -EADDRINUSE, "a program listens there", "choose another path");
    (void)alarm(0);
    while (count > 0)
        (void)close(peers[--count]);
    (void)close(other);
    (void)unlink(f->file);
}

static void test_unix_other_files_stay(void **state)
{
    struct folder *f = *state;
    char target[100];
    int fd = open(f->file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "mine", 4), 4);
    (void)close(fd);
    expect_error(f->address, -EEXIST, "no socket", "choose another path");
    assert_int_equal(mode_of(f->file), 0600);
    assert_int_equal(unlink(f->file), 0);

    assert_int_equal(mkdir(f->file, 0700), 0);
    expect_error(f->address, -EEXIST, "no socket", "choose another path");
    assert_int_equal(rmdir(f->file), 0);

    /* A link is somebody's, also to a socket that is dead, and also to nothing. */
    (void)snprintf(target, sizeof target, "%s/target", f->path);
    (void)close(bind_other(target, SOCK_STREAM));
    assert_int_equal(symlink(target, f->file), 0);
    expect_error(f->address, -EEXIST, "no socket", "choose another path");
    assert_true(exists(target));
    assert_int_equal(unlink(target), 0);
    expect_error(f->address, -EEXIST, "no socket", "choose another path");
    assert_int_equal(unlink(f->file), 0);
}

static void test_unix_no_folder(void **state)
{
    struct folder *f = *state;
    char address[200];
    (void)snprintf(address, sizeof address, "unix:%s/none/socket", f->path);
    expect_error(address, -ENOENT, "/none/socket", "folder");
}

static void test_close_removes_its_own_file_alone(void **state)
{
    struct folder *f = *state;
    char aside[100];
    (void)snprintf(aside, sizeof aside, "%s/aside", f->path);
    /* Another socket in its place, e.g. of the next process. */
    struct http_listen l = open_or_fail(f->address);
    assert_int_equal(rename(f->file, aside), 0);
    struct http_listen next = open_or_fail(f->address);
    http_listen_close(&l);
    assert_true(exists(f->file));
    assert_true(connects(&next));
    assert_int_equal(unlink(aside), 0);
    http_listen_close(&next);
    assert_false(exists(f->file));

    /* The same where the first file has gone: its inode is not given away while it is open. */
    l = open_or_fail(f->address);
    assert_int_equal(unlink(f->file), 0);
    next = open_or_fail(f->address);
    http_listen_close(&l);
    assert_true(exists(f->file));
    http_listen_close(&next);

    /* Another file. */
    l = open_or_fail(f->address);
    assert_int_equal(unlink(f->file), 0);
    (void)close(open(f->file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    http_listen_close(&l);
    assert_true(exists(f->file));
    assert_int_equal(unlink(f->file), 0);

    /* Nothing. */
    l = open_or_fail(f->address);
    assert_int_equal(unlink(f->file), 0);
    http_listen_close(&l);
}

/* Sockets of others. */

static void adopt_error(int fd, int code, const char *word)
{
    struct err e = {0};
    struct http_listen l = {.fd = -7};
    int status = fcntl(fd, F_GETFL);
    int flags = fcntl(fd, F_GETFD);
    int r = http_listen_adopt(fd, "weir.socket", &e, &l);
    if (r != code || !strstr(e.text, word) || !strstr(e.text, "weir.socket"))
        fail_msg("%d: %s", r, e.text);
    assert_int_equal(l.fd, -7);
    assert_int_equal(fcntl(fd, F_GETFL), status); /* it stays as it was */
    assert_int_equal(fcntl(fd, F_GETFD), flags);
    if (fd >= 0 && code != -EBADF)
        assert_int_equal(close(fd), 0);
}

static void test_adopt_refuses(void **state)
{
    struct folder *f = *state;
    int pipes[2];
    int pair[2];
    adopt_error(-1, -EBADF, "not open");
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(close(pipes[1]), 0);
    adopt_error(pipes[1], -EBADF, "not open");
    adopt_error(pipes[0], -ENOTSOCK, "no socket");
    adopt_error(open("/dev/null", O_RDONLY), -ENOTSOCK, "no socket");
    adopt_error(socket(AF_INET, SOCK_DGRAM, 0), -EINVAL, "stream");
    adopt_error(socket(AF_INET, SOCK_STREAM, 0), -EINVAL, "does not listen");
    adopt_error(socket(AF_UNIX, SOCK_STREAM, 0), -EINVAL, "does not listen");
    adopt_error(socket(AF_NETLINK, SOCK_RAW, 0), -EINVAL, "family");
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    adopt_error(pair[0], -EINVAL, "does not listen"); /* as of Accept=yes */
    adopt_error(pair[1], -EINVAL, "does not listen");
    int packets = bind_other(f->file, SOCK_SEQPACKET);
    assert_int_equal(listen(packets, 1), 0);
    adopt_error(packets, -EINVAL, "stream");
    assert_int_equal(unlink(f->file), 0);
}

static void adopt(int fd, bool has_port)
{
    struct err e = {0};
    struct http_listen l = {.fd = -1};
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    if (http_listen_adopt(fd, "weir.socket", &e, &l) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(l.fd, fd);
    assert_null(l.path);
    assert_int_equal(http_listen_port(&l) != 0, has_port);
    check_flags(&l);
    assert_true(connects(&l));
    http_listen_close(&l);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void test_adopt(void **state)
{
    struct folder *f = *state;
    adopt(socket(AF_INET, SOCK_STREAM, 0), true); /* listen(2) alone takes a free port */
    if (has_six())
        adopt(socket(AF_INET6, SOCK_STREAM, 0), true);
    else
        print_message("IPv6 left out: this host has none\n");
    int fd = bind_other(f->file, SOCK_STREAM);
    assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
    adopt(fd, false);
    assert_true(exists(f->file)); /* whoever made it removes it */
    assert_int_equal(unlink(f->file), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_right_addresses),
        TEST(test_wrong_addresses),
        TEST(test_internet),
        TEST(test_all_addresses),
        TEST(test_internet_errors),
        TEST(test_zone),
        TEST(test_unix),
        TEST(test_unix_modes),
        TEST(test_unix_group),
        TEST(test_unix_group_of_others),
        TEST(test_unix_longest_path),
        TEST(test_unix_dead_socket_is_replaced),
        TEST(test_unix_live_socket_stays),
        TEST(test_unix_full_queue_is_live),
        TEST(test_unix_other_files_stay),
        TEST(test_unix_no_folder),
        TEST(test_close_removes_its_own_file_alone),
        TEST(test_adopt_refuses),
        TEST(test_adopt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
