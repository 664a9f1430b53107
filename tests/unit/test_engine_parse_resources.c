/* What it knows: what real engines said of images, volumes, networks and disk space, what their own
 * commands made of it, and what the API reference says of members that are missing, null or zero.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "collectors/engine_parse_resources.h"
#include "engine_parse_fixture.h"

#include <errno.h>
#include <string.h>

#define ID_A "589def48f99de698a49d166066adfa22748cca0e4a5a2bd25d15d6760aa4b83d"
#define ID_B "0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad"

static struct err e;

static int clear(void **state)
{
    (void)state;
    e = (struct err){0};
    return 0;
}

/* The parsers without an arena, in the shape PARSE_FIXTURE wants. */
static int parse_networks(const char *json, size_t length, struct arena *unused, struct err *err,
                          uint64_t *ret)
{
    (void)unused;
    return engine_parse_count(json, length, "GET /networks", err, ret);
}

static int parse_volumes(const char *json, size_t length, struct arena *unused, struct err *err,
                         uint64_t *ret)
{
    (void)unused;
    return engine_parse_volumes(json, length, err, ret);
}

static int parse_usage(const char *json, size_t length, struct arena *unused, struct err *err,
                       struct engine_usage *ret)
{
    (void)unused;
    return engine_parse_usage(json, length, err, ret);
}

static void test_images_of_engines(void **state)
{
    (void)state;
    struct engine_images images;
    PARSE_FIXTURE(engine_parse_images, "docker-20.10/images.json", &images);
    assert_int_equal(images.count, 4);
    assert_int_equal(images.known_count, 0); /* <none>@<none> is none */
    PARSE_FIXTURE(engine_parse_images, "docker-26/images.json", &images);
    assert_int_equal(images.count, 4);
    assert_int_equal(images.known_count, 0);
    PARSE_FIXTURE(engine_parse_images, "podman-4.3/images.json", &images);
    assert_int_equal(images.count, 4);
    assert_int_equal(images.known_count, 2);
    static const char id[] =
        "sha256:2cbbd5827d490576f874a55bc737e669a002fe2c83ca88c09999dad75f5f4014";
    static const char digest[] =
        "sha256:d2e309ae07dae60ffd46cdf1d4402ff219b0d533da4297cfe7aea33380ddab71";
    assert_string_equal(engine_images_digest(&images, id), digest);
    assert_string_equal(engine_images_digest(&images, id + strlen("sha256:")), digest);
}

static void test_images(void **state)
{
    (void)state;
    struct engine_images images;
    assert_int_equal(
        PARSE(engine_parse_images,
              "[{\"Id\":\"sha256:c\",\"RepoDigests\":[\"r.example:5000/a/b@sha256:33\"]},"
              "{\"Id\":\"sha256:a\",\"RepoDigests\":[null,7,\"x\",\"a@b\",\"<none>@<none>\","
              "\"first@sha256:11\",\"second@sha256:12\"]},"
              "{\"Id\":\"sha256:b\",\"RepoDigests\":null},{\"RepoDigests\":[\"x@sha256:1\"]},"
              "{\"Id\":\"sha256:\",\"RepoDigests\":[\"x@sha256:1\"]},"
              "{\"Id\":\"sha256:d\",\"RepoDigests\":\"x@sha256:1\"},{}]",
              &images),
        0);
    assert_int_equal(images.count, 7);
    assert_int_equal(images.known_count, 2);
    assert_string_equal(engine_images_digest(&images, "sha256:a"), "sha256:11");
    assert_string_equal(engine_images_digest(&images, "c"), "sha256:33");
    assert_string_equal(engine_images_digest(&images, "sha256:b"), "");
    assert_string_equal(engine_images_digest(&images, "sha256:"), "");
    assert_string_equal(engine_images_digest(&images, ""), "");
    assert_int_equal(PARSE(engine_parse_images, "[]", &images), 0);
    assert_int_equal(images.count, 0);
    assert_string_equal(engine_images_digest(&images, "sha256:a"), "");
    assert_string_equal(engine_images_digest(&(struct engine_images){0}, "sha256:a"), "");
}

