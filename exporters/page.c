/* What it knows: the landing page's HTML (html.spec.whatwg.org) and which values of a snapshot tell
 * how weir itself is doing (docs/METRICS.md, the values about weir). */
#include "exporters/page.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/snapshot.h"
#include "base/text.h"
#include "exporters/decimal.h"

#include <errno.h>
#include <string.h>

/* Links are relative to the page, so that they also hold behind a proxy that serves it below a
 * path of its own. */
static const char head[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<title>weir</title>\n"
    "<style>\n"
    "body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; "
    "padding: 0 1rem }\n"
    "table { border-collapse: collapse }\n"
    "th, td { text-align: left; vertical-align: top; padding: .2rem 1.5rem .2rem 0; "
    "overflow-wrap: anywhere }\n"
    "th { font-weight: 600 }\n"
    "</style>\n</head>\n<body>\n"
    "<h1>weir</h1>\n"
    "<p>A container metrics agent: what the engine and the kernel count about this host's "
    "containers, read when somebody asks.</p>\n";

static void add_escaped(struct buf *b, const char *text)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "&<>\"'");
        (void)buf_add(b, text, plain);
        text += plain;
        if (*text != '\0')
            (void)buf_add_format(b, "&#%d;", *text++);
    }
}

static void begin_row(struct buf *b, const char *title, const char *object)
{
    (void)buf_add_string(b, "<tr><th scope=\"row\">");
    add_escaped(b, title);
    if (object) {
        (void)buf_add_char(b, ' ');
        add_escaped(b, object);
    }
    (void)buf_add_string(b, "</th><td>");
}

static void end_row(struct buf *b)
{
    (void)buf_add_string(b, "</td></tr>\n");
}

static void add_snapshot_row(struct buf *b, const struct snapshot *s, uint64_t now_ns)
{
    char age[DECIMAL_MAX];
    uint64_t age_ns = now_ns > s->monotonic_ns ? now_ns - s->monotonic_ns : 0;
    size_t length = decimal_write(age, age_ns / (NS_PER_SECOND / 10), 1);
    begin_row(b, "Newest round", NULL);
    (void)buf_add_string(b, "number ");
    (void)buf_add_u64(b, s->number);
    (void)buf_add_string(b, ", ");
    (void)buf_add(b, age, length);
    (void)buf_add_string(b, " s ago");
    end_row(b);
}

static void add_containers_row(struct buf *b, const struct snapshot *s)
{
    size_t running = 0;
    size_t simulated = 0;
    for (size_t i = 0; i < s->row_count; i++) {
        running += s->rows[i].state == STATE_RUNNING;
        simulated += s->rows[i].identity->simulated;
    }
    begin_row(b, "Containers", NULL);
    (void)buf_add_u64(b, s->row_count);
    (void)buf_add_string(b, " known, ");
    (void)buf_add_u64(b, running);
    (void)buf_add_string(b, " running");
    if (simulated > 0) {
        (void)buf_add_string(b, "; ");
        (void)buf_add_u64(b, simulated);
        (void)buf_add_string(b, " of them simulated: they do not exist");
    }
    end_row(b);
}

/* What went wrong at a collector, by reason: counted since weir started. */
static void add_reasons(struct buf *b, const struct snapshot *s, const char *collector)
{
    const char *separator = "; errors since the start: ";
    for (size_t i = 0; i < s->point_count; i++) {
        const struct point *p = &s->points[i];
        if (p->metric != AGENT_COLLECTOR_ERRORS || p->value == 0 || !p->labels[0] ||
            !p->labels[1] || !text_equal(p->labels[0], collector))
            continue;
        (void)buf_add_string(b, separator);
        (void)buf_add_u64(b, p->value);
        (void)buf_add_char(b, ' ');
        add_escaped(b, p->labels[1]);
        separator = ", ";
    }
}

static void add_point_row(struct buf *b, const struct snapshot *s, const struct point *p)
{
    const char *object = p->labels[0] ? p->labels[0] : "";
    if (p->metric == AGENT_ENGINE_UP) {
        begin_row(b, "Engine", object);
        (void)buf_add_string(b, p->value ? "up" : "did not answer");
        end_row(b);
    } else if (p->metric == AGENT_COLLECTOR_SUCCESS) {
        begin_row(b, "Collector", object);
        (void)buf_add_string(b, p->value ? "complete" : "incomplete");
        add_reasons(b, s, object);
        end_row(b);
    }
}

static void add_table(struct buf *b, const struct snapshot *s, uint64_t now_ns)
{
    if (!s) {
        (void)buf_add_string(b, "<p>No round has ended yet.</p>\n");
        return;
    }
    (void)buf_add_string(b, "<table>\n");
    add_snapshot_row(b, s, now_ns);
    add_containers_row(b, s);
    for (size_t i = 0; i < s->point_count; i++)
        add_point_row(b, s, &s->points[i]);
    (void)buf_add_string(b, "</table>\n");
}

static void add_link(struct buf *b, const struct page_options *options, const char *path,
                     const char *text)
{
    (void)buf_add_string(b, "<a href=\"");
    add_escaped(b, options->link_base ? options->link_base : ".");
    add_escaped(b, path);
    (void)buf_add_string(b, "\">");
    (void)buf_add_string(b, text);
    (void)buf_add_string(b, "</a>");
}

int page_encode(const struct page_options *options, const struct snapshot *s, uint64_t now_ns,
                struct buf *ret)
{
    (void)buf_add_string(ret, head);
    (void)buf_add_string(ret, "<p>Version ");
    add_escaped(ret, options->version);
    (void)buf_add_string(ret, "</p>\n<p>");
    add_link(ret, options, options->telemetry_path, "Metrics");
    (void)buf_add_string(ret, " &middot; ");
    add_link(ret, options, "/-/healthy", "Healthy");
    (void)buf_add_string(ret, " &middot; ");
    add_link(ret, options, "/-/ready", "Ready");
    (void)buf_add_string(ret, "</p>\n");
    add_table(ret, s, now_ns);
    (void)buf_add_string(ret, "</body>\n</html>\n");
    return ret->failed ? -EMSGSIZE : 0;
}
