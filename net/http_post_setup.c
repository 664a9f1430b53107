/* What it knows: which URLs can be posted to, and which libcurl options make a POST that sends one
 * body once: no "Expect", files read anew for each connection. Documents: curl_easy_setopt(3) and
 * the page of each option, RFC 3986. */
#include "net/http_post_setup.h"

#include "base/alloc.h"
#include "base/err.h"
#include "net/http_post.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_MAX    2048 /* bytes: what every server and proxy takes */
#define WHERE_SIZE 100  /* bytes of a URL in a sentence, which keeps its mend then */

static const char *after_scheme(const char *url)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
            return url + strlen(schemes[i]);
    return NULL;
}

/* A control character must not get into a request, nor into a log. */
static int check_characters(const char *url, struct err *e)
{
    size_t good = 0;
    while (url[good] > ' ' && url[good] < 0x7f)
        good++;
    if (url[good] == '\0')
        return 0;
    return err_set(e, -EINVAL,
                   "the URL has a blank, a control character or one outside ASCII as its byte %zu: "
                   "write it as %%XX, and a host name as its xn-- form",
                   good + 1);
}

int http_post_setup_check(const struct http_post_options *options, struct err *e)
{
    const char *url = options->url;
    if (strlen(url) > URL_MAX)
        return err_set(e, -EINVAL, "the URL is longer than %d bytes: give a shorter one", URL_MAX);
    int r = check_characters(url, e);
    if (r < 0)
        return r;
    const char *host = after_scheme(url);
    size_t length = host ? strcspn(host, "/?#") : 0;
    const char *at = length > 0 ? memrchr(host, '@', length) : NULL;
    if (at) /* what is before it is not shown */
        return err_set(e, -EINVAL,
                       "the URL for %.*s holds a user or password, which logs and other users "
                       "would see: give them as username and password-file",
                       (int)(length - (size_t)(at + 1 - host)), at + 1);
    if (length == 0)
        return err_set(e, -EINVAL,
                       "\"%.100s\" is not a URL to push to: give it whole, e.g. "
                       "https://host:9090/api/v1/write",
                       url);
    if (strchr(host, '#'))
        return err_set(e, -EINVAL,
                       "the URL %.*s has a fragment (#...), which is never sent: leave it out, or "
                       "write the sign as %%23",
                       (int)strcspn(url, "?#"), url);
    return 0;
}

static int parse_url(const struct curl_functions *curl, const char *url, const char *shown,
                     struct err *e)
{
    CURLU *parsed = curl->url();
    assert(parsed); /* NULL is out of memory */
    CURLUcode r = curl->url_set(parsed, CURLUPART_URL, url, 0);
    curl->url_cleanup(parsed);
    if (r == CURLUE_OK)
        return 0;
    return err_set(e, -EINVAL, "\"%.100s\" is not a valid URL: %s; correct it", shown,
                   curl->url_strerror(r));
}

/* As curl(1) takes it: scheme and port may be missing. It may hold a password, so it is not shown.
 */
static int parse_proxy(const struct curl_functions *curl, const char *proxy, struct err *e)
{
    static const char *const schemes[] = {"http",    "https",  "socks4",
                                          "socks4a", "socks5", "socks5h"};
    CURLU *parsed = curl->url();
    assert(parsed);
    CURLUcode r =
        curl->url_set(parsed, CURLUPART_URL, proxy, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME);
    curl->url_cleanup(parsed);
    const char *end = strstr(proxy, "://");
    bool known = !end;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0] && !known; i++)
        known = strlen(schemes[i]) == (size_t)(end - proxy) &&
                strncasecmp(proxy, schemes[i], strlen(schemes[i])) == 0;
    if (r == CURLUE_OK && known)
        return 0;
    return err_set(e, -EINVAL,
                   "the proxy is not one that can be used: %s; give it as http://host:3128 (or "
                   "https, socks4, socks4a, socks5, socks5h), or nothing for none",
                   r != CURLUE_OK ? curl->url_strerror(r) : "its scheme is unknown");
}

