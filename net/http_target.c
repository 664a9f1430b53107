/* What it knows: the forms a request target may have, what a host is, and how paths and queries are
 * decoded. Documents: RFC 9112 section 3.2 (forms), RFC 3986 sections 2.1 (percent-encoding) and
 * 3.2.2 (host), the URL standard's application/x-www-form-urlencoded (queries). */
#include "net/http_target.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* The byte that "%xx" at `escape` stands for; 0, which no path may contain, for a broken one too.
 */
static char decode_escape(const char *escape)
{
    int high = text_hex_digit(escape[1]);
    int low = high < 0 ? -1 : text_hex_digit(escape[2]);
    return low < 0 ? '\0' : (char)(uint8_t)(high * 16 + low);
}

static const char *decode_path(char *path)
{
    char *out = path;
    for (const char *in = path; *in != '\0'; in++, out++) {
        *out = *in;
        if (*in != '%')
            continue;
        *out = decode_escape(in);
        if (*out == '\0')
            return "The path has an invalid percent escape or an encoded NUL.";
        in += 2;
    }
    *out = '\0';
    return NULL;
}

static bool is_name_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("-._~!$&'()*+;=", c));
}

/* How many bytes of it are a name or an IPv4 address. */
static size_t name_length(const char *host, size_t length)
{
    size_t i = 0;
    while (i < length) {
        if (host[i] == '%' && length - i > 2 && text_hex_digit(host[i + 1]) >= 0 &&
            text_hex_digit(host[i + 2]) >= 0)
            i += 3;
        else if (is_name_char(host[i]))
            i++;
        else
            break;
    }
    return i;
}

/* As name_length for an IPv6 address with its brackets; 0 for anything else. No other kind of
 * address is defined for brackets. */
static size_t bracketed_length(const char *host, size_t length)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    const char *end = memchr(host, ']', length);
    size_t inside = end ? (size_t)(end - host) - 1 : 0;
    if (inside == 0 || inside >= sizeof text)
        return 0;
    memcpy(text, host + 1, inside);
    text[inside] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1 ? inside + 2 : 0;
}

bool http_target_is_host(const char *host, size_t length)
{
    bool bracket = length > 0 && host[0] == '[';
    size_t at = bracket ? bracketed_length(host, length) : name_length(host, length);
    if (bracket && at == 0)
        return false;
    if (at < length && host[at] == ':')
        for (at++; at < length && host[at] >= '0' && host[at] <= '9';)
            at++;
    return at == length;
}

static size_t scheme_length(const char *target)
{
    if (strncasecmp(target, "http://", 7) == 0)
        return 7;
    return strncasecmp(target, "https://", 8) == 0 ? 8 : 0;
}

/* Is there a host after the scheme? No user before it: a link may use that to look like another. */
static bool has_authority(const char *after_scheme)
{
    size_t length = strcspn(after_scheme, "/?");
    return length > 0 && after_scheme[0] != ':' && http_target_is_host(after_scheme, length);
}

/* Puts the path of an absolute target where the target begins; an empty one becomes "/". */
static void drop_authority(char *target, size_t scheme)
{
    size_t authority = scheme + strcspn(target + scheme, "/?");
    size_t rest = strlen(target + authority);
    size_t slash = target[authority] == '/' ? 0 : 1;
    target[0] = '/';
    memmove(target + slash, target + authority, rest + 1);
}

const char *http_target_split(char *target, size_t *ret_query)
{
    size_t scheme = scheme_length(target);
    for (const char *c = target; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~' || *c == '#')
            return "The request target has a character that must be percent-encoded.";
    if (scheme > 0 && !has_authority(target + scheme))
        return "The request target names no host with an optional port after its scheme.";
    if (scheme > 0)
        drop_authority(target, scheme);
    if (target[0] != '/')
        return "The request target must be a path that begins with '/'.";
    size_t path_length = strcspn(target, "?");
    *ret_query = path_length + (target[path_length] == '?' ? 1 : 0);
    target[path_length] = '\0';
    return decode_path(target);
}

/* Decodes the next byte of a piece; false for one that may not be there. */
static bool decode_next(const char **in, const char *end, char *ret)
{
    char c = *(*in)++;
    if (c == '%') {
        c = end - *in < 2 ? '\0' : decode_escape(*in - 1);
        if (c == '\0')
            return false;
        *in += 2;
    } else if (c == '+') {
        c = ' ';
    }
    *ret = c;
    return true;
}

/* Decodes all of it into `out` of `size` bytes; false where it is bad. */
static bool decode(const char *in, const char *end, char *out, size_t size)
{
    size_t length = 0;
    char c = '\0';
    bool good = true;
    while (good && in < end) {
        good = decode_next(&in, end, &c) && length < size - 1;
        if (good)
            out[length++] = c;
    }
    out[length] = '\0';
    return good;
}

bool http_query_next(const char **query, struct http_parameter *ret)
{
    const char *piece = *query + strspn(*query, "&");
    const char *end = piece + strcspn(piece, "&");
    *query = end;
    if (piece == end)
        return false;
    const char *equals = memchr(piece, '=', (size_t)(end - piece));
    bool good = decode(piece, equals ? equals : end, ret->name, sizeof ret->name);
    if (!equals || !good)
        ret->value[0] = '\0';
    else
        good = decode(equals + 1, end, ret->value, sizeof ret->value);
    ret->bad = !good;
    return true;
}
