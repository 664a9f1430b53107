/* What it knows: where each runtime keeps its files, that they say what the engine's API says of
 * the same container (tests/fixtures/container_files), and what may stand where a file should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "collectors/container_files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIXTURES    WEIR_SOURCE_DIR "/tests/fixtures/container_files"
#define REPEAT32(x) x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x

#define DOCKER_ODD    "b08863c40f4161a7362da769de402c60d4c03ff602cd9f9248c8c98976c436b7"
#define DOCKER_JOINED "fa04079f934553028b03b4cb00abe2b8dcc1ed829bebc28a3fe12faa8d99f5cd"
#define PODMAN_PLAIN  "03d7fb18d4b9249fc41e831d255eb8ff6a359c3abee6ff1dfa3015a5175a748b"
#define CRI_WEB       REPEAT32("c1")
#define CRI_SANDBOX   REPEAT32("5a")
#define NERDCTL       REPEAT32("de")
#define CRIO_WEB      REPEAT32("a0")
#define CRIO_SANDBOX  REPEAT32("b0")
#define CRUN          "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define STRANGER      REPEAT32("ee")

#define NOBODY          65534
#define ANSWER_LIMIT_NS (4 * NS_PER_SECOND) /* the call's second, and a busy machine's three */
#define LARGEST_FILE    (4 * 1024 * 1024)

