/* Which metrics and containers a destination gets. */
#ifndef WEIR_EXPORTERS_PUSH_FILTER_H
#define WEIR_EXPORTERS_PUSH_FILTER_H

#include "base/text.h"

#include <stdbool.h>

struct identity;
struct push_filter; /* opaque */

struct push_filter_options {
    struct text_list metrics_include;    /* globs on the family's name; without any all of them */
    struct text_list metrics_exclude;    /* stronger */
    struct text_list containers_include; /* name=GLOB, image=GLOB, label.KEY=GLOB, as
                                            --container.include takes them; without any all. Of the
                                            labels those that are shown, so KEY means any key of its
                                            name: com.x-y and com_x.y are container_label_com_x_y */
    struct text_list containers_exclude; /* stronger */
};

/* Copies the options. NULL where they leave nothing out. */
struct push_filter *push_filter_new(const struct push_filter_options *options);
/* NULL is allowed. */
void push_filter_free(struct push_filter *f);
/* Both: true with a NULL filter. Any thread. */
bool push_filter_has_family(const struct push_filter *f, const char *family);
/* What is no container (the host, a service) is kept unless containers_include names something. */
bool push_filter_has_container(const struct push_filter *f, const struct identity *who);

#endif
