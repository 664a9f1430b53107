/* What it knows: how a log line looks. Documents: RFC 8259 for JSON, RFC 3339 for the time,
 * sd-daemon(3) for priorities, systemd.exec(5) for $JOURNAL_STREAM. logfmt has no standard: bare
 * values where they are unmistakable, else JSON's strings. */
#include "agent/log.h"

#include "agent/config_text.h"
#include "base/clock.h"
#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX  4096 /* bytes with the newline: one write of it to a pipe is never torn */
#define LOG_VALUE_MAX 1024 /* bytes as written: one long value leaves room for the others */
#define LOG_KEY_MAX   64   /* bytes: keys are words of this program */
#define ESCAPE_MAX    8    /* bytes: \uXXXX and a NUL, or four bytes of UTF-8 */
#define TIME_SIZE     48   /* bytes: an RFC 3339 time, in any year the clock can say */

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD, for bytes that are not UTF-8 */
#define ELLIPSIS    "\xe2\x80\xa6"
#define CUT_KEY     "cut"
#define CUT_VALUE   "true"

/* What has to fit after the last field: `,"cut":"true"` and `}` and the newline. */
#define TAIL_MAX 20
/* What a field is besides its key and value: `,"` and `":"` and `"`, and the sign that it was cut.
 */
#define FIELD_FRAME_MAX (6 + sizeof ELLIPSIS)

struct line {
    char data[LOG_LINE_MAX];
    size_t length;
    bool json;
};

static const struct {
    const char *word;
    int priority; /* of syslog(3) */
} levels[] = {
    [LOG_LEVEL_DEBUG] = {"debug", 7},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_WARN] = {"warn", 4},
    [LOG_LEVEL_ERROR] = {"error", 3},
};

static void add(struct line *l, const char *bytes, size_t length)
{
    assert(length <= LOG_LINE_MAX - l->length);
    memcpy(l->data + l->length, bytes, length);
    l->length += length;
}

static void add_text(struct line *l, const char *text)
{
    add(l, text, strlen(text));
}

/* Would it break a line, hide, or turn round what stands beside it on a terminal? */
static bool is_control(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) ||
           (code_point >= 0x2028 && code_point <= 0x202e) ||
           (code_point >= 0x2066 && code_point <= 0x2069) || code_point == 0xfeff;
}

/* Writes the code point at the start of `text` as it stands in a string; returns how many bytes of
 * `text` that was. */
static size_t escape(const char *text, size_t length, char ret[ESCAPE_MAX])
{
    static const char specials[] = "\"\\\n\r\t";
    static const char letters[] = "\"\\nrt";
    uint32_t code_point = 0;
    size_t size = text_utf8_next(text, length, &code_point);
    const char *special = strchr(specials, *text);
    if (special)
        (void)snprintf(ret, ESCAPE_MAX, "\\%c", letters[special - specials]);
    else if (size == 0)
        (void)snprintf(ret, ESCAPE_MAX, REPLACEMENT);
    else if (is_control(code_point))
        (void)snprintf(ret, ESCAPE_MAX, "\\u%04x", code_point);
    else
        (void)snprintf(ret, ESCAPE_MAX, "%.*s", (int)size, text);
    return size > 0 ? size : 1;
}

/* Does the value, escaped, fit into `room` bytes? */
static bool fits(const char *value, size_t room)
{
    size_t left = strlen(value);
    while (left > 0) {
        char escaped[ESCAPE_MAX];
        size_t taken = escape(value, left, escaped);
        size_t size = strlen(escaped);
        if (size > room)
            return false;
        room -= size;
        value += taken;
        left -= taken;
    }
    return true;
}

/* The value, escaped and cut so that `room` bytes hold it. */
static void add_escaped(struct line *l, const char *value, size_t room)
{
    bool whole = fits(value, room);
    size_t left = strlen(value);
    if (!whole)
        room -= strlen(ELLIPSIS);
    while (left > 0) {
        char escaped[ESCAPE_MAX];
        size_t taken = escape(value, left, escaped);
        size_t size = strlen(escaped);
        if (size > room)
            break;
        add(l, escaped, size);
        room -= size;
        value += taken;
        left -= taken;
    }
    if (!whole)
        add_text(l, ELLIPSIS);
}

