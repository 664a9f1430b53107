/* What it knows: the sentence for each way in which a POST fails, and the mend. Document:
 * libcurl-errors(3). */
#include "net/http_post_failure.h"

#include "base/err.h"
#include "base/fs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define DETAIL "%.110s" /* of libcurl's text, so that the sentence keeps its mend */

static enum reason timed_out(const char *where, const struct http_post_failure *f, struct err *e)
{
    static const char *const doing[] = {
        [POST_RESOLVES] = "looking up its name; check the name server",
        [POST_CONNECTS] = "connecting; check the address, the network and the firewall",
        [POST_SENDS] = "sending the request; the receiver or the network is slow, look at its log",
        [POST_WAITS] = "waiting for its answer; it is slow or stuck, look at its log",
        [POST_READS] = "reading the body of its answer; it is slow or stuck, look at its log"};
    char head[32] = "";
    if (f->phase == POST_READS)
        (void)snprintf(head, sizeof head, " whole (its status is %d)", f->curl.status);
    err_set(e, -ETIMEDOUT,
            "POST to %s: no answer%s within %" PRIu64 " ms, while %s; or allow more time", where,
            head, f->timeout_ms, doing[f->phase]);
    return REASON_TIMEOUT;
}

/* With TLS 1.3 a client may be refused after the handshake, and the reset that follows can overtake
 * the alert: then only this sentence can name the likely cause. */
static enum reason ended_early(const char *where, const struct http_post_failure *f, struct err *e)
{
    if (f->curl.status != 0)
        err_set(e, -ENODATA,
                "POST to %s: the answer (status %d) broke off (" DETAIL "); look at the receiver's "
                "log",
                where, f->curl.status, f->curl.detail);
    else
        err_set(e, -ENODATA,
                "POST to %s: the connection ended without an answer (" DETAIL "); the receiver was "
                "stopped, or refuses such requests%s: look at its log",
                where, f->curl.detail, f->tls ? ", or wants another client certificate" : "");
    return REASON_ENDED_EARLY;
}

/* OpenSSL's words for a first record that is none, of 3.0 and of 3.2. */
static bool is_answered_plainly(const struct curl_failure_facts *f)
{
    return strstr(f->detail, "wrong version number") || strstr(f->detail, "packet length too long");
}

static enum reason tls_failed(const char *where, const struct http_post_failure *f, struct err *e)
{
    if (f->curl.code == CURLE_SSL_CACERT_BADFILE && f->system_cas)
        err_set(e, -EPROTO,
                "TLS with %s failed: " DETAIL "; install the system's CAs (package "
                "ca-certificates), or give the file of the receiver's CA",
                where, f->curl.detail);
    else if (is_answered_plainly(&f->curl))
        err_set(e, -EPROTO,
                "TLS with %s failed: what answers there speaks no TLS (" DETAIL "); write http://, "
                "or the port of its TLS",
                where, f->curl.detail);
    else
        err_set(e, -EPROTO,
                "TLS with %s failed: " DETAIL "; check the files of the CA, the certificate and "
                "the key, and that the receiver's certificate is in date and carries this name",
                where, f->curl.detail);
    return REASON_TLS;
}

/* libcurl does not say so when it gets no socket. */
static bool lacks_descriptors(const struct curl_failure_facts *f)
{
    if (f->code != CURLE_COULDNT_CONNECT || f->os_error != 0)
        return f->os_error == EMFILE || f->os_error == ENFILE;
    CLEANUP_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 && (errno == EMFILE || errno == ENFILE);
}

static enum reason not_connected(const char *where, const struct http_post_failure *f,
                                 enum reason reason, struct err *e)
{
    if (f->proxy_status != 0 && f->proxy_status / 100 != 2)
        err_set(e, -ECONNREFUSED,
                "the proxy does not connect to %s: it answers %ld; check its rules, and whether it "
                "wants a user and password",
                where, f->proxy_status);
    else if (lacks_descriptors(&f->curl))
        err_set(e, -EMFILE,
                "connecting to %s failed: there are no free descriptors; raise LimitNOFILE= of "
                "the service",
                where);
    else
        err_set(e, -EIO,
                "connecting to %s failed: " DETAIL "; is the receiver started, are the address, "
                "the network and the proxy (if any) right?",
                where, f->curl.detail);
    return reason;
}

static enum reason malformed(const char *where, const char *detail, struct err *e)
{
    err_set(e, -EBADMSG,
            "POST to %s: the answer is not HTTP/1.1 (" DETAIL "); is it the right port, and is it "
            "http or https?",
            where, detail);
    return REASON_MALFORMED;
}

static enum reason head_too_large(const char *where, struct err *e)
{
    err_set(e, -E2BIG,
            "POST to %s: the head of the answer is longer than 64 KiB; is it the right server?",
            where);
    return REASON_TOO_LARGE;
}

enum reason http_post_failure(const char *where, const struct http_post_failure *f, struct err *e)
{
    if (f->timeout_ms > 0)
        return timed_out(where, f, e);
    if (f->error == -EBADMSG)
        return malformed(where, "its status is none that answers a POST", e);
    /* The second: one line longer than libcurl takes. */
    if (f->error == -E2BIG || f->curl.code == CURLE_OUT_OF_MEMORY)
        return head_too_large(where, e);
    enum reason reason = curl_failure_reason(&f->curl);
    bool is_of_request = reason == REASON_ENDED_EARLY || reason == REASON_MALFORMED;
    if (is_of_request && f->phase < POST_SENDS) /* of a proxy, then */
        reason = REASON_CONNECTION_FAILED;
    switch (reason) {
    case REASON_MALFORMED:
        return malformed(where, f->curl.detail, e);
    case REASON_ENDED_EARLY:
        return ended_early(where, f, e);
    case REASON_TLS:
        return tls_failed(where, f, e);
    case REASON_TOO_LARGE:
        return head_too_large(where, e);
    default:
        return not_connected(where, f, reason, e);
    }
}
