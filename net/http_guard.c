/* What it knows: in which order a request is judged, who waits for whose password, and what those
 * hear who are not let in. Documents: RFC 7617 (challenge), RFC 6585 section 4 (429), RFC 9110
 * section 10.2.3 (Retry-After). */
#include "net/http_guard.h"

#include "net/http_basic.h"
#include "net/http_guard_users.h"
#include "net/worker.h"

#include "base/alloc.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uv.h>

/* Different passwords of one peer that wait for their turn behind the one being checked. A hash of
 * the usual cost takes 50 to 200 ms, so the last one waits some seconds, less than a scrape has. */
#define QUEUE_MAX 16
/* Requests of one peer that wait. Each keeps its head, up to 16 kB, also when its peer has gone. */
#define WAITING_MAX 64
/* So many peers may have as much: one that guesses does not keep the others out. */
#define PEERS_MAX    4
#define BUSY_RETRY_S 5 /* by then a full queue is through, see above */
#define HEADER_BYTES 96
#define MS_PER_S     1000

#define CHALLENGE "WWW-Authenticate: Basic realm=\"weir\", charset=\"UTF-8\"\r\n"

/* A password that waits or is being checked, and the requests that came with it. The thread reads
 * users and claim and writes `right`; the rest is the loop's. */
struct check {
    STAILQ_ENTRY(check) line;
    struct http_guard *guard;
    struct http_guard_users *users;
    struct http_guard_claim claim;
    bool right;
    size_t count;
    uint64_t peer;                   /* that it is counted for: the first with this password */
    struct http_request *requests[]; /* PEERS_MAX * WAITING_MAX of them */
};

struct http_guard {
    uv_loop_t *loop;
    http_handler handler;
    void *context;
    struct http_guard_users *users; /* NULL: everybody is let in */
    uint64_t rate_interval_ms;      /* 0: no limit */
    uint64_t rate_burst;
    uint64_t tokens;
    uint64_t token_ms;     /* uv_now when the last token was added */
    struct worker *worker; /* its job is the first check of the line */
    STAILQ_HEAD(check_line, check) line;
    size_t check_count;
    size_t waiting; /* requests of all checks */
    bool closing;
    uint64_t refusals[HTTP_GUARD_REFUSALS];
};

struct http_guard *http_guard_new(struct uv_loop_s *loop, http_handler handler, void *context)
{
    struct http_guard *g = alloc_zeroed(1, sizeof *g);
    g->loop = loop;
    g->handler = handler;
    g->context = context;
    g->worker = worker_new(loop);
    STAILQ_INIT(&g->line);
    return g;
}

/* Refusals. */

static void refuse(struct http_guard *g, struct http_request *r, enum http_guard_refusal why)
{
    g->refusals[why]++;
    if (why == HTTP_GUARD_NO_PASSWORD)
        http_respond_text(r, 401, CHALLENGE, "A user name and a password are needed here.");
    else
        http_respond_text(r, 401, CHALLENGE, "The user name or the password is wrong.");
}

static void refuse_for(struct http_guard *g, struct http_request *r, enum http_guard_refusal why,
                       uint64_t seconds)
{
    char header[HEADER_BYTES];
    (void)snprintf(header, sizeof header, "Retry-After: %" PRIu64 "\r\n", seconds);
    g->refusals[why]++;
    if (why == HTTP_GUARD_RATE)
        http_respond_text(r, 429, header, "More requests came than are answered; try again later.");
    else
        http_respond_text(r, 503, header, "Too many passwords wait to be checked; try again soon.");
}

/* The rate. */

static void add_tokens(struct http_guard *g, uint64_t now_ms)
{
    uint64_t added = (now_ms - g->token_ms) / g->rate_interval_ms;
    if (added >= g->rate_burst - g->tokens) {
        g->tokens = g->rate_burst;
        g->token_ms = now_ms; /* a full bucket gathers nothing */
    } else {
        g->tokens += added;
        g->token_ms += added * g->rate_interval_ms;
    }
}

