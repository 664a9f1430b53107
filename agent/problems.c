/* What it knows: which causes are being complained of already. */
#include "agent/problems.h"

#include "agent/log.h"
#include "base/alloc.h"
#include "base/text.h"
#include "collectors/cascade.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct problem_cause *find(struct problems *p, const char *collector,
                                  const struct problem *problem)
{
    for (size_t i = 0; i < p->count; i++) {
        struct problem_cause *known = &p->active[i];
        if (known->reason == problem->reason && text_equal(known->collector, collector) &&
            text_equal(known->source, problem->source))
            return known;
    }
    return NULL;
}

static void remember(struct problems *p, const char *collector, const struct problem *problem)
{
    if (p->count == PROBLEMS_MAX)
        return;
    p->active[p->count++] = (struct problem_cause){
        .collector = collector,
        .source = alloc_string(problem->source),
        .reason = problem->reason,
        .seen = true,
    };
}

static void tell_new(const struct log *log, const char *collector, const struct problem *problem)
{
    log_line(log, LOG_LEVEL_WARN, problem->text,
             LOG_FIELDS({"collector", collector}, {"source", problem->source},
                        {"reason", reason_name(problem->reason)}));
}

static void tell_over(const struct log *log, const struct problem_cause *cause, bool others)
{
    log_line(log, LOG_LEVEL_INFO,
             others ? "over, but something else still fails there" : "it works again",
             LOG_FIELDS({"collector", cause->collector}, {"source", cause->source},
                        {"reason", reason_name(cause->reason)}));
}

/* Does something else go wrong at the same source? Then it would be wrong to say that it works
 * again. */
static bool has_others(const struct problems *p, const struct problem_cause *cause)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct problem_cause *other = &p->active[i];
        if (other->seen && text_equal(other->collector, cause->collector) &&
            text_equal(other->source, cause->source))
            return true;
    }
    return false;
}

void problems_log(struct problems *p, const struct cascade *cascade, const struct log *log)
{
    const char *collector = NULL;
    const struct problem *problem = NULL;
    for (size_t i = 0; i < p->count; i++)
        p->active[i].seen = false;
    for (size_t i = 0; (problem = cascade_problem(cascade, i, &collector)) != NULL; i++) {
        struct problem_cause *known = find(p, collector, problem);
        if (known) {
            known->seen = true;
            continue;
        }
        tell_new(log, collector, problem);
        remember(p, collector, problem);
    }
    for (size_t i = p->count; i > 0; i--) {
        struct problem_cause *cause = &p->active[i - 1];
        if (cause->seen)
            continue;
        tell_over(log, cause, has_others(p, cause));
        free(cause->source);
        *cause = p->active[--p->count];
    }
}

void problems_done(struct problems *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->active[i].source);
    *p = (struct problems){0};
}