/* Can the value stand in logfmt without quotes? */
static bool is_bare(const char *value)
{
    size_t left = strlen(value);
    if (left == 0)
        return false;
    while (left > 0) {
        uint32_t code_point = 0;
        size_t size = text_utf8_next(value, left, &code_point);
        if (size == 0 || is_control(code_point) || strchr(" \"\\=", *value))
            return false;
        value += size;
        left -= size;
    }
    return true;
}

static void add_key(struct line *l, const char *key)
{
    size_t length = strlen(key);
    assert(length > 0 && length <= LOG_KEY_MAX);
    for (size_t i = 0; i < length; i++) {
        char c = key[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-' || c == '.';
        assert(word);
        add(l, &c, 1);
    }
}

/* Appends a field; `first` on the line without a separator. `room` bounds the value. */
static void add_field(struct line *l, bool first, const char *key, const char *value, size_t room)
{
    if (l->json) {
        add_text(l, first ? "{\"" : ",\"");
        add_key(l, key);
        add_text(l, "\":\"");
        add_escaped(l, value, room);
        add_text(l, "\"");
        return;
    }
    const char *quote = is_bare(value) ? "" : "\"";
    add_text(l, first ? "" : " ");
    add_key(l, key);
    add_text(l, "=");
    add_text(l, quote);
    add_escaped(l, value, room);
    add_text(l, quote);
}

/* As add_field, where the line may be full already: false when there is no room for the field. */
static bool try_field(struct line *l, const char *key, const char *value)
{
    size_t left = LOG_LINE_MAX - TAIL_MAX - l->length;
    size_t frame = FIELD_FRAME_MAX + strlen(key);
    if (left < frame)
        return false;
    size_t room = left - frame + strlen(ELLIPSIS);
    add_field(l, false, key, value, room < LOG_VALUE_MAX ? room : LOG_VALUE_MAX);
    return true;
}

static void format_time(char ret[TIME_SIZE])
{
    uint64_t now_ns = clock_realtime_ns(&clock_system);
    time_t seconds = (time_t)(now_ns / NS_PER_SECOND);
    struct tm utc = {0};
    (void)gmtime_r(&seconds, &utc);
    size_t length = strftime(ret, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(ret + length, TIME_SIZE - length, ".%03uZ",
                   (unsigned)(now_ns % NS_PER_SECOND / NS_PER_MS));
}

/* Priority or time, then the level. */
static void add_head(struct line *line, const struct log *l, enum log_level level)
{
    const char *word = levels[level].word;
    if (l->journal) {
        char prefix[8];
        (void)snprintf(prefix, sizeof prefix, "<%d>", levels[level].priority);
        add_text(line, prefix);
        add_field(line, true, "level", word, LOG_VALUE_MAX);
        return;
    }
    char now[TIME_SIZE];
    format_time(now);
    add_field(line, true, "time", now, LOG_VALUE_MAX);
    add_field(line, false, "level", word, LOG_VALUE_MAX);
}

void log_line(const struct log *l, enum log_level level, const char *message,
              const struct log_field *fields, size_t count)
{
    assert(l && message && (fields || count == 0));
    if (level < l->level)
        return;
    struct line line;
    line.length = 0;
    line.json = l->format == LOG_FORMAT_JSON;
    add_head(&line, l, level);
    add_field(&line, false, "msg", message, LOG_VALUE_MAX);
    for (size_t i = 0; i < count; i++) {
        if (try_field(&line, fields[i].key, fields[i].value))
            continue;
        add_field(&line, false, CUT_KEY, CUT_VALUE, LOG_VALUE_MAX);
        break;
    }
    add_text(&line, line.json ? "}\n" : "\n");
    ssize_t written = write(l->fd, line.data, line.length);
    (void)written; /* there is nowhere to say that logging failed */
}

/* Does `stream`, device and inode as "8:306630", name the file behind `fd`? */
static bool is_stream(const char *stream, int fd)
{
    struct stat status;
    uint64_t device = 0;
    uint64_t inode = 0;
    const char *colon = stream ? strchr(stream, ':') : NULL;
    if (!colon || text_parse_u64(stream, (size_t)(colon - stream), &device) < 0 ||
        text_parse_u64(colon + 1, strlen(colon + 1), &inode) < 0)
        return false;
    return fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void log_init(struct log *l, enum log_level level, enum log_format format)
{
    *l = (struct log){
        .level = level,
        .format = format,
        .journal = is_stream(getenv("JOURNAL_STREAM"), STDERR_FILENO),
        .fd = STDERR_FILENO,
    };
}