/* 0 when a token was there, else the seconds until one is. */
static uint64_t take_token(struct http_guard *g)
{
    if (g->rate_interval_ms == 0)
        return 0;
    uint64_t now_ms = uv_now(g->loop);
    add_tokens(g, now_ms);
    if (g->tokens == 0) {
        uint64_t left_ms = g->rate_interval_ms - (now_ms - g->token_ms);
        return left_ms / MS_PER_S + (left_ms % MS_PER_S != 0);
    }
    g->tokens--;
    return 0;
}

static void set_rate(struct http_guard *g, const struct http_guard_terms *terms)
{
    bool same =
        g->rate_interval_ms == terms->rate_interval_ms && g->rate_burst == terms->rate_burst;
    assert(terms->rate_interval_ms == 0 || terms->rate_burst > 0);
    if (same)
        return; /* setting the same again must not fill the bucket */
    g->rate_interval_ms = terms->rate_interval_ms;
    g->rate_burst = terms->rate_burst;
    g->tokens = terms->rate_burst;
    g->token_ms = uv_now(g->loop);
}

/* Checking passwords. */

static struct check *check_new(struct http_guard *g, const struct http_guard_claim *claim)
{
    struct check *c =
        alloc_zeroed(1, sizeof *c + PEERS_MAX * WAITING_MAX * sizeof(struct http_request *));
    c->guard = g;
    c->users = http_guard_users_ref(g->users);
    c->claim = *claim;
    STAILQ_INSERT_TAIL(&g->line, c, line);
    g->check_count++;
    return c;
}

/* Also on the thread, once nobody else has it or its users. NULL is allowed. */
static void check_free(void *context)
{
    struct check *c = context;
    if (!c)
        return;
    http_guard_users_unref(c->users);
    explicit_bzero(c, sizeof *c);
    free(c);
}

static struct check *take_first(struct http_guard *g)
{
    struct check *c = STAILQ_FIRST(&g->line);
    STAILQ_REMOVE_HEAD(&g->line, line);
    g->check_count--;
    g->waiting -= c->count;
    return c;
}

/* The one that the same users would find the same answer for; NULL when there is none. */
static struct check *find_check(struct http_guard *g, const struct http_guard_claim *claim)
{
    struct check *found = NULL;
    struct check *c = NULL;
    STAILQ_FOREACH(c, &g->line, line)
    {
        if (http_guard_claim_same(&c->claim, claim) && c->users == g->users)
            found = c;
    }
    return found;
}

static void work(void *context)
{
    struct check *c = context;
    c->right = http_guard_users_check(c->users, &c->claim);
}

static void on_checked(void *context);

static void start_first(struct http_guard *g)
{
    while (!worker_is_busy(g->worker) && !STAILQ_EMPTY(&g->line)) {
        if (worker_start(g->worker, work, on_checked, STAILQ_FIRST(&g->line)) == 0)
            return;
        struct check *c = take_first(g); /* no thread can be had */
        for (size_t i = 0; i < c->count; i++)
            refuse_for(g, c->requests[i], HTTP_GUARD_BUSY, BUSY_RETRY_S);
        check_free(c);
    }
}

/* The worker rests, so that the users may be written to. What is called here may set other terms:
 * nothing is taken from the guard twice. */
static void on_checked(void *context)
{
    struct check *c = context;
    struct http_guard *g = c->guard;
    struct check *first = take_first(g);
    assert(first == c);
    if (c->right)
        http_guard_users_found_right(c->users, &c->claim);
    start_first(g);
    for (size_t i = 0; i < c->count; i++) {
        if (c->right)
            g->handler(g->context, c->requests[i]);
        else
            refuse(g, c->requests[i], HTTP_GUARD_WRONG);
    }
    check_free(c);
}

