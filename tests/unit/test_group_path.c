/* What it knows: what the groups of every runtime are called. The list is
 * tests/fixtures/groups/paths.txt; here is what a file of lines cannot hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/text.h"
#include "collectors/group_path.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LIST     WEIR_SOURCE_DIR "/tests/fixtures/groups/paths.txt"
#define LIST_MAX ((size_t)1 << 20) /* bytes */
#define ID       "589def48f99de698a49d166066adfa22748cca0e4a5a2bd25d15d6760aa4b83d"

enum { KIND, RUNTIME, NAME, PATH, FIELDS };

static const char *kind_word(enum group_kind kind)
{
    static const char *const words[] = {
        [GROUP_IS_INNER] = "inner",
        [GROUP_IS_SERVICE] = "service",
        [GROUP_IS_CONTAINER] = "container",
        [GROUP_IS_IGNORED] = "ignored",
    };
    return words[kind];
}

/* The judge gets a copy of exactly that many bytes, so that a sanitizer sees a read past it. */
static struct group_name judge(const char *path, size_t length)
{
    char *copy = malloc(length + 1);
    assert_non_null(copy);
    (void)memcpy(copy, path, length);
    copy[length] = '\0';
    struct group_name name = group_path_judge(copy);
    if (name.kind == GROUP_IS_CONTAINER) {
        assert_true(name.id > copy && name.id_length > 0);
        assert_true(name.id + name.id_length <= copy + length);
        name.id = path + (name.id - copy);
        assert_int_equal(name.hex_id, text_is_container_id(name.id, name.id_length));
    } else {
        assert_int_equal(name.runtime, RUNTIME_UNKNOWN);
        assert_null(name.id);
        assert_int_equal(name.id_length, 0);
        assert_false(name.hex_id);
    }
    free(copy);
    return name;
}

static bool ends_a_walk(enum group_kind kind)
{
    return kind == GROUP_IS_CONTAINER || kind == GROUP_IS_IGNORED;
}

/* How much of the path a walk from the root sees: all of it, or up to what ends the walk. */
static size_t walked(const char *path)
{
    size_t length = 0;
    while (path[length] != '\0') {
        length += 1 + strcspn(path + length + 1, "/");
        if (ends_a_walk(judge(path, length).kind))
            break;
    }
    return length;
}

static void check_line(size_t number, char *line)
{
    char *fields[FIELDS] = {line};
    for (size_t i = 1; i < FIELDS; i++) {
        char *tab = strchr(fields[i - 1], '\t');
        if (!tab)
            fail_msg("line %zu has less than %d fields", number, FIELDS);
        *tab = '\0';
        fields[i] = tab + 1;
    }
    const char *path = fields[PATH];
    struct group_name name = judge(path, strlen(path));
    bool below = text_equal(fields[KIND], "below");
    if ((walked(path) < strlen(path)) != below)
        fail_msg("line %zu: a walk sees %zu bytes of %s", number, walked(path), path);
    if (below)
        return;
    if (!text_equal(kind_word(name.kind), fields[KIND]))
        fail_msg("line %zu: %s is %s", number, path, kind_word(name.kind));
    const char *runtime = name.runtime ? group_runtime_name(name.runtime) : "-";
    if (!text_equal(runtime, fields[RUNTIME]))
        fail_msg("line %zu: %s is %s's", number, path, runtime);
    const char *id = name.id ? name.id : "-";
    size_t id_length = name.id ? name.id_length : 1;
    if (id_length != strlen(fields[NAME]) || memcmp(id, fields[NAME], id_length) != 0)
        fail_msg("line %zu: the id of %s is %.*s", number, path, (int)id_length, id);
}

static void test_list(void **state)
{
    (void)state;
    struct buf text;
    size_t number = 0;
    size_t checked = 0;
    buf_init(&text, LIST_MAX);
    assert_int_equal(fs_read_file(LIST, &text), 0);
    for (char *line = text.data; *line != '\0';) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        number++;
        if (*line != '\0' && *line != '#') {
            check_line(number, line);
            checked++;
        }
        line = end + 1;
    }
    buf_done(&text);
    assert_true(checked > 200);
}

static enum group_kind kind_of(const char *path)
{
    return judge(path, strlen(path)).kind;
}

static void test_root_and_empty_components(void **state)
{
    (void)state;
    assert_int_equal(kind_of("/"), GROUP_IS_INNER);
    assert_int_equal(kind_of("//"), GROUP_IS_INNER);
    assert_int_equal(kind_of("/docker/"), GROUP_IS_INNER);
    assert_int_equal(kind_of("/lxc/"), GROUP_IS_INNER);
    assert_int_equal(kind_of("/nomad/"), GROUP_IS_INNER);
    struct group_name name = judge("/docker//" ID, strlen("/docker//" ID));
    assert_int_equal(name.kind, GROUP_IS_CONTAINER);
    assert_int_equal(name.runtime, RUNTIME_UNKNOWN);
}

static void test_only_the_last_component(void **state)
{
    (void)state;
    assert_int_equal(kind_of("/docker/" ID "/x"), GROUP_IS_INNER);
    assert_int_equal(kind_of("/docker-" ID ".scope/init.scope"), GROUP_IS_SERVICE);
    assert_int_equal(kind_of("/a.mount/" ID), GROUP_IS_CONTAINER);
}