static char root[] = "/tmp/weir-test-files-XXXXXX";
static struct arena arena;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static int setup(void **state)
{
    (void)state;
    (void)memcpy(root + strlen(root) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(root));
    assert_int_equal(chmod(root, 0755), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* A list of one; the texts live as long as the test. */
static struct text_list one(const char *path)
{
    struct text_list list = {.items = arena_alloc(&arena, sizeof *list.items), .count = 1};
    list.items[0] = arena_string(&arena, path);
    return list;
}

static struct container_files_options fixtures(void)
{
    return (struct container_files_options){
        .docker_roots = one(FIXTURES "/docker"),
        .exec_roots = one(FIXTURES "/exec"),
        .storage_roots = one(FIXTURES "/storage"),
        .storage_run_roots = one(FIXTURES "/none"),
        .run = FIXTURES "/run",
    };
}

/* Everything below the test's own directory, which the tests fill. */
static struct container_files_options own(void)
{
    return (struct container_files_options){
        .docker_roots = one(arena_format(&arena, "%s/docker", root)),
        .exec_roots = one(arena_format(&arena, "%s/exec", root)),
        .storage_roots = one(arena_format(&arena, "%s/storage", root)),
        .storage_run_roots = one(arena_format(&arena, "%s/storage-run", root)),
        .run = arena_format(&arena, "%s/run", root),
    };
}

static struct container_facts find(struct container_files_options options, const char *id,
                                   enum group_runtime runtime)
{
    struct container_facts facts = {0};
    struct err e = {0};
    assert_int_equal(container_files_find(&options, id, runtime, &arena, &e, &facts), 0);
    assert_string_equal(e.text, "");
    return facts;
}

static int find_error(struct container_files_options options, const char *id,
                      enum group_runtime runtime, const char *sentence)
{
    struct container_facts facts = {.pid = 4711};
    struct err e = {0};
    int r = container_files_find(&options, id, runtime, &arena, &e, &facts);
    assert_int_equal(facts.pid, 4711);
    assert_int_equal(e.code, r);
    if (!strstr(e.text, sentence))
        fail_msg("\"%s\" does not say \"%s\"", e.text, sentence);
    return r;
}

/* A file below the test's directory, with the directories above it. */
static char *put(const char *name, const char *content)
{
    char *path = arena_format(&arena, "%s/%s", root, name);
    for (char *c = path + strlen(root) + 1; *c != '\0'; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
        *c = '/';
    }
    if (!content)
        return path;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

#define DOCKER_FILE(id) "docker/containers/" id "/config.v2.json"
#define RUNC_FILE(id)   "exec/runtime-runc/moby/" id "/state.json"
#define NAMED           "{\"Name\":\"/named\"}"

static struct engine_inspect api_answer(const char *name)
{
    struct engine_inspect inspect = {0};
    struct err e = {0};
    struct buf text;
    buf_init(&text, LARGEST_FILE);
    const char *path = arena_format(&arena, FIXTURES "/api/%s.json", name);
    assert_int_equal(fs_read_file(path, &text), 0);
    assert_int_equal(engine_parse_inspect(text.data, text.length, &arena, &e, &inspect), 0);
    buf_done(&text);
    return inspect;
}

static void assert_same_labels(const struct container_facts *facts,
                               const struct engine_inspect *inspect)
{
    assert_int_equal(facts->label_count, inspect->label_count);
    for (size_t i = 0; i < facts->label_count; i++) {
        assert_string_equal(facts->labels[i].key, inspect->labels[i].key);
        assert_string_equal(facts->labels[i].value, inspect->labels[i].value);
    }
}

static void test_docker_as_its_api(void **state)
{
    (void)state;
    static const char *const names[] = {"docker_odd", "docker_joined", "docker_quiet",
                                        "docker_never", "docker_gone"};
    for (size_t i = 0; i < 2 * sizeof names / sizeof *names; i++) {
        const struct engine_inspect inspect = api_answer(names[i / 2]);
        const struct container_facts facts =
            find(fixtures(), inspect.id, i % 2 ? RUNTIME_DOCKER : RUNTIME_UNKNOWN);
        assert_string_equal(facts.name, inspect.name);
        assert_string_equal(facts.image, inspect.image);
        assert_string_equal(facts.network_mode, inspect.network_mode);
        assert_int_equal(facts.created_ns, inspect.created_ns);
        assert_int_equal(facts.started_ns, inspect.started_ns);
        assert_int_equal(facts.pid, inspect.pid);
        assert_int_equal(facts.pid_start_ticks != 0, inspect.pid != 0);
        assert_same_labels(&facts, &inspect);
    }
    assert_int_equal(find(fixtures(), DOCKER_ODD, RUNTIME_DOCKER).pid_start_ticks, 1202048);
    assert_int_equal(find(fixtures(), DOCKER_ODD, RUNTIME_DOCKER).label_count, 5);
}

static void test_podman_as_its_api(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        const char *network; /* what can be known of the API's word */
        uint64_t created_unit_ns;
        bool state; /* runc's is recorded */
    } cases[] = {
        {"podman_plain", NULL, 1, true},
        {"podman_odd", "host", 1, true},
        {"podman_joined", "ns:/proc/13432/ns/net", 1, true},
        {"podman_quiet", NULL, 1, true},
        {"podman_never", NULL, NS_PER_SECOND, false},
        {"podman_inpod", "ns:/proc/31880/ns/net", 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct engine_inspect inspect = api_answer(cases[i].answer);
        const struct container_facts facts = find(fixtures(), inspect.id, RUNTIME_PODMAN);
        assert_string_equal(facts.name, inspect.name);
        assert_string_equal(facts.image, inspect.image);
        assert_int_equal(facts.created_ns,
                         inspect.created_ns - inspect.created_ns % cases[i].created_unit_ns);
        assert_true(cases[i].network ? text_equal(facts.network_mode, cases[i].network)
                                     : !facts.network_mode);
        assert_int_equal(facts.pid, cases[i].state ? inspect.pid : 0);
        assert_true(facts.started_ns <= inspect.started_ns);
        assert_true(!cases[i].state || inspect.started_ns - facts.started_ns < NS_PER_SECOND / 10);
        assert_int_equal(facts.label_count, 0);
    }
}

static void test_containerd(void **state)
{
    (void)state;
    struct container_facts web = find(fixtures(), CRI_WEB, RUNTIME_CONTAINERD);
    struct container_facts pod = find(fixtures(), CRI_SANDBOX, RUNTIME_CONTAINERD);
    struct container_facts box = find(fixtures(), NERDCTL, RUNTIME_UNKNOWN);
    assert_string_equal(web.pod_container, "web");
    assert_string_equal(web.pod, "pod-1");
    assert_string_equal(web.pod_namespace, "prod");
    assert_string_equal(web.image, "registry.example.org/web:2");
    assert_int_equal(web.pid, 31685);
    assert_int_equal(web.pid_start_ticks, 1282855);
    assert_true(pod.sandbox);
    assert_string_equal(pod.pod, "pod-1");
    assert_int_equal(pod.pid, 31685); /* of init.pid: there is no state */
    assert_int_equal(pod.pid_start_ticks, 0);
    assert_string_equal(box.name, "box");
}

static void test_crun(void **state)
{
    (void)state;
    struct container_facts facts = find(fixtures(), CRUN, RUNTIME_PODMAN);
    assert_int_equal(facts.pid, 28952);
    assert_int_equal(facts.pid_start_ticks, 1271191);
    assert_string_equal(facts.network_mode, "host");
    assert_null(facts.name);
}

static void test_crio(void **state)
{
    (void)state;
    struct container_files_options options = own();
    options.storage_roots = one(FIXTURES "/crio");
    options.storage_run_roots = one(FIXTURES "/crio-run");
    struct container_facts web = find(options, CRIO_WEB, RUNTIME_CRIO);
    struct container_facts pod = find(options, CRIO_SANDBOX, RUNTIME_UNKNOWN);
    assert_string_equal(web.name, "k8s_web_pod-2_prod_7f0c_0");
    assert_string_equal(web.image, "registry.example.org/web:3");
    assert_string_equal(web.pod_container, "web");
    assert_string_equal(web.network_mode, "ns:/var/run/netns/5f1d");
    assert_int_equal(web.label_count, 5);
    assert_int_equal(web.created_ns % NS_PER_SECOND, 250000000);
    assert_string_equal(pod.name, "k8s_POD_pod-2_prod_7f0c_0");
    assert_true(pod.sandbox);
    assert_null(pod.pod_container);
    assert_null(pod.network_mode);
    /* What the list alone says. */
    options.storage_run_roots.count = 0;
    web = find(options, CRIO_WEB, RUNTIME_CRIO);
    pod = find(options, CRIO_SANDBOX, RUNTIME_CRIO);
    assert_string_equal(web.pod_container, "web");
    assert_string_equal(web.pod, "pod-2");
    assert_string_equal(web.pod_namespace, "prod");
    assert_true(pod.sandbox);
    assert_null(pod.pod_container);
}

/* Containers that are removed at their end, on a driver of another name. */
static void test_volatile_list(void **state)
{
    (void)state;
    (void)put("storage/vfs-containers/containers.json", "[]");
    (void)put("storage/vfs-containers/volatile-containers.json",
              "[{\"id\":\"" STRANGER "\",\"names\":[\"brief\"]}]");
    assert_string_equal(find(own(), STRANGER, RUNTIME_PODMAN).name, "brief");
}

static void test_only_the_runtime_is_asked(void **state)
{
    (void)state;
    assert_int_equal(
        find_error(fixtures(), DOCKER_ODD, RUNTIME_CRIO, "knows container b08863c40f41"), -ENOENT);
    assert_int_equal(find_error(fixtures(), CRIO_WEB, RUNTIME_DOCKER, "knows container"), -ENOENT);
    assert_int_equal(find_error(fixtures(), DOCKER_ODD, RUNTIME_LXC, "knows container"), -ENOENT);
    assert_int_equal(find_error(own(), STRANGER, RUNTIME_UNKNOWN, "knows container"), -ENOENT);
}

static void test_only_ids_are_looked_up(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "",           ".",
        "..",         "../containers/" STRANGER,
        "web",        "EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE",
        STRANGER "e", "/" STRANGER};
    (void)put(DOCKER_FILE("web"), NAMED);
    (void)put(DOCKER_FILE(STRANGER), NAMED);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        assert_int_equal(find_error(own(), ids[i], RUNTIME_UNKNOWN, "only its id"), -ENOENT);
    assert_string_equal(find(own(), STRANGER, RUNTIME_UNKNOWN).name, "named");
}

static void test_runtime_knows_the_process(void **state)
{
    (void)state;
    (void)put(DOCKER_FILE(STRANGER), "{\"Name\":\"/n\",\"State\":{\"Pid\":10,\"StartedAt\":"
                                     "\"2026-01-01T00:00:02Z\"}}");
    (void)put(RUNC_FILE(STRANGER), "{\"init_process_pid\":11,\"init_process_start\":12,\"created\":"
                                   "\"2026-01-01T00:00:01Z\"}");
    (void)put("exec/containerd/daemon/io.containerd.runtime.v2.task/moby/" STRANGER "/init.pid",
              "13\n");
    struct container_facts facts = find(own(), STRANGER, RUNTIME_DOCKER);
    assert_int_equal(facts.pid, 11);
    assert_int_equal(facts.pid_start_ticks, 12);
    assert_int_equal(facts.started_ns, UINT64_C(1767225602) * NS_PER_SECOND);
    assert_string_equal(facts.name, "n");
}

static void test_init_pid(void **state)
{
    (void)state;
    const char *file =
        "run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" STRANGER "/init.pid";
    (void)put(file, "77");
    assert_int_equal(find(own(), STRANGER, RUNTIME_CONTAINERD).pid, 77);
    static const char *const bad[] = {"",   "\n",         "-1",
                                      "7x", "4294967296", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)put(file, bad[i]);
        assert_int_equal(find_error(own(), STRANGER, RUNTIME_CONTAINERD, "not a process id"),
                         -EBADMSG);
    }
}

/* The next root is asked where one has nothing. */
static void test_second_root(void **state)
{
    (void)state;
    struct container_files_options options = own();
    options.docker_roots = (struct text_list){.items = arena_alloc(&arena, 2 * sizeof(char *))};
    options.docker_roots.items[0] = arena_format(&arena, "%s/none", root);
    options.docker_roots.items[1] = arena_format(&arena, "%s/docker", root);
    options.docker_roots.count = 2;
    (void)put(DOCKER_FILE(STRANGER), NAMED);
    assert_string_equal(find(options, STRANGER, RUNTIME_DOCKER).name, "named");
}

static void test_broken_file(void **state)
{
    (void)state;
    (void)put(DOCKER_FILE(STRANGER), "{\"Name\":\"/na");
    assert_int_equal(find_error(own(), STRANGER, RUNTIME_DOCKER, "config.v2.json: "), -EBADMSG);
    /* What else is known is told, with the sentence. */
    (void)put(RUNC_FILE(STRANGER), "{\"init_process_pid\":11}");
    struct container_files_options options = own();
    struct container_facts facts = {0};
    struct err e = {0};
    assert_int_equal(container_files_find(&options, STRANGER, RUNTIME_DOCKER, &arena, &e, &facts),
                     0);
    assert_int_equal(facts.pid, 11);
    assert_non_null(strstr(e.text, DOCKER_FILE(STRANGER)));
    assert_int_equal(e.code, -EBADMSG);
}

static void test_not_a_file(void **state)
{
    (void)state;
    const char *other = put("secret", NAMED);
    const char *path = put(DOCKER_FILE(STRANGER), NULL);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(find_error(own(), STRANGER, RUNTIME_DOCKER, "symbolic link"), -EBADMSG);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0);
    assert_int_equal(find_error(own(), STRANGER, RUNTIME_DOCKER, "not a regular file"), -EBADMSG);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(find_error(own(), STRANGER, RUNTIME_DOCKER, "not a regular file"), -EBADMSG);
}