static void test_a_digest_of_any_length(void **state)
{
    (void)state;
    char text[1024];
    char digits[512];
    struct engine_images images;
    memset(digits, 'f', sizeof digits);
    digits[128] = '\0';
    (void)snprintf(text, sizeof text, "[{\"Id\":\"a\",\"RepoDigests\":[\"x@sha512:%s\"]}]", digits);
    assert_int_equal(PARSE(engine_parse_images, text, &images), 0);
    assert_int_equal(strlen(engine_images_digest(&images, "a")), strlen("sha512:") + 128);
    digits[128] = 'f';
    digits[400] = '\0';
    (void)snprintf(text, sizeof text, "[{\"Id\":\"a\",\"RepoDigests\":[\"x@sha512:%s\"]}]", digits);
    assert_int_equal(PARSE(engine_parse_images, text, &images), 0);
    assert_string_equal(engine_images_digest(&images, "a"), ""); /* no label is that long */
}

static void test_not_a_list(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
    } cases[] = {{"", -ENODATA},     {" \n", -ENODATA},   {"{}", -EBADMSG},
                 {"null", -EBADMSG}, {"[1]", -EBADMSG},   {"[{},[]]", -EBADMSG},
                 {"[{}", -EBADMSG},  {"\"x\"", -EBADMSG}, {"[null]", -EBADMSG}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine_images images = {.count = 99};
        struct engine_sizes sizes = {.count = 99};
        uint64_t count = 99;
        assert_int_equal(PARSE(engine_parse_images, cases[i].text, &images), cases[i].result);
        assert_non_null(strstr(e.text, "GET /images/json"));
        assert_int_equal(PARSE(engine_parse_sizes, cases[i].text, &sizes), cases[i].result);
        assert_non_null(strstr(e.text, "size=1"));
        assert_int_equal(PARSE(parse_networks, cases[i].text, &count), cases[i].result);
        assert_non_null(strstr(e.text, "GET /networks"));
        assert_int_equal(images.count + sizes.count + count, 3 * 99); /* written on success only */
    }
}

static void test_volumes_and_networks(void **state)
{
    (void)state;
    static const char *const folders[] = {"docker-20.10", "docker-26", "podman-4.3"};
    static const uint64_t networks[] = {4, 4, 2}; /* as `network ls` shows them */
    for (size_t i = 0; i < 3; i++) {
        uint64_t count = 0;
        char name[64];
        (void)snprintf(name, sizeof name, "%s/volumes.json", folders[i]);
        PARSE_FIXTURE(parse_volumes, name, &count);
        assert_int_equal(count, 3);
        (void)snprintf(name, sizeof name, "%s/networks.json", folders[i]);
        PARSE_FIXTURE(parse_networks, name, &count);
        assert_int_equal(count, networks[i]);
    }
    uint64_t count = 99;
    assert_int_equal(PARSE(parse_volumes, "{\"Volumes\":null,\"Warnings\":null}", &count), 0);
    assert_int_equal(count, 0);
    count = 99;
    assert_int_equal(PARSE(parse_volumes, "{}", &count), -EBADMSG);
    assert_int_equal(PARSE(parse_volumes, "{\"Volumes\":3}", &count), -EBADMSG);
    assert_int_equal(PARSE(parse_volumes, "[]", &count), -EBADMSG);
    assert_int_equal(PARSE(parse_volumes, "", &count), -ENODATA);
    assert_int_equal(count, 99);
}

static void expect_bytes(struct maybe bytes, uint64_t expected)
{
    assert_true(bytes.given);
    assert_int_equal(bytes.value, expected);
}

/* As `system df` of each showed it: 2.334 MB, 8.192 MB, 3.072 MB, 0 B; Podman 2.503 MB. */
static void test_usage_of_engines(void **state)
{
    (void)state;
    struct engine_usage usage;
    static const char *const names[] = {"docker-20.10/df.json", "docker-26/df.json"};
    for (size_t i = 0; i < 2; i++) {
        PARSE_FIXTURE(parse_usage, names[i], &usage);
        expect_bytes(usage.images, 2334132);
        expect_bytes(usage.containers, 8192000);
        expect_bytes(usage.volumes, 3072000);
        expect_bytes(usage.build_cache, 0);
    }
    PARSE_FIXTURE(parse_usage, "podman-4.3/df.json", &usage);
    expect_bytes(usage.images, 2502932);
    expect_bytes(usage.containers, 8192048);
    expect_bytes(usage.volumes, 3072000);
    expect_bytes(usage.build_cache, 0);
}

