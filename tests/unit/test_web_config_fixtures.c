/* tests/fixtures/web_config: one file for each rule of the format, most of them after a sample of
 * Prometheus' exporter toolkit. The first line of a file says what is to become of it:
 * "# accepted", "# accepted, warning: PART" or "# refused LINE:COLUMN: PART". */
#include "web_config_testing.h"

#include "base/buf.h"
#include "base/fs.h"

#include <dirent.h>

#define FIXTURES       WEIR_SOURCE_DIR "/tests/fixtures/web_config"
#define FIXTURES_MIN   130 /* as many as there were; fewer mean that they were not found */
#define FIRST_LINE_MAX 256 /* bytes of the first line */

static const char *const named[] = {"server.crt", "server.key", "ca.crt", "not-a-certificate.txt"};
#define NAMED (sizeof named / sizeof named[0])

/* Does the text begin with it? Moves behind it then. */
static bool take(const char **text, const char *begin)
{
    if (strncmp(*text, begin, strlen(begin)) != 0)
        return false;
    *text += strlen(begin);
    return true;
}

static void check_warning(const char *name, const char *warning, const char *part)
{
    if (!part && warning)
        fail_msg("%s: warns: %s", name, warning);
    if (part && (!warning || !strstr(warning, part)))
        fail_msg("%s: \"%s\" is not in \"%s\"", name, part, warning ? warning : "(no warning)");
}

static void check_refusal(const char *name, const struct err *e, const char *place_and_part)
{
    char begin[FIRST_LINE_MAX];
    const char *colon = strchr(place_and_part, ' ');
    assert_non_null(colon);
    (void)snprintf(begin, sizeof begin, "%s:%.*s ", name, (int)(colon - place_and_part),
                   place_and_part);
    if (strncmp(e->text, begin, strlen(begin)) != 0 || !strstr(e->text, colon + 1))
        fail_msg("\"%s\" is not \"%s...%s\"", e->text, begin, colon + 1);
    if (strlen(e->text) >= ERR_TEXT_MAX - 1)
        fail_msg("cut: \"%s\"", e->text);
}

static void check_fixture(const char *name, const char *expected, const struct buf *yaml,
                          const struct directory *d)
{
    struct web_config c;
    struct web_config again;
    struct err e = {0};
    const char *text = yaml->data ? yaml->data : "";
    bool refused = take(&expected, "# refused ");
    int r = web_config_parse(name, d->path, text, yaml->length, &e, &c);
    if ((r < 0) != refused)
        fail_msg("%s: %s", name, r < 0 ? e.text : "accepted");
    if (refused) {
        check_refusal(name, &e, expected);
        return;
    }
    if (!take(&expected, "# accepted"))
        fail_msg("%s: the first line says nothing", name);
    bool warns = take(&expected, ", warning: ");
    assert_true(warns || expected[0] == '\0');
    check_warning(name, c.warning, warns ? expected : NULL);
    assert_int_equal(web_config_parse(name, d->path, text, yaml->length, &e, &again), 0);
    assert_true(c.digest == again.digest);
    web_config_done(&again);
    web_config_done(&c);
}

static void check_file(const char *name, const struct directory *d)
{
    char path[PATH_BYTES];
    char expected[FIRST_LINE_MAX] = "# accepted"; /* of the file without a line */
    struct buf yaml;
    buf_init(&yaml, WEB_CONFIG_FILE_MAX);
    (void)snprintf(path, sizeof path, FIXTURES "/%s", name);
    assert_int_equal(fs_read_file(path, &yaml), 0);
    if (yaml.length > 0) {
        size_t length = strcspn(yaml.data, "\n");
        assert_true(length < sizeof expected);
        memcpy(expected, yaml.data, length);
        expected[length] = '\0';
    }
    check_fixture(name, expected, &yaml, d);
    buf_done(&yaml);
}

static void test_fixtures(void **state)
{
    (void)state;
    struct directory d = directory_make();
    for (size_t i = 0; i < NAMED; i++)
        write_text(&d, named[i], "whatever it is\n");
    DIR *fixtures = opendir(FIXTURES);
    assert_non_null(fixtures);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(fixtures));) {
        if (entry->d_name[0] == '.')
            continue;
        check_file(entry->d_name, &d);
        count++;
    }
    assert_int_equal(closedir(fixtures), 0);
    assert_true(count >= FIXTURES_MIN);
    for (size_t i = 0; i < NAMED; i++)
        remove_file(&d, named[i]);
    assert_int_equal(rmdir(d.path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
