/* The file of --web.config.file, in the schema of Prometheus' exporter toolkit: TLS, basic
 * authentication, headers, rate limit. Document: "HTTPS and authentication" of prometheus.io. */
#ifndef WEIR_AGENT_WEB_CONFIG_H
#define WEIR_AGENT_WEB_CONFIG_H

#include "base/arena.h"
#include "net/http_guard.h"
#include "net/tls.h"

struct err;

#define WEB_CONFIG_FILE_MAX (1024 * 1024) /* bytes of the file, and of each file it names */

/* Everything is owned by the struct, in its `memory`. */
struct web_config {
    bool has_tls;
    struct tls_terms tls;          /* texts and contents owned; read from the files named */
    struct http_guard_terms guard; /* users and limit */
    char *headers;                 /* lines for every answer, each ended by CRLF; "" for none */
    uint64_t digest; /* of the file and of every file it names: another one, other content */
    char *warning;   /* what was accepted but has no effect here or is unwise, or NULL */
    struct arena memory;
};

/* Reads the file and those it names, relative ones from its directory. Strict as the toolkit is:
 * an unknown key, a wrong type, a bad hash, half of a key pair is an error that says file, line,
 * column, why and the mend; nothing is filled then. Whether certificates, ciphers and curves can be
 * used tells tls_context_new. May run on any thread. */
int web_config_load(const char *path, struct err *e, struct web_config *ret);
/* As web_config_load for a text; `directory` is where relative paths begin. For tests and fuzzing.
 */
int web_config_parse(const char *name, const char *directory, const char *yaml, size_t length,
                     struct err *e, struct web_config *ret);
void web_config_done(struct web_config *c);

#endif
