/* Attributes of OTLP: what a resource is, and how one is written. Pure. Documents:
 * semantic-conventions 1.44, model/container; docs/METRICS.md, "Names in OTLP". */
#ifndef WEIR_EXPORTERS_OTLP_RESOURCE_H
#define WEIR_EXPORTERS_OTLP_RESOURCE_H

#include "base/identity.h"
#include "exporters/exposition.h"

struct buf;

/* Of the messages that have attributes, which is all that differs. */
#define OTLP_TAG_OF_RESOURCE ((char)0x0A) /* field 1 */
#define OTLP_TAG_OF_POINT    ((char)0x3A) /* field 7 */

/* Appends an attribute, a whole field `tag`; both texts are UTF-8. */
void otlp_add_attribute(struct buf *ret, char tag, struct piece key, struct piece value);
/* Appends the content of a Resource: who the container, service or host is, or nothing for NULL,
 * and those of `external` whose key it has not already. What is not UTF-8 becomes U+FFFD. */
void otlp_add_resource(struct buf *ret, const struct identity *who, const struct label *external,
                       size_t external_count);

#endif