static void test_size_is_bounded(void **state)
{
    (void)state;
    char *spaces = arena_alloc(&arena, LARGEST_FILE + 2);
    memset(spaces, ' ', LARGEST_FILE + 1);
    memcpy(spaces, NAMED, strlen(NAMED));
    (void)put(DOCKER_FILE(STRANGER), spaces);
    assert_int_equal(find_error(own(), STRANGER, RUNTIME_DOCKER, "larger than 4194304 bytes"),
                     -EBADMSG);
    spaces[LARGEST_FILE] = '\0';
    (void)put(DOCKER_FILE(STRANGER), spaces);
    assert_string_equal(find(own(), STRANGER, RUNTIME_DOCKER).name, "named");
}

static void test_many_entries(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 255; i++)
        (void)put(arena_format(&arena, "storage/d%u-containers/x", i), NULL);
    assert_int_equal(find_error(own(), STRANGER, RUNTIME_PODMAN, "only the first 256 entries"),
                     -EBADMSG);
}

/* Runs `check` without the rights of root; its result. */
static int as_nobody(int (*check)(void))
{
    if (geteuid() != 0)
        return check();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0
                  ? check()
                  : 99);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* No assertions: it may run in a process of its own. */
static int check_denied(void)
{
    struct container_files_options options = own();
    struct container_facts facts = {0};
    struct err e = {0};
    int r = container_files_find(&options, STRANGER, RUNTIME_UNKNOWN, &arena, &e, &facts);
    return r == -EACCES && strstr(e.text, "CAP_DAC_READ_SEARCH") && e.code == r ? 0 : 1;
}

