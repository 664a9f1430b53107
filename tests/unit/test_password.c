/* Tests net/password. Documents: crypt(5); the bcrypt hashes are published test vectors of
 * crypt_blowfish and OpenBSD. */
#include "net/password.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct password_library library;

static int open_library(void **state)
{
    struct err e = {0};
    (void)state;
    return password_open(&e, &library);
}

static int close_library(void **state)
{
    (void)state;
    password_close(&library);
    return 0;
}

/* Before the library is opened: once mapped it stays. */
static void test_no_library(void **state)
{
    char folder[] = "/tmp/weir-test-XXXXXX";
    int status = 0;
    (void)state;
    if (geteuid() != 0) {
        print_message("only root can take the libraries away\n");
        skip();
    }
    assert_non_null(mkdtemp(folder));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct err e = {0};
        struct password_library none = {0};
        if (chroot(folder) < 0 || chdir("/") < 0)
            _exit(1);
        if (password_open(&e, &none) != -ENOENT || none.handle || !strstr(e.text, "libcrypt.so.1"))
            _exit(2);
        _exit(strstr(e.text, "install") ? 0 : 3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(status, 0);
}

struct vector {
    const char *password;
    const char *hash;
};

static const struct vector vectors[] = {
    {"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    {"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
    {"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
    {"", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"},
    {"\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"},
    {"\xa3", "$2b$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"},
    {"\xff\xff\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"},
    /* Where the 2a of crypt_blowfish gives something else: other implementations give this. */
    {"\xff\xff\xa3", "$2a$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"},
    /* 72 bytes, and what follows them is not read. */
    {"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
     "chars after 72 are ignored",
     "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"},
    {"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
     "$2b$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"},
    /* Two bits of the salt's last character count. */
    {"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
     "$2b$05$abcdefghijklmnopqrstuv5s2v8.iXieOjg/.AySBTTZIIVFJeBui"},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct vector *v = &vectors[i];
        char other[128];
        assert_null(password_check_hash(v->hash));
        if (!password_matches(&library, v->password, v->hash, 5))
            fail_msg("%zu does not match", i);
        assert_true(password_matches(&library, v->password, v->hash, 6)); /* and with more work */
        snprintf(other, sizeof other, "x%s", v->password);
        assert_false(password_matches(&library, other, v->hash, 5));
        if (v->password[0] != '\0')
            assert_false(password_matches(&library, v->password + 1, v->hash, 5));
    }
}

static void test_long_passwords(void **state)
{
    char text[2048];
    const struct vector *v = &vectors[9];
    (void)state;
    memset(text, 'x', sizeof text); /* past what the library takes */
    text[sizeof text - 1] = '\0';
    assert_false(password_matches(&library, text, v->hash, 5));
    memcpy(text, v->password, PASSWORD_MAX_BYTES);
    assert_true(password_matches(&library, text, v->hash, 5));
    text[PASSWORD_MAX_BYTES] = '\0';
    assert_true(password_matches(&library, text, v->hash, 5));
    text[PASSWORD_MAX_BYTES - 1] = '\0';
    assert_false(password_matches(&library, text, v->hash, 5));
}

static void test_each_character_counts(void **state)
{
    char hash[PASSWORD_HASH_BYTES + 1];
    (void)state;
    for (size_t i = 29; i < PASSWORD_HASH_BYTES; i++) {
        memcpy(hash, vectors[0].hash, sizeof hash);
        hash[i] = hash[i] == 'a' ? 'b' : 'a';
        assert_null(password_check_hash(hash));
        assert_false(password_matches(&library, vectors[0].password, hash, 5));
    }
}

static void test_what_is_a_hash(void **state)
{
    static const char *const wrong[] = {
        "",
        "secret",
        "$2b$05$",
        "$2b$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBu",
        "$2b$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBuii",
        "$2x$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
        "$2$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBuii",
        "$3b$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
        "$2b-05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
        "$2b$05-abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
        "$2b$5a$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
        "$2b$+5$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
        "$2b$05$abcdefghijklmnopqrst!u5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
        "$2b$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBu\n",
        "2b$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBuiii",
        "$6$rounds=5000$abcdefgh$abcdefghijklmnopqrstuvwxyzabcdefghij",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *why = password_check_hash(wrong[i]);
        if (!why || !strstr(why, "bcrypt"))
            fail_msg("%s: %s", wrong[i], why ?: "taken");
    }
    const char *cost3 = "$2b$03$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
    const char *cost32 = "$2b$32$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
    const char *cost31 = "$2b$31$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
    const char *cost4 = "$2b$04$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
    assert_non_null(strstr(password_check_hash(cost3), "cost"));
    assert_non_null(strstr(password_check_hash(cost32), "cost"));
    assert_null(password_check_hash(cost31));
    assert_null(password_check_hash(cost4));
    assert_int_equal(password_cost(cost31), 31);
    assert_int_equal(password_cost(cost4), 4);
}

/* What the library is asked for, as a log of costs. */
static unsigned long rounds;
static unsigned calls;
static bool refuses;

static char *count_crypt(const char *phrase, const char *setting, struct crypt_data *data, int size)
{
    static char result[] = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    (void)data;
    assert_string_equal(phrase, "U*U");
    assert_true(size >= 32768); /* crypt(3) */
    assert_null(password_check_hash(setting));
    calls++;
    rounds += 1UL << password_cost(setting);
    return refuses ? NULL : result;
}

static void test_work_is_the_same(void **state)
{
    const struct password_library counting = {.crypt_rn = count_crypt};
    (void)state;
    for (unsigned work = 5; work <= 20; work++) {
        rounds = 0;
        assert_true(password_matches(&counting, "U*U", vectors[0].hash, work));
        assert_int_equal(rounds, 1UL << work);
        rounds = 0;
        assert_false(password_matches(&counting, "U*U", vectors[1].hash, work));
        assert_int_equal(rounds, 1UL << work);
    }
    refuses = true;
    assert_false(password_matches(&counting, "U*U", vectors[0].hash, 5));
    refuses = false;
    assert_true(calls > 0);
}

static void test_same_bytes(void **state)
{
    uint8_t a[80] = {0};
    uint8_t b[80] = {0};
    (void)state;
    assert_true(password_same_bytes(a, b, 0));
    assert_true(password_same_bytes(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a * 8; i++) {
        a[i / 8] = (uint8_t)(1U << i % 8);
        assert_false(password_same_bytes(a, b, sizeof a));
        assert_true(password_same_bytes(a, b, i / 8));
        a[i / 8] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest before[] = {
        cmocka_unit_test(test_no_library),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),          cmocka_unit_test(test_long_passwords),
        cmocka_unit_test(test_what_is_a_hash),   cmocka_unit_test(test_each_character_counts),
        cmocka_unit_test(test_work_is_the_same), cmocka_unit_test(test_same_bytes),
    };
    int failed = cmocka_run_group_tests(before, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, open_library, close_library);
}