/* Any byte but '/' and NUL may be in a name. */
static void test_strange_bytes(void **state)
{
    (void)state;
    assert_int_equal(kind_of("/system.slice/docker-\xff" ID ".scope"), GROUP_IS_SERVICE);
    assert_int_equal(kind_of("/docker/" ID "\n"), GROUP_IS_INNER);
    assert_int_equal(kind_of("/docker/\t" ID), GROUP_IS_INNER);
    assert_int_equal(kind_of("/docker/" ID " "), GROUP_IS_INNER);
    assert_int_equal(kind_of("/docker/" ID " (deleted)"), GROUP_IS_INNER);
    assert_int_equal(kind_of("/\x01\x02:::---:::"), GROUP_IS_INNER);
    static const char path[] = "/lxc/\x80\xff \"\\\n";
    struct group_name name = judge(path, strlen(path));
    assert_int_equal(name.kind, GROUP_IS_CONTAINER);
    assert_ptr_equal(name.id, path + strlen("/lxc/"));
    assert_int_equal(name.id_length, strlen(path) - strlen("/lxc/"));
}

static void test_separators_before_an_id(void **state)
{
    (void)state;
    assert_int_equal(kind_of("/x/:" ID), GROUP_IS_CONTAINER);
    assert_int_equal(kind_of("/x/::" ID), GROUP_IS_CONTAINER);
    assert_int_equal(kind_of("/x/system.slice::" ID ".scope"), GROUP_IS_CONTAINER);
    assert_int_equal(kind_of("/x/-" ID ".scope"), GROUP_IS_CONTAINER);
    assert_int_equal(kind_of("/x/docker:-" ID), GROUP_IS_INNER);
    assert_int_equal(kind_of("/x/docker-:" ID), GROUP_IS_INNER);
    assert_int_equal(kind_of("/x/" ID ".scope"), GROUP_IS_CONTAINER);
    assert_int_equal(kind_of("/x/" ID ".scope.scope"), GROUP_IS_SERVICE);
    assert_int_equal(kind_of("/x/" ID ID), GROUP_IS_INNER);
    assert_int_equal(kind_of("/x/" ID "-" ID), GROUP_IS_INNER);
}

/* A path may be as long as PATH_MAX and one of a fake tree longer; the walk over a slice's levels
 * is the only one that goes through a name byte by byte. */
static void test_long(void **state)
{
    (void)state;
    static const char suffix[] = "-docker-" ID ".slice";
    const size_t length = (size_t)64 * PATH_MAX;
    char *path = malloc(length + sizeof suffix);
    assert_non_null(path);
    (void)memset(path, '-', length);
    path[0] = '/';
    (void)memcpy(path + length, suffix, sizeof suffix);
    assert_int_equal(kind_of(path), GROUP_IS_SERVICE);
    (void)memset(path + 1, '/', length - 1);
    assert_int_equal(kind_of(path), GROUP_IS_SERVICE);
    free(path);
}

static void check_unescape(const char *name, size_t size, const char *expected)
{
    char *out = malloc(size);
    assert_non_null(out);
    (void)memset(out, 'Z', size);
    group_path_unescape(name, strlen(name), out, size);
    assert_string_equal(out, expected);
    free(out);
}

static void test_unescape(void **state)
{
    (void)state;
    check_unescape("", 8, "");
    check_unescape("plain", 8, "plain");
    check_unescape("my\\x2dbox", 8, "my-box");
    check_unescape("my-box", 8, "my-box");
    check_unescape("a\\x20b\\x5cx2d", 16, "a b\\x2d");
    check_unescape("\\xc3\\xA9", 8, "\xc3\xa9");
    check_unescape("a\\x0ab", 8, "a\nb");
    check_unescape("\\x00a", 8, "\\x00a");
    check_unescape("\\x2", 8, "\\x2");
    check_unescape("\\x", 8, "\\x");
    check_unescape("\\", 8, "\\");
    check_unescape("\\xg0\\x0g\\X2d", 16, "\\xg0\\x0g\\X2d");
    check_unescape("\\\\x2d", 8, "\\-");
    check_unescape("a/b\\n", 8, "a/b\\n");
}

static void test_unescape_cuts(void **state)
{
    (void)state;
    check_unescape("abc", 1, "");
    check_unescape("abc", 3, "ab");
    check_unescape("abc", 4, "abc");
    check_unescape("\\x2d\\x2d\\x2d", 3, "--");
    char out[8];
    group_path_unescape("a\\x2db", 4, out, sizeof out); /* the escape is not whole within 4 */
    assert_string_equal(out, "a\\x2");
    group_path_unescape("a\\x2db", 0, out, sizeof out);
    assert_string_equal(out, "");
}

static void test_runtime_names(void **state)
{
    (void)state;
    assert_string_equal(group_runtime_name(RUNTIME_UNKNOWN), "");
    for (int a = RUNTIME_DOCKER; a <= RUNTIME_GARDEN; a++) {
        assert_true(*group_runtime_name((enum group_runtime)a) != '\0');
        for (int b = RUNTIME_UNKNOWN; b < a; b++)
            assert_string_not_equal(group_runtime_name((enum group_runtime)a),
                                    group_runtime_name((enum group_runtime)b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_root_and_empty_components),
        cmocka_unit_test(test_only_the_last_component),
        cmocka_unit_test(test_strange_bytes),
        cmocka_unit_test(test_separators_before_an_id),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_unescape),
        cmocka_unit_test(test_unescape_cuts),
        cmocka_unit_test(test_runtime_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
