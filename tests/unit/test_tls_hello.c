/* Hellos that announce too much, by RFC 8446 4 and 5.1: a handshake message may be cut over records
 * anywhere, and records over reads. */
#include "net/tls_hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LONGEST ((size_t)16384)

static char bytes[100000];
static size_t length;

static void add(const char *more, size_t size)
{
    memcpy(bytes + length, more, size);
    length += size;
}

static void add_record(char type, size_t size)
{
    add((const char[]){type, 3, 1, (char)(size >> 8), (char)size}, 5);
}

/* A message of `size` bytes in records of `piece` bytes, its four of a header included. */
static void add_message(char type, size_t size, size_t piece)
{
    static char whole[40000];
    memset(whole, 0x16, sizeof whole);
    memcpy(whole, (const char[]){type, (char)(size >> 16), (char)(size >> 8), (char)size}, 4);
    for (size_t at = 0; at < size + 4; at += piece) {
        size_t now = size + 4 - at < piece ? size + 4 - at : piece;
        add_record(22, now);
        add(whole + at, now);
    }
}

/* How the bytes are judged, in reads of every size. */
static bool is_taken(bool is_tls13)
{
    bool taken = false;
    for (size_t step = 1; step <= 6; step++) {
        size_t size = step == 6 ? length : step;
        struct tls_hello h = {0};
        bool now = true;
        for (size_t at = 0; at < length && now; at += size)
            now =
                !tls_hello_watch(&h, bytes + at, length - at < size ? length - at : size, is_tls13);
        if (step > 1)
            assert_int_equal(now, taken);
        taken = now;
    }
    length = 0;
    return taken;
}

static void test_the_first_hello(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 3, 4, 5, 1000, LONGEST};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        add_message(1, LONGEST, pieces[i]);
        assert_true(is_taken(true));
        add_message(1, LONGEST + 1, pieces[i]);
        assert_false(is_taken(true));
    }
}

static void test_it_is_told_from_nine_bytes(void **state)
{
    (void)state;
    add_record(22, 4);
    add("\x01\x00\x40\x01", 4);
    assert_false(is_taken(true));
    add_record(22, 4);
    add("\x01\x01\x00\x00", 4);
    assert_false(is_taken(true));
    add_record(22, 4);
    add("\x01\x00\x40\x00", 4);
    assert_true(is_taken(true));
}

/* After a HelloRetryRequest, behind a dummy record. */
static void test_the_second_hello(void **state)
{
    (void)state;
    for (int is_long = 0; is_long < 2; is_long++) {
        add_message(1, 200, 512);
        add_record(20, 1);
        add("\x01", 1);
        add_message(1, LONGEST + (size_t)is_long, 512);
        assert_int_equal(is_taken(true), !is_long);
    }
}

static void test_what_is_encrypted_is_not_looked_at(void **state)
{
    (void)state;
    add_message(1, 200, 512);
    add_message(16, 33, 512);
    add_record(20, 1);
    add("\x01", 1);
    add_record(22, 4);
    add("\x01\xff\xff\xff", 4); /* of TLS 1.2, encrypted */
    assert_true(is_taken(false));
    add_message(1, 200, 512);
    add_record(23, 9);
    add("\x01\xff\xff\xff-----", 9);
    add_record(22, 4);
    add("\x01\xff\xff\xff", 4);
    assert_true(is_taken(true));
}

static void test_ssl2(void **state)
{
    (void)state;
    add("\x80\x2c\x01\x03\x03\x00\x03\x00\x00\x00\x20", 11);
    assert_false(is_taken(true));
    add("\x80\x2c\x02\x03\x03\x00\x03\x00\x00\x00\x20", 11); /* not a hello: OpenSSL's to tell */
    assert_true(is_taken(true));
    add_record(22, 11); /* nor is one within a record */
    add("\x01\x00\x00\x07\x80\x2c\x01\x03\x03\x00\x03", 11);
    assert_true(is_taken(true));
}

static void test_other_messages_are_not_judged(void **state)
{
    (void)state;
    add_message(1, 200, 512);
    add_message(11, 30000, 16384);
    assert_true(is_taken(false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_hello),
        cmocka_unit_test(test_it_is_told_from_nine_bytes),
        cmocka_unit_test(test_the_second_hello),
        cmocka_unit_test(test_what_is_encrypted_is_not_looked_at),
        cmocka_unit_test(test_ssl2),
        cmocka_unit_test(test_other_messages_are_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
