/* What it knows: which libcurl options make a request that stays what it is: HTTP/1.1, no redirect,
 * TLS 1.2 or newer, and only the given CA; and those of a GET, which takes no proxy from the
 * environment. Documents:
 * curl_easy_setopt(3) and the page of each option. */
#include "net/curl_setup.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/text.h"
#include "net/curl_client.h"
#include "net/curl_loop.h"
#include "net/http_exchange.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BASE_URL_MAX 512 /* bytes: a host name has at most 253 */

struct number_option {
    CURLoption option;
    long value;
};

static const struct number_option numbers[] = {
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1}, /* HTTP/2 gains one server nothing */
    {CURLOPT_FOLLOWLOCATION, 0},                   /* certificates go where they were meant to */
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_NOSIGNAL, 1},      /* the name look-up has threads; no SIGALRM */
    {CURLOPT_QUICK_EXIT, 1},    /* ending a request does not wait for its name look-up */
    {CURLOPT_PATH_AS_IS, 1},    /* the path is the caller's affair */
    {CURLOPT_TCP_KEEPALIVE, 1}, /* a silent stream whose peer is gone ends some time */
};

static int check_file(const char *what, const char *path, struct err *e)
{
    if (!path)
        return 0;
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, -EINVAL,
                       "the %s file %s cannot be read: %s; correct the path or the "
                       "file's permissions",
                       what, path, strerror(errno));
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        return err_set(e, -EINVAL, "the %s file %s is a directory: give a PEM file", what, path);
    return 0;
}

static int check_url(const char *url, struct err *e)
{
    const char *host = url;
    if (text_starts_with(url, "https://"))
        host += strlen("https://");
    else if (text_starts_with(url, "http://"))
        host += strlen("http://");
    bool valid = host != url && host[0] != '\0' && strlen(url) <= BASE_URL_MAX;
    for (const char *c = host; *c && valid; c++)
        valid = (unsigned char)*c > ' ' && *c != 0x7f && !strchr("/?#@\\", *c);
    if (!valid)
        return err_set(e, -EINVAL,
                       "\"%.100s\" is not a base URL: give scheme, host and port only, e.g. "
                       "https://host:2376",
                       url);
    return 0;
}

int curl_setup_check_trust(const struct curl_trust *trust, struct err *e)
{
    int r = 0;
    if (trust->key_file && !trust->cert_file)
        r = err_set(e, -EINVAL, "a key file is given (%s) without its certificate: give both",
                    trust->key_file);
    if (r == 0)
        r = check_file("CA", trust->ca_file, e);
    if (r == 0)
        r = check_file("certificate", trust->cert_file, e);
    if (r == 0)
        r = check_file("key", trust->key_file, e);
    return r;
}

int curl_setup_check(const struct curl_client_options *options, struct err *e)
{
    const struct curl_trust trust = {.ca_file = options->ca_file,
                                     .cert_file = options->cert_file,
                                     .key_file = options->key_file};
    int r = check_url(options->base_url, e);
    return r < 0 ? r : curl_setup_check_trust(&trust, e);
}

static CURLcode set_texts(const struct curl_functions *curl, CURL *easy,
                          const struct curl_trust *trust)
{
    const struct {
        CURLoption option;
        const char *value;
    } texts[] = {
        {CURLOPT_PROTOCOLS_STR, "https,http"},
        {CURLOPT_USERAGENT, "weir"},
        {CURLOPT_SSLCERT, trust->cert_file},
        {CURLOPT_SSLKEY, trust->key_file},
    };
    CURLcode r = CURLE_OK;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && r == CURLE_OK; i++)
        if (texts[i].value)
            r = curl->easy_setopt(easy, texts[i].option, texts[i].value);
    if (r == CURLE_OK && trust->ca_file)
        r = curl->easy_setopt(easy, CURLOPT_CAINFO, trust->ca_file);
    if (r == CURLE_OK && trust->ca_file) /* else the system's CAs would be trusted as well */
        r = curl->easy_setopt(easy, CURLOPT_CAPATH, NULL);
    return r;
}

static CURLcode set_numbers(const struct curl_functions *curl, CURL *easy, bool verify)
{
    CURLcode r = CURLE_OK;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && r == CURLE_OK; i++)
        r = curl->easy_setopt(easy, numbers[i].option, numbers[i].value);
    if (r == CURLE_OK)
        r = curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    if (r == CURLE_OK)
        r = curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    return r;
}

