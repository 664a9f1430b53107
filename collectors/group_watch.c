/* What it knows: inotify on directories of control groups. Removals and limits have a queue each:
 * the kernel writes some files of a busy group by itself (memory.events), and nobody is to wake up
 * for that between rounds. Document: inotify(7). */
#include "collectors/group_watch.h"

#include "collectors/group_files.h"
#include "collectors/group_scan.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define EVENTS_BYTES 8192 /* of one read: some 60 removals of containers */

void group_watch_open(struct group_reader *r)
{
    r->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    r->limit_inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

void group_watch_close(struct group_reader *r)
{
    if (r->inotify >= 0)
        (void)close(r->inotify);
    if (r->limit_inotify >= 0)
        (void)close(r->limit_inotify);
    r->inotify = r->limit_inotify = -1;
}

void group_watch_add(struct group_reader *r, struct watched *w)
{
    char path[PATH_MAX];
    w->watch = -1;
    int length = snprintf(path, sizeof path, "%s%s", r->layout.trees[r->scanned].path, w->path);
    if (r->inotify >= 0 && length > 0 && (size_t)length < sizeof path)
        w->watch = inotify_add_watch(r->inotify, path, IN_DELETE | IN_ONLYDIR);
}

void group_watch_remove(struct group_reader *r, const struct watched *w)
{
    if (w->watch >= 0)
        (void)inotify_rm_watch(r->inotify, w->watch); /* it goes with its directory */
}

static void let_go(struct group_reader *r, const struct inotify_event *event)
{
    char path[PATH_MAX];
    if (!(event->mask & IN_DELETE) || event->len == 0)
        return;
    for (size_t i = 0; i < r->watched_count; i++) {
        const struct watched *w = &r->watched[i];
        if (w->watch != event->wd)
            continue;
        const char *above = w->path[1] == '\0' ? "" : w->path;
        int length = snprintf(path, sizeof path, "%s/%s", above, event->name);
        struct group *g = length > 0 && (size_t)length < sizeof path ? group_find(r, path) : NULL;
        if (g)
            group_close_files(r, g);
        return;
    }
}

/* Handles everything that was heard. */
static void drain(struct group_reader *r, int inotify,
                  void (*handle)(struct group_reader *r, const struct inotify_event *event))
{
    _Alignas(struct inotify_event) char events[EVENTS_BYTES];
    ssize_t bytes = 0;
    while (inotify >= 0 && (bytes = read(inotify, events, sizeof events)) > 0) {
        for (ssize_t at = 0; at < bytes;) {
            const struct inotify_event *event = (const void *)(events + at);
            handle(r, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
}

void group_watch_reap(struct group_reader *r)
{
    drain(r, r->inotify, let_go);
}

/* --- limits --- */

static int watch_in(struct group_reader *r, enum group_controller controller, const char *below)
{
    char path[PATH_MAX];
    int length =
        snprintf(path, sizeof path, "%s%s", r->layout.trees[r->tree_of[controller]].path, below);
    if (length < 0 || (size_t)length >= sizeof path)
        return -1;
    return inotify_add_watch(r->limit_inotify, path, IN_MODIFY | IN_ONLYDIR);
}

bool group_watch_limits(struct group_reader *r, struct group *g)
{
    static const enum group_controller controllers[GROUP_LIMIT_WATCHES] = {
        CONTROLLER_CPU, CONTROLLER_MEMORY, CONTROLLER_PIDS};
    bool all = r->limit_inotify >= 0;
    for (size_t i = 0; i < GROUP_LIMIT_WATCHES && all; i++) {
        const char *below = group_path_in(r, g, controllers[i]);
        if (!below)
            continue; /* no limits there */
        g->limits.watches[i] = watch_in(r, controllers[i], below);
        all = g->limits.watches[i] >= 0;
    }
    if (!all)
        group_watch_forget_limits(r, g);
    return all;
}

void group_watch_forget_limits(struct group_reader *r, struct group *g)
{
    for (size_t i = 0; i < GROUP_LIMIT_WATCHES; i++) {
        if (g->limits.watches[i] >= 0)
            (void)inotify_rm_watch(r->limit_inotify, g->limits.watches[i]); /* or it went already */
        g->limits.watches[i] = -1;
    }
}

static bool is_watch_of(const struct group *g, int watch)
{
    for (size_t i = 0; i < GROUP_LIMIT_WATCHES; i++)
        if (g->limits.watches[i] == watch)
            return true;
    return false;
}

static void mark_limits(struct group_reader *r, const struct inotify_event *event)
{
    bool all = event->mask & IN_Q_OVERFLOW;
    /* cgroup.pressure shows and hides files. */
    bool meant = event->len > 0 &&
                 (group_is_limit_file(event->name) || strcmp(event->name, "cgroup.pressure") == 0);
    if (!all && !meant)
        return;
    for (size_t i = 0; i < r->group_count; i++)
        if (all || is_watch_of(r->groups[i], event->wd))
            r->groups[i]->limits.read_ns = 0;
}

void group_watch_take_limits(struct group_reader *r)
{
    drain(r, r->limit_inotify, mark_limits);
}
