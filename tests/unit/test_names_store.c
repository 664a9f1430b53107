/* collectors/names_store.h: what is remembered comes back, what no longer holds does not, and a
 * broken file tells nothing. */
#include "collectors/names_store.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/text.h"
#include "collectors/collector.h"
#include "collectors/container_identity.h"
#include "collectors/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const struct names_store_terms terms = {.boot_id = "boot-1", .rules = "rules-1"};

static struct identity *make_identity(const char *id)
{
    struct identity *i = identity_new("unix:///run/docker.sock", id);
    i->local = true;
    return i;
}

/* One of which all is known, one of which nothing is but its id. */
static struct inventory *make_inventory(void)
{
    struct inventory *v = inventory_new();
    struct identity *a = make_identity(ID_A);
    struct label labels[] = {{"container_label_a", "1 \"quoted\" \\ \n\t\x01"},
                             {"container_label_b", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"}};
    a->name = "web";
    a->image = "registry.example.org:5000/shop:1";
    a->cgroup_path = "/system.slice/docker-" ID_A ".scope";
    a->created_ns = UINT64_MAX;
    a->started_ns = 1767225601000000001;
    a->labels = labels;
    a->label_count = 2;
    struct inventory_telling telling = {.identity = a,
                                        .source = INVENTORY_ENGINE,
                                        .hidden = true,
                                        .pid = 4711,
                                        .network = REASON_SHARED_NETWORK,
                                        .now_ns = 10};
    assert_true(inventory_tell(v, &telling));
    inventory_measured(v, ID_A, UINT64_C(1) << 60, 1, 20);
    struct identity *b = make_identity(ID_B);
    telling = (struct inventory_telling){.identity = b, .source = INVENTORY_FILES};
    assert_true(inventory_tell(v, &telling));
    identity_unref(b);
    /* The labels live here no longer than this function. */
    struct label *kept = arena_alloc(&a->arena, sizeof labels);
    memcpy(kept, labels, sizeof labels);
    a->labels = kept;
    identity_unref(a);
    return v;
}

static struct buf encode(const struct inventory *v)
{
    struct buf b;
    buf_init(&b, NAMES_STORE_MAX_BYTES);
    assert_int_equal(names_store_encode(v, &terms, &b), 0);
    return b;
}

static struct inventory *decode(const struct buf *b, const struct names_store_terms *now)
{
    struct inventory *v = inventory_new();
    struct err e = {0};
    if (names_store_decode(b->data, b->length, now, 5000, v, &e) != 0)
        fail_msg("refused: %s\n%s", e.text, b->data);
    assert_string_equal(e.text, "");
    return v;
}

static void test_all_comes_back(void **state)
{
    (void)state;
    struct inventory *before = make_inventory();
    struct buf b = encode(before);
    struct inventory *v = decode(&b, &terms);
    assert_int_equal(inventory_count(v), 2);
    const struct inventory_entry *e = inventory_find(v, ID_A);
    assert_int_equal(e->source, INVENTORY_REMEMBERED);
    assert_true(e->hidden);
    assert_int_equal(e->pid, 0); /* it may be another process by now */
    assert_int_equal(e->network, REASON_SHARED_NETWORK);
    assert_int_equal(e->told_ns, 5000);
    assert_int_equal(e->seen_ns, 5000);
    assert_int_equal(e->birth, UINT64_C(1) << 60);
    assert_int_equal(e->measured_round, 0);
    const struct identity *i = e->identity;
    assert_int_equal(i->kind, IDENTITY_CONTAINER);
    assert_true(i->local);
    assert_false(i->simulated);
    assert_string_equal(i->container_id, ID_A);
    assert_string_equal(i->engine, "unix:///run/docker.sock");
    assert_string_equal(i->name, "web");
    assert_string_equal(i->image, "registry.example.org:5000/shop:1");
    assert_string_equal(i->cgroup_path, "/system.slice/docker-" ID_A ".scope");
    assert_true(i->created_ns == UINT64_MAX);
    assert_int_equal(i->started_ns, 1767225601000000001);
    assert_int_equal(i->label_count, 2);
    assert_string_equal(i->labels[0].name, "container_label_a");
    assert_string_equal(i->labels[0].value, "1 \"quoted\" \\ \n\t\x01");
    assert_string_equal(i->labels[1].value, "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80");

    e = inventory_find(v, ID_B);
    assert_false(e->hidden);
    assert_int_equal(e->network, REASON_NONE);
    assert_null(e->identity->name);
    assert_null(e->identity->image);
    assert_null(e->identity->cgroup_path);
    assert_int_equal(e->identity->label_count, 0);
    assert_int_equal(e->identity->created_ns, 0);
    assert_int_equal(e->birth, 0);

    struct buf again = encode(v);
    assert_int_equal(again.length, b.length);
    assert_memory_equal(again.data, b.data, b.length);
    buf_done(&again);
    buf_done(&b);
    inventory_free(v);
    inventory_free(before);
}

/* Inodes and processes are of one boot. */
static void test_another_boot_keeps_the_names_alone(void **state)
{
    (void)state;
    static const struct names_store_terms others[] = {
        {.boot_id = "boot-2", .rules = "rules-1"},
        {.boot_id = "", .rules = "rules-1"},
    };
    struct inventory *before = make_inventory();
    struct buf b = encode(before);
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        struct inventory *v = decode(&b, &others[k]);
        const struct inventory_entry *e = inventory_find(v, ID_A);
        assert_int_equal(e->birth, 0);
        assert_int_equal(e->identity->started_ns, 0);
        assert_true(e->identity->created_ns == UINT64_MAX);
        assert_string_equal(e->identity->name, "web");
        assert_int_equal(e->network, REASON_SHARED_NETWORK);
        inventory_free(v);
    }
    buf_done(&b);
    inventory_free(before);
}

/* Two boots of which neither is known are not the same one. */
static void test_an_unknown_boot_is_no_boot(void **state)
{
    (void)state;
    static const struct names_store_terms unknown = {.boot_id = "", .rules = "rules-1"};
    struct inventory *before = make_inventory();
    struct buf b;
    buf_init(&b, NAMES_STORE_MAX_BYTES);
    assert_int_equal(names_store_encode(before, &unknown, &b), 0);
    struct inventory *v = decode(&b, &unknown);
    assert_int_equal(inventory_find(v, ID_A)->birth, 0);
    assert_int_equal(inventory_find(v, ID_A)->identity->started_ns, 0);
    inventory_free(v);
    buf_done(&b);
    inventory_free(before);
}

/* It may have been started again since, and nothing would show it. */
static void test_a_start_without_a_group_is_not_believed(void **state)
{
    (void)state;
    struct inventory *before = inventory_new();
    struct identity *a = make_identity(ID_A);
    a->started_ns = 1;
    assert_true(inventory_tell(
        before, &(struct inventory_telling){.identity = a, .source = INVENTORY_ENGINE}));
    struct buf b = encode(before);
    struct inventory *v = decode(&b, &terms);
    assert_int_equal(inventory_find(v, ID_A)->identity->started_ns, 0);
    inventory_free(v);
    buf_done(&b);
    identity_unref(a);
    inventory_free(before);
}

/* Which labels are shown and who is hidden was decided by rules that are not in force any more. */
static void test_other_rules_tell_nothing(void **state)
{
    (void)state;
    static const struct names_store_terms other = {.boot_id = "boot-1", .rules = "rules-2"};
    struct inventory *before = make_inventory();
    struct buf b = encode(before);
    struct inventory *v = decode(&b, &other);
    assert_int_equal(inventory_count(v), 0);
    inventory_free(v);
    buf_done(&b);
    inventory_free(before);
}

static void test_a_stronger_word_stays(void **state)
{
    (void)state;
    struct inventory *before = make_inventory();
    struct buf b = encode(before);
    struct err e = {0};
    assert_int_equal(names_store_decode(b.data, b.length, &terms, 1, before, &e), 0);
    assert_int_equal(inventory_find(before, ID_A)->source, INVENTORY_ENGINE);
    assert_int_equal(inventory_find(before, ID_A)->pid, 4711);
    buf_done(&b);
    inventory_free(before);
}

static void test_nobody(void **state)
{
    (void)state;
    struct inventory *before = inventory_new();
    struct buf b = encode(before);
    struct inventory *v = decode(&b, &terms);
    assert_int_equal(inventory_count(v), 0);
    inventory_free(v);
    inventory_free(before);
    buf_done(&b);
}

static void expect_broken(const char *text, size_t length, const char *part)
{
    struct inventory *v = inventory_new();
    struct err e = {0};
    int r = names_store_decode(text, length, &terms, 1, v, &e);
    if (r != -EBADMSG)
        fail_msg("%d for %.300s", r, text);
    assert_int_equal(e.code, r);
    if (!strstr(e.text, part))
        fail_msg("\"%s\" is not in \"%s\" for %.300s", part, e.text, text);
    assert_int_equal(inventory_count(v), 0);
    inventory_free(v);
}

/* No beginning of a file is a file. */
static void test_every_cut_is_seen(void **state)
{
    (void)state;
    struct inventory *before = make_inventory();
    struct buf b = encode(before);
    for (size_t length = 0; length < b.length; length++) {
        char *part = malloc(length + 1); /* of its own, so that a read past its end is seen */
        assert_non_null(part);
        memcpy(part, b.data, length);
        part[length] = '\0';
        expect_broken(part, length, "line ");
        free(part);
    }
    buf_done(&b);
    inventory_free(before);
}

#define HEAD "{\"version\":1,\"boot\":\"boot-1\",\"rules\":\"rules-1\"}\n"
#define TAIL "{\"containers\":1}\n"

static const struct {
    const char *text;
    const char *part;
} broken_files[] = {
    {"", "line 1 has no end"},
    {"\n", "line 1 is not JSON"},
    {"[]\n", "line 1 is not an object"},
    {"nonsense\n", "line 1 is not JSON"},
    {"{}\n", "line 1 has version 0"},
    {"{\"version\":2,\"new\":true}\n", "line 1 has version 2"},
    {"{\"version\":\"1\"}\n", "line 1 has a version"},
    {"{\"version\":1,\"boot\":1}\n", "line 1 has a boot"},
    {HEAD, "line 2 has no end"},
    {HEAD "{\"containers\":1}\n", "line 2 is not the end"},
    {HEAD "{\"containers\":\"0\"}\n", "line 2 is not the end"},
    {HEAD "{\"containers\":0}\n\n", "line 2 is not the end"},
    {HEAD "{\"containers\":0}\n{\"id\":\"a\"}\n", "line 2 is not the end"},
    {HEAD "{}\n" TAIL, "line 2 names no container"},
    {HEAD "{\"id\":7}\n" TAIL, "line 2 has a id that is not a text"},
    {HEAD "{\"id\":\"\"}\n" TAIL, "line 2 has a id that is empty"},
    {HEAD "{\"id\":\"a\\u0000b\"}\n" TAIL, "NUL"},
    {HEAD "{\"id\":\"a\",\"name\":null}\n" TAIL, "line 2 has a name"},
    {HEAD "{\"id\":\"a\",\"image\":[]}\n" TAIL, "image"},
    {HEAD "{\"id\":\"a\",\"path\":\"\"}\n" TAIL, "path"},
    {HEAD "{\"id\":\"a\",\"birth\":-1}\n" TAIL, "birth"},
    {HEAD "{\"id\":\"a\",\"started_ns\":1.5}\n" TAIL, "started_ns"},
    {HEAD "{\"id\":\"a\",\"created_ns\":18446744073709551616}\n" TAIL, "created_ns"},
    {HEAD "{\"id\":\"a\",\"hidden\":1}\n" TAIL, "hidden"},
    {HEAD "{\"id\":\"a\",\"network\":\"timeout\"}\n" TAIL, "network"},
    {HEAD "{\"id\":\"a\",\"labels\":[]}\n" TAIL, "labels"},
    {HEAD "{\"id\":\"a\",\"labels\":{\"id\":\"x\"}}\n" TAIL, "label"},
    {HEAD "{\"id\":\"a\",\"labels\":{\"container_label_a\\\"\":\"x\"}}\n" TAIL, "label"},
    {HEAD "{\"id\":\"a\",\"labels\":{\"container_label_a\":\"\"}}\n" TAIL, "label"},
    {HEAD "{\"id\":\"a\",\"labels\":{\"container_label_a\":1}}\n" TAIL, "label"},
    {HEAD
     "{\"id\":\"a\",\"labels\":{\"container_label_b\":\"1\",\"container_label_a\":\"1\"}}\n" TAIL,
     "order"},
    {HEAD
     "{\"id\":\"a\",\"labels\":{\"container_label_a\":\"1\",\"container_label_a\":\"1\"}}\n" TAIL,
     "order"},
    {HEAD "{\"id\":\"good\"}\n{\"id\":\"bad\",\"name\":1}\n{\"containers\":2}\n", "line 3"},
};

static void test_broken_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken_files / sizeof broken_files[0]; i++)
        expect_broken(broken_files[i].text, strlen(broken_files[i].text), broken_files[i].part);
}

