/* agent/log.h: one line, one write(2), and no value can break it. */
#include "agent/log.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define LINE_MAX_BYTES    4096
#define VALUE_MAX_BYTES   1024
#define RECEIVE_TIMEOUT_S 5

/* A log whose lines arrive as datagrams: two writes would be two of them. */
struct fixture {
    struct log log;
    int receiver;
    char line[2 * LINE_MAX_BYTES];
    size_t length;
};

static int setup(void **state)
{
    static struct fixture f;
    int pair[2];
    struct timeval limit = {.tv_sec = RECEIVE_TIMEOUT_S};
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0 ||
        setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0)
        return -1;
    f = (struct fixture){.log = {.level = LOG_LEVEL_INFO, .fd = pair[1]}, .receiver = pair[0]};
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    return close(f->receiver) < 0 || close(f->log.fd) < 0 ? -1 : 0;
}

/* Takes the one line that was written, without its newline. */
static const char *take(struct fixture *f)
{
    ssize_t got = recv(f->receiver, f->line, sizeof f->line - 1, 0);
    assert_true(got > 0);
    assert_true(got <= LINE_MAX_BYTES);
    f->length = (size_t)got;
    assert_int_equal(f->line[f->length - 1], '\n');
    f->line[f->length - 1] = '\0';
    assert_int_equal(strlen(f->line), f->length - 1);
    assert_null(strchr(f->line, '\n'));
    return f->line;
}

static bool is_silent(const struct fixture *f)
{
    char byte = 0;
    return recv(f->receiver, &byte, 1, MSG_DONTWAIT) < 0;
}

/* The line after "time=<a time> ". */
static const char *after_time(const char *line)
{
    static const char shape[] = "time=0000-00-00T00:00:00.000Z ";
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        if (shape[i] == '0')
            assert_in_range(line[i], '0', '9');
        else
            assert_int_equal(line[i], shape[i]);
    }
    return line + sizeof shape - 1;
}

/* The logfmt text of one value. */
static const char *as_logfmt(struct fixture *f, const char *value)
{
    static const char head[] = "level=info msg=m key=";
    log_line(&f->log, LOG_LEVEL_INFO, "m", LOG_FIELDS({"key", value}));
    const char *rest = after_time(take(f));
    assert_true(text_starts_with(rest, head));
    return rest + sizeof head - 1;
}

static void test_time_is_now(void **state)
{
    struct fixture *f = *state;
    struct timespec before;
    struct timespec after;
    uint64_t logged_ns = 0;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &before), 0);
    log_line(&f->log, LOG_LEVEL_WARN, "m", NULL, 0);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &after), 0);
    const char *rest = after_time(take(f));
    assert_string_equal(rest, "level=warn msg=m");
    f->line[strlen("time=0000-00-00T00:00:00.000Z")] = '\0';
    assert_int_equal(text_parse_rfc3339_ns(f->line + strlen("time="), &logged_ns), 0);
    uint64_t before_ms = (uint64_t)before.tv_sec * 1000 + (uint64_t)before.tv_nsec / 1000000;
    uint64_t after_ms = (uint64_t)after.tv_sec * 1000 + (uint64_t)after.tv_nsec / 1000000;
    assert_in_range(logged_ns / 1000000, before_ms, after_ms);
}

