/* The lines of a request's head, byte by byte and by the strict grammar: a second reader beside
 * llhttp, which lets some shapes pass. Private to net. */
#ifndef WEIR_NET_HTTP_LINES_H
#define WEIR_NET_HTTP_LINES_H

#include <stddef.h>
#include <stdint.h>

#define HTTP_METHOD_MAX 4 /* bytes: POST, the longest that is served */

enum http_lines_state {
    HTTP_LINES_BEFORE, /* empty lines before the request line */
    HTTP_LINES_BEFORE_LF,
    HTTP_LINES_METHOD,
    HTTP_LINES_TARGET,
    HTTP_LINES_VERSION,
    HTTP_LINES_START, /* of a field line */
    HTTP_LINES_NAME,
    HTTP_LINES_VALUE,
    HTTP_LINES_LF, /* due after the CR of a line */
    HTTP_LINES_LAST_LF,
    HTTP_LINES_DONE, /* the empty line that ends the section has been read */
};

struct http_lines {
    enum http_lines_state state;
    size_t max_target_bytes;
    size_t count;         /* bytes of the method, target or version being read */
    const char *method;   /* one of the four that are served; NULL until it has been read */
    const char *sentence; /* of a refusal */
    int status;           /* of a refusal; 0 while there is none */
    uint8_t major;        /* of the version, once read */
    uint8_t minor;
    char word[HTTP_METHOD_MAX + 1]; /* the method as far as it has come */
};

void http_lines_init(struct http_lines *l, size_t max_target_bytes);
/* What comes next is the trailer section of a chunked body. */
void http_lines_start_trailers(struct http_lines *l);
/* Reads on and returns how many bytes are good: all of them, or those up to the method's space or
 * to the end of the section, or those before one that is refused. Not to be called when DONE. */
size_t http_lines_scan(struct http_lines *l, const char *bytes, size_t length);

#endif
