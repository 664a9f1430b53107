/* What the tests of the web configuration share. */
#ifndef WEIR_TESTS_WEB_CONFIG_TESTING_H
#define WEIR_TESTS_WEB_CONFIG_TESTING_H

#include "agent/web_config.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 512 /* of a path in a test's directory */

/* bcrypt of cost 4, of nothing anybody uses. */
#define HASH "$2y$04$dPBGBv0rFWD/2bkqK1nTXeUrCDJnUHrmiEhRkpYe9QZsF95lnlMGS"

struct directory {
    char path[64];
};

static inline struct directory directory_make(void)
{
    struct directory d = {"/tmp/weir-web-config-XXXXXX"};
    assert_non_null(mkdtemp(d.path));
    return d;
}

static inline struct path_in {
    char text[PATH_BYTES];
} path_in(const struct directory *d, const char *name)
{
    struct path_in path;
    (void)snprintf(path.text, sizeof path.text, "%s/%s", d->path, name);
    return path;
}

static inline void write_bytes(const struct directory *d, const char *name, const char *bytes,
                               size_t length, mode_t mode)
{
    struct path_in path = path_in(d, name);
    FILE *f = fopen(path.text, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, length, f), length);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path.text, mode), 0);
}

static inline void write_text(const struct directory *d, const char *name, const char *text)
{
    write_bytes(d, name, text, strlen(text), 0600);
}

static inline void remove_file(const struct directory *d, const char *name)
{
    assert_int_equal(unlink(path_in(d, name).text), 0);
}

static inline struct web_config parse_good(const char *directory, const char *yaml)
{
    struct web_config c = {0};
    struct err e = {0};
    if (web_config_parse("web.yml", directory, yaml, strlen(yaml), &e, &c) != 0)
        fail_msg("refused: %s\n%s", e.text, yaml);
    assert_string_equal(e.text, "");
    return c;
}

/* Refused, and the sentence begins with `begin` and has `part` in it. */
static inline void expect_refused(const char *directory, const char *yaml, const char *begin,
                                  const char *part)
{
    struct web_config c;
    struct web_config before;
    struct err e = {0};
    memset(&c, 0x5a, sizeof c);
    memset(&before, 0x5a, sizeof before);
    int r = web_config_parse("web.yml", directory, yaml, strlen(yaml), &e, &c);
    if (r == 0)
        fail_msg("accepted: %.200s", yaml);
    assert_true(r < 0);
    assert_int_equal(e.code, r);
    assert_memory_equal(&c, &before, sizeof c);
    if (strncmp(e.text, begin, strlen(begin)) != 0 || !strstr(e.text, part))
        fail_msg("\"%s\" is not \"%s...%s\"", e.text, begin, part);
}

#endif
