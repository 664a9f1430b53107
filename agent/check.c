/* What it knows: what `weir check` looks at besides the sources, and how its lines look. What the
 * sources say of themselves stands beside them: collector.h, "examine". */
#include "agent/check.h"

#include "agent/check_push.h"
#include "agent/config.h"
#include "agent/config_text.h"
#include "agent/core.h"
#include "agent/port_holder.h"
#include "agent/web_watch.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/snapshot.h"
#include "collectors/cascade.h"
#include "net/http_server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX_BYTES ((size_t)1 << 20) /* thousands of lines */
#define TEXT_MAX        512               /* bytes: a sentence with a path */
#define SUBJECT_COLUMNS 60 /* a longer subject does not push the texts of the others away */
#define PROBLEMS_SHOWN  20 /* more say no more */

struct line {
    enum check_result result;
    char *subject; /* owned, as it came */
    char *text;
};

struct check {
    struct core core;
    const struct config *config;
    struct demand demand;
    struct check_push *push;
    unsigned waits;  /* for the round, and for the destinations */
    uv_timer_t turn; /* ends the check outside the round's end */
    struct line *lines;
    size_t count;
};

static void add_line(void *context, enum check_result result, const char *subject, const char *text)
{
    struct check *c = context;
    c->lines = alloc_resize(c->lines, c->count + 1, sizeof *c->lines);
    c->lines[c->count++] = (struct line){result, alloc_string(subject), alloc_string(text)};
}

static void say(struct check *c, enum check_result result, const char *subject, const char *fmt,
                ...) __attribute__((format(printf, 4, 5)));

static void say(struct check *c, enum check_result result, const char *subject, const char *fmt,
                ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    add_line(c, result, subject, text);
}

static bool was_said(const struct check *c, const char *text)
{
    for (size_t i = 0; i < c->count; i++)
        if (strstr(c->lines[i].text, text))
            return true;
    return false;
}

/* What went wrong in the round and no source has said by itself. An engine that is not there has
 * been told of in words of its own. */
static void say_problems(struct check *c)
{
    const char *collector = NULL;
    const struct problem *problem = NULL;
    size_t shown = 0;
    size_t hidden = 0;
    for (size_t i = 0; (problem = cascade_problem(c->core.pipeline->cascade, i, &collector)); i++) {
        if (problem->reason == REASON_NO_SOCKET || was_said(c, problem->text))
            continue;
        if (shown == PROBLEMS_SHOWN) {
            hidden++;
            continue;
        }
        char *subject = alloc_format("%s: %s", collector, problem->source);
        add_line(c, CHECK_WARN, subject, problem->text);
        free(subject);
        shown++;
    }
    if (hidden > 0)
        say(c, CHECK_WARN, "and more", "%zu problems beside these; weir scrape logs them all",
            hidden);
}

/* Never called: the loop does not turn while it listens. */
static void refuse_request(void *context, struct http_request *request)
{
    (void)context;
    http_respond_text(request, 503, NULL, "this is weir check");
}

/* The address is taken: by the weir that is asked about, as like as not. */
static void say_taken(struct check *c, const char *subject, uint16_t port, const struct err *e)
{
    struct port_holder holder = port_holder_find(port);
    struct port_holder other = {0};
    if (holder.pid != 0 && text_equal(holder.name, "weir")) {
        say(c, CHECK_OK, subject, "weir serves there already (pid %" PRIu32 ")", holder.pid);
        return;
    }
    if (holder.pid != 0) {
        say(c, CHECK_FAIL, subject,
            "in use by %s (pid %" PRIu32 "); stop that, or choose another port with "
            "--web.listen-address",
            holder.name, holder.pid);
        return;
    }
    other = port_holder_by_name("weir");
    if (other.pid != 0)
        say(c, CHECK_WARN, subject,
            "in use, it seems by the weir that runs already (pid %" PRIu32 "); as root 'ss -ltnp' "
            "names the program",
            other.pid);
    else
        add_line(c, CHECK_FAIL, subject, e->text);
}

