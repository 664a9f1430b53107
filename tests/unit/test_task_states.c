/* What it knows: what a kernel answers to CGROUPSTATS_CMD_GET, and what may come in place of it: an
 * error, an answer that is late, torn, or another's. The kernel is played here. Documents:
 * netlink(7); linux/genetlink.h, linux/cgroupstats.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collectors/task_states.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAMILY    27
#define DIRECTORY 5 /* a descriptor that is told, not used */
#define ANSWERS   20

/* A message from the kernel. */
struct message {
    _Alignas(struct nlmsghdr) char bytes[512];
    size_t length;
    uint32_t from;
    bool late; /* to the question before */
    int error; /* instead of a message: of the call */
};

static struct kernel {
    struct message answers[ANSWERS];
    unsigned count;
    unsigned next;
    uint32_t sequence; /* of the question asked last */
    unsigned opened;
    unsigned asked;
} kernel;

int __wrap_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol)
{
    assert_int_equal(domain, AF_NETLINK);
    assert_true(type & SOCK_CLOEXEC);
    assert_int_equal(protocol, NETLINK_GENERIC);
    kernel.opened++;
    /* Real, so that options can be set and it can be closed. */
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
    (void)close(pair[1]);
    return pair[0];
}

ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to,
                      socklen_t to_size);
ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to,
                      socklen_t to_size)
{
    const struct nlmsghdr *header = bytes;
    (void)flags;
    assert_true(fd >= 0);
    assert_int_equal(to->sa_family, AF_NETLINK);
    assert_int_equal(to_size, sizeof(struct sockaddr_nl));
    assert_int_equal(header->nlmsg_len, size);
    assert_true(header->nlmsg_flags & NLM_F_REQUEST);
    assert_true(header->nlmsg_type == GENL_ID_CTRL || header->nlmsg_type == FAMILY);
    assert_true(header->nlmsg_seq != kernel.sequence);
    kernel.sequence = header->nlmsg_seq;
    kernel.asked++;
    const struct genlmsghdr *command = (const void *)((const char *)bytes + NLMSG_HDRLEN);
    const char *data = (const char *)bytes + NLMSG_HDRLEN + GENL_HDRLEN + sizeof(struct nlattr);
    uint32_t directory = 0;
    memcpy(&directory, data, sizeof directory);
    if (header->nlmsg_type == FAMILY) {
        assert_int_equal(command->cmd, CGROUPSTATS_CMD_GET);
        assert_int_equal(directory, DIRECTORY);
    } else {
        assert_int_equal(command->cmd, CTRL_CMD_GETFAMILY);
        assert_string_equal(data, "TASKSTATS");
    }
    return (ssize_t)size;
}

ssize_t __wrap_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from,
                        socklen_t *from_size);
ssize_t __wrap_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from,
                        socklen_t *from_size)
{
    struct sockaddr_nl sender = {.nl_family = AF_NETLINK};
    (void)fd;
    (void)flags;
    if (kernel.next == kernel.count || kernel.answers[kernel.next].error != 0) {
        errno = kernel.next == kernel.count ? EAGAIN : kernel.answers[kernel.next++].error;
        return -1;
    }
    struct message *m = &kernel.answers[kernel.next++];
    if (m->length >= sizeof(struct nlmsghdr))
        ((struct nlmsghdr *)(void *)m->bytes)->nlmsg_seq = kernel.sequence - m->late;
    sender.nl_pid = m->from;
    memcpy(from, &sender, sizeof sender);
    *from_size = sizeof sender;
    memcpy(bytes, m->bytes, m->length < size ? m->length : size);
    return (ssize_t)m->length;
}

/* --- answers --- */

static struct message *answer(uint16_t type)
{
    assert_true(kernel.count < ANSWERS);
    struct message *m = &kernel.answers[kernel.count++];
    struct nlmsghdr *header = (void *)m->bytes;
    *m = (struct message){.length = NLMSG_LENGTH(GENL_HDRLEN)};
    header->nlmsg_type = type;
    header->nlmsg_len = (uint32_t)m->length;
    return m;
}

static struct message *with(struct message *m, uint16_t type, const void *data, size_t size)
{
    const struct nlattr attribute = {.nla_len = (uint16_t)(sizeof attribute + size),
                                     .nla_type = type};
    memcpy(m->bytes + m->length, &attribute, sizeof attribute);
    memcpy(m->bytes + m->length + sizeof attribute, data, size);
    m->length += (sizeof attribute + size + 3) / 4 * 4;
    ((struct nlmsghdr *)(void *)m->bytes)->nlmsg_len = (uint32_t)m->length;
    return m;
}

static void answer_family(void)
{
    const uint16_t family = FAMILY;
    struct message *m = with(answer(GENL_ID_CTRL), CTRL_ATTR_FAMILY_NAME, "TASKSTATS", 10);
    (void)with(m, CTRL_ATTR_FAMILY_ID, &family, sizeof family);
}

static struct message *answer_states(uint64_t sleeping)
{
    const struct cgroupstats states = {sleeping, 2, 3, 4, 5};
    return with(answer(FAMILY), CGROUPSTATS_TYPE_CGROUP_STATS, &states, sizeof states);
}

