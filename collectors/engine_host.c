/* What it knows: the ways to name an engine, and where its socket usually is. Documents: docker(1),
 * "Environment variables"; podman-system-service(1). */
#include "collectors/engine_host.h"

#include "base/alloc.h"
#include "base/err.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOCKER_PLAIN_PORT   2375 /* what docker(1) takes when tcp:// has no port */
#define DOCKER_TLS_PORT     2376
#define DEFAULT_DOCKER_HOST "unix:///run/docker.sock"

const char *engine_host_environment(char *const environment[], const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; environment && environment[i]; i++)
        if (strncmp(environment[i], name, length) == 0 && environment[i][length] == '=')
            return environment[i][length + 1] != '\0' ? environment[i] + length + 1 : NULL;
    return NULL;
}

/* host[:port] or [v6][:port], with nothing behind but an optional slash. */
static int parse_host_port(const char *text, const char *rest, struct err *e,
                           struct engine_endpoint *p)
{
    bool bracketed = *rest == '[';
    const char *host = rest + (bracketed ? 1 : 0);
    size_t length = strcspn(host, bracketed ? "]" : ":/");
    const char *after = host + length + (bracketed && host[length] == ']' ? 1 : 0);
    uint64_t port = p->kind == ENGINE_TLS ? DOCKER_TLS_PORT : DOCKER_PLAIN_PORT;
    if (*after == ':') {
        size_t digits = strspn(++after, "0123456789");
        if (text_parse_u64(after, digits, &port) < 0 || port == 0 || port > UINT16_MAX)
            return err_set(e, -EINVAL,
                           "engine host \"%s\": the port must be a number from 1 to 65535", text);
        after += digits;
    }
    if (length == 0 || (*after != '\0' && !text_equal(after, "/")))
        return err_set(e, -EINVAL, "engine host \"%s\": expected tcp://HOST:PORT, without a path",
                       text);
    p->host = alloc_copy(host, length);
    p->port = (uint16_t)port;
    return 0;
}

/* The file in the directory, or NULL where there is none: engines may ask for no client
 * certificate. A file that is there and cannot be read is the client's to complain of. */
static char *find_certificate(const char *directory, const char *name)
{
    char *path = alloc_format("%s/%s", directory, name);
    if (access(path, F_OK) == 0 || errno != ENOENT)
        return path;
    free(path);
    return NULL;
}

static void set_certificates(char *const environment[], struct engine_endpoint *p)
{
    const char *directory = engine_host_environment(environment, "DOCKER_CERT_PATH");
    if (!directory)
        return;
    p->ca_file = find_certificate(directory, "ca.pem");
    p->cert_file = find_certificate(directory, "cert.pem");
    p->key_file = find_certificate(directory, "key.pem");
}

static int parse_network(const char *text, char *const environment[], struct err *e,
                         struct engine_endpoint *p)
{
    bool https = text_starts_with(text, "https://");
    bool tcp = text_starts_with(text, "tcp://");
    bool tls = https || (tcp && engine_host_environment(environment, "DOCKER_TLS_VERIFY"));
    p->kind = tls ? ENGINE_TLS : ENGINE_TCP;
    p->verify = tls;
    int r = parse_host_port(text, strstr(text, "://") + 3, e, p);
    if (r < 0)
        return r;
    if (tls)
        set_certificates(environment, p);
    bool v6 = strchr(p->host, ':') != NULL;
    p->key = alloc_format("%s://%s%s%s:%u", tls ? "https" : "tcp", v6 ? "[" : "", p->host,
                          v6 ? "]" : "", p->port);
    return 0;
}

