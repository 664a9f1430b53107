/* yyjson as the parsers of engines' answers, runtimes' files and remembered names need it: one way
 * to open a text, and members that may not be there. */
#ifndef WEIR_COLLECTORS_ENGINE_JSON_H
#define WEIR_COLLECTORS_ENGINE_JSON_H

#include "collectors/engine_parse.h"

#include <yyjson.h>

/* Allocation that cannot fail, so that a failed read always means bad text. */
extern const yyjson_alc engine_json_allocator;

/* Attribute for a document that is freed when it leaves its scope. */
void engine_json_close(yyjson_doc **doc);
#define CLEANUP_JSON __attribute__((cleanup(engine_json_close)))

/* Reads `json`; `what` names the answer in the error, e.g. "GET /info". The document is the
 * caller's and independent of `json`. 0, -EBADMSG, or -ENODATA (nothing but white space). */
int engine_json_open(const char *json, size_t length, const char *what, struct err *e,
                     yyjson_doc **ret);
/* As engine_json_open, where the whole must be an object. */
int engine_json_open_object(const char *json, size_t length, const char *what, struct err *e,
                            yyjson_doc **ret);

/* All that follow take NULL and values of other types for an object without members. */

/* A text in `arena`; NULL when missing, not a text, or holding a NUL byte (which a C string would
 * cut short). */
const char *engine_json_text(yyjson_val *object, const char *key, struct arena *arena);
/* The same of the value itself. */
const char *engine_json_string(yyjson_val *value, struct arena *arena);
/* As engine_json_text, "" instead of NULL. */
const char *engine_json_text_or_empty(yyjson_val *object, const char *key, struct arena *arena);
/* An integer from 0 to 2^64-1. */
struct maybe engine_json_u64(yyjson_val *object, const char *key);
/* The same, and 0 when missing. */
uint64_t engine_json_u64_or_0(yyjson_val *object, const char *key);
/* The same as an unsigned int; 0 too when it does not fit. */
unsigned engine_json_unsigned_or_0(yyjson_val *object, const char *key);
/* A signed integer, 0 when missing or larger. */
int64_t engine_json_i64_or_0(yyjson_val *object, const char *key);
/* An RFC 3339 text as nanoseconds since 1970: 0, -EINVAL (also when missing), or -ENODATA (a zero
 * time). */
int engine_json_time_ns(yyjson_val *object, const char *key, uint64_t *ret_ns);
/* The full id of a container in `arena`; NULL when missing or anything else. */
const char *engine_json_container_id(yyjson_val *object, const char *key, struct arena *arena);

#endif
