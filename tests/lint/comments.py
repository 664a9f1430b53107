"""Every C file begins with a comment that says what it knows; every header has the guard its path asks for."""

import re

import lint

HEAD = re.compile(r"\A/\*(.*?)\*/", re.DOTALL)
LEAST_LETTERS = 20  # less is the file's name again


def guard(path):
    return "WEIR_" + re.sub(r"\W", "_", path).upper()


def findings(files):
    found = []
    for path, text in files.items():
        head = HEAD.match(text)
        if head is None or len(re.sub(r"\W", "", head.group(1))) < LEAST_LETTERS:
            found.append(f"{path}:1: begins without a comment that says what the file knows")
        wanted = f"#ifndef {guard(path)}\n#define {guard(path)}\n"
        if path.endswith(".h") and path.split("/")[0] in lint.LAYERS and wanted not in text:
            found.append(f"{path}:1: no include guard {guard(path)}")
    return found


COMMENT = "/* What it knows: how to tell a good file from a bad one. */\n"
SAMPLES = [
    ({"net/a.c": COMMENT, "net/a_b.h": COMMENT + "#ifndef WEIR_NET_A_B_H\n#define WEIR_NET_A_B_H\n#endif\n"}, 0),
    ({"net/a.c": "#include <stdio.h>\n" + COMMENT}, 1),
    ({"net/a.c": "/* a.c */\n"}, 1),
    ({"net/a.h": COMMENT + "#pragma once\n"}, 1),
]

if __name__ == "__main__":
    lint.main(findings, SAMPLES, lint.C_SOURCES)