static void answer_error(int code)
{
    struct message *m = answer(NLMSG_ERROR);
    const struct nlmsgerr error = {.error = code};
    memcpy(m->bytes + NLMSG_HDRLEN, &error, sizeof error);
    m->length = NLMSG_HDRLEN + sizeof error;
    ((struct nlmsghdr *)(void *)m->bytes)->nlmsg_len = (uint32_t)m->length;
}

static int setup(void **state)
{
    kernel = (struct kernel){0};
    *state = task_states_new();
    return 0;
}

static int teardown(void **state)
{
    task_states_free(*state);
    return 0;
}

/* --- tests --- */

static void test_adds(void **state)
{
    struct cgroupstats sum = {0};
    answer_family();
    (void)answer_states(1);
    (void)answer_states(10);
    assert_int_equal(task_states_add(*state, DIRECTORY, &sum), 0);
    assert_int_equal(task_states_add(*state, DIRECTORY, &sum), 0);
    assert_int_equal(sum.nr_sleeping, 11);
    assert_int_equal(sum.nr_running, 4);
    assert_int_equal(sum.nr_stopped, 6);
    assert_int_equal(sum.nr_uninterruptible, 8);
    assert_int_equal(sum.nr_io_wait, 10);
    assert_int_equal(kernel.opened, 1);
    assert_int_equal(kernel.asked, 3);
}

static void test_others(void **state)
{
    struct cgroupstats sum = {0};
    answer_family();
    answer_states(7)->late = true;
    answer_states(8)->from = 4242;
    kernel.answers[kernel.count++].error = EINTR;
    (void)answer_states(1);
    assert_int_equal(task_states_add(*state, DIRECTORY, &sum), 0);
    assert_int_equal(sum.nr_sleeping, 1);
}

/* The kernel's word stands, and the socket is kept. */
static void test_refused(void **state)
{
    struct cgroupstats sum = {0};
    answer_family();
    answer_error(-EINVAL);
    answer_error(-ENOENT);
    (void)answer_states(1);
    assert_int_equal(task_states_add(*state, DIRECTORY, &sum), -EINVAL);
    assert_int_equal(task_states_add(*state, DIRECTORY, &sum), -ENOENT);
    assert_int_equal(task_states_add(*state, DIRECTORY, &sum), 0);
    assert_int_equal(kernel.opened, 1);
}

/* There will be none either, so nobody asks again. */
static void test_no_family(void **state)
{
    struct cgroupstats sum = {0};
    answer_error(-ENOENT);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(task_states_add(*state, DIRECTORY, &sum), -ENOENT);
    assert_int_equal(kernel.opened, 1);
    assert_int_equal(kernel.asked, 1);
}

static void test_no_answer(void **state)
{
    struct cgroupstats sum = {0};
    answer_family();
    kernel.answers[kernel.count++].error = EAGAIN;
    answer_family();
    (void)answer_states(1);
    assert_int_equal(task_states_add(*state, DIRECTORY, &sum), -EAGAIN);
    assert_int_equal(sum.nr_sleeping, 0);
    assert_int_equal(task_states_add(*state, DIRECTORY, &sum), 0); /* on another socket */
    assert_int_equal(sum.nr_sleeping, 1);
    assert_int_equal(kernel.opened, 2);
}

/* However many answers are not for it. */
static void test_flooded(void **state)
{
    struct cgroupstats sum = {0};
    answer_family();
    while (kernel.count < ANSWERS)
        answer_states(1)->late = true;
    assert_int_equal(task_states_add(*state, DIRECTORY, &sum), -EAGAIN);
}

static void test_broken(void **state)
{
    const uint16_t family = FAMILY;
    struct cgroupstats sum = {0};
    for (unsigned i = 0; i < 7; i++) {
        kernel = (struct kernel){0};
        answer_family();
        struct message *m = i == 5 ? answer(FAMILY) : answer_states(1);
        struct nlmsghdr *header = (void *)m->bytes;
        struct nlattr *attribute = (void *)(m->bytes + NLMSG_LENGTH(GENL_HDRLEN));
        if (i == 0)
            m->length = 3;
        else if (i == 1)
            header->nlmsg_len = (uint32_t)m->length + 1;
        else if (i == 2)
            header->nlmsg_len = 4;
        else if (i == 3)
            attribute->nla_len = (uint16_t)(sizeof *attribute - 1);
        else if (i == 4)
            attribute->nla_len = (uint16_t)(m->length - NLMSG_LENGTH(GENL_HDRLEN) + 1);
        else if (i == 5)
            (void)with(m, CGROUPSTATS_TYPE_CGROUP_STATS, &family, sizeof family); /* too short */
        else
            header->nlmsg_type = NLMSG_ERROR; /* whose code is none */
        assert_int_equal(task_states_add(*state, DIRECTORY, &sum), -EBADMSG);
        assert_int_equal(sum.nr_sleeping, 0);
        assert_int_equal(kernel.opened, 1); /* anew after each */
    }
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_adds),      TEST(test_others),  TEST(test_refused), TEST(test_no_family),
        TEST(test_no_answer), TEST(test_flooded), TEST(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
