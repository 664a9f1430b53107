/* weir in a pid namespace of its own, as in a container: process 1 is not the host's there. As root
 * on a machine that allows namespaces, else skipped. Document: pid_namespaces(7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"
#include "group_fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED   77 /* exit codes of the process inside; others are sets of these: */
#define RAN       1  /* there is a reader and a row of the host */
#define NETWORK   2  /* that has the host's network */
#define NO_REASON 4  /* it has not, and not because process 1 cannot be seen */
#define FAILS     8  /* weir check says that of the network */
#define FINE      16 /* it says that there is nothing amiss with it */

static void on_line(void *context, enum check_result result, const char *subject, const char *text)
{
    int *said = context;
    (void)text;
    if (text_equal(subject, "network"))
        *said |= result == CHECK_FAIL ? FAILS : result == CHECK_OK ? FINE : 0;
}

/* What a reader finds with that procfs. */
static int look(struct group_fixture *f, const char *procfs)
{
    struct err e = {0};
    int found = 0;
    const struct check_sink sink = {&found, on_line};
    f->options.procfs = procfs;
    if (group_reader_new(&f->options, &e, &f->reader) < 0)
        return found;
    group_reader_run(f->reader);
    const struct group_result *result = group_reader_result(f->reader);
    for (size_t i = 0; i < result->found_count; i++) {
        const struct container_row *row = &result->found[i].row;
        if (result->found[i].kind != IDENTITY_HOST)
            continue;
        found |= RAN;
        if (row->tiers[GROUP_NETWORK] != TIER_NONE || row->interface_count > 0)
            found |= NETWORK;
        else if (row->absent[GROUP_NETWORK] != REASON_NO_PROCESS)
            found |= NO_REASON;
    }
    group_reader_examine(f->reader, &sink);
    group_reader_free(f->reader);
    f->reader = NULL;
    return found;
}

/* Ends with `code`, and not as a process of cmocka's. */
static void leave(int code)
{
    _exit(code);
}

/* In a mount namespace of its own, whose `kept` is the host's procfs, and as the first process of a
 * pid namespace with a /proc of its own. */
static void look_inside(struct group_fixture *f, const char *procfs, const char *kept)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("/proc", kept, NULL, MS_BIND | MS_REC, NULL) < 0)
        leave(SKIPPED);
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        leave(mount("proc", "/proc", "proc", 0, NULL) < 0 ? SKIPPED : look(f, procfs));
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        leave(SKIPPED);
    leave(WIFEXITED(status) ? WEXITSTATUS(status) : 0);
}

static int found_inside(struct group_fixture *f, const char *procfs, const char *kept)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        look_inside(f, procfs, kept);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED)
        skip();
    return WEXITSTATUS(status);
}

static void test_its_own(void **state)
{
    struct group_fixture *f = *state;
    char kept[PATH_MAX];
    put_directory(f, "kept");
    (void)snprintf(kept, sizeof kept, "%s/kept", f->top);
    assert_int_equal(found_inside(f, "/proc", kept), RAN | FAILS);
}

/* The host's procfs is mounted elsewhere and given: all is well. */
static void test_the_hosts(void **state)
{
    struct group_fixture *f = *state;
    char kept[PATH_MAX];
    put_directory(f, "kept");
    (void)snprintf(kept, sizeof kept, "%s/kept", f->top);
    int here = look(f, "/proc");
    if (here != (RAN | NETWORK | FINE))
        skip(); /* this machine has no network, or the test itself is in a namespace */
    assert_int_equal(found_inside(f, kept, kept), RAN | NETWORK | FINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V1(test_its_own),
        V2(test_its_own),
        V1(test_the_hosts),
        V2(test_the_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