static int check_denied_but_known(void)
{
    struct container_files_options options = own();
    struct container_facts facts = {0};
    struct err e = {0};
    int r = container_files_find(&options, STRANGER, RUNTIME_UNKNOWN, &arena, &e, &facts);
    return r == 0 && facts.pid == 11 && e.code == -EACCES ? 0 : 1;
}

static void test_rights(void **state)
{
    (void)state;
    const char *file = put(DOCKER_FILE(STRANGER), NAMED);
    assert_int_equal(chmod(file, 0), 0);
    assert_int_equal(as_nobody(check_denied), 0);
    (void)put(RUNC_FILE(STRANGER), "{\"init_process_pid\":11}");
    assert_int_equal(as_nobody(check_denied_but_known), 0);
    assert_int_equal(chmod(file, 0600), 0);
}

/* A directory that may not be listed may have it. */
static void test_rights_of_a_directory(void **state)
{
    (void)state;
    char *directory = put("storage/x", NULL);
    *strrchr(directory, '/') = '\0';
    assert_int_equal(chmod(directory, 0), 0);
    assert_int_equal(as_nobody(check_denied), 0);
    assert_int_equal(chmod(directory, 0700), 0);
}

/* CRI-O's side of a call; what it answers, and how it goes about it. */
struct script {
    const char *answer;
    unsigned pause_ms; /* before each byte; 0: all at once */
    size_t repeat;     /* of the answer's last byte */
    bool hold;         /* never closes */
};