static void test_logfmt_quotes_only_when_needed(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *value;
        const char *written;
    } cases[] = {
        {"plain", "plain"},
        {"a/b:c,d;e{}", "a/b:c,d;e{}"},
        {"\xc3\xbc\xe2\x82\xac", "\xc3\xbc\xe2\x82\xac"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"so\"", "\"say \\\"so\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"a\nb\tc\rd", "\"a\\nb\\tc\\rd\""},
        {"\x1b[31m", "\"\\u001b[31m\""},
        {"\x7f", "\"\\u007f\""},
        {"\xc2\x85", "\"\\u0085\""},
        {"\xe2\x80\xa8", "\"\\u2028\""},
        {"\xe2\x80\xae", "\"\\u202e\""},
        {"a\xff"
         "b",
         "\"a\xef\xbf\xbd"
         "b\""},
        {"\xc3", "\"\xef\xbf\xbd\""},
        {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(as_logfmt(f, cases[i].value), cases[i].written);
}

static void test_level_decides(void **state)
{
    struct fixture *f = *state;
    f->log.level = LOG_LEVEL_WARN;
    log_line(&f->log, LOG_LEVEL_INFO, "no", NULL, 0);
    log_line(&f->log, LOG_LEVEL_DEBUG, "no", NULL, 0);
    assert_true(is_silent(f));
    log_line(&f->log, LOG_LEVEL_WARN, "yes", NULL, 0);
    assert_string_equal(after_time(take(f)), "level=warn msg=yes");
    log_line(&f->log, LOG_LEVEL_ERROR, "yes", NULL, 0);
    assert_string_equal(after_time(take(f)), "level=error msg=yes");
}

static void test_journal_gets_priority_and_no_time(void **state)
{
    struct fixture *f = *state;
    static const char *const lines[] = {
        [LOG_LEVEL_DEBUG] = "<7>level=debug msg=m",
        [LOG_LEVEL_INFO] = "<6>level=info msg=m",
        [LOG_LEVEL_WARN] = "<4>level=warn msg=m",
        [LOG_LEVEL_ERROR] = "<3>level=error msg=m",
    };
    f->log.journal = true;
    f->log.level = LOG_LEVEL_DEBUG;
    for (unsigned level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++) {
        log_line(&f->log, (enum log_level)level, "m", NULL, 0);
        assert_string_equal(take(f), lines[level]);
    }
    f->log.format = LOG_FORMAT_JSON;
    log_line(&f->log, LOG_LEVEL_INFO, "m", NULL, 0);
    assert_string_equal(take(f), "<6>{\"level\":\"info\",\"msg\":\"m\"}");
}

static void append_utf8(char **at, unsigned code_point)
{
    assert_true(code_point < 0x10000);
    if (code_point < 0x80) {
        *(*at)++ = (char)code_point;
    } else if (code_point < 0x800) {
        *(*at)++ = (char)(0xc0 | code_point >> 6);
        *(*at)++ = (char)(0x80 | (code_point & 0x3f));
    } else {
        *(*at)++ = (char)(0xe0 | code_point >> 12);
        *(*at)++ = (char)(0x80 | (code_point >> 6 & 0x3f));
        *(*at)++ = (char)(0x80 | (code_point & 0x3f));
    }
}

static unsigned hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;
    assert_non_null(found);
    return (unsigned)(found - digits);
}

/* Reads a JSON string (RFC 8259) with every rule; returns what follows it. */
static const char *read_string(const char *json, char *ret)
{
    assert_int_equal(*json++, '"');
    while (*json != '"') {
        assert_true((unsigned char)*json >= 0x20);
        if (*json != '\\') {
            *ret++ = *json++;
            continue;
        }
        const char *found = strchr("\"\"\\\\//b\bf\fn\nr\rt\t", json[1]);
        if (json[1] == 'u') {
            unsigned code_point = 0;
            for (size_t i = 2; i < 6; i++)
                code_point = code_point * 16 + hex_digit(json[i]);
            append_utf8(&ret, code_point);
            json += 6;
        } else {
            assert_non_null(found);
            *ret++ = found[1];
            json += 2;
        }
    }
    *ret = '\0';
    return json + 1;
}

/* The line has to be one object of texts. Copies the value of `key` into `ret`; whether it is
 * there.
 */
static bool json_find(const char *json, const char *key, char ret[LINE_MAX_BYTES])
{
    bool found = false;
    assert_int_equal(*json++, '{');
    for (;;) {
        char name[LINE_MAX_BYTES];
        char value[LINE_MAX_BYTES];
        json = read_string(json, name);
        assert_int_equal(*json++, ':');
        json = read_string(json, value);
        if (text_equal(name, key)) {
            assert_false(found);
            found = true;
            memcpy(ret, value, strlen(value) + 1);
        }
        if (*json == '}') {
            assert_string_equal(json, "}");
            return found;
        }
        assert_int_equal(*json++, ',');
    }
}