/* A later version of this format may say more. */
static void test_unknown_members_are_skipped(void **state)
{
    (void)state;
    static const char text[] =
        HEAD "{\"id\":\"a\",\"colour\":{\"x\":[1,2,null]},\"name\":\"web\"}\n" TAIL;
    struct buf b = {.data = (char *)(uintptr_t)text, .length = sizeof text - 1};
    struct inventory *v = decode(&b, &terms);
    assert_string_equal(inventory_find(v, "a")->identity->name, "web");
    inventory_free(v);
}

/* `count` times `unit` in a line of its own, between head and tail. */
static void expect_broken_line(const char *before, const char *unit, size_t count,
                               const char *after, const char *part)
{
    struct buf b;
    buf_init(&b, NAMES_STORE_MAX_BYTES);
    (void)buf_add_string(&b, HEAD);
    (void)buf_add_string(&b, before);
    for (size_t i = 0; i < count; i++)
        (void)buf_add_string(&b, unit);
    (void)buf_add_format(&b, "%s\n", after);
    assert_int_equal(buf_add_string(&b, TAIL), 0);
    expect_broken(b.data, b.length, part);
    buf_done(&b);
}

static void test_limits_on_the_way_in(void **state)
{
    (void)state;
    const size_t mebibyte = (size_t)1 << 20;
    expect_broken_line("{\"id\":\"", "i", NAME_MAX + 1, "\"}", "too long");
    expect_broken_line("{\"id\":\"a\",\"name\":\"", "n", LABEL_VALUE_MAX + 1, "\"}", "too long");
    expect_broken_line("{\"id\":\"a\",\"path\":\"", "/", PATH_MAX + 1, "\"}", "too long");
    expect_broken_line("{\"id\":\"a\",\"labels\":{\"container_label_a\":\"", "v",
                       LABEL_VALUE_MAX + 1, "\"}}", "too long");
    expect_broken_line("{\"id\":\"a\",\"labels\":{\"container_label_", "k", LABEL_KEY_MAX + 1,
                       "\":\"1\"}}", "too long");
    expect_broken_line("{\"id\":\"a\",\"new\":\"", "x", mebibyte, "\"}", "1 MiB");
    expect_broken_line("", "[", mebibyte, "", "not JSON");

    struct buf many;
    buf_init(&many, NAMES_STORE_MAX_BYTES);
    (void)buf_add_string(&many, HEAD);
    for (size_t i = 0; i <= INVENTORY_MAX; i++)
        (void)buf_add_format(&many, "{\"id\":\"%zu\"}\n", i);
    (void)buf_add_format(&many, "{\"containers\":%d}\n", INVENTORY_MAX + 1);
    expect_broken(many.data, many.length, "too many");
    buf_done(&many);
}