static void say_port(struct check *c, const char *address)
{
    struct err e = {0};
    char subject[TEXT_MAX];
    const char *number = strrchr(address, ':') + 1; /* the configuration has seen to it */
    uint64_t port = 0;
    struct http_server *server = http_server_new(&c->core.loop, NULL, refuse_request, NULL);
    int r = http_server_listen(server, address, &e);
    http_server_close(server, NULL, NULL);
    (void)text_parse_u64(number, strlen(number), &port);
    (void)snprintf(subject, sizeof subject, "listen: %s", address);
    struct port_holder weir = {0};
    if (r == -EADDRINUSE && text_starts_with(address, "unix:"))
        weir = port_holder_by_name("weir");
    if (r == 0)
        add_line(c, CHECK_OK, subject, "free");
    else if (weir.pid != 0)
        say(c, CHECK_OK, subject, "weir serves there already, it seems (pid %" PRIu32 ")",
            weir.pid);
    else if (r == -EADDRINUSE && !text_starts_with(address, "unix:"))
        say_taken(c, subject, (uint16_t)port, &e);
    else
        add_line(c, CHECK_FAIL, subject, e.text);
}

/* The file with certificates and passwords, read as weir would. */
static void say_web_config(struct check *c)
{
    struct err e = {0};
    struct web_loaded web = {0};
    const char *path = c->config->web_config_file;
    if (*path == '\0')
        return;
    if (web_loaded_read(path, &e, &web) < 0) {
        add_line(c, CHECK_FAIL, "web.config.file", e.text);
        return;
    }
    if (web.config.warning)
        add_line(c, CHECK_WARN, "web.config.file", web.config.warning);
    else
        say(c, CHECK_OK, "web.config.file", "%s, %zu users", web.tls ? "TLS" : "no TLS",
            web.config.guard.user_count);
    web_loaded_done(&web);
}

/* What the log would have said of the configuration. */
static void say_notices(struct check *c)
{
    for (size_t i = 0; i < c->config->notice_count; i++) {
        const struct config_notice *n = &c->config->notices[i];
        add_line(c, n->level < LOG_LEVEL_WARN ? CHECK_OK : CHECK_WARN, "configuration", n->text);
    }
}

static void say_descriptors(struct check *c)
{
    const struct descriptors *d = &c->core.pipeline->descriptors;
    if (d->allowed >= d->wanted)
        say(c, CHECK_OK, "descriptors", "%" PRIu64 " allowed, %" PRIu64 " wanted", d->allowed,
            d->wanted);
    else if (d->files < d->files_wanted)
        say(c, CHECK_WARN, "descriptors",
            "%" PRIu64 " allowed, %" PRIu64 " wanted: %zu kernel files are kept open, not %" PRIu64
            "; raise LimitNOFILE= or ulimit -Hn, or lower --cgroup.max-fds",
            d->allowed, d->wanted, d->files, d->files_wanted);
    else
        say(c, CHECK_WARN, "descriptors",
            "%" PRIu64 " allowed, %" PRIu64 " wanted: on a large host connections may fail; raise "
            "LimitNOFILE= or ulimit -Hn",
            d->allowed, d->wanted);
}

static void end_check(uv_timer_t *timer)
{
    struct check *c = timer->data;
    const struct check_sink sink = {.context = c, .line = add_line};
    cascade_examine(c->core.pipeline->cascade, &sink);
    say_problems(c);
    if (c->config->web_listen_address.count > HTTP_ADDRESSES_MAX)
        say(c, CHECK_FAIL, "web.listen-address", "%zu addresses, %d are the most; leave some out",
            c->config->web_listen_address.count, HTTP_ADDRESSES_MAX);
    /* Sockets that systemd passes are not asked for here: that would take them. */
    for (size_t i = 0; !c->config->web_systemd_socket && i < c->config->web_listen_address.count;
         i++)
        say_port(c, c->config->web_listen_address.items[i]);
    say_web_config(c);
    check_push_say(c->push, &sink);
    say_notices(c);
    say_descriptors(c);
    core_close(&c->core);
    check_push_free(c->push);
    uv_close((uv_handle_t *)&c->turn, NULL);
}

