/* What it knows: what `weir check` says of the engines, from where each stands after a round.
 * Document: collector.h, "examine". */
#include "collectors/engine_round.h"

#include <stdio.h>

#define LINE_MAX_BYTES (2 * ERR_TEXT_MAX) /* a failure's sentence and what it means */

static void say(const struct engine *e, const struct check_sink *sink, enum check_result result,
                const char *text)
{
    char subject[LINE_MAX_BYTES];
    (void)snprintf(subject, sizeof subject, "engine: %s", e->endpoint.key);
    sink->line(sink->context, result, subject, text);
}

static void say_away(const struct engine *e, const struct check_sink *sink)
{
    /* The engine itself is well, by its other name. */
    enum check_result result = e->failure == REASON_SAME_ENGINE ? CHECK_WARN : CHECK_FAIL;
    say(e, sink, result,
        e->failure_text[0] != '\0'
            ? e->failure_text
            : "it has not said everything yet; allow more time with --collect.timeout");
}

static size_t count_live(const struct engine *e)
{
    size_t live = 0;
    for (size_t i = 0; i < e->container_count; i++)
        live += state_is_live(e->containers[i]->state);
    return live;
}

static void say_ready(const struct engine *e, size_t live, const struct check_sink *sink)
{
    char text[LINE_MAX_BYTES];
    const struct engine_facts *f = &e->facts;
    const char *driver = f->info.cgroup_driver ? f->info.cgroup_driver : "";
    (void)snprintf(
        text, sizeof text, "%s %.64s, API %s, cgroup v%d%s%.32s%s, %zu of %zu containers run%s%s",
        f->version.podman ? "Podman" : "Docker",
        f->version.version[0] != '\0' ? f->version.version : "of unknown version", e->prefix + 2,
        f->info.cgroup_version == 2 ? 2 : 1, driver[0] != '\0' ? " (" : "", driver,
        driver[0] != '\0' ? ")" : "", live, e->container_count,
        f->info.rootless ? ", rootless" : "", f->local ? ", on this host" : "");
    say(e, sink, CHECK_OK, text);
}

/* A forwarded socket, a container of its own: the engine's containers are not found in this /proc,
 * so no other tier knows them. */
static void say_unseen(const struct engine *e, const struct check_sink *sink)
{
    char text[LINE_MAX_BYTES];
    (void)snprintf(text, sizeof text,
                   "no process of its containers is seen in %.128s, so the kernel's files are not "
                   "theirs; where the engine is on this host, mount the host's /proc and name it "
                   "with --path.procfs",
                   e->collector->options.procfs);
    say(e, sink, CHECK_WARN, text);
}

static void say_without_events(const struct engine *e, const struct check_sink *sink)
{
    char text[LINE_MAX_BYTES];
    (void)snprintf(text, sizeof text, "its list is read in every round, as it gives no events: %s",
                   e->events_failure);
    say(e, sink, CHECK_WARN, text);
}

static void examine_engine(const struct engine *e, const struct check_sink *sink)
{
    if (e->phase != ENGINE_READY || e->suspect) {
        say_away(e, sink);
        return;
    }
    size_t live = count_live(e);
    say_ready(e, live, sink);
    if (live > 0 && !e->facts.local && engine_endpoint_is_here(&e->endpoint))
        say_unseen(e, sink);
    if (!e->events_live && e->events_failure[0] != '\0')
        say_without_events(e, sink);
}

/* Nothing is configured, and no socket was found: there may well be no engine here. */
static bool found_none(const struct engine_collector *self)
{
    char *const *environment = self->options.environment;
    if (!self->discovers || engine_host_environment(environment, "DOCKER_HOST") ||
        engine_host_environment(environment, "CONTAINER_HOST"))
        return false;
    for (const struct engine *e = self->engines; e; e = e->next)
        if (e->failure != REASON_NO_SOCKET)
            return false;
    return true;
}

void engine_examine(struct collector *c, const struct check_sink *sink)
{
    const struct engine_collector *self = (const struct engine_collector *)c;
    if (found_none(self)) {
        sink->line(sink->context, CHECK_WARN, "engine",
                   "no socket of an engine in /run, /run/podman, /run/user/*, $XDG_RUNTIME_DIR or "
                   "~/.docker; start Docker or Podman, or name one with --engine.host");
        return;
    }
    for (const struct engine *e = self->engines; e; e = e->next)
        examine_engine(e, sink);
}