static const char *expected_request = "GET /containers/" STRANGER " HTTP/1.0\r\nHost: crio\r\n"
                                      "Connection: close\r\n\r\n";

static void wait_ms(unsigned ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&pause, NULL);
}

static void send_script(int fd, const struct script *script)
{
    size_t length = strlen(script->answer);
    for (size_t i = 0; script->pause_ms > 0 && i < length; i++) {
        wait_ms(script->pause_ms);
        if (send(fd, script->answer + i, 1, MSG_NOSIGNAL) != 1)
            return;
    }
    if (script->pause_ms == 0)
        (void)send(fd, script->answer, length, MSG_NOSIGNAL);
    char block[4096];
    memset(block, ' ', sizeof block);
    for (size_t sent = 0; sent < script->repeat; sent += sizeof block)
        if (send(fd, block, sizeof block, MSG_NOSIGNAL) < 0)
            return;
    if (script->hold)
        wait_ms(5000);
}

/* One connection in a process of its own, which ends with 1 when the request was another. */
static pid_t serve(int listener, const struct script *script)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    char request[1024] = {0};
    size_t length = 0;
    int fd = accept(listener, NULL, NULL);
    while (fd >= 0 && length < sizeof request - 1 && !strstr(request, "\r\n\r\n")) {
        ssize_t got = recv(fd, request + length, sizeof request - 1 - length, 0);
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    send_script(fd, script);
    _exit(text_equal(request, expected_request) ? 0 : 1);
}

