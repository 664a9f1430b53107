/* What it knows: the answers that say what an engine is, which containers it has, and what happens
 * to them. Documents: the Docker Engine API reference, "System" and "ContainerList"; Podman's
 * compatible API for where it differs. */
#include "collectors/engine_parse.h"

#include "base/err.h"
#include "base/text.h"
#include "collectors/engine_json.h"

#include <errno.h>
#include <string.h>

#define API_NUMBER_MAX \
    UINT16_MAX          /* of a version's parts: far above 1.55, so that they compare safely */
#define MESSAGE_MAX 200 /* bytes: fits a log line; the engine's own sentences are shorter */

/* What an engine that does not say takes: Docker's floor since 25.0, and what 1.12 spoke. */
static const struct api_version api_version_floor = {1, 24};

int engine_parse_api_version(const char *text, struct api_version *ret)
{
    uint64_t major = 0;
    uint64_t minor = 0;
    const char *dot = strchr(text, '.');
    if (!dot || text_parse_u64(text, (size_t)(dot - text), &major) < 0 ||
        text_parse_u64(dot + 1, strlen(dot + 1), &minor) < 0 || major > API_NUMBER_MAX ||
        minor > API_NUMBER_MAX)
        return -EINVAL;
    *ret = (struct api_version){(unsigned)major, (unsigned)minor};
    return 0;
}

int api_version_compare(struct api_version a, struct api_version b)
{
    if (a.major != b.major)
        return a.major < b.major ? -1 : 1;
    if (a.minor != b.minor)
        return a.minor < b.minor ? -1 : 1;
    return 0;
}

/* The leading numbers of "20.10.24+dfsg1"; what is missing stays 0. */
static void parse_release(const char *text, unsigned ret[3])
{
    for (size_t i = 0; i < 3; i++) {
        uint64_t number = 0;
        size_t digits = strspn(text, "0123456789");
        if (text_parse_u64(text, digits, &number) < 0 || number > API_NUMBER_MAX)
            return;
        ret[i] = (unsigned)number;
        text += digits;
        if (*text++ != '.')
            return;
    }
}

static bool names_podman(yyjson_val *components)
{
    size_t i = 0;
    size_t count = 0;
    yyjson_val *component = NULL;
    yyjson_arr_foreach(components, i, count, component)
    {
        if (yyjson_equals_str(yyjson_obj_get(component, "Name"), "Podman Engine"))
            return true;
    }
    return false;
}

