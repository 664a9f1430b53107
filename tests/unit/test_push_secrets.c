/* The header Authorization out of files: what RFC 7617 and RFC 6750 have as examples, files that
 * change, and those that are refused. Document: exporters/push_secrets.h. */
#include "base/buf.h"
#include "base/err.h"
#include "exporters/push_secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char directory[64];
    char password[128];
    char token[128];
};

static void write_bytes(const char *path, const char *bytes, size_t length, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void write_file(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text), 0600);
}

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    (void)snprintf(p->directory, sizeof p->directory, "/tmp/weir-secrets-XXXXXX");
    assert_non_null(mkdtemp(p->directory));
    (void)snprintf(p->password, sizeof p->password, "%s/password", p->directory);
    (void)snprintf(p->token, sizeof p->token, "%s/token", p->directory);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    (void)unlink(p->password);
    (void)unlink(p->token);
    assert_int_equal(rmdir(p->directory), 0);
    free(p);
    return 0;
}

static void check_value(struct push_secrets *s, int result, const char *value)
{
    struct err e = {0};
    struct buf b;
    buf_init(&b, 100000);
    assert_int_equal(push_secrets_authorization(s, &b, &e), result);
    assert_string_equal(b.data ? b.data : "", value);
    assert_int_equal(e.text[0] != '\0', result < 0);
    buf_done(&b);
}

static struct push_secrets *make(const struct push_secrets_options *options)
{
    struct err e = {0};
    struct push_secrets *s = NULL;
    assert_int_equal(push_secrets_new(options, &e, &s), 0);
    assert_non_null(s);
    return s;
}

/* The sentence has all of `words`, of which the last is NULL. */
static void refuse(const struct push_secrets_options *options, int code, const char *const *words)
{
    struct err e = {0};
    struct push_secrets *s = (struct push_secrets *)&e;
    assert_int_equal(push_secrets_new(options, &e, &s), code);
    assert_ptr_equal(s, &e);
    for (; *words; words++)
        if (!strstr(e.text, *words))
            fail_msg("\"%s\" is not in \"%s\"", *words, e.text);
}

#define REFUSE(options, code, ...) refuse(options, code, (const char *const[]){__VA_ARGS__, NULL})

static void test_nothing_asked_for(void **state)
{
    struct push_secrets *s = (struct push_secrets *)state;
    assert_int_equal(push_secrets_new(&(struct push_secrets_options){0}, NULL, &s), 0);
    assert_null(s);
    check_value(NULL, 0, "");
    push_secrets_free(NULL);
}

static void test_basic(void **state)
{
    const struct place *p = *state;
    static const struct {
        const char *user;
        const char *password; /* NULL: no file */
        const char *value;
    } cases[] = {
        {"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, /* RFC 7617 section 2 */
        {"test", "123\xc2\xa3\n", "Basic dGVzdDoxMjPCow=="},              /* section 2.1 */
        {"a", NULL, "Basic YTo="},
        {"ab", NULL, "Basic YWI6"},
        {"abc", NULL, "Basic YWJjOg=="},
        {"u", ":", "Basic dTo6"},
        {"u", "\xfb\xff", "Basic dTr7/w=="},
        {"u", "p\r\n", "Basic dTpw"},
        {"u", " p ", "Basic dTogcCA="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].password)
            write_file(p->password, cases[i].password);
        struct push_secrets_options options = {
            .username = cases[i].user, .password_file = cases[i].password ? p->password : NULL};
        struct push_secrets *s = make(&options);
        check_value(s, 0, cases[i].value);
        push_secrets_free(s);
    }
}

