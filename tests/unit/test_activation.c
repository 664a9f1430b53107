/* agent/activation.h against sd_listen_fds(3). */
#include "agent/activation.h"

#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* `pid` NULL: this process. */
static int take(const char *pid, const char *fds, struct err *e, size_t *ret_count)
{
    int sockets[ACTIVATION_MAX] = {0};
    char own[32];
    (void)snprintf(own, sizeof own, "%d", (int)getpid());
    assert_int_equal(setenv("LISTEN_PID", pid ? pid : own, 1), 0);
    assert_int_equal(fds ? setenv("LISTEN_FDS", fds, 1) : unsetenv("LISTEN_FDS"), 0);
    assert_int_equal(setenv("LISTEN_FDNAMES", "weir.socket", 1), 0);
    int r = activation_take(e, sockets, ret_count);
    for (size_t i = 0; r == 0 && i < *ret_count; i++)
        assert_int_equal(sockets[i], 3 + i);
    /* A child must not take them for its own. */
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_FDNAMES"));
    return r;
}

static void test_ours(void **state)
{
    (void)state;
    struct err e = {0};
    size_t count = 0;
    assert_int_equal(take(NULL, "1", &e, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(take(NULL, "8", &e, &count), 0);
    assert_int_equal(count, ACTIVATION_MAX);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pid, *fds;
        int result;
        const char *said;
    } cases[] = {
        {NULL, NULL, -ENOENT, "weir.socket"}, {NULL, "0", -ENOENT, "weir.socket"},
        {"1", "1", -ENOENT, "weir.socket"},   {NULL, "9", -E2BIG, "9"},
        {NULL, "one", -EINVAL, "LISTEN_FDS"}, {"", "1", -EINVAL, "LISTEN_PID"},
        {NULL, "-1", -EINVAL, "not numbers"}, {NULL, "99999999999999999999", -EINVAL, "not"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err e = {0};
        size_t count = 7;
        assert_int_equal(take(cases[i].pid, cases[i].fds, &e, &count), cases[i].result);
        assert_non_null(strstr(e.text, cases[i].said));
        assert_int_equal(count, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ours),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
