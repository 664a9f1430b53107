"""unit_file.py weir.service docker-group.conf socket.conf: systemd understands the unit and rates its exposure at 2.0 or
less, with the socket's drop-in at 0.9 or less."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import lint

THRESHOLD = 20  # tenths of the exposure level; 96 is a unit without any protection
SOCKET_THRESHOLD = 9


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, check=False)


def findings(files, threshold=THRESHOLD):
    """As elsewhere in this folder, with unit texts in the place of repository files."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "weir.service")
        with open(os.path.join(folder, "weir.socket"), "w", encoding="utf-8") as out:
            out.write("[Socket]\nListenStream=1\n")
        for name, text in files.items():
            with open(path, "w", encoding="utf-8") as out:
                out.write(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
            score = analyze("security", "--offline=true", f"--threshold={threshold}", path)
            last = (score.stdout.strip() or score.stderr.strip()).splitlines()[-1]
            print(f"{name}: {last}")
            if score.returncode != 0:
                found.append(f"{name}: {last}")
            complaints = analyze("verify", "--man=no", path).stderr.splitlines()
            found += [f"{name}: {line}" for line in complaints if "weir.service" in line]
    return found


GOOD = """[Service]
ExecStart=/usr/bin/weir
DynamicUser=yes
CapabilityBoundingSet=
PrivateNetwork=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectHome=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
MemoryDenyWriteExecute=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictAddressFamilies=AF_UNIX
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
"""
SAMPLES = [
    ({"good": GOOD}, 0),
    ({"bare": "[Service]\nExecStart=/usr/bin/weir\n"}, 1),
    ({"misspelt": GOOD + "PrivateTmpp=yes\n"}, 1),
]


def read(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


def main():
    if shutil.which("systemd-analyze") is None:
        lint.skip("no systemd-analyze (package systemd)")
    if "--offline" not in analyze("--help").stdout:
        lint.skip("this systemd-analyze cannot rate a unit without a running systemd (it needs 250 or newer)")
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(lint.self_test(findings, SAMPLES))
    unit, drop_in, socket = (read(path) for path in sys.argv[1:])
    found = findings({"weir.service": unit, "weir.service with docker-group.conf": unit + drop_in})
    found += findings({"weir.service with socket.conf": unit + socket}, SOCKET_THRESHOLD)
    print(*found, sep="\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
