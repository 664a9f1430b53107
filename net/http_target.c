/* What it knows: the forms a request target may have and how its path is decoded. Documents: RFC
 * 9112 section 3.2 (forms), RFC 3986 section 2.1 (percent-encoding). */
#include "net/http_target.h"

#include "base/text.h"

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

static size_t scheme_length(const char *target)
{
    if (strncasecmp(target, "http://", 7) == 0)
        return 7;
    return strncasecmp(target, "https://", 8) == 0 ? 8 : 0;
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
    if (scheme > 0 && strcspn(target + scheme, "/?") == 0)
        return "The request target names no host after its scheme.";
    if (scheme > 0)
        drop_authority(target, scheme);
    if (target[0] != '/')
        return "The request target must be a path that begins with '/'.";
    size_t path_length = strcspn(target, "?");
    *ret_query = path_length + (target[path_length] == '?' ? 1 : 0);
    target[path_length] = '\0';
    return decode_path(target);
}
