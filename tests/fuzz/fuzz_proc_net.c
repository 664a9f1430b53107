/* Fuzzes the parser of net/dev in collectors/proc_net: what it takes for the kernel's text gives
 * rows that are whole, each with a name of its own in UTF-8, and the same text torn is refused. */
#include "collectors/proc_net.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LEAST 34 /* bytes: a letter, a colon, 16 digits, what parts them and the line end */
#define NAME_MOST  45 /* bytes: 15 of three each */

/* Decodes and encodes again: what comes out differently was no UTF-8. */
static bool is_utf8(const char *text)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        unsigned more = *p < 0x80 ? 0 : *p < 0xE0 ? 1 : *p < 0xF0 ? 2 : 3;
        uint32_t code = more == 0 ? *p : *p & (0x3FU >> more);
        if (*p >= 0xF8 || (*p >= 0x80 && *p < 0xC0))
            return false;
        for (unsigned i = more; i > 0; i--) {
            if ((*++p & 0xC0) != 0x80)
                return false;
            code = code << 6 | (*p & 0x3F);
        }
        if (code < least[more] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
            return false;
    }
    return true;
}

static int parse(const uint8_t *data, size_t size, struct arena *arena,
                 struct interface_row **ret_rows, size_t *ret_count)
{
    char *text = malloc(size + 1); /* its own block: a read past it is seen */
    memcpy(text, data, size);
    text[size] = '\0';
    int r = proc_net_parse(text, size, arena, ret_rows, ret_count);
    free(text);
    return r;
}

static void check_rows(const struct interface_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(rows[i].name);
        assert(length > 0 && length <= NAME_MOST && !strpbrk(rows[i].name, " \n/"));
        assert(is_utf8(rows[i].name) && strcmp(rows[i].name, "lo") != 0);
        assert(rows[i].present == (UINT64_C(1) << INTERFACE_METRICS) - 1);
        assert(i == 0 || strcmp(rows[i - 1].name, rows[i].name) < 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct interface_row *rows = NULL;
    size_t count = SIZE_MAX;
    int r = parse(data, size, &arena, &rows, &count);
    assert(r == 0 || r == (size == 0 ? -ENODATA : -EBADMSG));
    assert(r == 0 ? count <= size / LINE_LEAST : count == SIZE_MAX && !rows);
    if (r == 0) {
        check_rows(rows, count);
        assert(data[size - 1] == '\n');
        assert(parse(data, size - 1, &arena, &rows, &count) == -EBADMSG);
    }
    arena_done(&arena);
    return 0;
}