int engine_parse_version(const char *json, size_t length, struct arena *arena, struct err *e,
                         struct engine_version *ret)
{
    static const char what[] = "GET /version";
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = engine_json_open_object(json, length, what, e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct engine_version version = {
        .podman = names_podman(yyjson_obj_get(root, "Components")),
        .version = engine_json_text_or_empty(root, "Version", arena),
        .min_api = api_version_floor,
    };
    const char *api = engine_json_text(root, "ApiVersion", arena);
    if (!api || engine_parse_api_version(api, &version.api) < 0)
        return err_set(
            e, -EBADMSG,
            "%s: ApiVersion is %s%s%s, expected one such as \"1.41\"; is this the socket "
            "of a container engine?",
            what, api ? "\"" : "", api ? api : "missing", api ? "\"" : "");
    const char *min_api = engine_json_text(root, "MinAPIVersion", arena);
    if (min_api)
        (void)engine_parse_api_version(min_api, &version.min_api); /* else the floor stays */
    parse_release(version.version, version.release);
    *ret = version;
    return 0;
}

/* Entries are "name=rootless" or "name=rootless,key=value". */
static bool says_rootless(yyjson_val *options, struct arena *arena)
{
    size_t i = 0;
    size_t count = 0;
    yyjson_val *option = NULL;
    yyjson_arr_foreach(options, i, count, option)
    {
        const char *text = engine_json_string(option, arena);
        if (text && (text_equal(text, "name=rootless") || text_starts_with(text, "name=rootless,")))
            return true;
    }
    return false;
}

static int parse_cgroup_version(const char *text)
{
    if (text_equal(text, "1"))
        return 1;
    return text_equal(text, "2") ? 2 : 0;
}

int engine_parse_info(const char *json, size_t length, struct arena *arena, struct err *e,
                      struct engine_info *ret)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = engine_json_open_object(json, length, "GET /info", e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    *ret = (struct engine_info){
        .cpus = engine_json_unsigned_or_0(root, "NCPU"),
        .memory_bytes = engine_json_u64_or_0(root, "MemTotal"),
        .cgroup_version =
            parse_cgroup_version(engine_json_text_or_empty(root, "CgroupVersion", arena)),
        .cgroup_driver = engine_json_text_or_empty(root, "CgroupDriver", arena),
        .id = engine_json_text_or_empty(root, "ID", arena),
        /* Podman has a member of its own besides. */
        .rootless = says_rootless(yyjson_obj_get(root, "SecurityOptions"), arena) ||
                    yyjson_is_true(yyjson_obj_get(root, "Rootless")),
        /* Podman's is its graph root. */
        .root_dir = engine_json_text_or_empty(root, "DockerRootDir", arena),
    };
    return 0;
}

/* Legacy links give a container more names, "/other/alias"; its own has one slash. */
static const char *own_name(yyjson_val *names, struct arena *arena)
{
    const char *first = NULL;
    size_t i = 0;
    size_t count = 0;
    yyjson_val *entry = NULL;
    yyjson_arr_foreach(names, i, count, entry)
    {
        const char *name = engine_json_string(entry, arena);
        if (!name)
            continue;
        if (*name == '/')
            name++;
        if (!strchr(name, '/'))
            return name;
        if (!first)
            first = name;
    }
    return first ? first : "";
}

#define ENTRY_MIN_BYTES 73 /* {"Id":"<64 digits>"} */

int engine_parse_list(const char *json, size_t length, struct arena *arena, struct err *e,
                      struct engine_list_entry **ret_entries, size_t *ret_count)
{
    static const char what[] = "GET /containers/json";
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = engine_json_open(json, length, what, e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!yyjson_is_arr(root))
        return err_set(e, -EBADMSG, "%s: the answer is a JSON %s, expected an array", what,
                       yyjson_get_type_desc(root));
    /* What is denser than the shortest container is none, and must not be given memory first. */
    if (yyjson_arr_size(root) > length / ENTRY_MIN_BYTES)
        return err_set(e, -EBADMSG, "%s: %zu entries in %zu bytes cannot be containers", what,
                       yyjson_arr_size(root), length);
    struct engine_list_entry *entries = arena_alloc(arena, yyjson_arr_size(root) * sizeof *entries);
    size_t i = 0;
    size_t count = 0;
    yyjson_val *container = NULL;
    yyjson_arr_foreach(root, i, count, container)
    {
        entries[i] = (struct engine_list_entry){
            .id = engine_json_container_id(container, "Id", arena),
            .name = own_name(yyjson_obj_get(container, "Names"), arena),
            .state = state_from_name(engine_json_text_or_empty(container, "State", arena)),
        };
        if (!entries[i].id)
            return err_set(e, -EBADMSG, "%s: entry %zu of %zu: Id is not 64 hex digits", what, i,
                           count);
    }
    *ret_entries = entries;
    *ret_count = count;
    return 0;
}

/* Attributes are texts. False where there is no such number. */
static bool parse_code(yyjson_val *attributes, const char *key, int64_t *ret)
{
    const char *text = yyjson_get_str(yyjson_obj_get(attributes, key));
    uint64_t value = 0;
    if (!text)
        return false;
    bool negative = *text == '-';
    if (text_parse_u64(text + negative, strlen(text + negative), &value) < 0 || value > INT32_MAX)
        return false;
    *ret = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

/* Podman has its own attribute on every event, 0 on those that end nothing; Docker's is on "die"
 * alone. */
static void parse_exit(yyjson_val *actor, struct engine_event *event)
{
    yyjson_val *attributes = yyjson_obj_get(actor, "Attributes");
    if (!text_equal(event->action, "die") && !text_equal(event->action, "died"))
        return;
    event->exit_given = parse_code(attributes, "exitCode", &event->exit_code) ||
                        parse_code(attributes, "containerExitCode", &event->exit_code);
}

/* What happened, without what it was: "health_status: healthy", "exec_start: sh". */
static const char *parse_action(yyjson_val *root, struct arena *arena)
{
    /* "status" and "id" are what API versions before 1.22 had, and 1.52 dropped. */
    const char *text = engine_json_text(root, "Action", arena);
    if (!text)
        text = engine_json_text(root, "status", arena);
    return text ? arena_copy(arena, text, strcspn(text, ":")) : NULL;
}

int engine_parse_event(const char *json, size_t length, struct arena *arena, struct err *e,
                       struct engine_event *ret)
{
    static const char what[] = "GET /events";
    CLEANUP_JSON yyjson_doc *doc = NULL;
    int r = engine_json_open_object(json, length, what, e, &doc);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *action = parse_action(root, arena);
    if (!action)
        return err_set(e, -EBADMSG, "%s: a line has neither Action nor status", what);
    const char *type = engine_json_text(root, "Type", arena);
    yyjson_val *actor = yyjson_obj_get(root, "Actor");
    const char *id = engine_json_text(actor, "ID", arena);
    if (!id)
        id = engine_json_text_or_empty(root, "id", arena);
    if (!type)
        type = "container";
    /* A prune tells of each container and once of all of them, without an id. */
    bool of_all = *id == '\0' && text_equal(action, "prune");
    if (text_equal(type, "container") && !of_all && !text_is_container_id(id, strlen(id)))
        return err_set(e, -EBADMSG, "%s: container event \"%s\": Actor.ID is not 64 hex digits",
                       what, action);
    *ret = (struct engine_event){
        .type = type,
        .action = action,
        .id = id,
        .time_ns = engine_json_u64_or_0(root, "timeNano"),
    };
    parse_exit(actor, ret);
    return 0;
}

/* Where to cut `text` so that it has at most `most` bytes and no half character. */
static size_t cut_length(const char *text, size_t length, size_t most)
{
    if (length <= most)
        return length;
    size_t cut = most;
    while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80) /* inside a UTF-8 sequence */
        cut--;
    return cut;
}

static const char *one_line(const char *text, size_t length, struct arena *arena)
{
    while (length > 0 && (unsigned char)*text <= ' ') {
        text++;
        length--;
    }
    while (length > 0 && (unsigned char)text[length - 1] <= ' ')
        length--;
    length = cut_length(text, length, MESSAGE_MAX);
    char *line = arena_copy(arena, text, length);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == '\x7f')
            line[i] = ' ';
    return line;
}

const char *engine_parse_message(const char *body, size_t length, struct arena *arena)
{
    CLEANUP_JSON yyjson_doc *doc = NULL;
    if (engine_json_open_object(body, length, "", NULL, &doc) == 0) {
        yyjson_val *message = yyjson_obj_get(yyjson_doc_get_root(doc), "message");
        if (yyjson_is_str(message))
            return one_line(yyjson_get_str(message), yyjson_get_len(message), arena);
    }
    return one_line(body, length, arena);
}
