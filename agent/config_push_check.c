/* What it knows: what the texts of a destination may look like, and what to say instead. Documents:
 * RFC 3986 for URLs, RFC 9110 for header fields, the remote write specification for the headers
 * that are its own and for names of labels. */
#include "agent/config_push_table.h"

#include "agent/config_pairs.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

#define URL_MAX_BYTES  2048 /* what every server and proxy takes */
#define NAME_MAX_BYTES 128  /* it is a label's value, and the name of a directory */

struct push_url push_url_split(const char *url)
{
    struct push_url u = {.https = strncasecmp(url, "https://", 8) == 0};
    const char *authority = strstr(url, "://");
    authority = authority ? authority + 3 : url;
    size_t length = strcspn(authority, "/?#");
    u.host = authority;
    u.path = authority + length;
    const char *colon = NULL;
    for (size_t i = 0; i < length; i++) {
        if (authority[i] == ']')
            colon = NULL;
        else if (authority[i] == ':')
            colon = authority + i;
    }
    u.host_length = colon ? (size_t)(colon - authority) : length;
    if (colon && colon + 1 < u.path) {
        u.port = colon + 1;
        u.port_length = (size_t)(u.path - u.port);
    }
    return u;
}

/* What libcurl would not take, or take for something else. */
static bool has_stray(const char *value)
{
    for (const char *c = value; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~' || strchr("\"<>\\^`{|}", *c))
            return true;
    return false;
}

static const char *check_authority(const char *value)
{
    const struct push_url u = push_url_split(value);
    const bool bracket = u.host_length > 0 && u.host[0] == '[';
    uint64_t port = 0;
    if (memchr(u.host, '@', (size_t)(u.path - u.host)))
        return "has a user or a password in it: write username and password-file of basic-auth in "
               "the file";
    if (u.host_length == 0)
        return "names no host";
    if (!bracket && memchr(u.host, ':', u.host_length))
        return "has an IPv6 address without brackets";
    if (bracket && (u.host_length < 3 || u.host[u.host_length - 1] != ']'))
        return "has a [ without an address and a ]";
    if (u.port && (text_parse_u64(u.port, u.port_length, &port) < 0 || port == 0 || port > 65535))
        return "has a port that is none: write a number from 1 to 65535";
    return strchr(value, '#') ? "has a # in it, which is never sent" : NULL;
}

const char *check_push_url(const char *value)
{
    if (strlen(value) > URL_MAX_BYTES)
        return "is longer than 2048 bytes";
    if (strncasecmp(value, "http://", 7) != 0 && strncasecmp(value, "https://", 8) != 0)
        return "does not begin with http:// or https://";
    if (has_stray(value))
        return "has a character in it that must be written as %XX";
    return check_authority(value);
}

const char *check_push_proxy(const char *value)
{
    static const char *const schemes[] = {"http://", "https://", "socks5://", "socks5h://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strncasecmp(value, schemes[i], strlen(schemes[i])) != 0)
            continue;
        const char *authority = value + strlen(schemes[i]);
        if (strchr(authority, '@'))
            return "has a user or a password in it, which weir sends to no proxy";
        if (has_stray(value))
            return "has a character in it that must be written as %XX";
        return check_authority(value);
    }
    return "does not begin with a scheme that is known here";
}

const char *check_push_name(const char *value)
{
    if (strlen(value) > NAME_MAX_BYTES)
        return "is longer than 128 bytes";
    return text_equal(value, ".") || text_equal(value, "..") ? "can name no directory" : NULL;
}

const char *check_push_secret(const char *value)
{
    if (value[0] == '/')
        return NULL;
    if (text_equal(value, ".") || text_equal(value, ".."))
        return "names no file";
    return strchr(value, '/') ? "is neither an absolute path nor a name without /" : NULL;
}

const char *check_push_username(const char *value)
{
    return strchr(value, ':') ? "has a : in it, which ends a name there" : NULL;
}

/* RFC 9110 section 5.6.2. */
static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

const char *check_push_header_name(const char *value)
{
    static const char *const reserved[] = {
        "Accept-Encoding",
        "Connection",
        "Content-Encoding",
        "Content-Length",
        "Content-Type",
        "Expect",
        "Host",
        "Proxy-Authorization",
        "Retry-Attempt",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "User-Agent",
        "X-Prometheus-Remote-Write-Version",
    };
    for (const char *c = value; *c != '\0'; c++)
        if (!is_token_char(*c))
            return "has a character in it that no header's name may have";
    if (strlen(value) > PAIR_NAME_MAX)
        return "is longer than 128 bytes";
    if (strcasecmp(value, "Authorization") == 0)
        return "would show a secret: name a file with bearer-token-file or basic-auth";
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcasecmp(value, reserved[i]) == 0)
            return "is a header that weir sets itself";
    return NULL;
}

const char *check_push_header_value(const char *value)
{
    size_t length = strlen(value);
    if (length == 0)
        return "is empty";
    if (value[0] == ' ' || value[length - 1] == ' ')
        return "has a blank at its begin or end";
    return NULL;
}

const char *check_push_label_name(const char *value)
{
    if (strlen(value) > PAIR_NAME_MAX)
        return "is longer than 128 bytes";
    return text_starts_with(value, "__") ? "begins with __, which is reserved" : NULL;
}

const char *check_push_label(const char *value)
{
    const char *equals = strchr(value, '=');
    if (!equals)
        return "has no = between name and value";
    if (equals == value)
        return "has no name before the =";
    if (equals - value > PAIR_NAME_MAX)
        return "has a name longer than 128 bytes";
    return text_starts_with(value, "__") ? "begins with __, which is reserved" : NULL;
}