/* What a reader would refuse is not written, and the rest is. */
static void test_limits_on_the_way_out(void **state)
{
    (void)state;
    struct inventory *before = inventory_new();
    char *longest = calloc(LABEL_VALUE_MAX + 2, 1);
    char *swollen = calloc(LABEL_VALUE_MAX + 1, 1);
    assert_non_null(longest);
    assert_non_null(swollen);
    memset(longest, 'x', LABEL_VALUE_MAX + 1);
    memset(swollen, 1, LABEL_VALUE_MAX); /* six bytes each in JSON */
    struct identity *a = make_identity(ID_A);
    a->name = longest;
    a->image = longest + 1;
    assert_true(inventory_tell(
        before, &(struct inventory_telling){.identity = a, .source = INVENTORY_ENGINE}));
    struct identity *b = make_identity(ID_B);
    struct label labels[40];
    char names[40][32];
    for (size_t i = 0; i < 40; i++) {
        (void)snprintf(names[i], sizeof names[i], "container_label_%02zu", i);
        labels[i] = (struct label){names[i], swollen};
    }
    b->labels = labels;
    b->label_count = 40;
    assert_true(inventory_tell(
        before, &(struct inventory_telling){.identity = b, .source = INVENTORY_ENGINE}));
    struct buf text = encode(before);
    struct inventory *v = decode(&text, &terms);
    assert_int_equal(inventory_count(v), 1); /* the other's line would pass 1 MiB */
    assert_null(inventory_find(v, ID_A)->identity->name);
    assert_int_equal(strlen(inventory_find(v, ID_A)->identity->image), LABEL_VALUE_MAX);
    inventory_free(v);
    struct buf small;
    buf_init(&small, text.length - 1);
    assert_int_equal(names_store_encode(before, &terms, &small), -EMSGSIZE);
    buf_done(&small);
    buf_done(&text);
    identity_unref(a);
    identity_unref(b);
    inventory_free(before);
    free(longest);
    free(swollen);
}

