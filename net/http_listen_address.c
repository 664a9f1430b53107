/* What it knows: the forms of a listen address and what to say of one that has none of them.
 * Documents: RFC 3986 section 3.2.2 (brackets), RFC 4007 section 11 (zones), unix(7) (sun_path). */
#include "net/http_listen_address.h"

#include "net/http_listen.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#define PORT_MAX     65535
#define MODE_DIGITS  4 /* 0660 and 660 are usual */
#define UNIX_PREFIX  "unix:"
#define MODE_PREFIX  "mode="
#define GROUP_PREFIX "group="

/* Hosts: letters, digits, hyphens and dots (RFC 1123 section 2.1); underscores are met in names of
 * containers. */
static bool is_host_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '.' || c == '_';
}

static const char *check_six(const char *host)
{
    char address[INET6_ADDRSTRLEN] = "";
    struct in6_addr parsed;
    size_t length = strcspn(host, "%");
    const char *zone = host[length] == '%' ? host + length + 1 : NULL;
    if (length >= sizeof address)
        return "has no IPv6 address in its brackets";
    memcpy(address, host, length);
    if (inet_pton(AF_INET6, address, &parsed) != 1)
        return "has no IPv6 address in its brackets";
    if (zone && (zone[0] == '\0' || strlen(zone) >= IF_NAMESIZE))
        return "has no name of an interface after %";
    if (!zone && IN6_IS_ADDR_LINKLOCAL(&parsed))
        return "is a link-local address without its interface, as in [fe80::1%eth0]:10142";
    return NULL;
}

static const char *parse_six(const char *text, size_t length, struct http_listen_address *a)
{
    if (length < 3 || text[length - 1] != ']')
        return "has no ] before the port";
    memcpy(a->host, text + 1, length - 2);
    a->is_six = true;
    return check_six(a->host);
}

static const char *parse_host(const char *text, size_t length, struct http_listen_address *a)
{
    if (length > HTTP_LISTEN_HOST_MAX)
        return "has a host of more than 255 bytes";
    if (text[0] == '[')
        return parse_six(text, length, a);
    if (memchr(text, ':', length))
        return "is an IPv6 address without its brackets";
    for (size_t i = 0; i < length; i++)
        if (!is_host_char(text[i]))
            return "has a character that no host name has";
    memcpy(a->host, text, length);
    return NULL;
}

static const char *parse_internet(const char *text, struct http_listen_address *a)
{
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    if (!colon)
        return "has no port";
    if (text_parse_u64(colon + 1, strlen(colon + 1), &port) < 0 || port > PORT_MAX)
        return "does not end with a port from 0 to 65535";
    a->port = (uint16_t)port;
    return parse_host(text, (size_t)(colon - text), a);
}

static const char *parse_mode(const char *text, size_t length, struct http_listen_address *a)
{
    static const char wrong[] = "has a mode that is no octal number from 0000 to 0777";
    mode_t mode = 0;
    if (length == 0 || length > MODE_DIGITS)
        return wrong;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '7')
            return wrong;
        mode = mode * 8 + (mode_t)(text[i] - '0');
    }
    a->mode = mode;
    return mode <= 0777 ? NULL : wrong;
}

static const char *parse_group(const char *text, size_t length, struct http_listen_address *a)
{
    if (length == 0)
        return "has an empty name of a group";
    if (length > HTTP_LISTEN_GROUP_MAX)
        return "has a group of more than 255 bytes";
    memcpy(a->group, text, length);
    return NULL;
}

/* What follows '?', e.g. "mode=0660&group=adm". */
static const char *parse_options(const char *text, struct http_listen_address *a)
{
    bool has_mode = false;
    const char *wrong = NULL;
    for (const char *at = text; at && !wrong;) {
        const char *end = strchrnul(at, '&');
        bool is_mode = text_starts_with(at, MODE_PREFIX);
        bool is_group = text_starts_with(at, GROUP_PREFIX);
        const char *value = strchrnul(at, '=') + (is_mode || is_group);
        if (!is_mode && !is_group)
            wrong = "has an option that is neither mode=0660 nor group=NAME";
        else if (is_mode ? has_mode : a->group[0] != '\0')
            wrong = "has an option twice";
        else if (is_mode)
            wrong = parse_mode(value, (size_t)(end - value), a);
        else
            wrong = parse_group(value, (size_t)(end - value), a);
        has_mode |= is_mode;
        at = *end == '&' ? end + 1 : NULL;
    }
    return wrong;
}

static const char *parse_unix(const char *path, struct http_listen_address *a)
{
    const char *end = strchrnul(path, '?');
    size_t length = (size_t)(end - path);
    if (path[0] != '/')
        return "has no absolute path after unix:";
    if (end[-1] == '/')
        return "has a path that ends with / and so is no file's";
    if (length > HTTP_LISTEN_PATH_MAX)
        return "has a path of more than 107 bytes, which no socket can have";
    memcpy(a->path, path, length);
    a->mode = HTTP_LISTEN_MODE;
    return *end == '?' ? parse_options(end + 1, a) : NULL;
}

const char *http_listen_parse(const char *text, struct http_listen_address *ret)
{
    struct http_listen_address a = {0};
    const char *wrong = text_starts_with(text, UNIX_PREFIX)
                            ? parse_unix(text + strlen(UNIX_PREFIX), &a)
                            : parse_internet(text, &a);
    if (!wrong)
        *ret = a;
    return wrong;
}

const char *http_listen_check(const char *address)
{
    struct http_listen_address ignored;
    return http_listen_parse(address, &ignored);
}
