/* What it knows: records and handshake messages as far as their headers. OpenSSL believes a client
 * that announces 128 KB and sets them aside, which nine bytes a connection would be a cheap way to
 * exhaust memory; and it reads hellos in the form of SSL 2.0. Documents: RFC 8446 4, 4.1.2, 5.1,
 * D.4 and D.5, RFC 5246 6.2.1 and E.2. */
#include "net/tls_hello.h"

#include <string.h>

#define HELLO_MAX          ((size_t)16384) /* bytes: one record; the longest of browsers have 2000 */
#define CLIENT_HELLO       1
#define CHANGE_CIPHER_SPEC 20
#define HANDSHAKE          22
#define SSL2_MARK          0x80 /* in the first byte, of a length; the kind is in the third */

/* Moves up to what `whole` lacks; how many bytes. */
static size_t gather(unsigned char *whole, size_t size, size_t *seen, const char *bytes,
                     size_t length)
{
    size_t taken = size - *seen < length ? size - *seen : length;
    memcpy(whole + *seen, bytes, taken);
    *seen += taken;
    return taken;
}

static size_t take_record(struct tls_hello *h, const char *bytes, size_t length, bool is_tls13)
{
    size_t taken = gather(h->record, sizeof h->record, &h->record_seen, bytes, length);
    if (h->record_seen < sizeof h->record)
        return taken;
    h->record_seen = 0;
    h->record_left = (size_t)h->record[3] << 8 | h->record[4];
    /* Of TLS 1.3 it has no meaning and may stand before a second hello (D.4). */
    bool is_dummy = is_tls13 && h->record[0] == CHANGE_CIPHER_SPEC;
    if (h->record[0] != HANDSHAKE && !is_dummy)
        h->is_over = true;
    return taken;
}

static size_t take_message(struct tls_hello *h, const char *bytes, size_t length)
{
    if (h->message_left > 0) {
        size_t taken = h->message_left < length ? h->message_left : length;
        h->message_left -= taken;
        return taken;
    }
    size_t taken = gather(h->message, sizeof h->message, &h->message_seen, bytes, length);
    if (h->message_seen < sizeof h->message)
        return taken;
    h->message_seen = 0;
    h->message_left = (size_t)h->message[1] << 16 | (size_t)h->message[2] << 8 | h->message[3];
    return taken;
}

/* The body of a record. */
static size_t take_body(struct tls_hello *h, const char *bytes, size_t length)
{
    size_t taken = h->record_left < length ? h->record_left : length;
    if (h->record[0] == HANDSHAKE)
        taken = take_message(h, bytes, taken);
    h->record_left -= taken;
    return taken;
}

const char *tls_hello_watch(struct tls_hello *h, const char *bytes, size_t length, bool is_tls13)
{
    while (length > 0 && !h->is_over) {
        size_t taken = h->record_left > 0 ? take_body(h, bytes, length)
                                          : take_record(h, bytes, length, is_tls13);
        bytes += taken;
        length -= taken;
        if (h->message[0] == CLIENT_HELLO && h->message_left > HELLO_MAX)
            return "too long a hello";
    }
    bool is_ssl2 = (h->record[0] & SSL2_MARK) && h->record[2] == CLIENT_HELLO;
    return h->is_over && is_ssl2 ? "hello of SSL 2.0" : NULL;
}
