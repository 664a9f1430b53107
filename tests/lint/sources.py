"""Every C file is named in the CMakeLists.txt beside it, so that none lies about uncompiled and untested."""

import posixpath
import re

import lint

# "test_decimal.c" is registered as weir_unit_test(decimal ...), "fuzz_yaml.c" as weir_fuzz(yaml ...).
REGISTERED = re.compile(r"^(?:test|fuzz)_(\w+)\.c$")


def is_named(path, listing):
    name = posixpath.basename(path)
    if re.search(rf"(?<![\w/.]){re.escape(name)}\b", listing):
        return True
    registered = REGISTERED.match(name)
    return registered is not None and re.search(rf"^weir_\w+\({registered.group(1)}\b", listing, re.MULTILINE) is not None


def findings(files):
    found = []
    for path in files:
        listing = posixpath.join(posixpath.dirname(path), "CMakeLists.txt")
        if path.endswith(".c") and listing in files and not is_named(path, files[listing]):
            found.append(f"{path}:1: not named in {listing}")
    return found


SAMPLES = [
    ({"net/a.c": "", "net/CMakeLists.txt": "add_library(x STATIC\n    a.c)\n"}, 0),
    ({"net/a.c": "", "net/CMakeLists.txt": "add_library(x STATIC\n    ba.c\n    a.cc)\n"}, 1),
    ({"tests/unit/test_a.c": "", "tests/unit/CMakeLists.txt": "weir_unit_test(a weir_base)\n"}, 0),
    ({"tests/unit/test_a.c": "", "tests/unit/CMakeLists.txt": "weir_unit_test(ab weir_base)\n"}, 1),
]

if __name__ == "__main__":
    lint.main(findings, SAMPLES, (".c", "CMakeLists.txt"))
