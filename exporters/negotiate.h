/* Which format and coding an answer has, from what a request says it takes. Documents: RFC 9110
 * section 12 (content negotiation), "Content negotiation" of prometheus.io. */
#ifndef WEIR_EXPORTERS_NEGOTIATE_H
#define WEIR_EXPORTERS_NEGOTIATE_H

#include "exporters/prometheus.h"

#include <stdbool.h>

enum gzip_mode { GZIP_AUTO, GZIP_ALWAYS, GZIP_NEVER };

#define NEGOTIATED_TYPE_MAX 192 /* bytes of a content type with its NUL */

struct negotiated {
    enum prometheus_format format;
    bool gzip;
    bool gzip_only; /* with gzip: the peer takes nothing else, however short the body */
    char content_type[NEGOTIATED_TYPE_MAX];
};

/* `accept` and `accept_encoding` are the headers or NULL. The supported type with the highest q
 * wins, the more specific one on a tie; where none is named, text 0.0.4, as scrapers expect. The
 * range of all types names none. Malformed members do not count.
 * `local`: the peer is on this host and gets gzip only when it insists (identity refused) or
 * `mode` is GZIP_ALWAYS. 0, or -ENOENT with a sentence for a 406 in `*ret_sentence`: the peer
 * refuses by q=0 all there is, of types or of codings. */
int negotiate(const char *accept, const char *accept_encoding, enum gzip_mode mode, bool local,
              struct negotiated *ret, const char **ret_sentence);

#endif
