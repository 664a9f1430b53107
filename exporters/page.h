/* The landing page: what weir is, where its numbers are, and how its newest round went. One HTML
 * page without scripts and without anything from elsewhere. */
#ifndef WEIR_EXPORTERS_PAGE_H
#define WEIR_EXPORTERS_PAGE_H

#include <stdint.h>

struct buf;
struct snapshot;

#define PAGE_CONTENT_TYPE "text/html; charset=utf-8"

struct page_options {
    /* What stands before every path in a link: "." or, where the page is asked for without the
     * slash at its end, the last part of its own path, e.g. "./weir". NULL: ".". */
    const char *link_base;
    const char *telemetry_path; /* begins with '/' */
    const char *version;
};

/* Appends the page to `ret`. `s` is the newest snapshot, NULL before the first; `now_ns` is
 * CLOCK_MONOTONIC. Every text is escaped. 0, or -EMSGSIZE when it does not fit. */
int page_encode(const struct page_options *options, const struct snapshot *s, uint64_t now_ns,
                struct buf *ret);

#endif
