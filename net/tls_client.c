/* What it knows: how a client proves who it is, by Go's five kinds and the names of a certificate.
 * Documents: Go's crypto/tls ClientAuthType, RFC 5280 4.2.1.6, SSL_CTX_set_cert_verify_callback(3).
 */
#include "net/tls_context.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

#define IPV4_BYTES 4
#define IPV6_BYTES 16

static bool is_allowed(const struct text_list *names, const char *name, size_t length)
{
    for (size_t i = 0; i < names->count; i++)
        if (strlen(names->items[i]) == length && memcmp(names->items[i], name, length) == 0)
            return true;
    return false;
}

static bool is_address_allowed(const struct text_list *names, const unsigned char *bytes,
                               size_t length)
{
    static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char text[INET6_ADDRSTRLEN];
    if (length == IPV6_BYTES && memcmp(bytes, mapped, sizeof mapped) == 0) {
        bytes += sizeof mapped; /* Go writes these as what they are */
        length = IPV4_BYTES;
    }
    if (length != IPV4_BYTES && length != IPV6_BYTES)
        return false;
    const char *written =
        inet_ntop(length == IPV4_BYTES ? AF_INET : AF_INET6, bytes, text, sizeof text);
    return written && is_allowed(names, text, strlen(text));
}

static bool is_name_allowed(const struct text_list *names, const GENERAL_NAME *name)
{
    bool is_text = name->type == GEN_DNS || name->type == GEN_EMAIL || name->type == GEN_URI;
    if (!is_text && name->type != GEN_IPADD)
        return false;
    const ASN1_STRING *value = is_text ? name->d.ia5 : name->d.iPAddress;
    const unsigned char *bytes = tls_functions()->ASN1_STRING_get0_data(value);
    int length = tls_functions()->ASN1_STRING_length(value);
    if (!bytes || length <= 0)
        return false;
    return is_text ? is_allowed(names, (const char *)bytes, (size_t)length)
                   : is_address_allowed(names, bytes, (size_t)length);
}

static bool has_allowed_name(const struct text_list *names, const X509 *certificate)
{
    const struct tls_functions *tls = tls_functions();
    GENERAL_NAMES *found = tls->X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    if (!found)
        return false;
    const OPENSSL_STACK *stack = (const OPENSSL_STACK *)found;
    bool is_one = false;
    for (int i = 0; i < tls->OPENSSL_sk_num(stack) && !is_one; i++)
        is_one = is_name_allowed(names, tls->OPENSSL_sk_value(stack, i));
    tls->GENERAL_NAMES_free(found);
    return is_one;
}

/* In place of OpenSSL's own check; only for a client that sent a certificate. 1: let it in. */
static int check_client(X509_STORE_CTX *check, void *argument)
{
    const struct tls_context *context = argument;
    const struct tls_functions *tls = tls_functions();
    if (context->is_verifying && tls->X509_verify_cert(check) <= 0)
        return 0;
    if (context->client_names.count == 0 ||
        has_allowed_name(&context->client_names, tls->X509_STORE_CTX_get0_cert(check)))
        return 1;
    tls->X509_STORE_CTX_set_error(check, X509_V_ERR_HOSTNAME_MISMATCH);
    return 0;
}

static int check_terms(const struct tls_terms *terms, struct err *e)
{
    enum tls_client_auth auth = terms->client_auth;
    bool is_required = auth == TLS_CLIENT_REQUIRE_ANY || auth == TLS_CLIENT_REQUIRE_AND_VERIFY;
    if (terms->client_names.count > 0 && !is_required)
        return err_set(e, -EINVAL,
                       "names of clients are given, but clients need no certificate: "
                       "set the client authentication to RequireAndVerifyClientCert");
    if (terms->client_ca.name && auth == TLS_CLIENT_NONE)
        return err_set(e, -EINVAL,
                       "authorities of clients are given (%.120s), but clients are not "
                       "asked for a certificate: set the client authentication to "
                       "RequireAndVerifyClientCert",
                       terms->client_ca.name);
    if (!terms->client_ca.name && auth == TLS_CLIENT_REQUIRE_AND_VERIFY)
        return err_set(e, -EINVAL,
                       "clients must prove who they are, but no authority is given that "
                       "could tell: set the file of the clients' certificate authority");
    return 0;
}

int tls_client_use(struct tls_context *context, const struct tls_terms *terms, struct err *e)
{
    const struct tls_functions *tls = tls_functions();
    enum tls_client_auth auth = terms->client_auth;
    int r = check_terms(terms, e);
    if (r == 0 && terms->client_ca.name)
        r = tls_pem_use_client_ca(context->ssl, &terms->client_ca, e);
    if (r < 0 || auth == TLS_CLIENT_NONE)
        return r;
    bool is_required = auth == TLS_CLIENT_REQUIRE_ANY || auth == TLS_CLIENT_REQUIRE_AND_VERIFY;
    int mode = SSL_VERIFY_PEER | (is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    context->is_verifying =
        auth == TLS_CLIENT_VERIFY_IF_GIVEN || auth == TLS_CLIENT_REQUIRE_AND_VERIFY;
    context->client_names = text_list_copy(&terms->client_names);
    tls->SSL_CTX_set_verify(context->ssl, mode, NULL);
    tls->SSL_CTX_set_cert_verify_callback(context->ssl, check_client, context);
    /* A resumed session would let a client in whose certificate has expired meanwhile. */
    (void)tls->SSL_CTX_set_options(context->ssl, SSL_OP_NO_TICKET);
    (void)tls->SSL_CTX_set_num_tickets(context->ssl, 0);
    return 0;
}
