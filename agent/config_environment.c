/* What it knows: the variables that begin with WEIR_. An unknown one is a mistake, not noise: a
 * misspelt setting must not pass silently. */
#include "agent/config_environment.h"

#include "agent/config_text.h"
#include "agent/config_value.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The value in a NAME=value entry when it is `name`'s, else NULL. */
static const char *entry_value(const char *entry, const char *name)
{
    size_t length = strlen(name);
    return strncmp(entry, name, length) == 0 && entry[length] == '=' ? entry + length + 1 : NULL;
}

const char *environment_find(char *const environment[], const struct option *o)
{
    char variable[OPTION_NAME_MAX];
    option_variable(o, variable);
    for (size_t i = 0; environment[i]; i++) {
        const char *value = entry_value(environment[i], variable);
        if (value) /* the first one counts, as for getenv(3) */
            return *value != '\0' ? value : NULL;
    }
    return NULL;
}

/* Kubernetes gives every pod variables about the services of its namespace; one called weir makes
 * WEIR_SERVICE_HOST, WEIR_PORT_80_TCP_ADDR and so on. They are nobody's mistake and mean nothing
 * here; no option may be named like them. */
static bool is_service_link(const char *name)
{
    size_t length = strlen(name);
    return strstr(name, "_SERVICE_HOST") || strstr(name, "_SERVICE_PORT") ||
           strstr(name, "_PORT_") || (length > 5 && text_equal(name + length - 5, "_PORT"));
}

static int refuse_variable(const char *name, struct err *e)
{
    char variables[OPTION_MAX][OPTION_NAME_MAX];
    struct nearest near = {.given = name};
    for (size_t i = 0; i < config_option_count; i++) {
        option_variable(&config_options[i], variables[i]);
        nearest_offer(&near, variables[i], variables[i]);
    }
    return err_set(e, -EINVAL, "unknown variable %s in the environment%s; weir --help lists all",
                   text_show(name).text, nearest_hint(&near, "").text);
}

static bool is_known(const char *entry)
{
    for (size_t i = 0; i < config_option_count; i++) {
        char variable[OPTION_NAME_MAX];
        option_variable(&config_options[i], variable);
        if (entry_value(entry, variable))
            return true;
    }
    return false;
}

static int check_names(char *const environment[], struct err *e)
{
    for (size_t i = 0; environment[i]; i++) {
        if (!text_starts_with(environment[i], "WEIR_") || is_known(environment[i]))
            continue;
        char *name = alloc_copy(environment[i], strcspn(environment[i], "="));
        int r = is_service_link(name) ? 0 : refuse_variable(name, e);
        free(name);
        if (r < 0)
            return r;
    }
    return 0;
}

int environment_apply(char *const environment[], struct config *c, struct err *e)
{
    int r = check_names(environment, e);
    for (size_t i = 0; r == 0 && i < config_option_count; i++) {
        const struct option *o = &config_options[i];
        const char *value = environment_find(environment, o);
        char variable[OPTION_NAME_MAX];
        option_variable(o, variable);
        if (value)
            r = config_set(c, o, variable, value, e);
    }
    return r;
}