static void test_user_from_a_file(void **state)
{
    const struct place *p = *state;
    write_file(p->token, "Aladdin\n");
    write_file(p->password, "open sesame\n");
    struct push_secrets_options options = {.username_file = p->token, .password_file = p->password};
    struct push_secrets *s = make(&options);
    check_value(s, 0, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    push_secrets_free(s);
    write_file(p->token, "a:b");
    REFUSE(&options, -EINVAL, "user name file", p->token, "colon");
}

static void test_bearer(void **state)
{
    const struct place *p = *state;
    struct push_secrets_options options = {.bearer_token_file = p->token};
    write_file(p->token, "mF_9.B5f-4.1JqM\n"); /* RFC 6750 section 2.1 */
    struct push_secrets *s = make(&options);
    check_value(s, 0, "Bearer mF_9.B5f-4.1JqM");
    push_secrets_free(s);
}

static void test_credentials(void **state)
{
    const struct place *p = *state;
    struct push_secrets_options options = {.bearer_token_file = "token",
                                           .credentials_directory = p->directory};
    write_file(p->token, "t");
    struct push_secrets *s = make(&options);
    check_value(s, 0, "Bearer t");
    push_secrets_free(s);
    options.bearer_token_file = p->token; /* an absolute path is one with them too */
    s = make(&options);
    check_value(s, 0, "Bearer t");
    push_secrets_free(s);
    options = (struct push_secrets_options){.bearer_token_file = "token"};
    REFUSE(&options, -EINVAL, "token", "$CREDENTIALS_DIRECTORY", "LoadCredential=");
    options = (struct push_secrets_options){.bearer_token_file = "other",
                                            .credentials_directory = p->directory};
    REFUSE(&options, -ENOENT, "/other");
}

static void test_contradictions(void **state)
{
    const struct place *p = *state;
    struct push_secrets_options options = {.password_file = p->password};
    REFUSE(&options, -EINVAL, "user name");
    options = (struct push_secrets_options){.username = "a", .username_file = p->token};
    REFUSE(&options, -EINVAL, "leave one of them out");
    options = (struct push_secrets_options){.username = "a", .bearer_token_file = p->token};
    REFUSE(&options, -EINVAL, "leave one of them out");
    options = (struct push_secrets_options){.username = "a:b"};
    REFUSE(&options, -EINVAL, "colon");
    options = (struct push_secrets_options){.username = "a\r\nHost: b"};
    REFUSE(&options, -EINVAL, "control character");
    options = (struct push_secrets_options){.username = ""};
    REFUSE(&options, -EINVAL, "empty");
}

/* Any right of others is one too many; those of the group are the administrator's choice. */
static void test_mode(void **state)
{
    const struct place *p = *state;
    struct push_secrets_options options = {.bearer_token_file = p->token};
    for (mode_t mode = 0; mode <= 0777; mode++) {
        if ((mode & 0400) == 0)
            continue; /* who is not root could not read it */
        write_bytes(p->token, "t", 1, mode);
        if ((mode & 7) == 0) {
            push_secrets_free(make(&options));
            continue;
        }
        char mend[200];
        (void)snprintf(mend, sizeof mend, "chmod o= %s", p->token);
        REFUSE(&options, -EACCES, p->token, mend);
    }
}

static void test_content(void **state)
{
    const struct place *p = *state;
    struct push_secrets_options options = {.bearer_token_file = p->token};
    static const struct {
        const char *bytes;
        size_t length;
    } bad[] = {{"", 0},          {"\n", 1},   {"\r\n", 2}, {"a\n\n", 3}, {"a\nb", 3}, {"a\r", 2},
               {"a\r\nX: b", 7}, {"a\0b", 3}, {"a\tb", 3}, {"a\x7f", 2}, {"\na", 2}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_bytes(p->token, bad[i].bytes, bad[i].length, 0600);
        REFUSE(&options, -EINVAL, p->token, "write the secret alone into it");
    }
    char *large = malloc(16385);
    assert_non_null(large);
    memset(large, 'x', 16385);
    write_bytes(p->token, large, 16384, 0600);
    struct push_secrets *s = make(&options);
    struct buf b;
    buf_init(&b, 100000);
    assert_int_equal(push_secrets_authorization(s, &b, NULL), 0);
    assert_int_equal(b.length, 16384 + strlen("Bearer "));
    buf_done(&b);
    buf_init(&b, 100);
    assert_int_equal(push_secrets_authorization(s, &b, NULL), -EMSGSIZE);
    assert_int_equal(b.length, 0);
    buf_done(&b);
    push_secrets_free(s);
    write_bytes(p->token, large, 16385, 0600);
    REFUSE(&options, -EMSGSIZE, p->token, "16384");
    free(large);
}

static void test_no_file(void **state)
{
    const struct place *p = *state;
    struct push_secrets_options options = {.bearer_token_file = p->directory};
    REFUSE(&options, -EINVAL, p->directory, "no regular file");
    options.bearer_token_file = "/nonexistent/token";
    REFUSE(&options, -ENOENT, "/nonexistent/token");
    (void)unlink(p->token);
    assert_int_equal(mkfifo(p->token, 0600), 0); /* and nobody at its other end */
    options.bearer_token_file = p->token;
    REFUSE(&options, -EINVAL, "no regular file");
    assert_int_equal(unlink(p->token), 0);
}

/* As long as before, in the same file, within a tick of the clock: seen all the same. */
static void test_change(void **state)
{
    const struct place *p = *state;
    struct push_secrets_options options = {.bearer_token_file = p->token};
    write_file(p->token, "old");
    struct push_secrets *s = make(&options);
    check_value(s, 0, "Bearer old");
    write_file(p->token, "new");
    check_value(s, 0, "Bearer new");
    check_value(s, 0, "Bearer new");
    push_secrets_free(s);
}

static void set_age(const char *path, time_t seconds)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    struct timespec times[2] = {{now.tv_sec - seconds, 0}, {now.tv_sec - seconds, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* As configuration management does it: another file takes the place, whatever its times say. */
static void test_replaced(void **state)
{
    const struct place *p = *state;
    struct push_secrets_options options = {.bearer_token_file = p->token};
    write_file(p->token, "old");
    set_age(p->token, 1000);
    struct push_secrets *s = make(&options);
    write_file(p->password, "new");
    set_age(p->password, 1000);
    assert_int_equal(rename(p->password, p->token), 0);
    check_value(s, 0, "Bearer new");
    push_secrets_free(s);
}

static void test_failed_change(void **state)
{
    const struct place *p = *state;
    struct push_secrets_options options = {.username = "u", .password_file = p->password};
    write_file(p->password, "p");
    struct push_secrets *s = make(&options);
    check_value(s, 0, "Basic dTpw");
    assert_int_equal(unlink(p->password), 0);
    check_value(s, -ENOENT, "Basic dTpw");
    write_bytes(p->password, "q", 1, 0644);
    check_value(s, -EACCES, "Basic dTpw");
    check_value(s, -EACCES, "Basic dTpw");
    write_file(p->password, "");
    check_value(s, -EINVAL, "Basic dTpw");
    write_file(p->password, "q\r\nX: y");
    check_value(s, -EINVAL, "Basic dTpw");
    write_file(p->password, "q\n");
    check_value(s, 0, "Basic dTpx");
    assert_int_equal(chmod(p->password, 0604), 0);
    check_value(s, -EACCES, "Basic dTpx");
    push_secrets_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_asked_for),
        cmocka_unit_test(test_basic),
        cmocka_unit_test(test_user_from_a_file),
        cmocka_unit_test(test_bearer),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_mode),
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_failed_change),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