static CURLcode set_post(const struct http_post_setup *s, const struct curl_functions *curl,
                         CURL *easy, const struct http_post_setup_request *request)
{
    static const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_POST, 1},
        {CURLOPT_MAXAGE_CONN, HTTP_POST_IDLE_S},
        {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1}, /* a proxy's answer is not the receiver's */
        /* Else files that changed would not be seen: a cached CA store lasts a day, and a resumed
         * session, which newer versions keep beyond the handle, shows no certificates. */
        {CURLOPT_CA_CACHE_TIMEOUT, 0},
        {CURLOPT_SSL_SESSIONID_CACHE, 0},
    };
    CURLcode r = curl->easy_setopt(easy, CURLOPT_URL, s->url); /* copied */
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && r == CURLE_OK; i++)
        r = curl->easy_setopt(easy, numbers[i].option, numbers[i].value);
    if (r == CURLE_OK && s->proxy)
        r = curl->easy_setopt(easy, CURLOPT_PROXY, s->proxy);
    if (r == CURLE_OK)
        r = curl->easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
    if (r == CURLE_OK && request->on_request)
        r = curl->easy_setopt(easy, CURLOPT_PREREQFUNCTION, request->on_request);
    if (r == CURLE_OK)
        r = curl->easy_setopt(easy, CURLOPT_PREREQDATA, request->hooks.transfer);
    if (r == CURLE_OK)
        r = curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
    /* Not copied; without a body it must not be NULL, or libcurl would ask a callback for it. */
    if (r == CURLE_OK)
        r = curl->easy_setopt(easy, CURLOPT_POSTFIELDS, request->body_length ? request->body : "");
    return r;
}

CURLcode http_post_setup_easy(const struct http_post_setup *s, const struct curl_functions *curl,
                              const struct http_post_setup_request *request, CURL **ret_easy)
{
    CURL *easy = curl->easy_init();
    assert(easy); /* NULL is out of memory */
    const struct curl_trust trust = {.ca_file = s->ca_file,
                                     .cert_file = s->cert_file,
                                     .key_file = s->key_file,
                                     .verify = s->verify};
    CURLcode r = curl_setup_common(curl, easy, &trust, &request->hooks);
    if (r == CURLE_OK)
        r = set_post(s, curl, easy, request);
    if (r != CURLE_OK) {
        curl->easy_cleanup(easy);
        return r;
    }
    *ret_easy = easy;
    return CURLE_OK;
}

static void append(const struct curl_functions *curl, struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl->slist_append(*list, line);
    assert(longer); /* NULL is out of memory */
    *list = longer;
}

struct curl_slist *http_post_setup_headers(const struct curl_functions *curl,
                                           const char *const *headers)
{
    static const char type[] = "Content-Type:";
    struct curl_slist *list = NULL;
    bool typed = false;
    /* Empty: not sent. Else libcurl waits up to a second for an answer before the body. */
    append(curl, &list, "Expect:");
    for (size_t i = 0; headers && headers[i]; i++) {
        assert(!strpbrk(headers[i], "\r\n")); /* it would begin another header */
        append(curl, &list, headers[i]);
        typed = typed || strncasecmp(headers[i], type, strlen(type)) == 0;
    }
    if (!typed) /* else libcurl says that it is a form */
        append(curl, &list, type);
    return list;
}

static char *copy_or_null(const char *text)
{
    return text ? alloc_string(text) : NULL;
}

static struct http_post_setup copy_options(const struct http_post_options *options)
{
    size_t shown = strcspn(options->url, "?");
    return (struct http_post_setup){
        .url = alloc_string(options->url),
        .where = alloc_copy(options->url, shown < WHERE_SIZE ? shown : WHERE_SIZE),
        .ca_file = copy_or_null(options->ca_file),
        .cert_file = copy_or_null(options->cert_file),
        .key_file = copy_or_null(options->key_file),
        .proxy = copy_or_null(options->proxy),
        .verify = options->verify,
        .tls = strncasecmp(options->url, "https:", strlen("https:")) == 0};
}

static int try_options(const struct http_post_setup *s, const struct curl_functions *curl,
                       struct err *e)
{
    CURL *easy;
    CURLcode r = http_post_setup_easy(s, curl, &(struct http_post_setup_request){0}, &easy);
    if (r != CURLE_OK)
        return err_set(e, -EINVAL,
                       "libcurl refuses the options for %s: %s; weir needs libcurl 7.87 or newer "
                       "with TLS",
                       s->where, curl->easy_strerror(r));
    curl->easy_cleanup(easy);
    return 0;
}

int http_post_setup_init(struct http_post_setup *ret, const struct curl_functions *curl,
                         const struct http_post_options *options, struct err *e)
{
    struct http_post_setup s = copy_options(options);
    int r = parse_url(curl, s.url, s.where, e);
    if (r == 0 && s.proxy && s.proxy[0])
        r = parse_proxy(curl, s.proxy, e);
    if (r == 0)
        r = try_options(&s, curl, e);
    if (r < 0) {
        http_post_setup_done(&s);
        return r;
    }
    *ret = s;
    return 0;
}

void http_post_setup_done(struct http_post_setup *s)
{
    free(s->url);
    free(s->where);
    free(s->ca_file);
    free(s->cert_file);
    free(s->key_file);
    free(s->proxy);
    *s = (struct http_post_setup){0};
}
