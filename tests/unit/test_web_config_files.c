/* web_config_load: the file itself, the files it names, what tells one content from another, and
 * who may read them. */
#include "web_config_testing.h"

#include <errno.h>
#include <fcntl.h>

static struct directory directory;

static int make_directory(void **state)
{
    (void)state;
    directory = directory_make();
    write_text(&directory, "a.crt", "certificate");
    write_bytes(&directory, "a.key", "k\0y", 3, 0600);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    remove_file(&directory, "a.crt");
    remove_file(&directory, "a.key");
    return rmdir(directory.path);
}

static struct web_config load_good(const char *path)
{
    struct web_config c = {0};
    struct err e = {0};
    if (web_config_load(path, &e, &c) != 0)
        fail_msg("refused: %s", e.text);
    return c;
}

static void expect_load_refused(const char *path, int code, const char *part)
{
    struct web_config c;
    struct err e = {0};
    assert_int_equal(web_config_load(path, &e, &c), code);
    assert_int_equal(e.code, code);
    assert_int_equal(strncmp(e.text, path, strlen(path)), 0);
    if (!strstr(e.text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, e.text);
}

#define PAIR "tls_server_config: {cert_file: a.crt, key_file: a.key}\n"

static void test_relative_to_the_file(void **state)
{
    (void)state;
    write_text(&directory, "web.yml", PAIR);
    struct web_config c = load_good(path_in(&directory, "web.yml").text);
    assert_string_equal(c.tls.certificate.name, path_in(&directory, "a.crt").text);
    assert_int_equal(c.tls.certificate.length, strlen("certificate"));
    assert_memory_equal(c.tls.certificate.text, "certificate", strlen("certificate"));
    assert_string_equal(c.tls.key.name, path_in(&directory, "a.key").text);
    assert_int_equal(c.tls.key.length, 3);
    assert_memory_equal(c.tls.key.text, "k\0y", 3);
    assert_null(c.warning);
    web_config_done(&c);
    remove_file(&directory, "web.yml");
}

static void test_relative_to_the_current_directory(void **state)
{
    (void)state;
    int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(before >= 0);
    write_text(&directory, "web.yml", PAIR);
    assert_int_equal(chdir(directory.path), 0);
    struct web_config c = load_good("web.yml");
    assert_string_equal(c.tls.certificate.name, "a.crt");
    web_config_done(&c);
    assert_int_equal(fchdir(before), 0);
    assert_int_equal(close(before), 0);
    remove_file(&directory, "web.yml");
}

static void test_absolute_paths(void **state)
{
    (void)state;
    char yaml[2 * PATH_BYTES];
    (void)snprintf(yaml, sizeof yaml, "tls_server_config: {cert_file: %s/a.crt, key_file: a.key}",
                   directory.path);
    struct web_config c = parse_good(directory.path, yaml);
    assert_string_equal(c.tls.certificate.name, path_in(&directory, "a.crt").text);
    assert_string_equal(c.tls.key.name, path_in(&directory, "a.key").text);
    web_config_done(&c);
}

static void test_unreadable_files(void **state)
{
    (void)state;
    expect_load_refused(path_in(&directory, "absent.yml").text, -ENOENT, "cannot be read: No such");
    expect_load_refused(directory.path, -EISDIR, "cannot be read: Is a directory");
    expect_refused(directory.path, "tls_server_config: {key: b, cert_file: b.crt}",
                   "web.yml:1:40: cert_file: ", "b.crt cannot be read (relative paths begin");
    expect_refused("/nowhere", "tls_server_config: {cert: b, key_file: /nowhere/b}",
                   "web.yml:1:40: key_file: ", "/nowhere/b cannot be read: No such");
    expect_refused("/", "tls_server_config: {cert: b, key_file: tmp}",
                   "web.yml:1:40: key_file: ", "/tmp cannot be read (relative");
}

static void test_sizes(void **state)
{
    (void)state;
    char *large = malloc(WEB_CONFIG_FILE_MAX + 1);
    assert_non_null(large);
    memset(large, '\n', WEB_CONFIG_FILE_MAX + 1);
    struct web_config c;
    struct err e = {0};
    assert_int_equal(web_config_parse("w", "", large, WEB_CONFIG_FILE_MAX, &e, &c), 0);
    web_config_done(&c);
    assert_int_equal(web_config_parse("w", "", large, WEB_CONFIG_FILE_MAX + 1, &e, &c), -EMSGSIZE);
    assert_int_equal(strncmp(e.text, "w:1:1: ", 7), 0);
    write_bytes(&directory, "large", large, WEB_CONFIG_FILE_MAX + 1, 0600);
    expect_load_refused(path_in(&directory, "large").text, -EMSGSIZE, "larger than 1 MiB");
    expect_refused(directory.path, "tls_server_config: {key: b, cert_file: large}",
                   "web.yml:1:40: cert_file: ", "larger than 1 MiB");
    write_bytes(&directory, "large", large, WEB_CONFIG_FILE_MAX, 0600);
    c = parse_good(directory.path, "tls_server_config: {key: b, cert_file: large}");
    assert_int_equal(c.tls.certificate.length, WEB_CONFIG_FILE_MAX);
    web_config_done(&c);
    remove_file(&directory, "large");
    free(large);
}

static uint64_t digest_of(const char *yaml)
{
    struct web_config c = parse_good(directory.path, yaml);
    uint64_t digest = c.digest;
    web_config_done(&c);
    return digest;
}

static void test_digest(void **state)
{
    (void)state;
    uint64_t first = digest_of(PAIR);
    assert_true(digest_of(PAIR) == first);
    assert_true(digest_of(PAIR "\n") != first);
    write_bytes(&directory, "a.key", "k\0z", 3, 0600); /* behind a NUL */
    assert_true(digest_of(PAIR) != first);
    write_bytes(&directory, "a.key", "k\0y\0", 4, 0600);
    assert_true(digest_of(PAIR) != first);
    write_bytes(&directory, "a.key", "k\0y", 3, 0600);
    assert_true(digest_of(PAIR) == first);
    write_text(&directory, "a.crt", "certificatek"); /* the same bytes one after another */
    write_bytes(&directory, "a.key", "\0y", 2, 0600);
    assert_true(digest_of(PAIR) != first);
    write_text(&directory, "a.crt", "certificate");
    write_bytes(&directory, "a.key", "k\0y", 3, 0600);
    assert_true(digest_of("") != digest_of("\n"));
}

/* What the warning of the file with that mode says of being readable; NULL: nothing. */
static bool warns(const char *yaml, mode_t mode, const char *part)
{
    write_bytes(&directory, "web.yml", yaml, strlen(yaml), mode);
    struct web_config c = load_good(path_in(&directory, "web.yml").text);
    bool found = c.warning && strstr(c.warning, part);
    if (!found)
        assert_null(c.warning);
    web_config_done(&c);
    remove_file(&directory, "web.yml");
    return found;
}

static void test_readable_by_everybody(void **state)
{
    (void)state;
    static const char users[] = "basic_auth_users: {alice: " HASH "}\n";
    static const char inline_key[] = "tls_server_config: {cert_file: a.crt, key: secret}\n";
    static const char part[] = "web.yml:1:1: everybody on this host may read the file";
    assert_true(warns(users, 0604, part));
    assert_true(warns(users, 0644, part));
    assert_false(warns(users, 0640, part));
    assert_true(warns(inline_key, 0644, part));
    assert_false(warns(inline_key, 0600, part));
    assert_false(warns(PAIR, 0644, part));
    assert_false(warns("rate_limit: {interval: 1s, burst: 1}\n", 0644, part));
    assert_int_equal(chmod(path_in(&directory, "a.key").text, 0644), 0);
    assert_true(warns(PAIR, 0600, "web.yml:1:49: key_file: everybody on this host may read"));
    assert_int_equal(chmod(path_in(&directory, "a.key").text, 0640), 0);
    assert_false(warns(PAIR, 0600, "key_file"));
    assert_int_equal(chmod(path_in(&directory, "a.crt").text, 0644), 0);
    assert_false(warns(PAIR, 0600, "cert_file"));
}

static void test_long_names(void **state)
{
    (void)state;
    char name[PATH_BYTES];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct web_config c;
    struct err e = {0};
    assert_int_equal(web_config_load(name, &e, &c), -ENAMETOOLONG);
    assert_non_null(strstr(e.text, "File name too long"));
    assert_int_equal(web_config_parse(name, "", "x: 1", 4, &e, &c), -EINVAL);
    assert_non_null(strstr(e.text, "n:1:1: unknown key \"x\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relative_to_the_file),
        cmocka_unit_test(test_relative_to_the_current_directory),
        cmocka_unit_test(test_absolute_paths),
        cmocka_unit_test(test_unreadable_files),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_readable_by_everybody),
        cmocka_unit_test(test_long_names),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
