/* The head of a request, and words for what came back: what a lane and a probe have in common. */
#ifndef WEIR_EXPORTERS_PUSH_REQUEST_H
#define WEIR_EXPORTERS_PUSH_REQUEST_H

#include "exporters/push_format.h"

#include <stdbool.h>

struct arena;
struct http_post_result;

struct push_request_head {
    enum push_format format;
    enum push_coding coding;
    const char *user_agent;
    const char *authorization;  /* the whole header; NULL or "": none */
    const char *const *headers; /* more of them; NULL-terminated, or NULL */
    unsigned attempt;           /* 0: for the first time */
};

/* As http_post_request.headers; what is no text of `head` is in `arena`. */
const char *const *push_request_headers(const struct push_request_head *head, struct arena *arena);
/* "answered 401", or "gave no answer"; in `arena`. */
const char *push_request_outcome(const struct http_post_result *result, struct arena *arena);
/* What can be done about it, for people; "" where there is nothing to say. */
const char *push_request_mend(const struct http_post_result *result);
/* Is it a page for people, which no receiver answers with? */
bool push_request_met_page(const struct http_post_result *result);

#endif
