/* What it knows: the file as a whole, what its content is told by, and who may read it. Document:
 * "HTTPS and authentication" of prometheus.io; behaviour as in Prometheus' exporter toolkit. */
#include "agent/web_config.h"

#include "agent/web_config_reader.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WARNINGS_MAX \
    8192               /* bytes: each key warns at most once, a sentence with a path and a place */
#define PATH_SHOWN 200 /* bytes of a path in a message, so that the reason has room beside it */

/* FNV-1a. The length goes first, so that what ends one file cannot begin the next one. */
#define FNV_START UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

static uint64_t fnv_add(uint64_t hash, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * FNV_PRIME;
    return hash;
}

void web_digest(struct web_config *c, const char *bytes, size_t length)
{
    uint64_t size = length;
    c->digest = fnv_add(c->digest, (const char *)&size, sizeof size);
    c->digest = fnv_add(c->digest, bytes, length);
}

static const struct web_key file_keys[] = {
    {"tls_server_config", web_read_tls, 0},
    {"http_server_config", web_read_http, 0},
    {"basic_auth_users", web_read_users, 0},
    {"rate_limit", web_read_limit, 0},
};
static const struct web_section file_section = {
    .name = "",
    .keys = file_keys,
    .count = sizeof file_keys / sizeof file_keys[0],
};

static int read_file(void *context)
{
    struct web_reader *r = context;
    return web_read_section(r, &file_section, r->config);
}

/* Fills the reader's configuration, which is to be freed also after an error. */
static int read_text(struct web_reader *r, const char *name, const char *yaml, size_t length,
                     struct err *e)
{
    struct web_config *c = r->config;
    c->headers = arena_string(&c->memory, "");
    c->digest = FNV_START;
    web_digest(c, yaml, length);
    int result = source_open(&r->source, name, yaml, length, e);
    if (result < 0)
        return result;
    buf_init(&r->warnings, WARNINGS_MAX);
    result = source_document(&r->source, read_file, r);
    if (r->exposed && r->has_secrets)
        web_warn(
            r, (yaml_mark_t){0},
            "everybody on this host may read the file, and it has secrets in it; "
            "chmod o-r mends that, and chgrp gives it to a group of weir's where it is not root");
    c->warning = arena_string(&c->memory, r->warnings.data);
    buf_done(&r->warnings);
    source_close(&r->source);
    return result;
}

static int refuse_size(const char *path, struct err *e)
{
    return err_set(e, -EMSGSIZE, "%.*s:1:1: larger than 1 MiB, the most a web configuration may be",
                   PATH_SHOWN, path);
}

static int parse(struct web_reader *r, const char *name, const char *yaml, size_t length,
                 struct err *e, struct web_config *ret)
{
    r->config = alloc_zeroed(1, sizeof *r->config);
    int result = read_text(r, name, yaml, length, e);
    if (result < 0)
        web_config_done(r->config);
    else
        *ret = *r->config;
    free(r->config);
    r->config = NULL;
    return result;
}

int web_config_parse(const char *name, const char *directory, const char *yaml, size_t length,
                     struct err *e, struct web_config *ret)
{
    if (length > WEB_CONFIG_FILE_MAX)
        return refuse_size(name, e);
    struct web_reader r = {.directory = directory};
    return parse(&r, name, yaml, length, e, ret);
}

int web_config_load(const char *path, struct err *e, struct web_config *ret)
{
    struct stat status = {0};
    struct buf yaml;
    buf_init(&yaml, WEB_CONFIG_FILE_MAX);
    int result = fs_read_file(path, &yaml);
    if (result == -EMSGSIZE) {
        result = refuse_size(path, e);
    } else if (result < 0) {
        result = err_set_errno(e, result, "%.*s: the web configuration cannot be read", PATH_SHOWN,
                               path);
    } else {
        const char *slash = strrchr(path, '/');
        struct arena scratch = {0};
        struct web_reader r = {
            .directory = arena_copy(&scratch, path, slash ? (size_t)(slash - path) + 1 : 0),
            .exposed = stat(path, &status) == 0 && (status.st_mode & S_IROTH),
        };
        result = parse(&r, path, yaml.data ? yaml.data : "", yaml.length, e, ret);
        arena_done(&scratch);
    }
    buf_done(&yaml);
    return result;
}

void web_config_done(struct web_config *c)
{
    arena_done(&c->memory);
    *c = (struct web_config){0};
}