static void test_usage_of_records(void **state)
{
    (void)state;
    struct engine_usage usage;
    assert_int_equal(
        PARSE(
            parse_usage,
            "{\"LayersSize\":500,\"Images\":[{\"Id\":\"a\",\"Size\":900}],"
            "\"Containers\":[{\"SizeRw\":10,\"SizeRootFs\":99},{\"SizeRootFs\":9},{\"SizeRw\":-1}],"
            "\"Volumes\":[{\"UsageData\":{\"Size\":20}},{\"UsageData\":{\"Size\":-1}},"
            "{\"UsageData\":null},{}],"
            "\"BuildCache\":[{\"Size\":30,\"Shared\":false,\"InUse\":true},"
            "{\"Size\":40,\"Shared\":true},{\"Size\":5}]}",
            &usage),
        0);
    expect_bytes(usage.images, 500);
    expect_bytes(usage.containers, 10);
    expect_bytes(usage.volumes, 20);
    expect_bytes(usage.build_cache, 35);
}

static void test_usage_of_nothing(void **state)
{
    (void)state;
    struct engine_usage usage;
    assert_int_equal(PARSE(parse_usage,
                           "{\"LayersSize\":0,\"Images\":null,\"Containers\":[],\"Volumes\":null,"
                           "\"BuildCache\":null}",
                           &usage),
                     0);
    expect_bytes(usage.images, 0);
    expect_bytes(usage.containers, 0);
    expect_bytes(usage.volumes, 0);
    expect_bytes(usage.build_cache, 0);
    /* Before API 1.31 there is no word of build caches. */
    assert_int_equal(PARSE(parse_usage, "{\"LayersSize\":7,\"Images\":[]}", &usage), 0);
    expect_bytes(usage.images, 7);
    assert_false(usage.containers.given);
    assert_false(usage.volumes.given);
    assert_false(usage.build_cache.given);
    assert_int_equal(PARSE(parse_usage, "{}", &usage), 0);
    assert_false(usage.images.given);
    assert_int_equal(PARSE(parse_usage, "{\"LayersSize\":-1}", &usage), 0);
    assert_false(usage.images.given);
}

/* API 1.52: sums, with the records as long as verbose is not given, and later without. */
static void test_usage_of_sums(void **state)
{
    (void)state;
    struct engine_usage usage;
    static const char sums[] = "{\"ImageUsage\":{\"ActiveCount\":1,\"TotalSize\":500},"
                               "\"ContainerUsage\":{\"TotalSize\":10},"
                               "\"VolumeUsage\":{\"TotalCount\":1},"
                               "\"BuildCacheUsage\":{\"TotalSize\":35,\"Reclaimable\":5}}";
    assert_int_equal(PARSE(parse_usage, sums, &usage), 0);
    expect_bytes(usage.images, 500);
    expect_bytes(usage.containers, 10);
    expect_bytes(usage.volumes, 0); /* what is 0 is left out */
    expect_bytes(usage.build_cache, 35);
    /* Docker 29.0 does not add up its build caches. */
    assert_int_equal(PARSE(parse_usage,
                           "{\"ImageUsage\":{},\"Images\":[],\"ContainerUsage\":{},"
                           "\"Containers\":[],\"BuildCacheUsage\":{\"TotalCount\":1},"
                           "\"BuildCache\":[{\"Size\":30}]}",
                           &usage),
                     0);
    expect_bytes(usage.images, 0);
    expect_bytes(usage.containers, 0);
    assert_false(usage.volumes.given);
    expect_bytes(usage.build_cache, 30);
    assert_int_equal(PARSE(parse_usage, "{\"ImageUsage\":{\"TotalSize\":-1}}", &usage), 0);
    assert_false(usage.images.given);
}

/* Podman 4.3 says 0 for the layers. */
static void test_usage_without_layers(void **state)
{
    (void)state;
    struct engine_usage usage;
    assert_int_equal(PARSE(parse_usage,
                           "{\"LayersSize\":0,\"Images\":[{\"Id\":\"a\",\"Size\":100},"
                           "{\"Id\":\"a\",\"Size\":100},{\"Id\":\"b\",\"Size\":5},{\"Size\":2},"
                           "{\"Size\":3}]}",
                           &usage),
                     0);
    expect_bytes(usage.images, 110);
    /* Two that share 60 bytes take 100 + 90 - 60, which the answer does not say. */
    assert_int_equal(PARSE(parse_usage,
                           "{\"LayersSize\":0,\"Images\":[{\"Id\":\"a\",\"Size\":100,"
                           "\"SharedSize\":60},{\"Id\":\"b\",\"Size\":90,\"SharedSize\":60}]}",
                           &usage),
                     0);
    assert_false(usage.images.given);
}

