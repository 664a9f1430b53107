/* What it knows: the look of --help. What it says of options comes from the table. */
#include "agent/config_flags.h"
#include "agent/config_groups.h"
#include "base/buf.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define HELP_WIDTH   100 /* columns: no line is longer */
#define HELP_COLUMN  36  /* column at which the text beside a flag begins */
#define HELP_LINE    512 /* bytes: the longest text about one option */
#define HELP_COMMAND 11  /* columns of a command with the blanks after it */
#define HELP_GROUP   16  /* columns of a group with the blanks around it */

/* How much of `text` goes on a line of `room` bytes: up to a blank, or all of it. */
static size_t line_length(const char *text, size_t room)
{
    size_t length = strlen(text);
    if (length <= room)
        return length;
    length = room;
    while (length > 0 && text[length] != ' ')
        length--;
    return length > 0 ? length : room; /* a word longer than a line is cut */
}

/* Appends `text` from column HELP_COLUMN on; the cursor is at `column`. Past that it begins on the
 * next line. */
static void add_wrapped(struct buf *b, size_t column, const char *text)
{
    if (column >= HELP_COLUMN) {
        (void)buf_add_char(b, '\n');
        column = 0;
    }
    for (;;) {
        (void)buf_add_format(b, "%*s", column < HELP_COLUMN ? (int)(HELP_COLUMN - column) : 0, "");
        size_t length = line_length(text, HELP_WIDTH - HELP_COLUMN);
        (void)buf_add(b, text, length);
        (void)buf_add_char(b, '\n');
        text += length + strspn(text + length, " ");
        if (*text == '\0')
            return;
        column = 0;
    }
}

/* The default as people write it: a blank after each comma lets it be wrapped. */
static void add_default(struct buf *b, const char *fallback)
{
    for (const char *c = fallback; *c != '\0'; c++) {
        (void)buf_add_char(b, *c);
        if (*c == ',')
            (void)buf_add_char(b, ' ');
    }
}

/* What it is for; then default, what is allowed and the variable. */
static void add_option(struct buf *b, const struct option *o)
{
    struct buf line;
    char variable[OPTION_NAME_MAX];
    size_t before = b->length;
    if (o->type == OPTION_SWITCH)
        (void)buf_add_format(b, "  --[no-]%s", o->name);
    else
        (void)buf_add_format(b, "  --%s=%s%s", o->name, o->value,
                             o->type == OPTION_LIST ? ",..." : "");
    add_wrapped(b, b->length - before, o->help);

    buf_init(&line, HELP_LINE);
    option_variable(o, variable);
    (void)buf_add_string(&line, "Default: ");
    add_default(&line, o->fallback && *o->fallback != '\0' ? o->fallback : "none");
    (void)buf_add_string(&line, ". Allowed: ");
    option_add_allowed(o, &line);
    (void)buf_add_char(&line, '.');
    add_wrapped(b, 0, line.data);
    add_wrapped(b, 0, variable);
    buf_done(&line);
}

static void add_options(struct buf *b)
{
    const char *previous = "";
    for (size_t i = 0; i < config_option_count; i++) {
        const char *name = config_options[i].name;
        size_t group = strcspn(name, ".") + 1;
        if (strncmp(previous, name, group) != 0)
            (void)buf_add_format(b, "\n%.*s\n", (int)(group - 1), name);
        add_option(b, &config_options[i]);
        previous = name;
    }
}

static void add_groups(struct buf *b, const char *title, unsigned groups)
{
    (void)buf_add_format(b, "\n%s\n", title);
    for (enum metric_group g = 0; g < GROUP_ALL; g++)
        if (groups & GROUP_BIT(g))
            (void)buf_add_format(b, "  %-*s%s\n", HELP_GROUP - 2, metric_group_name(g),
                                 config_group_text(g));
}

static void add_idle_groups(struct buf *b)
{
    (void)buf_add_string(b, "  cAdvisor's alone, without effect:");
    for (size_t i = 0; config_idle_groups[i]; i++)
        (void)buf_add_format(b, "%s %s", i > 0 ? "," : "", config_idle_groups[i]);
    (void)buf_add_char(b, '\n');
}

int config_help(struct buf *ret)
{
    (void)buf_add_string(
        ret, "weir measures the containers of this host and gives the numbers to Prometheus.\n"
             "\n"
             "Usage: weir [COMMAND] [--FLAG=VALUE]...\n"
             "\n"
             "Commands\n");
    for (size_t i = 0; i < config_command_count; i++)
        (void)buf_add_format(ret, "  %-*s%s\n", HELP_COMMAND, config_commands[i].word,
                             config_commands[i].help);
    (void)buf_add_string(
        ret, "\n"
             "Flags are stronger than the environment, which is stronger than the file. Each flag "
             "has a variable,\n"
             "named below it. A list (,...) is separated by commas or its flag is repeated; a "
             "stronger source\n"
             "replaces the whole list. A duration is written like 500ms, 3s or 1m30s.\n");
    add_options(ret);
    add_groups(ret, "Groups of metrics that are given", GROUPS_DEFAULT);
    add_groups(ret, "Groups of metrics on request, by --metrics.enable",
               GROUPS_ALL & ~GROUPS_DEFAULT);
    add_idle_groups(ret);
    (void)buf_add_string(
        ret,
        "\n"
        "cAdvisor's own flags are taken too, with one dash or two. Those that mean something "
        "here become\n"
        "options above: port, listen_ip, prometheus_endpoint, url_base_prefix, docker, podman, "
        "docker_only,\n"
        "docker_root, store_container_labels, whitelisted_container_labels, disable_metrics, "
        "enable_metrics.\n"
        "For each other one the log says what weir has instead; weir config shows the "
        "outcome.\n");
    (void)buf_add_format(ret, "\nMetrics: http://localhost%s%s\n",
                         option_find("web.listen-address")->fallback,
                         option_find("web.telemetry-path")->fallback);
    return ret->failed ? -EMSGSIZE : 0;
}
