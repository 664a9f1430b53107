"""check_web_config_promtool.py VERDICT: promtool's verdict on every fixture of the web configuration against that of
VERDICT (web_config_verdict). A fixture on which they differ has a line "# promtool refuses: WHY" or "accepts: WHY"; one
that has the line and on which they agree is a mistake too. Ends with 77 where promtool or openssl is missing."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "web_config"
DIFFERENCE = re.compile(r"^# promtool (refuses|accepts): \S", re.MULTILINE)
LEAST = 130  # fixtures there were; fewer mean that they were not found
LIMIT_S = 60


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=LIMIT_S, check=False)


def make_files(directory):
    """A certificate with its key, since promtool reads them, and fixtures beside them."""
    made = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
               "2", "-subj", "/CN=localhost", "-keyout", f"{directory}/server.key", "-out", f"{directory}/server.crt")
    if made.returncode != 0:
        sys.exit(f"openssl ended with {made.returncode}: {made.stderr}")
    shutil.copy(directory / "server.crt", directory / "ca.crt")
    (directory / "not-a-certificate.txt").write_text("nothing\n")
    return [pathlib.Path(shutil.copy(f, directory)) for f in sorted(FIXTURES.glob("*.yml"))]


def promtool_accepts(file):
    return run("promtool", "check", "web-config", str(file)).returncode == 0


def weir_accepts(verdict, files):
    said = run(verdict, *map(str, files))
    lines = said.stdout.splitlines()
    if said.returncode != 0 or len(lines) != len(files):
        sys.exit(f"{verdict} ended with {said.returncode} after {len(lines)} of {len(files)} files: {said.stderr}")
    return [line == "accepted" for line in lines]


def objection(file, ours):
    theirs = promtool_accepts(file)
    noted = DIFFERENCE.search(file.read_text(errors="replace"))
    if noted and noted.group(1) != ("accepts" if theirs else "refuses"):
        return f"{file.name}: says that promtool {noted.group(1)} it, which is not so"
    if noted and ours == theirs:
        return f"{file.name}: says that promtool differs, which is not so"
    if not noted and ours != theirs:
        return f"{file.name}: weir {'accepts' if ours else 'refuses'} it, promtool does not"
    return None


def main():
    for tool in ("promtool", "openssl"):
        if not shutil.which(tool):
            print(f"SKIP: {tool} is not installed")
            return 77
    with tempfile.TemporaryDirectory() as made:
        files = make_files(pathlib.Path(made))
        verdicts = weir_accepts(sys.argv[1], files)
        found = [line for line in map(objection, files, verdicts) if line]
    print("\n".join([*found, f"{len(files)} fixtures, {len(found)} objections"]))
    return 1 if found or len(files) < LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
