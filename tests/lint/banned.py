"""Calls that overflow, guess at errors, keep hidden state or block the loop, each with what to use instead."""

import re

import lint

BANNED = {
    "strcpy stpcpy strcat strncat strncpy sprintf vsprintf gets wcscpy":
        "base/buf.h, or snprintf with its result checked",
    "atoi atol atoll atof strtol strtoul strtoll strtoull strtoumax strtoimax strtod sscanf fscanf scanf":
        "the parsers of base/text.h",
    "alloca": "a buffer with a named size, or base/alloc.h",
    "strtok": "base/text.h",
    "asctime ctime localtime gmtime": "the _r form",
    "inet_ntoa inet_addr gethostbyname gethostbyaddr": "inet_ntop, getaddrinfo",
    "rand srand random srandom drand48": "a generator whose state the caller holds",
    "tmpnam tempnam mktemp": "mkstemp",
    "system popen": "nothing: weir starts no programs",
    "setjmp longjmp _setjmp siglongjmp": "a return value",
}
# In the programs that ship; tests may allocate and wait as they like.
BANNED_IN_PRODUCT = {
    "malloc calloc realloc reallocarray strdup strndup asprintf vasprintf":
        "base/alloc.h, which cannot fail, or base/buf.h",
    "sleep usleep nanosleep": "net/timer.h: the loop must not stand still",
}
ALLOCATORS = ("base/alloc.c", "base/buf.c")


def patterns(table):
    return [(re.compile(r"(?<![\w.>])(" + "|".join(names.split()) + r")\s*\("), instead)
            for names, instead in table.items()]


EVERYWHERE = patterns(BANNED)
PRODUCT = patterns(BANNED_IN_PRODUCT)


def findings(files):
    found = []
    for path, text in files.items():
        product = path.split("/")[0] in lint.LAYERS and path not in ALLOCATORS
        code = lint.code_only(text)
        for pattern, instead in EVERYWHERE + (PRODUCT if product else []):
            for match in pattern.finditer(code):
                found.append(f"{path}:{lint.line_of(code, match.start())}: {match.group(1)}: use {instead}")
    return found


SAMPLES = [
    ({"net/a.c": '/* strcpy(a, b) */ my_atoi(x); s = "gets(x)"; p->system(1); // sprintf(\n snprintf(a, 1, b);'}, 0),
    ({"net/a.c": "strcpy(a, b);\nx = atoi (y);"}, 2),
    ({"net/a.c": "malloc(1);", "base/alloc.c": "malloc(1);", "tests/unit/test_a.c": "malloc(1);"}, 1),
    ({"tests/unit/test_a.c": "sprintf(a, b);"}, 1),
]

if __name__ == "__main__":
    lint.main(findings, SAMPLES, lint.C_SOURCES)
