/* What it knows: how much memory answers on their way out hold, and who is cut off when it is too
 * much. A body is in memory as a whole until its last reader is done, however many read it and
 * however little each still needs: so it counts once and whole. */
#include "net/http_pinned.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "net/http_connection.h"
#include "net/http_write.h"

#include <assert.h>
#include <stdlib.h>

struct http_pin *http_pin_add(struct http_pins *p, struct bytes *body)
{
    struct http_pin *pin = p->first;
    while (pin && pin->body != body)
        pin = pin->next;
    if (!pin) {
        pin = alloc_zeroed(1, sizeof *pin);
        pin->body = body;
        pin->next = p->first;
        if (pin->next)
            pin->next->previous = pin;
        p->first = pin;
        p->bytes += body->length;
    }
    pin->writers++;
    return pin;
}

void http_pin_remove(struct http_pins *p, struct http_pin *pin)
{
    if (!pin)
        return;
    assert(pin->writers > 0 && p->bytes >= pin->body->length);
    if (--pin->writers > 0)
        return;
    p->bytes -= pin->body->length;
    if (pin->previous)
        pin->previous->next = pin->next;
    else
        p->first = pin->next;
    if (pin->next)
        pin->next->previous = pin->previous;
    free(pin);
}

/* A body that is past the limit all by itself must still reach somebody: while its answer is the
 * newest it does not count. */
static uint64_t counted(const struct http_server *s)
{
    const struct http_connection *newest = s->queues[HTTP_RANK_WRITING].last;
    const struct bytes *body = newest ? http_write_body(newest->write) : NULL;
    bool large = body && body->length > s->limits.max_pinned_bytes;
    return s->pins.bytes - (large ? body->length : 0);
}

void http_pinned_enforce(struct http_server *s)
{
    const struct http_queue *writing = &s->queues[HTTP_RANK_WRITING];
    while (writing->first != writing->last && counted(s) > s->limits.max_pinned_bytes) {
        s->refusals[HTTP_REFUSED_PINNED_BYTES]++;
        http_connection_cut_off(writing->first);
    }
}
