"""analyzers.py clang-tidy|cppcheck BUILD: the analyser, over every source of the program, has nothing to say."""

import glob
import json
import multiprocessing.pool
import os
import re
import shutil
import subprocess
import sys

SKIP_CODE = 77
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAYERS = re.compile(r"^(agent|base|net|collectors|exporters)/")
# What the model redefines is defined here.
UNMODELLED = "base/err.c"
MODEL = os.path.join("tests", "full", "analyzer_model.h")
# resourceLeak does not know cleanup attributes; readdir is safe on a directory of one's own.
CPPCHECK = ["cppcheck", "--enable=warning,performance,portability", "--inline-suppr", "--error-exitcode=1", "--quiet",
            "--library=posix", "--suppress=missingIncludeSystem", "--suppress=resourceLeak",
            "--suppress=readdirCalled", "--template={file}:{line}: {severity} {id}: {message}"]


def sources(build):
    """The program's own sources that are compiled there; what only tests compile is theirs."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as commands:
        names = {os.path.relpath(entry["file"], TOP) for entry in json.load(commands)}
    return sorted(name for name in names if LAYERS.match(name))


def clang_tidy(build, source):
    model = [] if source == UNMODELLED else [f"--extra-arg-before=-include{os.path.join(TOP, MODEL)}"]
    return ["clang-tidy", "--quiet", "-p", build, *model, os.path.join(TOP, source)]


# cppcheck reads no system headers, and cannot guess at this one's macros.
QUEUES = [f"--include={path}" for path in glob.glob("/usr/include/**/sys/queue.h", recursive=True)[:1]]


def cppcheck(_build, source):
    model = [] if source == UNMODELLED else [f"--include={MODEL}"]
    return [*CPPCHECK, *QUEUES, "-I.", *model, source]


def main():
    tool, build = sys.argv[1:]
    if shutil.which(tool) is None:
        print(f"SKIP: no {tool} (package {tool})")
        return SKIP_CODE
    command = {"clang-tidy": clang_tidy, "cppcheck": cppcheck}[tool]

    def check(name):
        return subprocess.run(command(build, name), capture_output=True, text=True, check=False, cwd=TOP)

    names = sources(build)
    with multiprocessing.pool.ThreadPool(os.cpu_count()) as pool:
        runs = pool.map(check, names)
    bad = 0
    for name, run in zip(names, runs):
        if run.returncode != 0:
            bad += 1
            print(f"--- {name}\n{run.stdout}{run.stderr if tool == 'cppcheck' or not run.stdout else ''}")
    print(f"{len(names)} files, {bad} with findings")
    return 1 if bad or not names else 0


if __name__ == "__main__":
    sys.exit(main())
