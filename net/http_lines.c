/* What it knows: which bytes may stand where in the request line and in field lines. What llhttp
 * reads more generously (empty lines that end in LF alone, several spaces, a missing version,
 * another protocol's name) is refused here, and so is whatever a proxy in front may have read in
 * another way. Documents: RFC 9112 sections 2.2, 3 and 5, RFC 9110 sections 5.5, 5.6.2 and 9. */
#include "net/http_lines.h"

#include "base/text.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define TLS_HANDSHAKE 0x16 /* first byte of a TLS connection, RFC 8446 section 5.1 */

static const char BARE_LF[] = "A line of the request ends in LF alone, not in CR LF.";
static const char BARE_CR[] = "The request has a CR that no LF follows.";

void http_lines_init(struct http_lines *l, size_t max_target_bytes)
{
    *l = (struct http_lines){.max_target_bytes = max_target_bytes};
}

void http_lines_start_trailers(struct http_lines *l)
{
    assert(l->state == HTTP_LINES_DONE);
    l->state = HTTP_LINES_START;
}

/* These return whether the byte is good. */

static bool refuse(struct http_lines *l, int status, const char *sentence)
{
    l->status = status;
    l->sentence = sentence;
    return false;
}

static bool go(struct http_lines *l, enum http_lines_state state)
{
    l->state = state;
    l->count = 0;
    return true;
}

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool end_method(struct http_lines *l)
{
    static const char *const served[] = {"GET", "HEAD", "POST", "PUT"};
    l->word[l->count <= HTTP_METHOD_MAX ? l->count : 0] = '\0';
    for (size_t i = 0; i < sizeof served / sizeof served[0]; i++)
        if (text_equal(l->word, served[i]))
            l->method = served[i];
    if (!l->method)
        return refuse(l, 405, "Only GET and HEAD are allowed.");
    return go(l, HTTP_LINES_TARGET);
}

static bool in_method(struct http_lines *l, char c)
{
    if (c == ' ' && l->count > 0)
        return end_method(l);
    if (!is_token_char(c))
        return refuse(l, 400, "The request does not begin with a method and a space.");
    if (l->count < HTTP_METHOD_MAX)
        l->word[l->count] = c;
    l->count++;
    return true;
}

static bool before(struct http_lines *l, char c)
{
    if (c == '\r')
        return go(l, HTTP_LINES_BEFORE_LF);
    if (c == '\n')
        return refuse(l, 400, BARE_LF);
    if (c == TLS_HANDSHAKE)
        return refuse(l, 400, "This port speaks plain HTTP, not TLS: use http:// in the address.");
    go(l, HTTP_LINES_METHOD);
    return in_method(l, c);
}

static bool in_target(struct http_lines *l, char c)
{
    if (c == ' ' && l->count > 0)
        return go(l, HTTP_LINES_VERSION);
    if (c == ' ')
        return refuse(l, 400, "More than one space stands between method and target.");
    if (c == '\r' || c == '\n')
        return refuse(l, 400, "The request line names no HTTP version after the target.");
    if (c < ' ' || c > '~')
        return refuse(l, 400, "The request target has a character that must be percent-encoded.");
    if (l->count == l->max_target_bytes)
        return refuse(l, 414, "The request target is longer than this server accepts.");
    l->count++;
    return true;
}

/* Both digits are there. */
static bool check_version(struct http_lines *l)
{
    if (l->major == 1 && l->minor <= 1)
        return true;
    return refuse(l, 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
}

static bool in_version(struct http_lines *l, char c)
{
    static const char form[] = "HTTP/D.D\r"; /* D: a digit */
    char due = form[l->count];
    bool digit = due == 'D' && c >= '0' && c <= '9';
    if (c != due && !digit)
        return refuse(l, 400, "The request line does not end in a space, HTTP/1.1 and CR LF.");
    l->count++;
    if (due == '\r')
        return go(l, HTTP_LINES_LF);
    if (!digit)
        return true;
    l->major = l->minor;
    l->minor = (uint8_t)(c - '0');
    return form[l->count] == '\r' ? check_version(l) : true;
}

static bool in_name(struct http_lines *l, char c)
{
    if (c == ':')
        return go(l, HTTP_LINES_VALUE);
    if (is_token_char(c))
        return true;
    if (c == ' ' || c == '\t')
        return refuse(l, 400, "White space stands before the colon of a header.");
    return refuse(l, 400, "A header's name has a character that is not allowed there.");
}

static bool at_start(struct http_lines *l, char c)
{
    if (c == '\r')
        return go(l, HTTP_LINES_LAST_LF);
    if (c == '\n')
        return refuse(l, 400, BARE_LF);
    if (c == ' ' || c == '\t')
        return refuse(l, 400, "A header line begins with white space.");
    if (c == ':')
        return refuse(l, 400, "A header has no name before its colon.");
    go(l, HTTP_LINES_NAME);
    return in_name(l, c);
}

static bool in_value(struct http_lines *l, char c)
{
    if (c == '\r')
        return go(l, HTTP_LINES_LF);
    if (c == '\n')
        return refuse(l, 400, BARE_LF);
    if (((unsigned char)c < ' ' && c != '\t') || c == 0x7f)
        return refuse(l, 400, "A header's value has a control character.");
    return true;
}

static bool at_lf(struct http_lines *l, char c, enum http_lines_state next)
{
    return c == '\n' ? go(l, next) : refuse(l, 400, BARE_CR);
}

static bool step(struct http_lines *l, char c)
{
    switch (l->state) {
    case HTTP_LINES_BEFORE:
        return before(l, c);
    case HTTP_LINES_BEFORE_LF:
        return at_lf(l, c, HTTP_LINES_BEFORE);
    case HTTP_LINES_METHOD:
        return in_method(l, c);
    case HTTP_LINES_TARGET:
        return in_target(l, c);
    case HTTP_LINES_VERSION:
        return in_version(l, c);
    case HTTP_LINES_START:
        return at_start(l, c);
    case HTTP_LINES_NAME:
        return in_name(l, c);
    case HTTP_LINES_VALUE:
        return in_value(l, c);
    case HTTP_LINES_LF:
        return at_lf(l, c, HTTP_LINES_START);
    case HTTP_LINES_LAST_LF:
        return at_lf(l, c, HTTP_LINES_DONE);
    case HTTP_LINES_DONE:
        break;
    }
    assert(false);
    return false;
}

size_t http_lines_scan(struct http_lines *l, const char *bytes, size_t length)
{
    bool named = l->method != NULL;
    size_t i = 0;
    while (i < length && l->state != HTTP_LINES_DONE && named == (l->method != NULL) &&
           step(l, bytes[i]))
        i++;
    return i;
}
