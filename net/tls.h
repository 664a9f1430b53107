/* The server's side of TLS 1.2 and 1.3, by OpenSSL, which is opened at run time with the first
 * context: a process without TLS does not pay for it. No sockets: bytes of the peer go in, bytes
 * for the peer come out. Documents: RFC 8446, RFC 5246, ssl(7). */
#ifndef WEIR_NET_TLS_H
#define WEIR_NET_TLS_H

#include "base/text.h"

struct buf;
struct err;
struct tls_context; /* a certificate with its terms; reference counted, by atomics */
struct tls_session; /* one connection */

enum tls_client_auth {
    TLS_CLIENT_NONE,
    TLS_CLIENT_REQUEST,            /* asked for, taken as it is */
    TLS_CLIENT_REQUIRE_ANY,        /* must come, is not checked against an authority */
    TLS_CLIENT_VERIFY_IF_GIVEN,    /* without client_ca no certificate passes */
    TLS_CLIENT_REQUIRE_AND_VERIFY, /* needs client_ca */
};
enum tls_version { TLS_VERSION_12, TLS_VERSION_13 };

/* A file's content and what it is called in messages: its path, or "inline". */
struct tls_pem {
    const char *name; /* NULL: there is none */
    const char *text;
    size_t length;
};

struct tls_terms {
    struct tls_pem certificate; /* and the chain after it */
    struct tls_pem key;
    struct tls_pem client_ca;
    enum tls_client_auth client_auth;
    struct text_list client_names; /* SANs one of which a client must have; none: any */
    enum tls_version least;
    enum tls_version most;
    struct text_list ciphers; /* of TLS 1.2, by their names at IANA; none: all that are not weak */
    struct text_list curves;  /* CurveP256, CurveP384, CurveP521, X25519; none: OpenSSL's choice */
    bool client_order;        /* the client's order of ciphers counts */
};

/* May run on any thread. One reference, the caller's. 0; -ENOENT (no OpenSSL, the sentence names
 * the package), -ENOSYS, -EINVAL (a certificate, key, CA, cipher or curve that cannot be used, a
 * key that is not the certificate's, or terms that contradict; what, where, why and the mend in
 * `e`). */
int tls_context_new(const struct tls_terms *terms, struct err *e, struct tls_context **ret);
struct tls_context *tls_context_ref(struct tls_context *c);
/* NULL is allowed. */
void tls_context_unref(struct tls_context *c);

/* A server's session; holds a reference to the context. Never fails. */
struct tls_session *tls_session_new(struct tls_context *c);
/* NULL is allowed. */
void tls_session_free(struct tls_session *t);
/* Takes bytes of the peer; decrypted ones are appended to `plain`, answers of the protocol to
 * `out`, both also on an error: an alert for the peer. 0; -EPIPE the peer has ended the session;
 * -EPROTO it broke the protocol or was refused (tls_session_failure says why); -EMSGSIZE past the
 * maximum of a buffer. After -EPIPE write and end are still allowed (RFC 8446 6.1), after another
 * error only free. */
int tls_session_feed(struct tls_session *t, const char *bytes, size_t length, struct buf *plain,
                     struct buf *out);
/* Appends `bytes` encrypted to `out`. 0, -EPROTO before the handshake is done or when the peer
 * began another one, -EMSGSIZE: nothing is appended. */
int tls_session_write(struct tls_session *t, const char *bytes, size_t length, struct buf *out);
/* Appends the notice that nothing more will come. */
void tls_session_end(struct tls_session *t, struct buf *out);
bool tls_session_is_ready(const struct tls_session *t); /* the handshake is done */
/* Why feed failed, a short text without newline, e.g. "no suitable protocol"; "" while it has not.
 */
const char *tls_session_failure(const struct tls_session *t);

#endif
