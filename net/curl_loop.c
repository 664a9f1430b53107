/* What it knows: how libcurl's socket and timer callbacks become libuv handles. The rules, learned
 * from both sides' documents and defects: a poll handle is freed in its close callback and a new
 * one made when the descriptor's number comes back; it is closed before the descriptor is; the
 * error of a poll is told to libcurl; finished transfers are fetched after every run. Documents:
 * CURLMOPT_SOCKETFUNCTION(3), CURLMOPT_TIMERFUNCTION(3); libuv, "Poll handle". */
#include "net/curl_loop.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

struct curl_poll {
    LIST_ENTRY(curl_poll) all;
    struct curl_loop *loop;
    curl_socket_t fd;
    int events; /* of uv_poll_start */
    uv_poll_t handle;
};

static void on_poll(uv_poll_t *handle, int status, int events);

static void fetch_ended(struct curl_loop *l)
{
    int left;
    CURLMsg *message;
    while ((message = l->curl->multi_info_read(l->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result; /* the message dies with the removal */
        (void)l->curl->multi_remove_handle(l->multi, easy);
        l->hooks->ended(l->owner, easy, result);
    }
}

static void run(struct curl_loop *l, curl_socket_t fd, int flags)
{
    if (!l->multi)
        return;
    int running;
    l->hooks->enter(l->owner);
    CURLMcode r = l->curl->multi_socket_action(l->multi, fd, flags, &running);
    fetch_ended(l);
    l->hooks->leave(l->owner, l, r);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct curl_poll *p = handle->data;
    struct curl_loop *l = p->loop;
    free(p);
    l->hooks->released(l->owner);
}

static void close_poll(struct curl_poll *p)
{
    LIST_REMOVE(p, all);
    (void)uv_poll_stop(&p->handle); /* takes the descriptor out of epoll now, not at the close */
    uv_close((uv_handle_t *)&p->handle, on_poll_closed);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct curl_poll *p = handle->data;
    int flags = 0;
    /* What came before the error, e.g. the answer of a server that does not read to the end, is
     * still to be read: with the error alone libcurl gives up at once. */
    if (status < 0)
        flags |= CURL_CSELECT_ERR | CURL_CSELECT_IN;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    run(p->loop, p->fd, flags);
    /* libuv stops a poll that met an error. libcurl may have more to read before it meets it. */
    if (status < 0 && !uv_is_closing((uv_handle_t *)handle))
        (void)uv_poll_start(handle, p->events, on_poll);
}

static struct curl_poll *new_poll(struct curl_loop *l, curl_socket_t fd)
{
    struct curl_poll *p = alloc_zeroed(1, sizeof *p);
    p->loop = l;
    p->fd = fd;
    if (uv_poll_init_socket(l->uv, &p->handle, fd) < 0) {
        free(p);
        return NULL;
    }
    p->handle.data = p;
    LIST_INSERT_HEAD(&l->polls, p, all);
    l->hooks->opened(l->owner);
    (void)l->curl->multi_assign(l->multi, fd, p);
    return p;
}

/* -1 makes multi_socket_action fail, and that every transfer. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *loop, void *poll)
{
    (void)easy; /* may be one of libcurl's own */
    struct curl_loop *l = loop;
    struct curl_poll *p = poll;
    if (what == CURL_POLL_REMOVE) {
        if (p)
            close_poll(p);
        return 0;
    }
    if (!p)
        p = new_poll(l, fd);
    if (!p)
        return -1;
    p->events = 0;
    if (what != CURL_POLL_OUT)
        p->events |= UV_READABLE;
    if (what != CURL_POLL_IN)
        p->events |= UV_WRITABLE;
    return uv_poll_start(&p->handle, p->events, on_poll) < 0 ? -1 : 0;
}

int curl_loop_close_socket(void *loop, curl_socket_t fd)
{
    struct curl_loop *l = loop;
    for (struct curl_poll *p = LIST_FIRST(&l->polls); p; p = LIST_NEXT(p, all)) {
        if (p->fd != fd)
            continue;
        if (l->multi)
            (void)l->curl->multi_assign(l->multi, fd, NULL);
        close_poll(p);
        break;
    }
    return close(fd);
}

static void on_timeout(uv_timer_t *timer)
{
    run(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *multi, long timeout_ms, void *loop)
{
    (void)multi;
    struct curl_loop *l = loop;
    if (uv_is_closing((uv_handle_t *)&l->timer))
        return 0;
    if (timeout_ms < 0)
        return uv_timer_stop(&l->timer);
    /* Zero is allowed: libuv runs it when the loop turns, never from in here. */
    return uv_timer_start(&l->timer, on_timeout, (uint64_t)timeout_ms, 0);
}

void curl_loop_init(struct curl_loop *l, uv_loop_t *uv, const struct curl_functions *curl,
                    long max_kept, const struct curl_loop_hooks *hooks, void *owner)
{
    *l = (struct curl_loop){
        .curl = curl, .uv = uv, .max_kept = max_kept, .hooks = hooks, .owner = owner};
    LIST_INIT(&l->polls);
    int r = uv_timer_init(l->uv, &l->timer);
    assert(r == 0); /* it only fills in the struct */
    l->timer.data = l;
    hooks->opened(owner);
}

static void make_multi(struct curl_loop *l)
{
    const struct curl_functions *curl = l->curl;
    l->multi = curl->multi_init();
    assert(l->multi); /* NULL is out of memory */
    CURLMcode r = curl->multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    assert(r == CURLM_OK);
    r = curl->multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
    assert(r == CURLM_OK);
    r = curl->multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    assert(r == CURLM_OK);
    r = curl->multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
    assert(r == CURLM_OK);
    r = curl->multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, l->max_kept);
    assert(r == CURLM_OK);
}

void curl_loop_add(struct curl_loop *l, CURL *easy)
{
    if (!l->multi)
        make_multi(l);
    CURLMcode r = l->curl->multi_add_handle(l->multi, easy);
    assert(r == CURLM_OK); /* out of memory, or a handle that is in use */
}

void curl_loop_remove(struct curl_loop *l, CURL *easy)
{
    CURLMcode r = l->curl->multi_remove_handle(l->multi, easy);
    assert(r == CURLM_OK);
}

void curl_loop_forget(struct curl_loop *l)
{
    CURLM *multi = l->multi;
    if (!multi)
        return;
    l->multi = NULL; /* no multi_assign any more */
    (void)l->curl->multi_cleanup(multi);
    while (!LIST_EMPTY(&l->polls)) /* those it did not ask to remove */
        close_poll(LIST_FIRST(&l->polls));
    if (!uv_is_closing((uv_handle_t *)&l->timer))
        (void)uv_timer_stop(&l->timer);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct curl_loop *l = handle->data;
    l->hooks->released(l->owner);
}

void curl_loop_close(struct curl_loop *l)
{
    curl_loop_forget(l);
    uv_close((uv_handle_t *)&l->timer, on_timer_closed);
}