int engine_endpoint_parse(const char *text, char *const environment[], struct err *e,
                          struct engine_endpoint *ret)
{
    struct engine_endpoint p = {0};
    int r = 0;
    if (text_starts_with(text, "unix:///")) {
        p.kind = ENGINE_UNIX;
        p.path = alloc_string(text + strlen("unix://"));
        p.key = alloc_string(text);
    } else if (text_starts_with(text, "tcp://") || text_starts_with(text, "http://") ||
               text_starts_with(text, "https://")) {
        r = parse_network(text, environment, e, &p);
    } else if (text_starts_with(text, "ssh://")) {
        r = err_set(
            e, -EINVAL,
            "engine host \"%s\": ssh:// is not supported; run weir on that host, or forward its "
            "socket (ssh -L /tmp/docker.sock:/run/docker.sock HOST) and give "
            "unix:///tmp/docker.sock",
            text);
    } else {
        r = err_set(
            e, -EINVAL,
            "engine host \"%s\": expected unix:///PATH, tcp://HOST:PORT or https://HOST:PORT%s",
            text, text[0] == '/' ? " (put unix:// in front of the path)" : "");
    }
    if (r < 0) {
        engine_endpoint_done(&p);
        return r;
    }
    *ret = p;
    return 0;
}

/* 127.0.0.0/8, and no name that begins like it. */
static bool is_loopback(const char *host)
{
    return text_starts_with(host, "127.") && strspn(host, "0123456789.") == strlen(host);
}

bool engine_endpoint_is_here(const struct engine_endpoint *p)
{
    return p->kind == ENGINE_UNIX || text_equal(p->host, "localhost") ||
           text_equal(p->host, "::1") || is_loopback(p->host);
}

void engine_endpoint_done(struct engine_endpoint *p)
{
    free(p->key);
    free(p->path);
    free(p->host);
    free(p->ca_file);
    free(p->cert_file);
    free(p->key_file);
    *p = (struct engine_endpoint){0};
}

static void add_host(struct text_list *list, char *item)
{
    for (size_t i = 0; i < list->count; i++) {
        if (text_equal(list->items[i], item)) {
            free(item);
            return;
        }
    }
    list->items = alloc_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = item;
}

/* Adds each socket that matches, under its real path: /var/run is usually a link to /run, and
 * podman-docker links the Docker name to Podman's socket. */
static void add_sockets(struct text_list *list, const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0)
        return; /* nothing there, or a directory that may not be read: then nothing in it can be
                   used either */
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct stat status;
        char real[PATH_MAX];
        if (stat(found.gl_pathv[i], &status) == 0 && S_ISSOCK(status.st_mode) &&
            realpath(found.gl_pathv[i], real))
            add_host(list, alloc_format("unix://%s", real));
    }
    globfree(&found);
}

static void add_below(struct text_list *list, const char *directory, const char *name)
{
    if (!directory)
        return;
    char *pattern = alloc_format("%s/%s", directory, name);
    add_sockets(list, pattern);
    free(pattern);
}

int engine_host_discover(char *const environment[], struct err *e, struct text_list *ret)
{
    struct text_list list = {0};
    const char *host = engine_host_environment(environment, "DOCKER_HOST");
    if (!host)
        host = engine_host_environment(environment, "CONTAINER_HOST");
    const char *context = engine_host_environment(environment, "DOCKER_CONTEXT");
    if (!host && context && !text_equal(context, "default"))
        return err_set(
            e, -EINVAL,
            "DOCKER_CONTEXT=%s: contexts are not read; give the endpoint with --engine.host "
            "(docker context inspect %s shows it)",
            context, context);
    if (host) {
        add_host(&list, alloc_string(host));
        *ret = list;
        return 0;
    }
    const char *runtime = engine_host_environment(environment, "XDG_RUNTIME_DIR");
    const char *home = engine_host_environment(environment, "HOME");
    add_sockets(&list, "/run/docker.sock");
    add_sockets(&list, "/var/run/docker.sock");
    add_sockets(&list, "/run/podman/podman.sock");
    add_below(&list, runtime, "docker.sock");
    add_below(&list, runtime, "podman/podman.sock");
    add_sockets(&list, "/run/user/*/docker.sock");
    add_sockets(&list, "/run/user/*/podman/podman.sock");
    add_below(&list, home, ".docker/run/docker.sock");
    add_below(&list, home, ".docker/desktop/docker.sock");
    if (list.count == 0)
        add_host(&list, alloc_string(DEFAULT_DOCKER_HOST));
    *ret = list;
    return 0;
}
