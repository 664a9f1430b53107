/* The lists of Accept and Accept-Encoding, one member at a time. Documents: RFC 9110 sections 5.6
 * (lists, tokens, quoted strings, parameters) and 12.4.2 (weights). */
#ifndef WEIR_EXPORTERS_ACCEPT_H
#define WEIR_EXPORTERS_ACCEPT_H

#include <stdbool.h>

/* The parameters that tell our formats apart; others are read over. */
enum accept_parameter {
    ACCEPT_VERSION,
    ACCEPT_PROTO,
    ACCEPT_ENCODING,
    ACCEPT_ESCAPING,
    ACCEPT_PARAMETERS,
};

/* Bytes of a name or value with its NUL; the longest of ours has 34. */
#define ACCEPT_TEXT_MAX 48
/* Stands for a text that is longer. No token can be this. */
#define ACCEPT_OTHER "?"

#define ACCEPT_WEIGHT_MAX 1000

struct accept_member {
    char name[ACCEPT_TEXT_MAX];                          /* e.g. "text/plain", "gzip", "*" */
    char parameters[ACCEPT_PARAMETERS][ACCEPT_TEXT_MAX]; /* unquoted; "" where there is none */
    unsigned weight;                                     /* q in thousandths; 1000 without one */
};

/* Takes the next member off `*list`. A malformed one, which includes one with a malformed weight,
 * is passed over: it does not say what its sender wants. False at the end. */
bool accept_next(const char **list, struct accept_member *ret);

#endif
