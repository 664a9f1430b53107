/* Remembered names: anything is either refused with its line and tells nothing, or what it tells is
 * written as a file that tells the same. */
#include "base/buf.h"
#include "base/err.h"
#include "collectors/inventory.h"
#include "collectors/names_store.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct names_store_terms terms = {.boot_id = "boot-1", .rules = "rules-1"};

static struct buf encode(const struct inventory *v)
{
    struct buf b;
    buf_init(&b, NAMES_STORE_MAX_BYTES);
    int r = names_store_encode(v, &terms, &b);
    assert(r == 0);
    return b;
}

static void check_round_trip(const struct inventory *v)
{
    struct err e = {0};
    struct inventory *again = inventory_new();
    struct buf first = encode(v);
    int r = names_store_decode(first.data, first.length, &terms, 1, again, &e);
    assert(r == 0);
    struct buf second = encode(again);
    assert(inventory_count(again) == inventory_count(v));
    assert(first.length == second.length);
    assert(memcmp(first.data, second.data, first.length) == 0);
    buf_done(&first);
    buf_done(&second);
    inventory_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    struct inventory *v = inventory_new();
    int r = names_store_decode((const char *)data, size, &terms, 1, v, &e);
    if (r == 0) {
        check_round_trip(v);
    } else {
        assert(r == -EBADMSG && e.code == r);
        assert(strncmp(e.text, "line ", 5) == 0);
        assert(inventory_count(v) == 0);
    }
    inventory_free(v);
    return 0;
}
