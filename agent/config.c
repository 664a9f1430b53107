/* What it knows: the order of the sources. Defaults, then the file, the environment, cAdvisor's
 * flags, weir's own: each overwrites what the weaker ones said. */
#include "agent/config.h"

#include "agent/config_cadvisor.h"
#include "agent/config_environment.h"
#include "agent/config_flags.h"
#include "agent/config_groups.h"
#include "agent/config_notice.h"
#include "agent/config_value.h"
#include "agent/config_yaml.h"
#include "agent/rootfs.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"

#include <errno.h>

void config_done(struct config *c)
{
    for (size_t i = 0; i < config_option_count; i++)
        option_done_field(&config_options[i], option_field(&config_options[i], c));
    push_destinations_done(&c->push);
    config_notices_done(c);
    *c = (struct config){0};
}

static int load_file(struct config *c, struct err *e)
{
    struct buf content;
    buf_init(&content, CONFIG_FILE_MAX);
    int r = fs_read_file(c->config_file, &content);
    if (r == -EMSGSIZE)
        (void)err_set(e, r, "%s: larger than 1 MiB, the most a configuration may be",
                      c->config_file);
    else if (r < 0)
        (void)err_set_errno(e, r, "cannot read the configuration %s", c->config_file);
    else
        r = config_yaml_apply(c->config_file, content.data ? content.data : "", content.length, e,
                              c);
    buf_done(&content);
    return r;
}

/* The file's name comes from the stronger sources, before the file can be read. */
static int set_file(struct config *c, const struct flags *f, char *const environment[],
                    struct err *e)
{
    const struct option *o = option_find("config.file");
    const char *flag = flags_find(f, o);
    const char *variable = environment_find(environment, o);
    if (flag)
        return config_set(c, o, "--config.file", flag, e);
    return variable ? config_set(c, o, "WEIR_CONFIG_FILE", variable, e) : 0;
}

static int load_sources(struct config *c, const struct flags *f, char *const environment[],
                        struct err *e)
{
    int r = set_file(c, f, environment, e);
    if (r == 0 && c->config_file)
        r = load_file(c, e);
    if (r == 0)
        r = environment_apply(environment, c, e);
    if (r == 0)
        r = cadvisor_apply(f, c, e);
    if (r == 0)
        r = flags_apply(f, c, e);
    if (r < 0)
        return r;
    config_tell_idle_groups(c);
    rootfs_apply(c, ROOTFS);
    return config_push_resolve(c, environment, e);
}

int config_load(int argc, char *const argv[], char *const environment[], struct err *e,
                struct config *ret)
{
    struct config c = {0};
    struct flags f = {0};
    int r = flags_read(argc, argv, e, &f);
    if (r < 0)
        return r;
    config_set_defaults(&c);
    c.command = f.command;
    if (f.command != COMMAND_VERSION && f.command != COMMAND_HELP)
        r = load_sources(&c, &f, environment, e);
    flags_done(&f);
    if (r < 0)
        config_done(&c);
    else
        *ret = c;
    return r;
}

int config_parse_yaml(const char *name, const char *yaml, size_t length, struct err *e,
                      struct config *ret)
{
    struct config c = {0};
    config_set_defaults(&c);
    char *nothing[] = {NULL};
    int r = config_yaml_apply(name, yaml, length, e, &c);
    if (r == 0)
        r = config_push_resolve(&c, nothing, e);
    if (r < 0)
        config_done(&c);
    else
        *ret = c;
    return r;
}