static int listen_as_crio(int backlog)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const char *path = put("run/crio/crio.sock", NULL);
    (void)unlink(path);
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

/* Asks a CRI-O that behaves as `script` says. */
static int ask(const struct script *script, struct err *e, struct container_facts *facts)
{
    struct container_files_options options = own();
    CLEANUP_FD int listener = listen_as_crio(4);
    pid_t server = serve(listener, script);
    uint64_t before_ns = clock_monotonic_ns(&clock_system);
    int r = container_files_find(&options, STRANGER, RUNTIME_CRIO, &arena, e, facts);
    assert_true(clock_monotonic_ns(&clock_system) - before_ns < ANSWER_LIMIT_NS);
    int status = 0;
    if (script->hold || script->pause_ms > 0)
        assert_int_equal(kill(server, SIGKILL), 0);
    assert_int_equal(waitpid(server, &status, 0), server);
    if (!script->hold && script->pause_ms == 0)
        assert_int_equal(status, 0);
    return r;
}

#define OK_HEAD "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"

static void test_crio_call(void **state)
{
    (void)state;
    const struct script script = {.answer = OK_HEAD "{\"name\":\"k\",\"pid\":5,\"labels\":{}}"};
    struct container_facts facts = {0};
    struct err e = {0};
    assert_int_equal(ask(&script, &e, &facts), 0);
    assert_string_equal(e.text, "");
    assert_string_equal(facts.name, "k");
    assert_int_equal(facts.pid, 5);
}

static void test_crio_in_pieces(void **state)
{
    (void)state;
    const struct script script = {.answer = "HTTP/1.0 200 OK\r\n\r\n{\"name\":\"k\"}",
                                  .pause_ms = 1};
    struct container_facts facts = {0};
    struct err e = {0};
    assert_int_equal(ask(&script, &e, &facts), 0);
    assert_string_equal(facts.name, "k");
}

static void test_crio_answers(void **state)
{
    (void)state;
    static const struct {
        struct script script;
        int result;
        const char *sentence;
    } cases[] = {
        {{.answer = "HTTP/1.1 404 Not Found\r\n\r\nno"}, -ENOENT, "no file of a runtime"},
        {{.answer = "HTTP/1.0 500 Oh\r\n\r\n{}"}, -EBADMSG, "status 500"},
        {{.answer = "HTTP/1.0 200 OK\r\n\r\n"}, -EBADMSG, "crio.sock: CRI-O's answer"},
        {{.answer = OK_HEAD "{\"name\":\"k\""}, -EBADMSG, "CRI-O's answer"},
        {{.answer = OK_HEAD "c\r\n{\"name\":\"k\"}\r\n0\r\n\r\n"}, -EBADMSG, "CRI-O's answer"},
        {{.answer = "HTTP/1.0 200 OK\r\nA: b"}, -EBADMSG, "not HTTP"},
        {{.answer = "HTTP/1.0"}, -EBADMSG, "not HTTP"},
        {{.answer = "HTTP/2.0 200 OK\r\n\r\n{}"}, -EBADMSG, "not HTTP"},
        {{.answer = "HTTP/1.0 2x0 OK\r\n\r\n{}"}, -EBADMSG, "not HTTP"},
        {{.answer = ""}, -EBADMSG, "not HTTP"},
        {{.answer = OK_HEAD "{}", .repeat = LARGEST_FILE}, -EBADMSG, "larger than"},
        {{.answer = OK_HEAD "{}", .hold = true}, -EBADMSG, "within 1000 ms"},
        {{.answer = OK_HEAD "{}", .pause_ms = 100}, -EBADMSG, "within 1000 ms"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct container_facts facts = {0};
        struct err e = {0};
        assert_int_equal(ask(&cases[i].script, &e, &facts), cases[i].result);
        assert_int_equal(e.code, cases[i].result);
        if (!strstr(e.text, cases[i].sentence))
            fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].sentence);
    }
}

