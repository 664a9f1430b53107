/* A second opinion on where one HTTP/1.x request ends and what it asks for, for the fuzzer to hold
 * the server's parser against. It shares no code with it and reads the whole message at once. */
#ifndef WEIR_TESTS_FUZZ_HTTP_JUDGE_H
#define WEIR_TESTS_FUZZ_HTTP_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum judge_verdict {
    JUDGE_VALID,      /* one whole request; other bytes may follow it */
    JUDGE_INCOMPLETE, /* the beginning of what may become one */
    JUDGE_INVALID,
};

enum judge_framing {
    JUDGE_NO_BODY, /* also Content-Length: 0 */
    JUDGE_BY_LENGTH,
    JUDGE_CHUNKED,
};

/* A run of the judged bytes. */
struct judge_span {
    const uint8_t *at;
    size_t length;
};

struct judge_result {
    struct judge_span method;
    struct judge_span target;
    struct judge_span path;  /* not decoded; empty for an absolute target without one */
    struct judge_span query; /* what follows '?' */
    int minor;               /* of HTTP/1.x */
    size_t head;             /* bytes up to the body, empty lines before the request included */
    enum judge_framing framing;
    uint64_t body;           /* bytes of content, without chunk sizes */
    size_t total;            /* bytes of the whole message */
    bool persistent;         /* RFC 9112 section 9.3 */
    bool continues;          /* Expect: 100-continue */
    bool demands;            /* an expectation that is not that one alone in its line */
    bool comma_in_host;      /* in the target's or in the Host line's */
    bool tab_after_framing;  /* a tab after the value of Content-Length or Transfer-Encoding */
    bool space_in_extension; /* white space around ';' or '=' of a chunk extension */
};

/* `ret` is written for JUDGE_VALID only. */
enum judge_verdict judge_request(const uint8_t *bytes, size_t length, struct judge_result *ret);

#endif
