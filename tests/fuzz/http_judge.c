/* What it knows: the grammar of one request, written down again from RFC 9112 (messages), RFC 9110
 * (fields, host, expectations) and RFC 3986 (URIs). Where the RFCs let a recipient choose, it takes
 * the strict side, as the server must:
 * - a lone LF never ends a line and a bare CR is never white space (RFC 9112 section 2.2);
 * - the request line has single spaces (section 3);
 * - several Content-Length values are refused also when they are equal (section 6.3, item 5), and
 * so is Content-Length beside Transfer-Encoding (section 6.1);
 * - a transfer coding other than one "chunked" is refused: what it leaves to the connection cannot
 *   be known (sections 6.1 and 7), nor may list elements be empty around it;
 * - http and https are the only schemes, and they have a host and no user (RFC 9110 section 4.2).
 * And on the generous side: any visible ASCII character but '#' may stand in path and query, since
 * browsers leave some of them as they are (URL standard, percent-encode sets); they move no
 * boundary. A target that only other methods than those served may have is not looked into. */
#include "http_judge_host.h"

#include <string.h>

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

/* What the field lines of a head say of its body, and how often. */
struct fields {
    struct judge_result *result;
    size_t hosts;
    size_t lengths;
    size_t codings;
    bool close;
    bool keep_alive;
    bool trailers; /* they follow a body */
};

