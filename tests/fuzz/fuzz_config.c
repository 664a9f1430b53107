/* The configuration file: anything is either refused with its place and what is wrong, or printed
 * as a file that reads back to the same print. */
#include "agent/config.h"
#include "base/buf.h"
#include "base/err.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define PRINT_MAX_BYTES ((size_t)64 << 20) /* every item of every list at its longest, escaped */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(const struct config *c, struct buf *ret)
{
    buf_init(ret, PRINT_MAX_BYTES);
    int r = config_print(c, ret);
    assert(r == 0);
}

static void check_round_trip(const struct config *c)
{
    struct buf first;
    struct buf second;
    struct config again;
    struct err e = {0};
    print(c, &first);
    int r = config_parse_yaml("printed.yml", first.data, first.length, &e, &again);
    /* The print is larger than what was read; past the limit it cannot be read back. */
    if (r == 0) {
        print(&again, &second);
        assert(first.length == second.length);
        assert(memcmp(first.data, second.data, first.length) == 0);
        buf_done(&second);
        config_done(&again);
    } else {
        assert(strstr(e.text, "1 MiB"));
    }
    buf_done(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config c;
    struct err e = {0};
    int r = config_parse_yaml("fuzz.yml", (const char *)data, size, &e, &c);
    if (r == 0) {
        check_round_trip(&c);
        config_done(&c);
    } else {
        assert(e.code == r);
        assert(strncmp(e.text, "fuzz.yml:", 9) == 0);
    }
    return 0;
}
