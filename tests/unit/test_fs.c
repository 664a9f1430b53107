/* What it knows: base/fs.h and base/err.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/weir-test-fs-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_bytes(size_t count)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < count; i++)
        assert_true(fputc('a' + (int)(i % 26), file) != EOF);
    assert_int_equal(fclose(file), 0);
}

static void test_read_file(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 4095, 4096, 4097, 20000};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct buf b;
        write_bytes(sizes[s]);
        buf_init(&b, 20001);
        assert_int_equal(buf_add_char(&b, '>'), 0);
        assert_int_equal(fs_read_file(path, &b), 0); /* appended */
        assert_int_equal(b.length, sizes[s] + 1);
        assert_int_equal(b.data[0], '>');
        for (size_t i = 0; i < sizes[s]; i++)
            assert_int_equal(b.data[i + 1], 'a' + (int)(i % 26));
        buf_done(&b);
    }
}

static void test_sizes_at_the_limit(void **state)
{
    (void)state;
    struct buf b;
    write_bytes(0);
    buf_init(&b, 5);
    assert_int_equal(fs_read_file(path, &b), 0);
    assert_int_equal(b.length, 0);
    write_bytes(5);
    assert_int_equal(fs_read_file(path, &b), 0);
    assert_int_equal(b.length, 5);
    buf_clear(&b);
    write_bytes(6);
    assert_int_equal(fs_read_file(path, &b), -EMSGSIZE);
    buf_done(&b);
}

static void test_files_that_cannot_be_read(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(fs_read_file("/nonexistent/file", &b), -ENOENT);
    assert_int_equal(fs_read_file("/", &b), -EISDIR);
    assert_int_equal(b.length, 0);
    buf_done(&b);
}

static void test_kernel_file(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 65536);
    assert_int_equal(fs_read_file("/proc/self/stat", &b), 0); /* its size is said to be 0 */
    assert_true(b.length > 20);
    buf_done(&b);
}

static int open_and_leave(void)
{
    CLEANUP_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CLEANUP_FD int none = -1;
    assert_true(fd >= 0);
    assert_int_equal(none, -1);
    return fd;
}

static void test_descriptor_is_closed(void **state)
{
    (void)state;
    int fd = open_and_leave();
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(errno, EBADF);
}

static void test_errors(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(err_set(&e, -EINVAL, "%s: bad port %d", "host", 7), -EINVAL);
    assert_int_equal(e.code, -EINVAL);
    assert_string_equal(e.text, "host: bad port 7");
    assert_int_equal(err_set_errno(&e, -ENOENT, "open %s", "/x"), -ENOENT);
    assert_int_equal(e.code, -ENOENT);
    assert_string_equal(e.text, "open /x: No such file or directory");
    assert_int_equal(err_set(NULL, -EIO, "%s", "nobody asks"), -EIO);
    assert_int_equal(err_set_errno(NULL, -EIO, "%s", "nobody asks"), -EIO);
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    (void)err_set(&e, -EIO, "%s", longer);
    assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
    (void)err_set_errno(&e, -EIO, "%s", longer);
    assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
    (void)err_set_errno(&e, -EIO, "%.*s", ERR_TEXT_MAX - 5, longer);
    assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_file),
        cmocka_unit_test(test_sizes_at_the_limit),
        cmocka_unit_test(test_files_that_cannot_be_read),
        cmocka_unit_test(test_kernel_file),
        cmocka_unit_test(test_descriptor_is_closed),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
