"""What the lints share: the files they look at, the report, and the proof that each can fail.

A lint is a module with findings(files), which takes a mapping of paths (relative to the repository) to texts and
returns lines "path:line: what is wrong", and SAMPLES, pairs of such a mapping and the number of findings it must give.
Called with --self-test it checks its samples instead of the repository.
"""

import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIP_CODE = 77
C_SOURCES = (".c", ".h")
LAYERS = ("base", "net", "collectors", "exporters", "agent")


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(SKIP_CODE)


def paths():
    """Files git knows or would take, so that a new one is looked at before it is committed."""
    git = subprocess.run(["git", "-c", f"safe.directory={TOP}", "ls-files", "-z", "--cached", "--others",
                          "--exclude-standard"], cwd=TOP, capture_output=True, check=False)
    if git.returncode != 0:
        skip("this is not a git clone, so there is no list of the project's files: " + git.stderr.decode().strip())
    names = sorted(name for name in git.stdout.decode().split("\0") if name)
    return [name for name in names if os.path.isfile(os.path.join(TOP, name))]


def read(suffixes=None):
    """The text files whose names end so; every text file without suffixes."""
    files = {}
    for name in paths():
        if suffixes and not name.endswith(suffixes):
            continue
        with open(os.path.join(TOP, name), "rb") as source:
            data = source.read()
        if b"\0" not in data:
            files[name] = data.decode("utf-8", "replace")
    return files


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


CODE_TOKEN = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)


def code_only(text):
    """C text with comments and literals blanked, the lines kept."""
    return CODE_TOKEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def self_test(findings, samples):
    for number, (files, expected) in enumerate(samples):
        found = findings(files)
        if len(found) != expected:
            print(f"sample {number}: {expected} findings expected, {len(found)} given:", *found, sep="\n  ")
            return 1
    if not any(expected for _, expected in samples):
        print("no sample that the lint refuses: it could not fail")
        return 1
    print(f"{len(samples)} samples judged as expected")
    return 0


def main(findings, samples, suffixes=None):
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test(findings, samples))
    files = read(suffixes)
    found = findings(files)
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(files)} files, {len(found)} findings")
    sys.exit(1 if found else 0)
