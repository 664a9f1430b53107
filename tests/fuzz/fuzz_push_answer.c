/* Any answer of a receiver: what is made of it stays within what was asked, and what is logged of
 * it is one printable line. Document: exporters/push_answer.h. */
#include "base/buf.h"
#include "base/text.h"
#include "exporters/push_answer.h"
#include "net/http_post.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NOW        UINT64_C(1767225600000) /* 2026-01-01 */
#define HOUR_MS    UINT64_C(3600000)
#define HEAD       8
#define WORDS_MOST 500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Up to the next newline, as a text of its own. */
static char *take_line(const uint8_t **data, size_t *size)
{
    const uint8_t *end = memchr(*data, '\n', *size);
    size_t length = end ? (size_t)(end - *data) : *size;
    char *line = malloc(length + 1);
    assert(line);
    memcpy(line, *data, length);
    line[length] = '\0';
    *data += length + (end ? 1 : 0);
    *size -= length + (end ? 1 : 0);
    return line;
}

static void check_words(enum push_format format, const struct http_post_result *result)
{
    struct buf words;
    buf_init(&words, WORDS_MOST);
    push_answer_words(format, result, &words);
    assert(!words.failed);
    for (size_t i = 0; i < words.length;) {
        size_t length = text_utf8_length(words.data + i);
        assert(length > 0 && (unsigned char)words.data[i] >= ' ' && words.data[i] != 0x7f);
        assert((unsigned char)words.data[i] != 0xc2 || (unsigned char)words.data[i + 1] >= 0xa0);
        i += length;
    }
    buf_done(&words);
}

/* Eight bytes of what was asked and answered, then three lines of headers, then the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD)
        return 0;
    const uint8_t *head = data;
    data += HEAD;
    size -= HEAD;
    char *retry_after = take_line(&data, &size);
    char *content_type = take_line(&data, &size);
    char *location = take_line(&data, &size);
    struct push_question question = {.format = (enum push_format)(head[0] % 3 + 1),
                                     .samples = head[1],
                                     .doubtful = head[2] & 1,
                                     .probe = head[2] & 2};
    struct http_post_result result = {.reason = head[2] & 4 ? REASON_TIMEOUT : REASON_NONE,
                                      .text = location,
                                      .status = head[3] | head[4] << 8,
                                      .body = (const char *)data,
                                      .body_length = size,
                                      .retry_after = head[2] & 8 ? retry_after : NULL,
                                      .content_type = head[2] & 16 ? content_type : NULL,
                                      .location = head[2] & 32 ? location : NULL,
                                      .samples_written = (int8_t)head[5],
                                      .histograms_written = (int8_t)head[6],
                                      .exemplars_written = (int8_t)head[7]};
    struct push_answer answer = push_answer_of(&question, &result, NOW);
    assert(answer.rejected <= question.samples);
    assert(answer.rejected == 0 || answer.verdict == PUSH_SENT);
    assert(answer.reason < PUSH_DROPS);
    assert(answer.retry_after_ms <= HOUR_MS);
    assert(answer.retry_after_ms == 0 || answer.verdict == PUSH_AGAIN);
    assert(answer.verdict != PUSH_DUPLICATE || question.doubtful);
    assert(answer.verdict != PUSH_FALL_BACK || question.format == PUSH_REMOTE_WRITE_2);
    assert(answer.verdict != PUSH_SPLIT || question.samples > 1);
    assert(result.reason == REASON_NONE || answer.verdict == PUSH_AGAIN);
    check_words(question.format, &result);
    free(retry_after);
    free(content_type);
    free(location);
    return 0;
}
