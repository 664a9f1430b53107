/* What it knows: two exchanges of generic netlink: which number the family TASKSTATS has, and the
 * counts of a group. The kernel answers while it takes the question, so an answer that is late
 * is none. Documents: netlink(7); linux/genetlink.h; Documentation/accounting/cgroupstats.rst. */
#include "collectors/task_states.h"

#include "base/alloc.h"

#include <assert.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_BYTES   4096   /* the family's description has some 200 */
#define ANSWER_WAIT_US 200000 /* for one answer; a round has some seconds */
#define ANSWERS_MOST   16     /* late ones to other questions that are passed over */
#define HEADERS_BYTES  (sizeof(struct nlmsghdr) + sizeof(struct genlmsghdr)) /* both are aligned */
#define ATTRIBUTE      sizeof(struct nlattr)                                 /* its header */
#define FAMILY_NONE    0 /* numbers of families begin at GENL_MIN_ID */

struct task_states {
    int fd; /* -1 none */
    uint16_t family;
    bool refused; /* there is no such family, and there will be none */
    uint32_t sequence;
};

/* A question with its one attribute. */
struct question {
    struct nlmsghdr header;
    struct genlmsghdr command;
    struct nlattr attribute;
    char data[32];
};

_Static_assert(HEADERS_BYTES == NLMSG_LENGTH(GENL_HDRLEN), "there is no gap between the headers");

struct answer {
    _Alignas(struct nlmsghdr) char bytes[ANSWER_BYTES];
    size_t length;
};

struct task_states *task_states_new(void)
{
    struct task_states *t = alloc_zeroed(1, sizeof *t);
    t->fd = -1;
    return t;
}

static void disconnect(struct task_states *t)
{
    if (t->fd >= 0)
        (void)close(t->fd);
    t->fd = -1;
    t->family = FAMILY_NONE;
}

void task_states_free(struct task_states *t)
{
    if (!t)
        return;
    disconnect(t);
    free(t);
}

static size_t align(size_t size)
{
    return (size + NLA_ALIGNTO - 1) / NLA_ALIGNTO * NLA_ALIGNTO;
}

static int ask(struct task_states *t, uint16_t family, uint8_t command, uint16_t attribute,
               const void *data, size_t size)
{
    struct question q = {
        .header = {.nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = ++t->sequence},
        .command = {.cmd = command, .version = 1},
        .attribute = {.nla_len = (uint16_t)(ATTRIBUTE + size), .nla_type = attribute}};
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    assert(size <= sizeof q.data);
    memcpy(q.data, data, size);
    q.header.nlmsg_len = (uint32_t)(HEADERS_BYTES + ATTRIBUTE + align(size));
    ssize_t n =
        sendto(t->fd, &q, q.header.nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof kernel);
    return n < 0 ? -errno : 0;
}

/* 1: the answer; 0: one to another question, or not the kernel's; a negative errno, the kernel's
 * among them. */
static int judge(const struct task_states *t, const struct answer *a, uint32_t from)
{
    const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)a->bytes;
    int code = 0; /* the first of struct nlmsgerr, behind the header */
    if (from != 0)
        return 0;
    if (a->length < sizeof *header || header->nlmsg_len > a->length ||
        header->nlmsg_len < sizeof *header)
        return -EBADMSG;
    if (header->nlmsg_seq != t->sequence)
        return 0;
    if (header->nlmsg_type != NLMSG_ERROR)
        return 1;
    if (header->nlmsg_len >= sizeof *header + sizeof code)
        memcpy(&code, a->bytes + sizeof *header, sizeof code);
    return code < 0 ? code : -EBADMSG; /* 0 would be a receipt, which was not asked for */
}

static int hear(const struct task_states *t, struct answer *ret)
{
    for (unsigned i = 0; i < ANSWERS_MOST; i++) {
        struct sockaddr_nl from = {0};
        socklen_t size = sizeof from;
        ssize_t n = recvfrom(t->fd, ret->bytes, sizeof ret->bytes, MSG_TRUNC,
                             (struct sockaddr *)&from, &size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if ((size_t)n > sizeof ret->bytes)
            return -EMSGSIZE;
        ret->length = (size_t)n;
        int judged = judge(t, ret, from.nl_pid);
        if (judged != 0)
            return judged < 0 ? judged : 0;
    }
    return -EAGAIN;
}

/* The attribute of that type in an answer; -EBADMSG without one of that size. */
static int find_attribute(const struct answer *a, uint16_t type, void *ret, size_t size)
{
    const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)a->bytes;
    size_t end = header->nlmsg_len;
    for (size_t at = HEADERS_BYTES; at + ATTRIBUTE <= end;) {
        struct nlattr attribute;
        memcpy(&attribute, a->bytes + at, sizeof attribute);
        if (attribute.nla_len < ATTRIBUTE || attribute.nla_len > end - at)
            break;
        if ((attribute.nla_type & NLA_TYPE_MASK) == type && attribute.nla_len >= ATTRIBUTE + size) {
            memcpy(ret, a->bytes + at + ATTRIBUTE, size);
            return 0;
        }
        at += align(attribute.nla_len);
    }
    return -EBADMSG;
}

static int find_family(struct task_states *t)
{
    struct answer answer;
    int r = ask(t, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, TASKSTATS_GENL_NAME,
                sizeof TASKSTATS_GENL_NAME);
    if (r == 0)
        r = hear(t, &answer);
    if (r == 0)
        r = find_attribute(&answer, CTRL_ATTR_FAMILY_ID, &t->family, sizeof t->family);
    t->refused = r == -ENOENT;
    return r;
}

static int connect_once(struct task_states *t)
{
    const struct timeval wait = {.tv_usec = ANSWER_WAIT_US};
    if (t->fd >= 0)
        return 0;
    if (t->refused)
        return -ENOENT;
    t->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
    if (t->fd < 0)
        return -errno;
    int r = setsockopt(t->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0 ? -errno : 0;
    if (r == 0)
        r = find_family(t);
    if (r < 0)
        disconnect(t);
    return r;
}

int task_states_add(struct task_states *t, int directory, struct cgroupstats *sum)
{
    struct answer answer;
    struct cgroupstats found;
    uint32_t fd = (uint32_t)directory;
    int r = connect_once(t);
    if (r < 0)
        return r;
    r = ask(t, t->family, CGROUPSTATS_CMD_GET, CGROUPSTATS_CMD_ATTR_FD, &fd, sizeof fd);
    if (r == 0)
        r = hear(t, &answer);
    if (r == 0)
        r = find_attribute(&answer, CGROUPSTATS_TYPE_CGROUP_STATS, &found, sizeof found);
    if (r < 0 && r != -EINVAL && r != -ENOENT)
        disconnect(t); /* whatever comes late is not heard then */
    if (r < 0)
        return r;
    sum->nr_sleeping += found.nr_sleeping;
    sum->nr_running += found.nr_running;
    sum->nr_stopped += found.nr_stopped;
    sum->nr_uninterruptible += found.nr_uninterruptible;
    sum->nr_io_wait += found.nr_io_wait;
    return 0;
}
