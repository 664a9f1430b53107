/* Unpacks a gzip member, for the tests of those who pack. */
#ifndef WEIR_TESTS_GUNZIP_H
#define WEIR_TESTS_GUNZIP_H

#include "base/buf.h"

#include <libdeflate.h>

/* Fails the test when `bytes` are not one whole member of at most `maximum` bytes. */
static inline void gunzip(const char *bytes, size_t length, size_t maximum, struct buf *ret)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    size_t got = 0;
    size_t used = 0;
    buf_init(ret, maximum);
    assert_non_null(d);
    assert_int_equal(buf_reserve(ret, maximum), 0);
    assert_int_equal(
        libdeflate_gzip_decompress_ex(d, bytes, length, ret->data, maximum, &used, &got),
        LIBDEFLATE_SUCCESS);
    assert_int_equal(used, length);
    ret->length = got;
    ret->data[got] = '\0';
    libdeflate_free_decompressor(d);
}

#endif
