/* The TLS servers and certificates that tls_fixture.h promises: processes, pipes and the shell. */
#include "tls_fixture.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"

#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SKIPPED 77 /* exit status that says so to ctest */
#define SOURCES WEIR_SOURCE_DIR "/tests/unit/"

extern char **environ;

/* A TLS server in another process; `input` keeps it alive. */
struct tls_peer {
    pid_t pid;
    int input;
    unsigned port;
};

static struct tls_peer peer;      /* asks for a client certificate */
static struct tls_peer open_peer; /* does not */

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

const char *tls_file(char *ret_path, const char *name)
{
    (void)snprintf(ret_path, 128, "%s/%s", place_directory(), name);
    return ret_path;
}

static int start_peer(struct tls_peer *p, const char *client_ca)
{
    char server[128];
    char server_key[128];
    tls_file(server, "server.pem");
    tls_file(server_key, "server.key");
    const char *arguments[] = {"python3", SOURCES "tls_peer.py", server, server_key, client_ca,
                               NULL};
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
    if (p == &open_peer) /* else it would keep the other one alive */
        (void)posix_spawn_file_actions_addclose(&actions, peer.input);
    int r =
        posix_spawnp(&p->pid, "python3", &actions, NULL, (char **)(uintptr_t)arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(in[0]);
    (void)close(out[1]);
    p->input = in[1];
    char line[16] = {0};
    ssize_t length = r == 0 ? read(out[0], line, sizeof line - 1) : -1;
    (void)close(out[0]);
    uint64_t port = 0;
    if (length < 2 || text_parse_u64(line, (size_t)length - 1, &port) < 0)
        return -1;
    p->port = (unsigned)port;
    return 0;
}

static void stop_peer(struct tls_peer *p)
{
    (void)close(p->input);
    (void)waitpid(p->pid, NULL, 0);
}

int tls_begin(void **state)
{
    if (place_make(state) < 0)
        return -1;
    char ca[128];
    char command[512];
    (void)snprintf(command, sizeof command, SOURCES "make_certificates.sh %s >%s/log 2>&1",
                   place_directory(), place_directory());
    if (run_shell(command) != 0)
        return -1;
    return start_peer(&peer, tls_file(ca, "ca.pem")) < 0 || start_peer(&open_peer, NULL) < 0 ? -1
                                                                                             : 0;
}

int tls_end(void **state)
{
    stop_peer(&peer);
    stop_peer(&open_peer);
    char command[512];
    (void)snprintf(command, sizeof command, "rm -f %s/*", place_directory());
    (void)run_shell(command);
    return place_remove(state);
}

char *tls_url(const char *scheme, const char *host, unsigned port)
{
    char url[128];
    (void)snprintf(url, sizeof url, "%s://%s:%u", scheme, host, port);
    return alloc_string(url);
}

struct http_getter *tls_client_with(uv_loop_t *loop, const struct curl_client_options *options)
{
    struct err e = {0};
    struct http_getter *client = NULL;
    assert_int_equal(uv_loop_init(loop), 0);
    if (curl_client_new(loop, options, &e, &client) < 0)
        print_message("%s\n", e.text);
    assert_non_null(client);
    return client;
}

struct http_getter *tls_client(uv_loop_t *loop, uint32_t max_connections)
{
    char ca[128];
    char certificate[128];
    char key[128];
    char *url = tls_url("https", "localhost", peer.port);
    struct curl_client_options options = {.base_url = url,
                                          .ca_file = tls_file(ca, "ca.pem"),
                                          .cert_file = tls_file(certificate, "client.pem"),
                                          .key_file = tls_file(key, "client.key"),
                                          .verify = true,
                                          .max_connections = max_connections};
    struct http_getter *client = tls_client_with(loop, &options);
    free(url);
    return client;
}

void tls_ask(uv_loop_t *loop, struct http_getter *client, const char *path, struct got *g)
{
    got_clear(g);
    (void)got_get(client, path, g);
    loop_until(loop, &g->done);
    assert_int_equal(g->calls, 1);
}

unsigned tls_port(void)
{
    return peer.port;
}

unsigned tls_open_port(void)
{
    return open_peer.port;
}

int tls_missing(void)
{
    if (run_shell("command -v openssl >/dev/null") == 0 &&
        run_shell("python3 -c 'import ssl' >/dev/null 2>&1") == 0)
        return 0;
    print_message("SKIP: the openssl command or python3 with ssl is missing\n");
    return SKIPPED;
}
