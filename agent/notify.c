/* What it knows: the datagrams that tell systemd how the service is. Documents: sd_notify(3),
 * sd_watchdog_enabled(3), unix(7). */
#include "agent/notify.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define US_PER_MS     UINT64_C(1000)
#define SOCKET_SHOWN  120 /* bytes of $NOTIFY_SOCKET in a message; a valid one has at most 108 */
#define ABSTRACT_MARK '@' /* stands for the NUL that an abstract name begins with */

/* $NOTIFY_SOCKET as an address. */
static int parse_socket(const char *name, struct err *e, struct sockaddr_un *ret,
                        socklen_t *ret_size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    bool abstract = name[0] == ABSTRACT_MARK;
    if ((!abstract && name[0] != '/') || length < 2)
        return err_set(e, -EAFNOSUPPORT,
                       "NOTIFY_SOCKET \"%.*s\" is neither an absolute path nor an abstract name "
                       "that begins with @",
                       SOCKET_SHOWN, name);
    /* A path needs its NUL as well, an abstract name has none. */
    if (length > sizeof address.sun_path - (abstract ? 0 : 1))
        return err_set(e, -ENAMETOOLONG, "NOTIFY_SOCKET \"%.*s...\" is longer than a socket's name",
                       SOCKET_SHOWN, name);
    memcpy(address.sun_path, name, length);
    if (abstract)
        address.sun_path[0] = '\0';
    *ret = address;
    *ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (abstract ? 0 : 1));
    return 0;
}

int notify_send(const char *state, struct err *e)
{
    assert(state && state[0] != '\0');
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t size = 0;
    if (!name || name[0] == '\0')
        return 0;
    int r = parse_socket(name, e, &address, &size);
    if (r < 0)
        return r;
    /* Not blocking: a service manager that does not read must not stop the loop. */
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set_errno(e, -errno, "cannot make a socket to notify the service manager");
    ssize_t sent =
        sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
    if (sent < 0)
        return err_set_errno(e, -errno, "cannot notify the service manager at %s", name);
    return 0;
}

/* An environment variable as a whole number. */
static bool get_number(const char *name, uint64_t *ret)
{
    const char *value = getenv(name);
    return value && text_parse_u64(value, strlen(value), ret) == 0;
}

uint64_t notify_watchdog_interval_ms(void)
{
    uint64_t usec = 0;
    uint64_t pid = 0;
    if (!get_number("WATCHDOG_USEC", &usec) || usec == 0 || usec == UINT64_MAX)
        return 0;
    /* Without a process id the watchdog is meant for whoever reads this. */
    if (getenv("WATCHDOG_PID") && (!get_number("WATCHDOG_PID", &pid) || pid != (uint64_t)getpid()))
        return 0;
    uint64_t interval_ms = usec / 2 / US_PER_MS;
    return interval_ms > 0 ? interval_ms : 1;
}
