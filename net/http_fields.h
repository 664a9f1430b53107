/* A request's header fields as llhttp tells them. Between http_request.c and http_fields.c only. */
#ifndef WEIR_NET_HTTP_FIELDS_H
#define WEIR_NET_HTTP_FIELDS_H

#include "net/http_request.h"

/* Returns what makes llhttp stop; the first refusal counts. */
int http_request_refuse(struct http_request *r, int status, const char *sentence);
/* Appends to `text`; 0. */
int http_request_keep(struct http_request *r, const char *bytes, size_t length);

/* Callbacks of llhttp, `data` being the request. */
int http_fields_on_name(llhttp_t *parser, const char *at, size_t length);
int http_fields_on_name_complete(llhttp_t *parser);
int http_fields_on_value(llhttp_t *parser, const char *at, size_t length);
int http_fields_on_value_complete(llhttp_t *parser);

/* Once all of them have come: 0, or as http_request_refuse. */
int http_fields_check_host(struct http_request *r);

#endif