static void one_done(void *context)
{
    struct check *c = context;
    if (--c->waits == 0)
        (void)uv_timer_start(&c->turn, end_check, 0, 0); /* fails for a NULL callback only */
}

static void round_done(struct demand *self, struct snapshot *snapshot)
{
    struct check *c = (struct check *)((char *)self - offsetof(struct check, demand));
    (void)snapshot;
    one_done(c);
}

/* Characters that move the cursor, turn the direction of writing or are not seen. */
static bool is_hidden(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) ||
           (code_point >= 0x200b && code_point <= 0x200f) ||
           (code_point >= 0x2028 && code_point <= 0x202e) ||
           (code_point >= 0x2060 && code_point <= 0x206f) || code_point == 0xfeff;
}

/* Appends a text from outside as a terminal may have it; returns how many columns it takes. */
static size_t add_clean(struct buf *b, const char *text)
{
    static const size_t escaped_columns = 4;
    size_t left = strlen(text);
    size_t columns = 0;
    while (left > 0) {
        uint32_t code_point = 0;
        size_t size = text_utf8_next(text, left, &code_point);
        bool clean = size > 0 && !is_hidden(code_point);
        size = size > 0 ? size : 1;
        if (clean)
            (void)buf_add(b, text, size);
        for (size_t i = 0; !clean && i < size; i++)
            (void)buf_add_format(b, "\\x%02x", (unsigned char)text[i]);
        columns += clean ? 1 : size * escaped_columns;
        text += size;
        left -= size;
    }
    return columns;
}

static size_t subject_width(const struct check *c)
{
    size_t width = 0;
    struct buf subject;
    buf_init(&subject, LINES_MAX_BYTES);
    for (size_t i = 0; i < c->count; i++) {
        size_t columns = add_clean(&subject, c->lines[i].subject);
        if (columns > width && columns <= SUBJECT_COLUMNS)
            width = columns;
        buf_clear(&subject);
    }
    buf_done(&subject);
    return width;
}

/* Writes the lines and frees them. */
static int print_lines(struct check *c, struct buf *ret, bool *ret_well)
{
    static const char *const words[] = {"ok", "warn", "fail"};
    size_t width = subject_width(c);
    bool well = true;
    for (size_t i = 0; i < c->count; i++) {
        struct line *l = &c->lines[i];
        (void)buf_add_format(ret, "%-4s  ", words[l->result]);
        size_t columns = add_clean(ret, l->subject);
        (void)buf_add_format(ret, "%*s", (int)(columns < width ? width - columns + 2 : 2), "");
        (void)add_clean(ret, l->text);
        (void)buf_add_char(ret, '\n');
        well = well && l->result != CHECK_FAIL;
        free(l->subject);
        free(l->text);
    }
    free(c->lines);
    *ret_well = well;
    return ret->failed ? -EMSGSIZE : 0;
}

int check_run(const struct config *config, char *const environment[], struct buf *ret,
              bool *ret_well, struct err *e)
{
    struct check c = {.config = config, .waits = 2};
    struct config quiet = *config; /* the lines say what the log would */
    quiet.log_level = LOG_LEVEL_ERROR;
    buf_init(ret, LINES_MAX_BYTES);
    int r = core_init(&c.core, &quiet, environment, e);
    if (r < 0)
        return r;
    (void)uv_timer_init(&c.core.loop, &c.turn); /* documented never to fail */
    c.turn.data = &c;
    struct snapshot_source source = rounds_source(c.core.pipeline->rounds);
    c.demand.done = round_done;
    c.demand.deadline_ns =
        clock_monotonic_ns(&clock_system) + config->collect_timeout_ms * NS_PER_MS;
    source.demand(source.context, &c.demand);
    c.push = check_push_new(&c.core, config, environment, one_done, &c);
    int ended = core_done(&c.core, e);
    r = print_lines(&c, ret, ret_well);
    if (r < 0)
        return err_set_errno(e, r, "the lines do not fit");
    return ended;
}