static void test_usage_past_64_bits(void **state)
{
    (void)state;
    struct engine_usage usage;
    assert_int_equal(PARSE(parse_usage,
                           "{\"Containers\":[{\"SizeRw\":18446744073709551615},{\"SizeRw\":1}]}",
                           &usage),
                     0);
    assert_false(usage.containers.given);
    usage.images.value = 99;
    assert_int_equal(PARSE(parse_usage, "[]", &usage), -EBADMSG);
    assert_int_equal(PARSE(parse_usage, "", &usage), -ENODATA);
    assert_int_equal(usage.images.value, 99);
}

static void test_sizes_of_engines(void **state)
{
    (void)state;
    struct engine_sizes sizes;
    static const char *const names[] = {"docker-20.10/list_size.json", "docker-26/list_size.json",
                                        "podman-4.3/list_size.json"};
    for (size_t i = 0; i < 3; i++) {
        uint64_t sum = 0;
        uint64_t overhead = i == 2 ? 12 : 0; /* what Podman puts into each */
        PARSE_FIXTURE(engine_parse_sizes, names[i], &sizes);
        assert_int_equal(sizes.count, 3); /* none is missing because it wrote nothing */
        for (size_t j = 0; j < sizes.count; j++)
            sum += engine_sizes_find(&sizes, sizes.items[j].id).value - overhead;
        assert_int_equal(sum, 5120000 + 1024000);
    }
}

static void test_sizes(void **state)
{
    (void)state;
    struct engine_sizes sizes;
    assert_int_equal(PARSE(engine_parse_sizes,
                           "[{\"Id\":\"" ID_A "\",\"SizeRw\":5},{\"Id\":\"" ID_B
                           "\",\"SizeRootFs\":9}]",
                           &sizes),
                     0);
    expect_bytes(engine_sizes_find(&sizes, ID_A), 5);
    expect_bytes(engine_sizes_find(&sizes, ID_B), 0); /* left out because it is 0 */
    assert_false(engine_sizes_find(&sizes, "x").given);
    /* Not counted, and counted in vain. */
    assert_int_equal(PARSE(engine_parse_sizes,
                           "[{\"Id\":\"" ID_A "\"},{\"Id\":\"" ID_B
                           "\",\"SizeRw\":-1,\"SizeRootFs\":9}]",
                           &sizes),
                     0);
    assert_int_equal(sizes.count, 0);
    assert_false(engine_sizes_find(&sizes, ID_A).given);
    assert_int_equal(PARSE(engine_parse_sizes, "[{\"Id\":\"abc\",\"SizeRw\":5}]", &sizes),
                     -EBADMSG);
    assert_non_null(strstr(e.text, "entry 0 of 1"));
    assert_int_equal(PARSE(engine_parse_sizes, "[]", &sizes), 0);
    assert_false(engine_sizes_find(&sizes, ID_A).given);
}

static void test_root_directory(void **state)
{
    (void)state;
    struct engine_info info;
    PARSE_FIXTURE(engine_parse_info, "docker-20.10/info.json", &info);
    assert_string_equal(info.root_dir, "/var/lib/docker");
    PARSE_FIXTURE(engine_parse_info, "podman-4.3/info.json", &info);
    assert_string_equal(info.root_dir, "/var/lib/containers/storage");
    assert_int_equal(PARSE(engine_parse_info, "{\"DockerRootDir\":3}", &info), 0);
    assert_string_equal(info.root_dir, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_images_of_engines, clear),
        cmocka_unit_test_setup(test_images, clear),
        cmocka_unit_test_setup(test_a_digest_of_any_length, clear),
        cmocka_unit_test_setup(test_not_a_list, clear),
        cmocka_unit_test_setup(test_volumes_and_networks, clear),
        cmocka_unit_test_setup(test_usage_of_engines, clear),
        cmocka_unit_test_setup(test_usage_of_records, clear),
        cmocka_unit_test_setup(test_usage_of_nothing, clear),
        cmocka_unit_test_setup(test_usage_of_sums, clear),
        cmocka_unit_test_setup(test_usage_without_layers, clear),
        cmocka_unit_test_setup(test_usage_past_64_bits, clear),
        cmocka_unit_test_setup(test_sizes_of_engines, clear),
        cmocka_unit_test_setup(test_sizes, clear),
        cmocka_unit_test_setup(test_root_directory, clear),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
