"""Shell scripts: shellcheck has nothing to say."""

import os
import re
import shutil
import subprocess
import tempfile

import lint

SHEBANG = re.compile(r"\A#!.*\b(ba|da)?sh\b")
SOURCED = re.compile(r"^# shellcheck shell=", re.MULTILINE)


def findings(files):
    scripts = {path: text for path, text in files.items() if SHEBANG.match(text) or SOURCED.search(text)}
    if not scripts:
        return []
    with tempfile.TemporaryDirectory() as folder:
        for path, text in scripts.items():
            os.makedirs(os.path.join(folder, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(folder, path), "w", encoding="utf-8") as out:
                out.write(text)
        run = subprocess.run(["shellcheck", "--external-sources", "--format=gcc", *scripts], cwd=folder,
                             capture_output=True, text=True, check=False)
    return (run.stdout + run.stderr).splitlines()


SAMPLES = [
    ({"dev": '#!/bin/sh\nset -eu\necho "$1"\n', "a.py": "#!/usr/bin/python3\n", "a.c": "int a;\n"}, 0),
    ({"dev": "#!/bin/sh\nset -eu\necho $1\n"}, 1),
    ({"lib.sh": "# shellcheck shell=bash\necho $1\n"}, 1),
]

if __name__ == "__main__":
    if shutil.which("shellcheck") is None:
        lint.skip("no shellcheck (package shellcheck)")
    lint.main(findings, SAMPLES)