static void test_json_gives_back_what_was_logged(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *value;
        const char *read; /* NULL: the same */
    } cases[] = {
        {"plain", NULL},
        {"", NULL},
        {"say \"so\" \\ / \b\f\n\r\t \x01\x1f\x7f", NULL},
        {"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80 \xe2\x80\xa8", NULL},
        {"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"},
        {"{\"a\":1}", NULL},
    };
    f->log.format = LOG_FORMAT_JSON;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char read[LINE_MAX_BYTES];
        const char *expected = cases[i].read ? cases[i].read : cases[i].value;
        log_line(&f->log, LOG_LEVEL_ERROR, cases[i].value, LOG_FIELDS({"key", cases[i].value}));
        const char *line = take(f);
        assert_true(json_find(line, "key", read));
        assert_string_equal(read, expected);
        assert_true(json_find(line, "msg", read));
        assert_string_equal(read, expected);
        assert_true(json_find(line, "level", read));
        assert_string_equal(read, "error");
        assert_true(json_find(line, "time", read));
        uint64_t ns = 0;
        assert_int_equal(text_parse_rfc3339_ns(read, &ns), 0);
    }
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && text_equal(text + strlen(text) - strlen(end), end);
}

/* Every length around the limit, in one byte and in four: never torn inside a character. */
static void test_long_value_is_cut(void **state)
{
    struct fixture *f = *state;
    static const char *const units[] = {"x", "\xf0\x9f\x98\x80", "\n"};
    f->log.format = LOG_FORMAT_JSON;
    for (size_t unit = 0; unit < sizeof units / sizeof units[0]; unit++) {
        size_t size = strlen(units[unit]);
        for (size_t count = 200; count < 1100; count++) {
            char value[5000];
            char read[LINE_MAX_BYTES];
            for (size_t i = 0; i < count; i++)
                memcpy(value + i * size, units[unit], size);
            value[count * size] = '\0';
            log_line(&f->log, LOG_LEVEL_INFO, "m", LOG_FIELDS({"key", value}, {"next", "n"}));
            assert_true(json_find(take(f), "key", read));
            size_t written = units[unit][0] == '\n' ? 2 : size;
            if (count * written <= VALUE_MAX_BYTES) {
                assert_string_equal(read, value);
            } else {
                assert_true(ends_with(read, "\xe2\x80\xa6"));
                read[strlen(read) - 3] = '\0';
                assert_int_equal(strlen(read) % size, 0);
                assert_true(text_starts_with(value, read));
            }
            assert_true(json_find(f->line, "next", read));
        }
    }
}

static void test_full_line_says_so(void **state)
{
    struct fixture *f = *state;
    char value[2000];
    struct log_field fields[200];
    for (unsigned json = 0; json < 2; json++) {
        f->log.format = json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT;
        for (size_t size = 1; size < sizeof value; size += 7) {
            memset(value, '"', size - 1);
            value[size - 1] = '\0';
            for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
                fields[i] = (struct log_field){"some_key", value};
            log_line(&f->log, LOG_LEVEL_INFO, value, fields, sizeof fields / sizeof fields[0]);
            const char *line = take(f);
            bool all = size == 1; /* 200 empty values fit */
            assert_int_equal(ends_with(line, json ? ",\"cut\":\"true\"}" : " cut=true"), !all);
        }
    }
}

static void test_journal_is_found_by_stderr(void **state)
{
    (void)state;
    static const char *const others[] = {"", ":", "1:", ":1", "1:2:3", "x:y", "-1:2", "1"};
    struct stat status;
    struct log l;
    char stream[64];
    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    (void)snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)status.st_dev,
                   (unsigned long long)status.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    log_init(&l, LOG_LEVEL_WARN, LOG_FORMAT_JSON);
    assert_true(l.journal);
    assert_int_equal(l.fd, STDERR_FILENO);
    assert_int_equal(l.level, LOG_LEVEL_WARN);
    assert_int_equal(l.format, LOG_FORMAT_JSON);
    (void)snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)status.st_dev,
                   (unsigned long long)status.st_ino + 1);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    log_init(&l, LOG_LEVEL_WARN, LOG_FORMAT_JSON);
    assert_false(l.journal);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(setenv("JOURNAL_STREAM", others[i], 1), 0);
        log_init(&l, LOG_LEVEL_WARN, LOG_FORMAT_JSON);
        assert_false(l.journal);
    }
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    log_init(&l, LOG_LEVEL_WARN, LOG_FORMAT_JSON);
    assert_false(l.journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_time_is_now, setup, teardown),
        cmocka_unit_test_setup_teardown(test_logfmt_quotes_only_when_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level_decides, setup, teardown),
        cmocka_unit_test_setup_teardown(test_journal_gets_priority_and_no_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_gives_back_what_was_logged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_value_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_line_says_so, setup, teardown),
        cmocka_unit_test(test_journal_is_found_by_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
