/* What it knows: which of libcurl's results is which reason. Document: libcurl-errors(3). */
#include "net/curl_failure.h"

#include "base/err.h"
#include "base/text.h"
#include "net/http_exchange.h"
#include "net/http_failure.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* With TLS 1.3 a client may be refused after the handshake, and the reset that follows can overtake
 * the alert: then only this sentence can name the likely cause. */
static enum reason ended_without_head(const char *where, const struct http_exchange *x,
                                      struct err *e)
{
    err_set(
        e, -ENODATA,
        "GET %.90s at %s: the server closed the connection without an answer; it may want "
        "another client certificate (check the files given), or it was stopped: look at its log",
        x->path, where);
    return REASON_ENDED_EARLY;
}

/* With TLS 1.3 a server refuses a client's certificate after the handshake: libcurl sees a failed
 * read, and only its text tells. */
static bool is_tls_alert(const char *detail)
{
    return strstr(detail, "alert") != NULL;
}

enum reason curl_failure_reason(const struct curl_failure_facts *f)
{
    const char *detail = f->detail;
    switch (f->code) {
    case CURLE_COULDNT_CONNECT:
        return f->os_error == ECONNREFUSED ? REASON_CONNECTION_REFUSED : REASON_CONNECTION_FAILED;
    case CURLE_OPERATION_TIMEDOUT:
        return REASON_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
        return REASON_TLS;
    case CURLE_RECV_ERROR:
        if (strstr(detail, "chunk"))
            return REASON_MALFORMED;
        return is_tls_alert(detail) ? REASON_TLS : REASON_ENDED_EARLY;
    case CURLE_SEND_ERROR:
        return is_tls_alert(detail) ? REASON_TLS : REASON_ENDED_EARLY;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
        return REASON_ENDED_EARLY;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9 */
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
        return REASON_MALFORMED;
    case CURLE_FILESIZE_EXCEEDED:
        return REASON_TOO_LARGE;
    default:
        return REASON_CONNECTION_FAILED;
    }
}

enum reason curl_failure(const char *where, const struct http_exchange *x,
                         const struct curl_failure_facts *f, struct err *e)
{
    const char *detail = f->detail;
    enum reason reason = curl_failure_reason(f);
    switch (reason) {
    case REASON_CONNECTION_REFUSED:
        return http_failure_connect(where, NULL, -ECONNREFUSED, e);
    case REASON_TIMEOUT:
        return http_failure_timeout(where, x, "libcurl was at it", e);
    case REASON_MALFORMED:
        return http_failure_answer(where, x, -EBADMSG, detail, e);
    case REASON_ENDED_EARLY:
        if (f->status == 0 && text_starts_with(where, "https:"))
            return ended_without_head(where, x, e);
        return http_failure_answer(where, x, -ENODATA, detail, e);
    case REASON_TOO_LARGE:
        return http_failure_answer(where, x, -EMSGSIZE, detail, e);
    case REASON_TLS:
        err_set(e, -EPROTO,
                "TLS with %s failed: %.120s; check the files of the CA, the certificate and the "
                "key, and that the server's certificate carries this name",
                where, detail);
        return reason;
    default:
        err_set(e, -EIO, "connecting to %s failed: %.120s; check the name, address and network",
                where, detail);
        return reason;
    }
}