static CURLcode set_hooks(const struct curl_functions *curl, CURL *easy,
                          const struct curl_hooks *hooks)
{
    const struct {
        CURLoption option;
        void *value;
    } pointers[] = {
        {CURLOPT_ERRORBUFFER, hooks->text},     {CURLOPT_PRIVATE, hooks->transfer},
        {CURLOPT_WRITEDATA, hooks->transfer},   {CURLOPT_HEADERDATA, hooks->transfer},
        {CURLOPT_CLOSESOCKETDATA, hooks->loop},
    };
    CURLcode r = CURLE_OK;
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0] && r == CURLE_OK; i++)
        r = curl->easy_setopt(easy, pointers[i].option, pointers[i].value);
    if (r == CURLE_OK)
        r = curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, hooks->on_body);
    if (r == CURLE_OK)
        r = curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, hooks->on_header);
    if (r == CURLE_OK)
        r = curl->easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, curl_loop_close_socket);
    return r;
}

CURLcode curl_setup_common(const struct curl_functions *curl, CURL *easy,
                           const struct curl_trust *trust, const struct curl_hooks *hooks)
{
    CURLcode r = set_texts(curl, easy, trust);
    if (r == CURLE_OK)
        r = set_numbers(curl, easy, trust->verify);
    if (r == CURLE_OK)
        r = set_hooks(curl, easy, hooks);
    return r;
}

static CURLcode set_url(const struct curl_setup *s, const struct curl_functions *curl, CURL *easy,
                        const char *path)
{
    struct buf url;
    buf_init(&url, BASE_URL_MAX + HTTP_PATH_MAX);
    (void)buf_add_string(&url, s->base_url);
    (void)buf_add_string(&url, path);
    assert(!url.failed);                                         /* both were measured */
    CURLcode r = curl->easy_setopt(easy, CURLOPT_URL, url.data); /* copied */
    buf_done(&url);
    return r;
}

static CURLcode set_get(const struct curl_setup *s, const struct curl_functions *curl, CURL *easy,
                        bool keep)
{
    CURLcode r = curl->easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (r == CURLE_OK)
        r = curl->easy_setopt(easy, CURLOPT_PROXY, ""); /* not what the environment says */
    if (r == CURLE_OK)
        r = curl->easy_setopt(easy, CURLOPT_HTTPHEADER, s->headers);
    if (r == CURLE_OK)
        r = curl->easy_setopt(easy, CURLOPT_FORBID_REUSE, keep ? 0L : 1L);
    return r;
}

CURLcode curl_setup_easy(const struct curl_setup *s, const struct curl_functions *curl,
                         const struct curl_setup_request *request, CURL **ret_easy)
{
    CURL *easy = curl->easy_init();
    assert(easy); /* NULL is out of memory */
    const struct curl_trust trust = {.ca_file = s->ca_file,
                                     .cert_file = s->cert_file,
                                     .key_file = s->key_file,
                                     .verify = s->verify};
    CURLcode r = curl_setup_common(curl, easy, &trust, &request->hooks);
    if (r == CURLE_OK)
        r = set_url(s, curl, easy, request->path);
    if (r == CURLE_OK)
        r = set_get(s, curl, easy, request->keep);
    if (r != CURLE_OK) {
        curl->easy_cleanup(easy);
        return r;
    }
    *ret_easy = easy;
    return CURLE_OK;
}

static char *copy_or_null(const char *text)
{
    return text ? alloc_string(text) : NULL;
}

int curl_setup_init(struct curl_setup *ret_setup, const struct curl_functions *curl,
                    const struct curl_client_options *options, struct err *e)
{
    struct curl_setup s = {.base_url = alloc_string(options->base_url),
                           .ca_file = copy_or_null(options->ca_file),
                           .cert_file = copy_or_null(options->cert_file),
                           .key_file = copy_or_null(options->key_file),
                           .verify = options->verify,
                           .headers = curl->slist_append(NULL, "Accept: application/json")};
    assert(s.headers); /* NULL is out of memory */
    const struct curl_setup_request trial = {.path = "/"};
    CURL *easy;
    CURLcode r = curl_setup_easy(&s, curl, &trial, &easy);
    if (r != CURLE_OK) {
        curl_setup_done(&s, curl);
        return err_set(e, -EINVAL,
                       "libcurl refuses the options for %.100s: %s; weir needs libcurl 7.87 or "
                       "newer with TLS",
                       options->base_url, curl->easy_strerror(r));
    }
    curl->easy_cleanup(easy);
    *ret_setup = s;
    return 0;
}

void curl_setup_done(struct curl_setup *s, const struct curl_functions *curl)
{
    free(s->base_url);
    free(s->ca_file);
    free(s->cert_file);
    free(s->key_file);
    curl->slist_free_all(s->headers);
    *s = (struct curl_setup){0};
}
