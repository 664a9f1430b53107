"""Functions of at most 70 lines and 6 parameters, .c files of at most 500 lines, headers of 80; prints the medians.

Of the program alone: a test may be one long table.
"""

import os
import shutil
import statistics
import subprocess
import tempfile

import lint

FUNCTION_LINES = 70
PARAMETERS = 6
SOURCE_LINES = 500
HEADER_LINES = 80
TABLE_LINES = 500  # headers that are tables: they read from top to bottom, not as an interface
TABLES = ("agent/config.h", "base/metric_list.h", "base/metric_list_agent.h", "base/snapshot.h")


def functions(files):
    """(path, line, name, lines, parameters) of every function, by Universal Ctags."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            os.makedirs(os.path.join(folder, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(folder, path), "w", encoding="utf-8") as out:
                out.write(text)
        tags = subprocess.run(
            ["ctags", "-f", "-", "--language-force=C", "--kinds-C=f", "--fields=neS", "--excmd=number", "-L", "-"],
            input="\n".join(files), capture_output=True, text=True, check=True, cwd=folder).stdout
    for row in tags.splitlines():
        name, path, _, *fields = row.split("\t")
        field = dict(item.split(":", 1) for item in fields if ":" in item)
        first, last = int(field["line"]), int(field.get("end", field["line"]))
        yield path, first, name, last - first + 1, parameters(field.get("signature", "()"))


def parameters(signature):
    """Commas of the outermost parentheses: a parameter may itself be a function."""
    inner = signature.strip()[1:-1]
    if inner.strip() in ("", "void"):
        return 0
    depth = count = 0
    for character in inner:
        depth += (character == "(") - (character == ")")
        count += character == "," and depth == 0
    return count + 1


def file_limit(path):
    if path.endswith(".c"):
        return SOURCE_LINES
    return TABLE_LINES if path in TABLES else HEADER_LINES


def findings(files):
    found, sizes = [], []
    files = {path: text for path, text in files.items() if path.split("/")[0] in lint.LAYERS}
    for path, text in files.items():
        lines = text.count("\n")
        if lines > file_limit(path):
            found.append(f"{path}:1: {lines} lines, at most {file_limit(path)}")
    for path, line, name, lines, count in functions(files):
        sizes.append(lines)
        if lines > FUNCTION_LINES:
            found.append(f"{path}:{line}: {name} has {lines} lines, at most {FUNCTION_LINES}")
        if count > PARAMETERS:
            found.append(f"{path}:{line}: {name} has {count} parameters, at most {PARAMETERS}")
    report(files, sizes)
    return found


def report(files, sizes):
    sources = [text.count("\n") for path, text in files.items() if path.endswith(".c")]
    if sources and sizes:
        print(f".c files: {len(sources)}, median {statistics.median(sources):g} lines, longest {max(sources)}; "
              f"functions: {len(sizes)}, median {statistics.median(sizes):g} lines, longest {max(sizes)}")


def body(lines, name="f", signature="void"):
    return f"void {name}({signature})\n{{\n" + "    g();\n" * (lines - 3) + "}\n"


SAMPLES = [
    ({"base/a.c": body(FUNCTION_LINES), "base/a.h": "\n" * HEADER_LINES}, 0),
    ({"base/a.c": body(FUNCTION_LINES + 1)}, 1),
    ({"base/a.c": "\n" * (SOURCE_LINES + 1)}, 1),
    ({"tests/unit/test_a.c": body(FUNCTION_LINES + 1)}, 0),
    ({"base/a.h": "\n" * (HEADER_LINES + 1), "base/snapshot.h": "\n" * TABLE_LINES}, 1),
    ({"base/a.c": body(5, signature="int a, int b, int c, int d, int e, int f")}, 0),
    ({"base/a.c": body(5, signature="int a, int b, int c, int d, int e, int f, int g")}, 1),
    ({"base/a.c": body(5, signature="int a, int (*b)(int, int, int, int), int c, int d, int e, int f")}, 0),
]

if __name__ == "__main__":
    if shutil.which("ctags") is None:
        lint.skip("no ctags (package universal-ctags)")
    if "Universal" not in subprocess.run(["ctags", "--version"], capture_output=True, text=True, check=False).stdout:
        lint.skip("ctags is not Universal Ctags (package universal-ctags)")
    lint.main(findings, SAMPLES, lint.C_SOURCES)
