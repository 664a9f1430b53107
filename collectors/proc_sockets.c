/* What it knows: the tables of TCP and UDP sockets, one line each, which may be as long as they
 * like. Documents: Documentation/networking/proc_net_tcp.rst; include/net/tcp_states.h; proc(5). */
#include "collectors/proc_sockets.h"

#include "base/fs.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES \
    16384 /* of one read: the kernel gives a page at a time, lines have 150 to 200 */
#define FIELDS_MOST      13 /* that are looked at; the heading has others than the lines */
#define FIELD_STATE      3
#define FIELD_QUEUES     4
#define FIELD_DROPS      12
#define HEADINGS_LEAST   12 /* of TCP, which has the fewer */
#define TCP_SYN_RECEIVED 3
#define TCP_NEW_REQUEST  12 /* TCP_NEW_SYN_RECV, which most kernels show as the former */

/* In the order of include/net/tcp_states.h, from 1 on. */
static const char *const tcp_words[] = {
    "established", "synsent",   "synrecv", "finwait1", "finwait2", "timewait",
    "close",       "closewait", "lastack", "listen",   "closing",
};
#define TCP_STATES (sizeof tcp_words / sizeof tcp_words[0])
_Static_assert(TCP_STATES == PROC_SOCKET_VALUES, "each state has a value");

enum udp_value { UDP_LISTEN, UDP_DROPPED, UDP_RX_QUEUED, UDP_TX_QUEUED, UDP_VALUES };
static const char *const udp_words[UDP_VALUES] = {"listen", "dropped", "rxqueued", "txqueued"};

struct field {
    const char *at;
    size_t length;
};

const char *const *proc_socket_words(enum proc_socket_kind kind, size_t *ret_count)
{
    *ret_count = kind == PROC_TCP ? TCP_STATES : UDP_VALUES;
    return kind == PROC_TCP ? tcp_words : udp_words;
}

/* Splits at blanks; how many fields there are, FIELDS_MOST of them in `ret`. */
static size_t split(const char *line, const char *end, struct field ret[FIELDS_MOST])
{
    size_t count = 0;
    while (line < end) {
        if (*line == ' ') {
            line++;
            continue;
        }
        const char *close = memchr(line, ' ', (size_t)(end - line));
        close = close ? close : end;
        if (count < FIELDS_MOST)
            ret[count] = (struct field){line, (size_t)(close - line)};
        count++;
        line = close;
    }
    return count;
}

static bool field_is(struct field f, const char *text)
{
    return f.length == strlen(text) && memcmp(f.at, text, f.length) == 0;
}

/* Up to eight hexadecimal digits. */
static bool parse_hex(struct field f, uint64_t *ret)
{
    uint64_t value = 0;
    if (f.length == 0 || f.length > 8)
        return false;
    for (size_t i = 0; i < f.length; i++) {
        int digit = text_hex_digit(f.at[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    *ret = value;
    return true;
}

/* "00000150:00000000" */
static bool parse_pair(struct field f, uint64_t *ret_first, uint64_t *ret_second)
{
    const char *colon = memchr(f.at, ':', f.length);
    if (!colon)
        return false;
    size_t first = (size_t)(colon - f.at);
    return parse_hex((struct field){f.at, first}, ret_first) &&
           parse_hex((struct field){colon + 1, f.length - first - 1}, ret_second);
}

/* "46:" */
static bool is_entry_number(struct field f)
{
    uint64_t number = 0;
    return f.length > 1 && f.at[f.length - 1] == ':' &&
           text_parse_u64(f.at, f.length - 1, &number) == 0;
}

static int take_heading(struct proc_sockets *t, const struct field f[], size_t count)
{
    if (count < HEADINGS_LEAST || !field_is(f[0], "sl") || !field_is(f[1], "local_address") ||
        !field_is(f[FIELD_STATE], "st") || !field_is(f[FIELD_QUEUES], "tx_queue"))
        return -EBADMSG;
    t->headed = true;
    return 0;
}

static int take_tcp(struct proc_sockets *t, uint64_t state)
{
    if (state == TCP_NEW_REQUEST)
        state = TCP_SYN_RECEIVED;
    if (state == 0 || state > TCP_STATES)
        return -EBADMSG;
    t->values[state - 1]++;
    return 0;
}

static int take_udp(struct proc_sockets *t, const struct field f[], size_t count, uint64_t tx,
                    uint64_t rx)
{
    uint64_t drops = 0;
    if (count <= FIELD_DROPS ||
        text_parse_u64(f[FIELD_DROPS].at, f[FIELD_DROPS].length, &drops) < 0 || drops > UINT32_MAX)
        return -EBADMSG;
    t->values[UDP_LISTEN]++;
    t->values[UDP_DROPPED] += drops;
    t->values[UDP_RX_QUEUED] += rx;
    t->values[UDP_TX_QUEUED] += tx;
    return 0;
}

static int take_line(struct proc_sockets *t, const char *line, const char *end)
{
    struct field f[FIELDS_MOST];
    uint64_t state = 0;
    uint64_t tx = 0;
    uint64_t rx = 0;
    size_t count = split(line, end, f);
    if (!t->headed)
        return take_heading(t, f, count);
    if (count <= FIELD_QUEUES || !is_entry_number(f[0]) || f[FIELD_STATE].length != 2 ||
        !parse_hex(f[FIELD_STATE], &state) || !parse_pair(f[FIELD_QUEUES], &tx, &rx))
        return -EBADMSG;
    if (t->count == (t->kind == PROC_UDP ? PROC_UDP_MOST : PROC_SOCKETS_MOST))
        return -E2BIG;
    t->count++;
    return t->kind == PROC_TCP ? take_tcp(t, state) : take_udp(t, f, count, tx, rx);
}

int proc_sockets_take(struct proc_sockets *table, const char *text, size_t length, size_t *ret_used)
{
    const char *at = text;
    const char *end = NULL;
    while ((end = memchr(at, '\n', length - (size_t)(at - text)))) {
        int r = take_line(table, at, end);
        if (r < 0)
            return r;
        at = end + 1;
    }
    *ret_used = (size_t)(at - text);
    return 0;
}

/* Takes what the buffer holds and moves the rest to its front. */
static int take_piece(struct proc_sockets *table, char text[], size_t *length)
{
    size_t used = 0;
    int r = proc_sockets_take(table, text, *length, &used);
    if (r < 0)
        return r;
    memmove(text, text + used, *length - used);
    *length -= used;
    return *length < PIECE_BYTES ? 0 : -EBADMSG; /* no line is that long */
}

int proc_sockets_read(const char *path, enum proc_socket_kind kind, struct proc_sockets *ret)
{
    char text[PIECE_BYTES];
    size_t length = 0;
    struct proc_sockets table = {.kind = kind};
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    for (;;) {
        ssize_t n = read(fd, text + length, sizeof text - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        length += (size_t)n;
        int r = take_piece(&table, text, &length);
        if (r < 0)
            return r;
    }
    if (length > 0 || !table.headed)
        return -EBADMSG;
    *ret = table;
    return 0;
}
