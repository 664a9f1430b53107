/* Hellos that OpenSSL must not see: it sets aside as much as a client announces, and reads the form
 * of SSL 2.0. Private to net/. */
#ifndef WEIR_NET_TLS_HELLO_H
#define WEIR_NET_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>

/* Zero is a connection's begin. */
struct tls_hello {
    unsigned char record[5];  /* the header under way */
    unsigned char message[4]; /* likewise */
    size_t record_seen;
    size_t message_seen;
    size_t record_left; /* bytes to come */
    size_t message_left;
    bool is_over; /* what follows is encrypted or wrong: not looked at */
};

/* Looks at bytes as OpenSSL takes them; `is_tls13`: that version has been chosen. NULL, or why the
 * client is to be refused: a hello of more than 16 KB has been announced, or one of SSL 2.0. */
const char *tls_hello_watch(struct tls_hello *h, const char *bytes, size_t length, bool is_tls13);

#endif
