/* Where engines are: what --engine.host, DOCKER_HOST and the usual sockets mean. */
#ifndef WEIR_COLLECTORS_ENGINE_HOST_H
#define WEIR_COLLECTORS_ENGINE_HOST_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

enum engine_endpoint_kind { ENGINE_UNIX, ENGINE_TCP, ENGINE_TLS };

/* One place to reach an engine; texts are owned by it. */
struct engine_endpoint {
    enum engine_endpoint_kind kind;
    char *key;  /* what it is called everywhere, e.g. unix:///run/docker.sock, tcp://host:2375 */
    char *path; /* unix: the socket */
    char *host; /* tcp and tls: name or address, without brackets */
    uint16_t port;
    char *ca_file; /* tls: PEM files, NULL for none */
    char *cert_file;
    char *key_file;
    bool verify;
};

/* Understands unix:///path, tcp://host:port, http://host:port and https://host:port. tcp:// becomes
 * TLS where DOCKER_TLS_VERIFY is set; certificates come from DOCKER_CERT_PATH. 0, or -EINVAL with
 * the sentence in `e` (ssh://, npipe://, bare paths, ...). */
int engine_endpoint_parse(const char *text, char *const environment[], struct err *e,
                          struct engine_endpoint *ret);
void engine_endpoint_done(struct engine_endpoint *p);
/* May the engine's containers be this host's? Not where it is reached through the network: another
 * host can be this one's clone, with the same ids. A unix socket or a loopback port may be a
 * forwarded one; then its ids are not found here. */
bool engine_endpoint_is_here(const struct engine_endpoint *p);

/* The hosts to look at when none is configured: DOCKER_HOST or CONTAINER_HOST alone, else each
 * usual socket that exists (root's, every user's, Podman's, Desktop's; one entry for links to the
 * same socket), else unix:///run/docker.sock. Each of the list's items and the items array are the
 * caller's to free. -EINVAL where DOCKER_CONTEXT names a context. */
int engine_host_discover(char *const environment[], struct err *e, struct text_list *ret);

/* The value of NAME in a NULL-terminated NAME=value array; NULL when missing or empty. */
const char *engine_host_environment(char *const environment[], const char *name);

#endif