/* A name in no known encoding comes back byte by byte. */
static void test_names_that_are_no_unicode(void **state)
{
    (void)state;
    struct inventory *before = inventory_new();
    struct identity *a = make_identity(ID_A);
    a->name = "caf\xe9 \xff\xc0\x80";
    assert_true(inventory_tell(
        before, &(struct inventory_telling){.identity = a, .source = INVENTORY_ENGINE}));
    struct buf b = encode(before);
    struct inventory *v = decode(&b, &terms);
    assert_string_equal(inventory_find(v, ID_A)->identity->name, "caf\xe9 \xff\xc0\x80");
    inventory_free(v);
    buf_done(&b);
    identity_unref(a);
    inventory_free(before);
}

struct place {
    char directory[64];
    char file[128];
    char temporary[128];
};

static struct place make_place(void)
{
    struct place p;
    (void)snprintf(p.directory, sizeof p.directory, "/tmp/weir-names-XXXXXX");
    assert_non_null(mkdtemp(p.directory));
    (void)snprintf(p.file, sizeof p.file, "%s/names.jsonl", p.directory);
    (void)snprintf(p.temporary, sizeof p.temporary, "%s/names.jsonl.new", p.directory);
    return p;
}

static void remove_place(const struct place *p)
{
    (void)unlink(p->file);
    assert_int_equal(rmdir(p->directory), 0); /* nothing else is left in it */
}

