/* OpenSSL, opened at run time: a process that serves no TLS does not pay for it. Private to net/.
 * Macros of its headers that call functions must not be used: nothing links it. Document:
 * dlopen(3), ssl(7). */
#ifndef WEIR_NET_TLS_LOAD_H
#define WEIR_NET_TLS_LOAD_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct err;

/* Alphabetical. */
/* clang-format off */
#define TLS_SSL_LIST(F)                                                                        \
    F(SSL_CTX_add_client_CA) F(SSL_CTX_ctrl) F(SSL_CTX_free) F(SSL_CTX_get0_certificate)       \
    F(SSL_CTX_get_cert_store) F(SSL_CTX_new) F(SSL_CTX_set_alpn_select_cb)                     \
    F(SSL_CTX_set_cert_verify_callback) F(SSL_CTX_set_cipher_list) F(SSL_CTX_set_num_tickets)  \
    F(SSL_CTX_set_options) F(SSL_CTX_set_session_id_context) F(SSL_CTX_set_verify)             \
    F(SSL_CTX_use_PrivateKey) F(SSL_CTX_use_certificate) F(SSL_free) F(SSL_get_error)          \
    F(SSL_get_rbio) F(SSL_get_verify_result) F(SSL_is_init_finished) F(SSL_new) F(SSL_read_ex) \
    F(SSL_set_accept_state) F(SSL_set_bio) F(SSL_set_info_callback) F(SSL_shutdown)            \
    F(SSL_version) F(SSL_write_ex) F(TLS_server_method)

#define TLS_CRYPTO_LIST(F)                                                                        \
    F(ASN1_STRING_get0_data) F(ASN1_STRING_length) F(BIO_clear_flags) F(BIO_free) F(BIO_get_data) \
    F(BIO_meth_free) F(BIO_meth_new) F(BIO_meth_set_ctrl) F(BIO_meth_set_read_ex)                 \
    F(BIO_meth_set_write_ex) F(BIO_new) F(BIO_new_mem_buf) F(BIO_set_data) F(BIO_set_flags)       \
    F(ERR_clear_error) F(ERR_peek_last_error) F(ERR_reason_error_string) F(EVP_PKEY_free)         \
    F(GENERAL_NAMES_free) F(OPENSSL_sk_num) F(OPENSSL_sk_value) F(PEM_read_bio_PrivateKey)        \
    F(PEM_read_bio_X509) F(X509_STORE_CTX_get0_cert) F(X509_STORE_CTX_set_error)                  \
    F(X509_STORE_add_cert) F(X509_STORE_set_flags) F(X509_check_private_key) F(X509_free)         \
    F(X509_get_ext_d2i) F(X509_verify_cert) F(X509_verify_cert_error_string)
/* clang-format on */

#define TLS_FUNCTION_MEMBER(name) __typeof__(name) *name;

struct tls_functions {
    TLS_SSL_LIST(TLS_FUNCTION_MEMBER)
    TLS_CRYPTO_LIST(TLS_FUNCTION_MEMBER)
};

/* Opens OpenSSL for good with the first call that succeeds; on any thread. 0, -ENOENT (not there,
 * the sentence names the package), -ENOSYS (it lacks a function). */
int tls_load(struct err *e);
/* Only after tls_load succeeded. */
const struct tls_functions *tls_functions(void);
/* Why OpenSSL's last call on this thread failed, in its words. */
const char *tls_reason(void);

#endif
