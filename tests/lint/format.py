"""clang-format has nothing to change. Its releases differ, so only the one .clang-format was written for is asked."""

import os
import re
import shutil
import subprocess
import tempfile

import lint

MAJOR = 14
WARNING = re.compile(r"^(\S+?:\d+):\d+: error: code should be clang-formatted", re.MULTILINE)


def program():
    for name in (f"clang-format-{MAJOR}", "clang-format"):
        if shutil.which(name):
            version = subprocess.run([name, "--version"], capture_output=True, text=True, check=True).stdout
            major = re.search(r"version (\d+)", version)
            if major and int(major.group(1)) == MAJOR:
                return name
    return None


def findings(files):
    if not files:
        return []
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(lint.TOP, ".clang-format"), folder)
        for path, text in files.items():
            os.makedirs(os.path.join(folder, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(folder, path), "w", encoding="utf-8") as out:
                out.write(text)
        run = subprocess.run([program(), "--dry-run", "-Werror", *files], cwd=folder, capture_output=True, text=True,
                             check=False)
    places = dict.fromkeys(WARNING.findall(run.stderr))
    if run.returncode != 0 and not places:
        return [run.stderr.strip()]
    return [f"{place}: clang-format would change this line (./dev format)" for place in places]


SAMPLES = [
    ({"base/a.c": "int f(void)\n{\n    return 0;\n}\n"}, 0),
    ({"base/a.c": "int f(void)\n{\n  return 0;\n}\n"}, 1),
]

if __name__ == "__main__":
    if program() is None:
        lint.skip(f"the format is what clang-format {MAJOR} makes, and that release is not here")
    lint.main(findings, SAMPLES, lint.C_SOURCES)