static void assert_file(const char *path, const char *content)
{
    struct buf b;
    buf_init(&b, 4096);
    assert_int_equal(fs_read_file(path, &b), 0);
    assert_string_equal(b.data, content);
    buf_done(&b);
}

static void test_saving_replaces_the_file(void **state)
{
    (void)state;
    struct place p = make_place();
    struct err e = {0};
    struct stat status;
    mode_t mask = umask(0);
    assert_int_equal(names_store_save(p.directory, "first", 5, &e), 0);
    assert_file(p.file, "first");
    assert_int_equal(stat(p.file, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    /* What one that was killed left behind, more open than it should be. */
    int fd = open(p.temporary, O_WRONLY | O_CREAT, 0666);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a longer rest", 13), 13);
    assert_int_equal(close(fd), 0);
    assert_int_equal(names_store_save(p.directory, "then", 4, &e), 0);
    assert_file(p.file, "then");
    assert_int_equal(stat(p.file, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(access(p.temporary, F_OK), -1);
    (void)umask(mask);
    assert_string_equal(e.text, "");
    remove_place(&p);
}

/* A link in the place of the temporary file leads nowhere. */
static void test_saving_follows_no_link(void **state)
{
    (void)state;
    struct place p = make_place();
    struct place other = make_place();
    struct err e = {0};
    assert_int_equal(names_store_save(other.directory, "precious", 8, &e), 0);
    assert_int_equal(symlink(other.file, p.temporary), 0);
    assert_int_equal(names_store_save(p.directory, "names", 5, &e), 0);
    assert_file(other.file, "precious");
    assert_file(p.file, "names");
    remove_place(&other);
    remove_place(&p);
}

static void test_saving_that_fails(void **state)
{
    (void)state;
    struct place p = make_place();
    struct err e = {0};
    assert_int_equal(names_store_save("/nonexistent/weir", "x", 1, &e), -ENOENT);
    assert_non_null(strstr(e.text, "/nonexistent/weir"));
    assert_non_null(strstr(e.text, "--state-dir"));
    assert_int_equal(names_store_save(p.directory, "kept", 4, &e), 0);
    /* Another one is at it. */
    int fd = open(p.directory, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(names_store_save(p.directory, "x", 1, &e), -EBUSY);
    assert_non_null(strstr(e.text, p.directory));
    assert_file(p.file, "kept");
    assert_int_equal(close(fd), 0);
    /* A directory where the file should be: it stays, and no temporary file does. */
    assert_int_equal(unlink(p.file), 0);
    assert_int_equal(mkdir(p.file, 0700), 0);
    assert_true(names_store_save(p.directory, "x", 1, &e) < 0);
    assert_int_equal(access(p.temporary, F_OK), -1);
    assert_int_equal(rmdir(p.file), 0);
    remove_place(&p);
}

static void test_loading(void **state)
{
    (void)state;
    struct place p = make_place();
    struct err e = {0};
    struct inventory *before = make_inventory();
    struct inventory *v = inventory_new();
    assert_int_equal(names_store_load(p.directory, &terms, 1, v, &e), 0); /* none yet */
    assert_int_equal(names_store_load("/nonexistent/weir", &terms, 1, v, &e), 0);
    assert_string_equal(e.text, "");
    struct buf b = encode(before);
    assert_int_equal(names_store_save(p.directory, b.data, b.length, &e), 0);
    assert_int_equal(names_store_load(p.directory, &terms, 1, v, &e), 0);
    assert_int_equal(inventory_count(v), 2);
    assert_string_equal(inventory_find(v, ID_A)->identity->name, "web");
    inventory_free(v);

    v = inventory_new();
    assert_int_equal(names_store_save(p.directory, b.data, b.length - 1, &e), 0);
    assert_int_equal(names_store_load(p.directory, &terms, 1, v, &e), -EBADMSG);
    assert_non_null(strstr(e.text, p.file));
    assert_non_null(strstr(e.text, "cut short"));
    assert_int_equal(truncate(p.file, 0), 0);
    assert_int_equal(names_store_load(p.directory, &terms, 1, v, &e), -EBADMSG);
    assert_int_equal(truncate(p.file, (off_t)NAMES_STORE_MAX_BYTES + 1), 0);
    assert_int_equal(names_store_load(p.directory, &terms, 1, v, &e), -EMSGSIZE);
    assert_non_null(strstr(e.text, "64 MiB"));
    assert_int_equal(inventory_count(v), 0);
    inventory_free(v);
    inventory_free(before);
    buf_done(&b);
    remove_place(&p);
}

static void test_terms(void **state)
{
    (void)state;
    char *a[] = {(char[]){"a"}};
    char *ab[] = {(char[]){"a"}, (char[]){"b"}};
    char *joined[] = {(char[]){"ab"}};
    const struct collector_options rules[] = {
        {.procfs = "/proc"},
        {.procfs = "/proc", .label_allow = {a, 1}},
        {.procfs = "/proc", .include = {a, 1}},
        {.procfs = "/proc", .exclude = {a, 1}},
        {.procfs = "/proc", .label_allow = {ab, 2}},
        {.procfs = "/proc", .label_allow = {joined, 1}},
        {.procfs = "/proc", .kubernetes_labels = true},
        {.procfs = "/proc", .label_allow = {a, 1}, .kubernetes_labels = true},
    };
    const size_t count = sizeof rules / sizeof rules[0];
    for (size_t i = 0; i < count; i++) {
        struct names_store_terms first = names_store_terms_now(&rules[i]);
        for (size_t j = 0; j < count; j++) {
            struct names_store_terms second = names_store_terms_now(&rules[j]);
            assert_string_equal(first.boot_id, second.boot_id);
            assert_int_equal(text_equal(first.rules, second.rules), i == j);
        }
        assert_int_equal(strlen(first.boot_id), 36); /* random(4): a UUID */
    }
    const struct collector_options elsewhere = {.procfs = "/nonexistent"};
    assert_string_equal(names_store_terms_now(&elsewhere).boot_id, "");
}

/* Of what the kernel alone has seen there is nothing to remember: the host, services, containers
 * nobody has named. They would come back as containers. */
static void test_what_was_only_seen(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        enum identity_kind kind;
    } seen[] = {{"/", IDENTITY_HOST},
                {"/system.slice/ssh.service", IDENTITY_SERVICE},
                {ID_A, IDENTITY_CONTAINER}};
    struct inventory *before = inventory_new();
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        struct identity *identity = identity_new("", seen[i].id);
        identity->local = true;
        identity->kind = seen[i].kind;
        const struct inventory_telling telling = {.identity = identity, .source = INVENTORY_SEEN};
        assert_true(inventory_tell(before, &telling));
        identity_unref(identity);
    }
    struct buf b = encode(before);
    struct inventory *after = decode(&b, &terms);
    assert_int_equal(inventory_count(after), 0);
    inventory_free(before);
    inventory_free(after);
    buf_done(&b);
}

/* Labels that are Kubernetes' and not the container's. */
static void test_pod_labels_come_back(void **state)
{
    (void)state;
    struct label labels[] = {
        {"container", "app"}, {"container_label_a", "1"}, {"namespace", "shop"}, {"pod", "web-0"}};
    const size_t count = sizeof labels / sizeof labels[0];
    struct inventory *before = inventory_new();
    struct identity *identity = make_identity(ID_A);
    identity->labels = labels;
    identity->label_count = count;
    const struct inventory_telling telling = {.identity = identity, .source = INVENTORY_FILES};
    assert_true(inventory_tell(before, &telling));
    struct buf b = encode(before);
    struct inventory *after = decode(&b, &terms);
    const struct identity *again = inventory_find(after, ID_A)->identity;
    assert_int_equal(again->label_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(again->labels[i].name, labels[i].name);
        assert_string_equal(again->labels[i].value, labels[i].value);
    }
    inventory_free(before);
    identity_unref(identity);
    inventory_free(after);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_comes_back),
        cmocka_unit_test(test_what_was_only_seen),
        cmocka_unit_test(test_pod_labels_come_back),
        cmocka_unit_test(test_another_boot_keeps_the_names_alone),
        cmocka_unit_test(test_an_unknown_boot_is_no_boot),
        cmocka_unit_test(test_a_start_without_a_group_is_not_believed),
        cmocka_unit_test(test_other_rules_tell_nothing),
        cmocka_unit_test(test_a_stronger_word_stays),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_every_cut_is_seen),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_unknown_members_are_skipped),
        cmocka_unit_test(test_limits_on_the_way_in),
        cmocka_unit_test(test_limits_on_the_way_out),
        cmocka_unit_test(test_names_that_are_no_unicode),
        cmocka_unit_test(test_saving_replaces_the_file),
        cmocka_unit_test(test_saving_follows_no_link),
        cmocka_unit_test(test_saving_that_fails),
        cmocka_unit_test(test_loading),
        cmocka_unit_test(test_terms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