/* Has its peer, or have all together, as many waiting as may? `joins`: its password is in line. */
static bool is_full(const struct http_guard *g, const struct http_request *r, bool joins)
{
    uint64_t peer = http_request_peer(r);
    size_t checks = 0;
    size_t waiting = 0;
    const struct check *c = NULL;
    STAILQ_FOREACH(c, &g->line, line)
    {
        checks += c->peer == peer;
        for (size_t i = 0; i < c->count; i++)
            waiting += http_request_peer(c->requests[i]) == peer;
    }
    if (waiting >= WAITING_MAX || g->waiting == PEERS_MAX * WAITING_MAX)
        return true;
    return !joins && (checks > QUEUE_MAX || g->check_count > PEERS_MAX * QUEUE_MAX);
}

static void wait_for(struct http_guard *g, const struct http_guard_claim *claim,
                     struct http_request *r)
{
    struct check *c = find_check(g, claim);
    if (g->closing || is_full(g, r, c != NULL)) {
        refuse_for(g, r, HTTP_GUARD_BUSY, BUSY_RETRY_S);
        return;
    }
    if (!c) {
        c = check_new(g, claim);
        c->peer = http_request_peer(r);
    }
    c->requests[c->count++] = r;
    g->waiting++;
    start_first(g);
}

static void authenticate(struct http_guard *g, struct http_request *r)
{
    struct http_basic basic = {0};
    struct http_guard_claim claim;
    const char *value = http_request_header(r, "authorization");
    if (!value || http_basic_parse(value, &basic) < 0) {
        refuse(g, r, HTTP_GUARD_NO_PASSWORD);
        return;
    }
    http_guard_claim_init(&claim, &basic);
    http_basic_done(&basic);
    if (http_guard_users_remember(g->users, &claim))
        g->handler(g->context, r);
    else
        wait_for(g, &claim, r);
    explicit_bzero(&claim, sizeof claim);
}

void http_guard_handle(void *context, struct http_request *request)
{
    struct http_guard *g = context;
    uint64_t wait_s = take_token(g);
    if (wait_s > 0)
        refuse_for(g, request, HTTP_GUARD_RATE, wait_s);
    else if (g->users)
        authenticate(g, request);
    else
        g->handler(g->context, request);
}

int http_guard_set(struct http_guard *g, const struct http_guard_terms *terms, struct err *e)
{
    struct http_guard_users *users = NULL;
    if (g->users && http_guard_users_are(g->users, terms)) {
        users = http_guard_users_ref(g->users);
    } else if (terms->user_count > 0) {
        int r = http_guard_users_new(terms, e, &users);
        if (r < 0)
            return r;
    }
    http_guard_users_unref(g->users);
    g->users = users;
    set_rate(g, terms);
    return 0;
}

/* A password that is being checked is left to the thread, with the last reference to its users. */
void http_guard_close(struct http_guard *g)
{
    struct check *left = worker_is_busy(g->worker) ? STAILQ_FIRST(&g->line) : NULL;
    g->closing = true;
    while (!STAILQ_EMPTY(&g->line)) {
        struct check *c = take_first(g);
        for (size_t i = 0; i < c->count; i++)
            http_respond_text(c->requests[i], 503, NULL, "This server is stopping.");
        if (c != left)
            check_free(c);
    }
    http_guard_users_unref(g->users);
    worker_close(g->worker, check_free, left);
    free(g);
}

uint64_t http_guard_refusals(const struct http_guard *g, enum http_guard_refusal why)
{
    assert(why < HTTP_GUARD_REFUSALS);
    return g->refusals[why];
}

const char *http_guard_refusal_name(enum http_guard_refusal why)
{
    static const char *const names[HTTP_GUARD_REFUSALS] = {
        [HTTP_GUARD_RATE] = "rate_limit",
        [HTTP_GUARD_NO_PASSWORD] = "no_password",
        [HTTP_GUARD_WRONG] = "wrong_password",
        [HTTP_GUARD_BUSY] = "password_queue",
    };
    assert(why < HTTP_GUARD_REFUSALS);
    return names[why];
}
