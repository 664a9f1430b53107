/* How long a TLS context lives, from net/tls.h: sessions outlive its replacement, tickets do not,
 * and threads make and share it. */
#include "tls_pair.h"

#include "base/err.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool shows(const struct pair *p, const char *certificate)
{
    struct tls_pem pem = certificates_pem(certificate);
    BIO *bio = BIO_new_mem_buf(pem.text, (int)pem.length);
    X509 *wanted = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    bool is_same = X509_cmp(wanted, SSL_get0_peer_certificate(p->client)) == 0;
    X509_free(wanted);
    (void)BIO_free(bio);
    return is_same;
}

static void test_a_context_is_replaced(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct pair_client client = {.version = versions[i]};
        struct tls_terms t = pair_terms();
        struct tls_context *old = pair_context(&t);
        struct pair p = pair_connected(old, &client);
        pair_check_talks(&p); /* a ticket comes with it */
        client.resume = SSL_get1_session(p.client);
        struct pair again = pair_connected(old, &client);
        assert_true(SSL_session_reused(again.client));
        pair_done(&again);

        t.certificate = certificates_pem("rsa2048.pem");
        t.key = certificates_pem("rsa2048.key");
        struct tls_context *new = pair_context(&t);
        assert_ptr_equal(tls_context_ref(old), old);
        tls_context_unref(old);
        tls_context_unref(old);
        pair_check_talks(&p); /* the old session lives on */
        assert_true(shows(&p, "server.pem"));
        struct pair q = pair_connected(new, &client); /* with the old ticket */
        assert_false(SSL_session_reused(q.client));
        assert_true(shows(&q, "rsa2048.pem"));
        SSL_SESSION_free(client.resume);
        pair_done(&p);
        pair_done(&q);
        tls_context_unref(new);
    }
}

struct job {
    const struct tls_terms *terms;
    struct tls_context *context;
    unsigned came; /* handshakes */
};

static void *make_context(void *argument)
{
    struct job *job = argument;
    struct err e = {0};
    (void)tls_context_new(job->terms, &e, &job->context);
    return NULL;
}

static void test_made_on_another_thread(void **state)
{
    (void)state;
    struct tls_terms terms = pair_terms();
    struct job jobs[4] = {
        {&terms, NULL, 0}, {&terms, NULL, 0}, {&terms, NULL, 0}, {&terms, NULL, 0}};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_context, &jobs[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_non_null(jobs[i].context);
        struct pair p = pair_connected(jobs[i].context, NULL);
        tls_context_unref(jobs[i].context);
        pair_check_talks(&p);
        pair_done(&p);
    }
}

static void *hold_context(void *argument)
{
    struct job *job = argument;
    for (int i = 0; i < 50; i++) {
        struct tls_session *session = tls_session_new(tls_context_ref(job->context));
        tls_session_free(session);
        tls_context_unref(job->context);
        job->came++;
    }
    tls_context_unref(job->context);
    return NULL;
}

static void test_shared_by_threads(void **state)
{
    (void)state;
    struct tls_terms terms = pair_terms();
    struct tls_context *context = pair_context(&terms);
    struct job jobs[2] = {{&terms, tls_context_ref(context), 0},
                          {&terms, tls_context_ref(context), 0}};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_context, &jobs[i]), 0);
    struct pair p = pair_connected(context, NULL);
    tls_context_unref(context);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(jobs[i].came, 50);
    }
    pair_check_talks(&p);
    pair_done(&p);
}

static void test_null_is_allowed(void **state)
{
    (void)state;
    tls_context_unref(NULL);
    tls_session_free(NULL);
}

int main(void)
{
    int missing = certificates_missing();
    if (missing)
        return missing;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_context_is_replaced),
        cmocka_unit_test(test_made_on_another_thread),
        cmocka_unit_test(test_shared_by_threads),
        cmocka_unit_test(test_null_is_allowed),
    };
    return cmocka_run_group_tests(tests, certificates_make, certificates_remove);
}
