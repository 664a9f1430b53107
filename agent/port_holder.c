/* What it knows: which process has a listening socket. Document: proc(5), /proc/net/tcp and
 * /proc/PID/fd. */
#include "agent/port_holder.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TABLE_MAX_BYTES (64 * 1024 * 1024) /* some 400 000 sockets of 150 bytes */
#define SOCKETS_MAX     16   /* listeners of one port: one for each address, rarely more than two */
#define STATE_LISTEN    "0A" /* TCP_LISTEN */
#define PORT_LENGTH     5    /* ":27B6" */
#define LINK_MAX        64   /* bytes: "socket:[18446744073709551615]" */

/* The sockets that listen on the port, by inode. */
struct sockets {
    uint64_t inodes[SOCKETS_MAX];
    size_t count;
};

static void close_directory(DIR **directory)
{
    if (*directory)
        (void)closedir(*directory);
}
#define CLEANUP_DIRECTORY __attribute__((cleanup(close_directory)))

/* The `index`-th word of a line; an empty one past its end. */
static const char *find_word(const char *line, unsigned index, size_t *ret_length)
{
    const char *at = line + strspn(line, " ");
    for (; index > 0; index--) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    *ret_length = strcspn(at, " ");
    return at;
}

/* One line: "sl: ADDRESS:PORT ADDRESS:PORT STATE queues timer retries uid timeout INODE ...". */
static void read_line(const char *line, const char *port, struct sockets *s)
{
    size_t local_length = 0;
    size_t state_length = 0;
    size_t inode_length = 0;
    const char *local = find_word(line, 1, &local_length);
    const char *state = find_word(line, 3, &state_length);
    const char *inode = find_word(line, 9, &inode_length);
    uint64_t number = 0;
    if (local_length < PORT_LENGTH || s->count == SOCKETS_MAX ||
        memcmp(local + local_length - PORT_LENGTH, port, PORT_LENGTH) != 0)
        return;
    bool listens = state_length == 2 && memcmp(state, STATE_LISTEN, 2) == 0;
    if (listens && text_parse_u64(inode, inode_length, &number) == 0)
        s->inodes[s->count++] = number;
}

static void read_table(const char *path, const char *port, struct sockets *s)
{
    struct buf text;
    buf_init(&text, TABLE_MAX_BYTES);
    /* Without it the holder stays unknown, which the caller says. */
    if (fs_read_file(path, &text) == 0 && text.length > 0) {
        for (char *line = text.data; line;) {
            char *end = strchr(line, '\n');
            if (end)
                *end = '\0';
            read_line(line, port, s);
            line = end ? end + 1 : NULL;
        }
    }
    buf_done(&text);
}

static bool is_one_of(const struct sockets *s, const char *link)
{
    char name[LINK_MAX];
    for (size_t i = 0; i < s->count; i++) {
        (void)snprintf(name, sizeof name, "socket:[%" PRIu64 "]", s->inodes[i]);
        if (text_equal(name, link))
            return true;
    }
    return false;
}

/* May be refused: then it is not known. */
static bool process_has(const char *pid, const struct sockets *s)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    CLEANUP_DIRECTORY DIR *directory = opendir(path);
    const struct dirent *entry = NULL;
    while (directory && (entry = readdir(directory))) {
        char link[LINK_MAX];
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, link, sizeof link - 1);
        link[length > 0 ? length : 0] = '\0';
        if (is_one_of(s, link))
            return true;
    }
    return false;
}

static struct port_holder describe(const char *pid)
{
    struct port_holder holder = {0};
    char path[64];
    struct buf text;
    uint64_t number = 0;
    if (text_parse_u64(pid, strlen(pid), &number) < 0 || number > UINT32_MAX)
        return holder;
    holder.pid = (uint32_t)number;
    (void)snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    buf_init(&text, 2 * PROCESS_NAME_MAX);
    if (fs_read_file(path, &text) == 0 && text.length > 0)
        (void)snprintf(holder.name, sizeof holder.name, "%.*s", (int)strcspn(text.data, "\n"),
                       text.data);
    buf_done(&text);
    return holder;
}

/* The first process for which one of the two holds: it has one of the sockets, or the name. */
static struct port_holder find_process(const struct sockets *s, const char *name)
{
    CLEANUP_DIRECTORY DIR *directory = opendir("/proc");
    const struct dirent *entry = NULL;
    while (directory && (entry = readdir(directory))) {
        struct port_holder holder = describe(entry->d_name);
        bool other = holder.pid != 0 && holder.pid != (uint32_t)getpid();
        if (other && (name ? text_equal(holder.name, name) : process_has(entry->d_name, s)))
            return holder;
    }
    return (struct port_holder){0};
}

struct port_holder port_holder_find(uint16_t port)
{
    struct sockets s = {.count = 0};
    char text[PORT_LENGTH + 1];
    (void)snprintf(text, sizeof text, ":%04X", port);
    read_table("/proc/net/tcp", text, &s);
    read_table("/proc/net/tcp6", text, &s);
    return s.count > 0 ? find_process(&s, NULL) : (struct port_holder){0};
}

struct port_holder port_holder_by_name(const char *name)
{
    const struct sockets none = {.count = 0};
    return find_process(&none, name);
}
