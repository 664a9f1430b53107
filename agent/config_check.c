/* What it knows: what the texts of single options may look like, and what to say instead.
 * Documents: docs/ARCHITECTURE.md for tiers; Docker's DOCKER_HOST for the schemes of engines. */
#include "agent/config_check.h"

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

const char *check_url_path(const char *value)
{
    if (value[0] != '/')
        return "does not begin with /";
    return strpbrk(value, "?# ") ? "has a ?, a # or a blank in it" : NULL;
}

const char *check_tier(const char *value)
{
    static const char *const tiers[] = {"engine", "cgroup", "simulated"};
    for (size_t i = 0; i < sizeof tiers / sizeof tiers[0]; i++)
        if (text_equal(value, tiers[i]))
            return NULL;
    return "is not a tier";
}

/* Schemes, and why one is refused; NULL: it is spoken. */
static const struct {
    const char *prefix;
    const char *problem;
} host_schemes[] = {
    {"unix://", NULL},
    {"tcp://", NULL},
    {"http://", NULL},
    {"https://", NULL},
    {"ssh://", "is not spoken: forward the engine's socket with ssh -L and name the local end with "
               "unix://"},
    {"npipe://", "is a pipe of Windows: name the engine's socket with unix:// or its address with "
                 "tcp://"},
    {"/", "is a bare path: put unix:// in front of it"},
};

const char *check_engine_host(const char *value)
{
    for (size_t i = 0; i < sizeof host_schemes / sizeof host_schemes[0]; i++) {
        if (!text_starts_with(value, host_schemes[i].prefix))
            continue;
        if (host_schemes[i].problem)
            return host_schemes[i].problem;
        const char *rest = value + strlen(host_schemes[i].prefix);
        if (i == 0)
            return rest[0] == '/' && rest[1] != '\0' ? NULL : "has no absolute path after unix://";
        return rest[0] == '\0' || rest[0] == '/' || rest[0] == ':' ? "names no host" : NULL;
    }
    return "has no scheme that is known here";
}

const char *check_absolute_path(const char *value)
{
    return value[0] == '/' ? NULL : "is not an absolute path";
}

const char *check_match(const char *value)
{
    static const char label[] = "label.";
    const char *equals = strchr(value, '=');
    if (!equals)
        return "has no = between field and glob";
    size_t length = (size_t)(equals - value);
    if (length == 4 && memcmp(value, "name", 4) == 0)
        return equals[1] == '\0' ? "has no glob after the =" : NULL;
    if (length == 5 && memcmp(value, "image", 5) == 0)
        return equals[1] == '\0' ? "has no glob after the =" : NULL;
    /* A label's value may well be empty, so an empty glob means something here. */
    if (text_starts_with(value, label))
        return length > sizeof label - 1 ? NULL : "has no key after label.";
    return "does not begin with a field that is known here";
}
