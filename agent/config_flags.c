/* What it knows: the command line: --name=value, --name value, --switch, --no-switch, -h, -V and
 * one command; and cAdvisor's flags as Go reads them, with one dash or two. Document: Go's package
 * flag, "Command line flag syntax". */
#include "agent/config_flags.h"

#include "agent/config_text.h"
#include "agent/config_value.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUSH_PREFIX "push." /* of flags for a destination */

const struct command_word config_commands[] = {
    {"run", COMMAND_RUN, "serve until stopped, collecting when asked (this is the default)"},
    {"scrape", COMMAND_SCRAPE, "take two rounds a second apart, print the second one and end"},
    {"check", COMMAND_CHECK, "take one round, say what works and what does not, and end"},
    {"config", COMMAND_CONFIG, "print the configuration in force as YAML and end"},
    {"version", COMMAND_VERSION, "print the version and end; also -V, --version"},
    {"help", COMMAND_HELP, "print this text and end; also -h, --help"},
};
const size_t config_command_count = sizeof config_commands / sizeof config_commands[0];

/* Where reading stands. */
struct command_line {
    char *const *at; /* the argument to read next; the last is NULL */
    struct flags flags;
    const char *command; /* the word that was given, NULL so far */
    bool help;           /* asked for by a flag, which is stronger than a command word */
    bool version;
    struct err *e;
};

void flags_done(struct flags *f)
{
    free(f->items);
    free(f->cadvisor.items);
    *f = (struct flags){0};
}

static int refuse_command(struct command_line *l, const char *word)
{
    struct nearest near = {.given = word};
    for (size_t i = 0; i < config_command_count; i++)
        nearest_offer(&near, config_commands[i].word, config_commands[i].word);
    return err_set(l->e, -EINVAL,
                   "unknown command \"%s\"%s; allowed: run, scrape, check, config, version, help",
                   text_show(word).text, nearest_hint(&near, "").text);
}

/* An image's entry point may stand in front of its arguments; it is no second command. */
static int read_command(struct command_line *l, const char *word)
{
    if (l->command && !cadvisor_is_program(word))
        return err_set(l->e, -EINVAL, "\"%s\": there is a command already, \"%s\"; allowed: one",
                       text_show(word).text, l->command);
    if (cadvisor_is_program(word)) {
        l->flags.cadvisor.program = word;
        return 0;
    }
    for (size_t i = 0; i < config_command_count; i++) {
        if (!text_equal(config_commands[i].word, word))
            continue;
        l->command = config_commands[i].word;
        l->flags.command = config_commands[i].command;
        return 0;
    }
    return refuse_command(l, word);
}

/* `word` is the flag with its dashes. The part of a name after the first word is offered too:
 * --max-age means --collect.max-age. */
static int refuse_flag(struct command_line *l, const char *word)
{
    struct nearest near = {.given = word + strspn(word, "-")};
    for (size_t i = 0; i < config_option_count; i++) {
        const char *name = config_options[i].name;
        const char *dot = strchr(name, '.');
        nearest_offer(&near, name, name);
        if (dot)
            nearest_offer(&near, dot + 1, name);
    }
    if (strncmp(near.given, PUSH_PREFIX, strlen(PUSH_PREFIX)) == 0)
        return err_set(l->e, -EINVAL,
                       "unknown flag %s%s; weir --help lists all, and what else a destination of "
                       "push can say stands in the file alone (docs/PUSH.md)",
                       text_show(word).text, nearest_hint(&near, "--").text);
    nearest_offer(&near, "help", "help");
    cadvisor_offer(&near);
    return err_set(l->e, -EINVAL, "unknown flag %s%s; weir --help lists all", text_show(word).text,
                   nearest_hint(&near, "--").text);
}

static int add_flag(struct command_line *l, const struct option *o, const char *text)
{
    if (o->type != OPTION_LIST && flags_find(&l->flags, o))
        return err_set(l->e, -EINVAL, "--%s: given twice; allowed: once", o->name);
    struct flags *f = &l->flags;
    f->items = alloc_resize(f->items, f->count + 1, sizeof *f->items);
    f->items[f->count++] = (struct flag){o, text};
    return 0;
}

/* The switch that --no-NAME turns off; NULL for none. */
static const struct option *find_negated(const char *name)
{
    const struct option *o = text_starts_with(name, "no-") ? option_find(name + 3) : NULL;
    return o && o->type == OPTION_SWITCH ? o : NULL;
}

