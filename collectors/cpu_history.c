/* What it knows: when the difference of two CPU counters is a percentage. The basis is wall time of
 * CLOCK_MONOTONIC and never the host's CPU ticks: those leave out steal, change with the number of
 * CPUs and step by 10 ms. Document: cpu_history.h and docs/ARCHITECTURE.md. */
#include "collectors/cpu_history.h"

#include "base/clock.h"

#include <stddef.h>

#define BASELINE_MIN_NS NS_PER_SECOND         /* counters step by 4 ms: 0.4 points over a second */
#define BASELINE_MAX_NS (300 * NS_PER_SECOND) /* a mean over more than 5 min hides what is now */
#define SPACING_MIN_NS  (150 * NS_PER_MS)     /* see CPU_SAMPLES_MAX */
#define ROUNDING_NS     NS_PER_MS /* sources round to 1 ns or 1 us; a restart falls by more */
#define PERCENT_UNIT    UINT64_C(100000000) /* one whole CPU in millionths of a percent */

_Static_assert((CPU_SAMPLES_MAX - 1) * SPACING_MIN_NS >= BASELINE_MIN_NS,
               "the ring reaches back to a baseline");

void cpu_history_clear(struct cpu_history *h)
{
    *h = (struct cpu_history){0};
}

/* Keeps a sample unless it follows the one before so closely that the ring would not reach far
 * enough back. */
static void keep(struct cpu_history *h, struct cpu_sample sample)
{
    if (h->count > 0) {
        if (sample.sampled_ns - h->kept[h->newest].sampled_ns < SPACING_MIN_NS)
            return;
        h->newest = (h->newest + 1) % CPU_SAMPLES_MAX;
    }
    h->kept[h->newest] = sample;
    if (h->count < CPU_SAMPLES_MAX)
        h->count++;
}

uint64_t cpu_history_add(struct cpu_history *h, struct cpu_sample sample)
{
    bool fell = h->count > 0 && sample.usage_ns < h->last.usage_ns;
    if (sample.sampled_ns <= h->last.sampled_ns)
        return fell ? h->last.usage_ns : sample.usage_ns;
    if (fell && h->last.usage_ns - sample.usage_ns < ROUNDING_NS)
        sample.usage_ns = h->last.usage_ns;
    else if (fell)
        cpu_history_clear(h);
    h->last = sample;
    keep(h, sample);
    return sample.usage_ns;
}

/* The newest kept sample old enough at `now_ns`; NULL when there is none. */
static const struct cpu_sample *find_baseline(const struct cpu_history *h, uint64_t now_ns)
{
    for (unsigned back = 0; back < h->count; back++) {
        unsigned at = (h->newest + CPU_SAMPLES_MAX - back) % CPU_SAMPLES_MAX;
        if (now_ns - h->kept[at].sampled_ns >= BASELINE_MIN_NS)
            return &h->kept[at];
    }
    return NULL;
}

bool cpu_history_percent(const struct cpu_history *h, struct cpu_sample sample,
                         uint64_t *ret_millionths)
{
    if (h->count == 0 || sample.sampled_ns != h->last.sampled_ns ||
        sample.usage_ns != h->last.usage_ns)
        return false;
    const struct cpu_sample *baseline = find_baseline(h, sample.sampled_ns);
    if (!baseline || sample.sampled_ns - baseline->sampled_ns > BASELINE_MAX_NS)
        return false;
    /* At most 2^64 * 10^8 / 10^9, so the quotient fits; the product needs 128 bits. */
    *ret_millionths = (uint64_t)((unsigned __int128)(sample.usage_ns - baseline->usage_ns) *
                                 PERCENT_UNIT / (sample.sampled_ns - baseline->sampled_ns));
    return true;
}