/* Nobody accepts and the queue is full: the connect itself must end. */
static void test_crio_stuck(void **state)
{
    (void)state;
    CLEANUP_FD int listener = listen_as_crio(0);
    assert_true(listener >= 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = arena_format(&arena, "%s/run/crio/crio.sock", root);
    memcpy(address.sun_path, path, strlen(path));
    int waiting[8];
    size_t count = 0;
    for (; count < sizeof waiting / sizeof *waiting; count++) {
        waiting[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(waiting[count], (const struct sockaddr *)&address, sizeof address) < 0)
            break;
    }
    assert_int_equal(errno, EAGAIN);
    uint64_t before_ns = clock_monotonic_ns(&clock_system);
    assert_int_equal(find_error(own(), STRANGER, RUNTIME_CRIO, "within 1000 ms"), -EBADMSG);
    assert_true(clock_monotonic_ns(&clock_system) - before_ns < ANSWER_LIMIT_NS);
    for (size_t i = 0; i <= count; i++)
        assert_int_equal(close(waiting[i]), 0);
}

/* A socket that its server left behind. */
static void test_crio_gone(void **state)
{
    (void)state;
    assert_int_equal(close(listen_as_crio(1)), 0);
    assert_int_equal(find_error(own(), STRANGER, RUNTIME_CRIO, "knows container"), -ENOENT);
}

static void test_crio_only_for_what_no_file_tells(void **state)
{
    (void)state;
    CLEANUP_FD int listener = listen_as_crio(1);
    (void)put("storage/overlay-containers/containers.json",
              "[{\"id\":\"" STRANGER "\",\"names\":[\"k\"]}]");
    assert_string_equal(find(own(), STRANGER, RUNTIME_CRIO).name, "k");
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(accept(listener, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
}

/* More than a socket's address holds. */
static void test_crio_path_too_long(void **state)
{
    (void)state;
    struct container_files_options options = own();
    char *run = arena_format(&arena, "%s/%s", root, REPEAT32("xxxx"));
    options.run = run;
    assert_int_equal(find_error(options, STRANGER, RUNTIME_CRIO, "knows container"), -ENOENT);
    (void)put(arena_format(&arena, "%s/crio/crio.sock", run + strlen(root) + 1), "");
    assert_int_equal(find_error(options, STRANGER, RUNTIME_CRIO, "too long"), -EBADMSG);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_docker_as_its_api),
        TEST(test_podman_as_its_api),
        TEST(test_containerd),
        TEST(test_crun),
        TEST(test_crio),
        TEST(test_volatile_list),
        TEST(test_only_the_runtime_is_asked),
        TEST(test_only_ids_are_looked_up),
        TEST(test_runtime_knows_the_process),
        TEST(test_init_pid),
        TEST(test_second_root),
        TEST(test_broken_file),
        TEST(test_not_a_file),
        TEST(test_size_is_bounded),
        TEST(test_many_entries),
        TEST(test_rights),
        TEST(test_rights_of_a_directory),
        TEST(test_crio_call),
        TEST(test_crio_in_pieces),
        TEST(test_crio_answers),
        TEST(test_crio_stuck),
        TEST(test_crio_gone),
        TEST(test_crio_only_for_what_no_file_tells),
        TEST(test_crio_path_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
