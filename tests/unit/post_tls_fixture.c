/* The receivers and certificates that post_tls_fixture.h promises: a process, pipes, the shell. */
#include "post_tls_fixture.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/text.h"

#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SKIPPED 77 /* exit status that says so to ctest */
#define SOURCES WEIR_SOURCE_DIR "/tests/unit/"

extern char **environ;

static pid_t peer;
static int peer_input = -1; /* keeps it alive */
static unsigned ports[RECEIVER_COUNT];
static char names[16][128]; /* of receiver_file, one after another */
static unsigned names_used;

static int run_shell(const char *command)
{
    const char *arguments[] = {"sh", "-c", command, NULL};
    pid_t pid;
    int status = 0;
    if (posix_spawnp(&pid, "sh", NULL, NULL, (char **)(uintptr_t)arguments, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

int receivers_missing(void)
{
    if (run_shell("command -v openssl >/dev/null") == 0 &&
        run_shell("python3 -c 'import ssl' >/dev/null 2>&1") == 0)
        return 0;
    print_message("SKIP: the openssl command or python3 with ssl is missing\n");
    return SKIPPED;
}

static int read_ports(int fd)
{
    char line[RECEIVER_COUNT * 6 + 1] = {0};
    if (read(fd, line, sizeof line - 1) <= 0)
        return -1;
    const char *at = line;
    for (size_t i = 0; i < RECEIVER_COUNT; i++) {
        uint64_t port = 0;
        size_t length = strcspn(at, " \n");
        if (text_parse_u64(at, length, &port) < 0)
            return -1;
        ports[i] = (unsigned)port;
        at += length + 1;
    }
    return 0;
}

static int start_peer(void)
{
    const char *arguments[] = {"python3", SOURCES "post_peer.py", place_directory(), NULL};
    int in[2];
    int out[2];
    if (pipe(in) < 0 || pipe(out) < 0)
        return -1;
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    (void)posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    (void)posix_spawn_file_actions_addclose(&actions, in[1]);
    (void)posix_spawn_file_actions_addclose(&actions, out[0]);
    int r = posix_spawnp(&peer, "python3", &actions, NULL, (char **)(uintptr_t)arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(in[0]);
    (void)close(out[1]);
    peer_input = in[1];
    if (r == 0)
        r = read_ports(out[0]);
    (void)close(out[0]);
    return r;
}

int receivers_begin(void **state)
{
    if (place_make(state) < 0)
        return -1;
    char command[512];
    (void)snprintf(command, sizeof command,
                   "sh " SOURCES "make_post_certificates.sh %s >%s/log 2>&1", place_directory(),
                   place_directory());
    return run_shell(command) == 0 ? start_peer() : -1;
}

int receivers_end(void **state)
{
    (void)close(peer_input);
    (void)waitpid(peer, NULL, 0);
    char command[512];
    (void)snprintf(command, sizeof command, "rm -f %s/*", place_directory());
    (void)run_shell(command);
    return place_remove(state);
}

unsigned receiver_port(enum receiver which)
{
    return ports[which];
}

const char *receiver_url(char *ret_url, enum receiver which, const char *path)
{
    (void)snprintf(ret_url, 128, "https://localhost:%u%s", ports[which], path);
    return ret_url;
}

const char *receiver_file(const char *name)
{
    char *text = names[names_used++ % 16];
    (void)snprintf(text, sizeof names[0], "%s/%s", place_directory(), name);
    return text;
}

void receiver_copy(const char *from, const char *to)
{
    struct buf b;
    buf_init(&b, 65536);
    assert_int_equal(fs_read_file(receiver_file(from), &b), 0);
    FILE *file = fopen(receiver_file(to), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(b.data, 1, b.length, file), b.length);
    assert_int_equal(fclose(file), 0);
    buf_done(&b);
}