/* RFC 9110 section 5.6.2. */
static bool is_tchar(uint8_t c)
{
    return is_digit(c) || is_alpha(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool equals(struct judge_span s, const char *lower)
{
    size_t i = 0;
    for (; i < s.length && lower[i] != '\0'; i++) {
        uint8_t c = s.at[i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != lower[i])
            return false;
    }
    return i == s.length && lower[i] == '\0';
}

static struct judge_span trimmed(struct judge_span s)
{
    while (s.length > 0 && is_blank(s.at[0])) {
        s.at++;
        s.length--;
    }
    while (s.length > 0 && is_blank(s.at[s.length - 1]))
        s.length--;
    return s;
}

/* Takes the longest run of bytes that are `good`. */
static struct judge_span take_while(struct cursor *c, bool (*good)(uint8_t))
{
    struct judge_span s = {c->at, 0};
    while (c->at < c->end && good(*c->at))
        c->at++;
    s.length = (size_t)(c->at - s.at);
    return s;
}

static enum judge_verdict take_text(struct cursor *c, const char *text)
{
    for (; *text != '\0'; text++, c->at++) {
        if (c->at == c->end)
            return JUDGE_INCOMPLETE;
        if (*c->at != (uint8_t)*text)
            return JUDGE_INVALID;
    }
    return JUDGE_VALID;
}

static bool take_host(struct judge_span s, bool may_be_empty, struct judge_result *r)
{
    r->comma_in_host |= s.length > 0 && memchr(s.at, ',', s.length);
    return judge_is_host(s, may_be_empty);
}

/* The request line: RFC 9112 section 3. */

static bool is_target_byte(uint8_t c)
{
    return c > 0x20 && c < 0x7f;
}

static bool escapes_are_whole(struct judge_span s)
{
    for (size_t i = 0; i < s.length; i++)
        if (s.at[i] == '%' &&
            (i + 2 >= s.length || hex_value(s.at[i + 1]) < 0 || hex_value(s.at[i + 2]) < 0))
            return false;
    return true;
}

/* absolute-path [ "?" query ], or with `absolute` path-abempty [ "?" query ]. */
static bool split_path(struct judge_span s, bool absolute, struct judge_result *r)
{
    const uint8_t *mark = s.length > 0 ? memchr(s.at, '?', s.length) : NULL;
    r->path = (struct judge_span){s.at, mark ? (size_t)(mark - s.at) : s.length};
    r->query = (struct judge_span){mark ? mark + 1 : s.at + s.length, 0};
    r->query.length = (size_t)(s.at + s.length - r->query.at);
    bool empty = r->path.length == 0;
    if (empty ? !absolute : r->path.at[0] != '/')
        return false;
    return escapes_are_whole(r->path) && (s.length == 0 || !memchr(s.at, '#', s.length));
}

static bool split_target(struct judge_result *r)
{
    struct judge_span t = r->target;
    size_t scheme = 0;
    if (t.at[0] == '/')
        return split_path(t, false, r);
    if (t.length >= 7 && equals((struct judge_span){t.at, 7}, "http://"))
        scheme = 7;
    if (t.length >= 8 && equals((struct judge_span){t.at, 8}, "https://"))
        scheme = 8;
    if (scheme == 0)
        return false;
    size_t authority = scheme;
    while (authority < t.length && t.at[authority] != '/' && t.at[authority] != '?' &&
           t.at[authority] != '#')
        authority++;
    if (!take_host((struct judge_span){t.at + scheme, authority - scheme}, false, r))
        return false;
    return split_path((struct judge_span){t.at + authority, t.length - authority}, true, r);
}

static bool is_one_of_four(struct judge_span method)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (method.length == strlen(names[i]) && memcmp(method.at, names[i], method.length) == 0)
            return true;
    return false;
}

static enum judge_verdict take_version(struct cursor *c, struct judge_result *r)
{
    enum judge_verdict v = take_text(c, "HTTP/1.");
    if (v != JUDGE_VALID)
        return v;
    if (c->at == c->end)
        return JUDGE_INCOMPLETE;
    if (!is_digit(*c->at))
        return JUDGE_INVALID;
    r->minor = *c->at++ - '0';
    return take_text(c, "\r\n");
}

static enum judge_verdict take_request_line(struct cursor *c, struct judge_result *r)
{
    r->method = take_while(c, is_tchar);
    if (c->at == c->end)
        return JUDGE_INCOMPLETE;
    if (r->method.length == 0 || *c->at++ != ' ')
        return JUDGE_INVALID;
    r->target = take_while(c, is_target_byte);
    if (c->at == c->end)
        return JUDGE_INCOMPLETE;
    if (r->target.length == 0 || *c->at++ != ' ')
        return JUDGE_INVALID;
    if (is_one_of_four(r->method) && !split_target(r))
        return JUDGE_INVALID;
    return take_version(c, r);
}

/* Fields: RFC 9112 section 5. */

static bool is_value_byte(uint8_t c)
{
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

/* 1*DIGIT; a number past 64 bits stays at the largest, which no message here has. */
static bool judge_length(struct judge_span value, struct judge_result *r)
{
    uint64_t length = 0;
    if (value.length == 0)
        return false;
    for (size_t i = 0; i < value.length; i++) {
        unsigned digit = (unsigned)(value.at[i] - '0');
        if (!is_digit(value.at[i]))
            return false;
        length = length > (UINT64_MAX - digit) / 10 ? UINT64_MAX : length * 10 + digit;
    }
    r->body = length;
    if (length > 0)
        r->framing = JUDGE_BY_LENGTH;
    return true;
}

static void judge_connection(struct judge_span value, struct fields *f)
{
    while (value.length > 0) {
        const uint8_t *comma = memchr(value.at, ',', value.length);
        size_t length = comma ? (size_t)(comma - value.at) : value.length;
        struct judge_span option = trimmed((struct judge_span){value.at, length});
        f->close |= equals(option, "close");
        f->keep_alive |= equals(option, "keep-alive");
        value.at += length + (comma ? 1 : 0);
        value.length -= length + (comma ? 1 : 0);
    }
}

static bool judge_framing_field(struct judge_span name, struct judge_span raw, struct fields *f)
{
    struct judge_result *r = f->result;
    struct judge_span value = trimmed(raw);
    if (f->trailers) /* RFC 9110 section 6.5.1 */
        return false;
    const uint8_t *after = value.at + value.length;
    r->tab_after_framing |= memchr(after, '\t', (size_t)(raw.at + raw.length - after)) != NULL;
    if (equals(name, "content-length"))
        return ++f->lengths == 1 && judge_length(value, r);
    r->framing = JUDGE_CHUNKED;
    return ++f->codings == 1 && equals(value, "chunked");
}

static bool judge_field(struct judge_span name, struct judge_span raw, struct fields *f)
{
    struct judge_span value = trimmed(raw);
    if (equals(name, "content-length") || equals(name, "transfer-encoding"))
        return judge_framing_field(name, raw, f);
    if (f->trailers)
        return true;
    if (equals(name, "host"))
        return ++f->hosts == 1 && take_host(value, true, f->result);
    if (equals(name, "connection"))
        judge_connection(value, f);
    if (equals(name, "expect") && equals(value, "100-continue"))
        f->result->continues = true;
    else if (equals(name, "expect") && value.length > 0)
        f->result->demands = true;
    return true;
}

/* *( field-line CRLF ) CRLF */
static enum judge_verdict take_fields(struct cursor *c, struct fields *f)
{
    for (;;) {
        if (c->at < c->end && *c->at == '\r')
            return take_text(c, "\r\n");
        struct judge_span name = take_while(c, is_tchar);
        if (c->at == c->end)
            return JUDGE_INCOMPLETE;
        if (name.length == 0 || *c->at++ != ':')
            return JUDGE_INVALID;
        struct judge_span raw = take_while(c, is_value_byte);
        enum judge_verdict v = take_text(c, "\r\n");
        if (v != JUDGE_VALID)
            return v;
        if (!judge_field(name, raw, f))
            return JUDGE_INVALID;
    }
}

/* What only all fields of the head tell together. */
static bool judge_head(struct fields *f)
{
    struct judge_result *r = f->result;
    if (r->minor >= 1 && f->hosts == 0) /* RFC 9112 section 3.2 */
        return false;
    if (f->codings > 0 && (f->lengths > 0 || r->minor == 0)) /* section 6.1 */
        return false;
    r->persistent = !f->close && (r->minor >= 1 || f->keep_alive); /* section 9.3 */
    return true;
}

/* Chunks: RFC 9112 section 7.1. */

/* BWS, which a recipient may meet and a sender must not send (RFC 9110 section 5.6.3). */
static void take_bad_space(struct cursor *c, struct judge_result *r)
{
    r->space_in_extension |= take_while(c, is_blank).length > 0;
}

/* RFC 9110 section 5.6.4; the cursor is at the quote. */
static enum judge_verdict take_quoted(struct cursor *c)
{
    for (c->at++; c->at < c->end; c->at++) {
        if (*c->at == '"') {
            c->at++;
            return JUDGE_VALID;
        }
        if (*c->at == '\\' && ++c->at == c->end)
            break;
        if (!is_value_byte(*c->at))
            return JUDGE_INVALID;
    }
    return JUDGE_INCOMPLETE;
}

static enum judge_verdict take_extension_value(struct cursor *c)
{
    if (c->at == c->end)
        return JUDGE_INCOMPLETE;
    if (*c->at == '"')
        return take_quoted(c);
    return take_while(c, is_tchar).length > 0 ? JUDGE_VALID : JUDGE_INVALID;
}

/* *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ) CRLF */
static enum judge_verdict take_extensions(struct cursor *c, struct judge_result *r)
{
    for (;;) {
        if (c->at < c->end && *c->at == '\r')
            return take_text(c, "\r\n");
        take_bad_space(c, r);
        enum judge_verdict v = take_text(c, ";");
        if (v != JUDGE_VALID)
            return v;
        take_bad_space(c, r);
        bool named = take_while(c, is_tchar).length > 0;
        if (c->at == c->end)
            return JUDGE_INCOMPLETE;
        if (!named)
            return JUDGE_INVALID;
        struct cursor ahead = *c;
        take_bad_space(&ahead, r);
        if (ahead.at == ahead.end)
            return JUDGE_INCOMPLETE;
        if (*ahead.at != '=')
            continue;
        ahead.at++;
        *c = ahead;
        take_bad_space(c, r);
        v = take_extension_value(c);
        if (v != JUDGE_VALID)
            return v;
    }
}

/* chunk-size [ chunk-ext ] CRLF; past 64 bits the size stays at the largest. */
static enum judge_verdict take_size(struct cursor *c, struct judge_result *r, uint64_t *ret_size)
{
    uint64_t size = 0;
    size_t digits = 0;
    for (; c->at < c->end && hex_value(*c->at) >= 0; c->at++, digits++)
        size = size > UINT64_MAX / 16 ? UINT64_MAX : size * 16 + (unsigned)hex_value(*c->at);
    if (c->at == c->end)
        return JUDGE_INCOMPLETE;
    *ret_size = size;
    return digits > 0 ? take_extensions(c, r) : JUDGE_INVALID;
}

static enum judge_verdict take_chunks(struct cursor *c, struct fields *f)
{
    for (;;) {
        uint64_t size = 0;
        enum judge_verdict v = take_size(c, f->result, &size);
        if (v != JUDGE_VALID)
            return v;
        if (size == 0)
            break;
        if (size > (size_t)(c->end - c->at))
            return JUDGE_INCOMPLETE;
        f->result->body += size;
        c->at += size;
        v = take_text(c, "\r\n");
        if (v != JUDGE_VALID)
            return v;
    }
    f->trailers = true;
    return take_fields(c, f);
}

static enum judge_verdict take_body(struct cursor *c, struct fields *f)
{
    if (f->result->framing == JUDGE_CHUNKED)
        return take_chunks(c, f);
    if (f->result->body > (size_t)(c->end - c->at))
        return JUDGE_INCOMPLETE;
    c->at += f->result->body;
    return JUDGE_VALID;
}

enum judge_verdict judge_request(const uint8_t *bytes, size_t length, struct judge_result *ret)
{
    struct judge_result r = {.minor = 0};
    struct fields f = {.result = &r};
    struct cursor c = {bytes, bytes + length};
    enum judge_verdict v = JUDGE_VALID;
    /* RFC 9112 section 2.2: empty lines before the request line are passed over. */
    while (c.at < c.end && *c.at == '\r' && v == JUDGE_VALID)
        v = take_text(&c, "\r\n");
    if (v == JUDGE_VALID)
        v = take_request_line(&c, &r);
    if (v == JUDGE_VALID)
        v = take_fields(&c, &f);
    if (v == JUDGE_VALID && !judge_head(&f))
        v = JUDGE_INVALID;
    r.head = (size_t)(c.at - bytes);
    if (v == JUDGE_VALID)
        v = take_body(&c, &f);
    r.total = (size_t)(c.at - bytes);
    if (v == JUDGE_VALID)
        *ret = r;
    return v;
}