/* The value of a flag of cAdvisor's; NULL with `e` where there is none. */
static const char *read_cadvisor_text(struct command_line *l, const struct cadvisor_flag *c,
                                      const char *word)
{
    const char *equals = strchr(word, '=');
    const char *text = equals ? equals + 1 : "true";
    /* Go takes no switch's value from the next argument and stops reading there: cAdvisor starts
     * all the same, so weir does, and takes it as it was meant. */
    if (!equals && (!c->is_switch || (*l->at && cadvisor_switch(*l->at))))
        text = *l->at ? *l->at++ : NULL;
    if (!text) {
        (void)err_set(l->e, -EINVAL, "%s: needs a value: %s=VALUE", text_show(word).text,
                      text_show(word).text);
        return NULL;
    }
    if (!c->is_switch)
        return text;
    const char *state = cadvisor_switch(text);
    if (!state)
        (void)err_set(l->e, -EINVAL, "%s: is neither on nor off; allowed: true, false, 1, 0, t, f",
                      text_show(word).text);
    return state;
}

/* `word` has `dashes` in front. */
static int read_cadvisor(struct command_line *l, const struct cadvisor_flag *c, const char *word,
                         size_t dashes)
{
    const char *name = word + dashes;
    const char *text = read_cadvisor_text(l, c, word);
    if (!text)
        return -EINVAL;
    const struct cadvisor_given given = {c, name, strcspn(name, "="), text};
    cadvisor_add(&l->flags.cadvisor, &given);
    if (c->role == CADVISOR_VERSION)
        l->version = text_equal(text, "true");
    return 0;
}

/* `word` begins with two dashes; its value may be the next argument, but not a switch's. */
static int read_option(struct command_line *l, const char *word)
{
    const struct option *negated = find_negated(word + 2);
    if (negated)
        return add_flag(l, negated, "false");
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    char *flag = alloc_copy(word, length);
    const struct option *o = option_find(flag + 2);
    int unknown = o ? 0 : refuse_flag(l, flag);
    free(flag);
    if (!o)
        return unknown;
    if (equals)
        return add_flag(l, o, equals + 1);
    if (o->type == OPTION_SWITCH)
        return add_flag(l, o, "true");
    if (!*l->at)
        return err_set(l->e, -EINVAL, "--%s: needs a value: --%s=%s", o->name, o->name, o->value);
    if (text_starts_with(*l->at, "--"))
        return err_set(l->e, -EINVAL, "--%s: needs a value, but %s follows: --%s=%s", o->name,
                       text_show(*l->at).text, o->name, o->value);
    return add_flag(l, o, *l->at++);
}

static int read_argument(struct command_line *l, const char *word)
{
    if (text_equal(word, "-h") || text_equal(word, "-help") || text_equal(word, "--help")) {
        l->help = true;
        return 0;
    }
    if (text_equal(word, "-V")) {
        l->version = true;
        return 0;
    }
    if (word[0] != '-')
        return read_command(l, word);
    size_t dashes = word[1] == '-' ? 2 : 1;
    const struct cadvisor_flag *c = cadvisor_find(word + dashes, strcspn(word + dashes, "="));
    if (c)
        return read_cadvisor(l, c, word, dashes);
    if (text_starts_with(word, "--help="))
        return err_set(l->e, -EINVAL, "%s: takes no value", text_show(word).text);
    return dashes == 2 ? read_option(l, word) : refuse_flag(l, word);
}

int flags_read(int argc, char *const argv[], struct err *e, struct flags *ret)
{
    struct command_line l = {.at = argc > 0 ? argv + 1 : argv, .e = e};
    int r = 0;
    while (r == 0 && argc > 0 && *l.at)
        r = read_argument(&l, *l.at++);
    if (r < 0) {
        flags_done(&l.flags);
        return r;
    }
    if (l.help || l.version)
        l.flags.command = l.help ? COMMAND_HELP : COMMAND_VERSION;
    *ret = l.flags;
    return 0;
}

const char *flags_find(const struct flags *f, const struct option *o)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->items[i].option == o)
            return f->items[i].text;
    return NULL;
}

int flags_apply(const struct flags *f, struct config *c, struct err *e)
{
    bool seen[OPTION_MAX] = {false};
    int r = 0;
    for (size_t i = 0; r == 0 && i < f->count; i++) {
        const struct option *o = f->items[i].option;
        bool *again = &seen[o - config_options];
        char origin[OPTION_NAME_MAX];
        (void)snprintf(origin, sizeof origin, "--%s", o->name);
        r = *again ? config_add(c, o, origin, f->items[i].text, e)
                   : config_set(c, o, origin, f->items[i].text, e);
        *again = true;
    }
    return r;
}
