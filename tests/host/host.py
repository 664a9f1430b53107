"""Boots virtual machines with a kernel of their own under software emulation, and runs scripts of shell in them.

    result = SmallMachine("v2").run('start_weir --collect.tiers=cgroup; scrape metrics; stop_weir')
    result.exposition("metrics").value("container_...")

Each run boots a new machine, which ends with the script. In the script, `weir` is the binary under test; what
guest/lib.sh defines is there; `files` of the call are in the working directory; what it leaves in $OUT comes back. It
runs with `sh -eu`. On the whole host $IMAGE is what containers are made of.
"""

import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))

import engines  # noqa: E402
import harness  # noqa: E402
import images  # noqa: E402
import weir  # noqa: E402

IMAGE = engines.IMAGE
RESULTS_BYTES = 256 << 20  # sparse; also what a script can leave in $OUT
BLANK_BYTES = 64 << 20
SHOWN_CHARACTERS = 6000
# The dynamic loader of a binary is found by this path; in a machine it is the one that belongs to the libraries.
LOADER = b"/lib64/ld-linux-x86-64.so.2"
LOADER_INSIDE = b"/weir/lib/ld.so"
WRAPPER = b'#!/bin/sh\nLD_LIBRARY_PATH=/weir/lib exec /weir/libexec/weir "$@"\n'

# Units of the whole host that no test needs. Without udev, which the engine never asks, its boot takes half the time.
MASKED = ("serial-getty@ttyS0.service", "getty@tty1.service", "apt-daily.timer", "apt-daily-upgrade.timer",
          "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer", "systemd-journal-flush.service",
          "systemd-journal-catalog-update.service", "systemd-logind.service", "systemd-update-utmp.service",
          "systemd-udevd.service", "systemd-udevd-control.socket", "systemd-udevd-kernel.socket",
          "systemd-udev-trigger.service", "kmod-static-nodes.service", "modprobe@.service")


@dataclasses.dataclass
class Result:
    """What a script left."""

    status: int
    output: str  # of the script, and of the kernel where it died
    files: dict  # name below $OUT -> bytes
    seconds: float  # of the whole machine, from switching on

    def text(self, name):
        if name not in self.files:
            raise AssertionError(f"the script left no {name} but {sorted(self.files)}; it printed: {self.output}")
        return self.files[name].decode("utf-8", "replace")

    def exposition(self, name):
        return weir.Exposition(self.text(name))


def _shared_libraries(binary):
    """Name -> path, as the loader of this machine finds them."""
    rows = re.findall(r"^\s*(\S+) => (/\S+)", engines.run("ldd", binary).stdout, re.M)
    return dict(rows)


def _add_weir(archive):
    """The binary under test, with this machine's libraries and loader: the guest may have an older C library."""
    binary = weir.need_binary()
    with open(binary, "rb") as file:
        program = file.read()
    if LOADER + b"\0" not in program:
        raise RuntimeError(f"{binary} does not name the loader {LOADER.decode()}")
    program = program.replace(LOADER, LOADER_INSIDE.ljust(len(LOADER), b"\0"), 1)
    archive.file("weir/libexec/weir", program, 0o755)
    archive.file("weir/bin/weir", WRAPPER, 0o755)
    archive.copy("weir/lib/ld.so", os.path.realpath(LOADER), 0o755)
    for name, path in _shared_libraries(binary).items():
        archive.copy(f"weir/lib/{name}", path, 0o755)


def _environment():
    """Shell that sets the image's name and what tells a sanitized binary how to behave."""
    return f"export IMAGE={IMAGE}\n" + "".join(f"export {name}={shlex.quote(os.environ[name])}\n"
                   for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ)


def _sparse_file(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


def _read_results(path):
    """(status or None, files)."""
    files = {}
    with open(path, "rb") as disk:
        if not disk.read(1).strip(b"\0"):
            return None, files
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile():
                files[member.name] = tar.extractfile(member).read()
    status = int(files.pop("status"))
    return status, {name[len("out/"):]: body for name, body in files.items()}


def _read_text(path):
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace").replace("\r\n", "\n")


class Machine:
    """What both machines have in common."""

    memory_mb = 512
    limit_s = 120
    kernel_options = ""

    def __init__(self, kind):
        self.kind = kind
        self.kernel = images.Kernel()

    def root_disk(self, directory):
        """The arguments of qemu for the second disk."""
        raise NotImplementedError

    def run(self, script, files=None, limit_s=None, check=True):
        """Boots, runs `script`, switches off. `files`: name -> text or bytes. With `check` only status 0 passes."""
        if os.geteuid() == 0:
            engines.sweep_dead()
        directory = tempfile.mkdtemp(prefix=f"{engines.PREFIX}{os.getpid()}-", dir=engines.PARENT_DIRECTORY)
        try:
            result = self._run_in(directory, script, files or {}, limit_s or self.limit_s)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        log = result.output + "".join(result.text(name) for name in result.files if name.endswith(".log"))
        if any(word in log for word in weir.SANITIZER_WORDS):
            raise AssertionError(f"weir reported: {log[-SHOWN_CHARACTERS:]}")
        if check and result.status != 0:
            raise AssertionError(f"the script ended with {result.status}: {log[-SHOWN_CHARACTERS:]}")
        return result

    def _initramfs(self, script, files):
        archive = images.initramfs(self.kernel)
        _add_weir(archive)
        for name in ("run.sh", "lib.sh", "weir-test.service"):
            archive.file(f"weir/{name}", images.guest_file(name))
        archive.file("weir/script", f"{_environment()}. /weir/lib.sh\n{script}\n".encode())
        archive.folder("weir/files")
        for name, body in files.items():
            archive.file(f"weir/files/{name}", body if isinstance(body, bytes) else body.encode(), 0o755)
        return archive.finish()

    def _command(self, directory):
        return ["setpriv", "--pdeathsig=KILL", images.need_emulator(), "-nodefaults", "-no-user-config",
                "-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", "qemu64,+rdrand",
                "-m", str(self.memory_mb), "-smp", "2", "-display", "none", "-no-reboot",
                "-serial", f"file:{directory}/console", "-serial", f"file:{directory}/output",
                "-kernel", self.kernel.image, "-initrd", f"{directory}/initramfs",
                "-append", f"console=ttyS0 quiet psi=1 panic=-1 machine={self.kind} {self.kernel_options}",
                "-drive", f"file={directory}/results,if=virtio,format=raw,cache=unsafe", *self.root_disk(directory)]

    def _run_in(self, directory, script, files, limit_s):
        with open(f"{directory}/initramfs", "wb") as file:
            file.write(self._initramfs(script, files))
        _sparse_file(f"{directory}/results", RESULTS_BYTES)
        for name in ("console", "output"):
            _sparse_file(f"{directory}/{name}", 0)
        begin = time.monotonic()
        with open(f"{directory}/emulator", "wb") as log:
            # What the machine writes over its root disk goes to a file in TMPDIR, which vanishes with it.
            process = subprocess.Popen(self._command(directory), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env={**os.environ, "TMPDIR": directory})
        try:
            process.wait(limit_s)
            ending = f"the machine ended without results, the emulator with {process.returncode}"
        except subprocess.TimeoutExpired:
            ending = f"the machine was not done within {limit_s} s"
        finally:
            process.kill()
            process.wait()
        seconds = time.monotonic() - begin
        status, left = _read_results(f"{directory}/results")
        output = _read_text(f"{directory}/output")
        if status is None:
            raise AssertionError(f"{ending}; the script printed: {output[-SHOWN_CHARACTERS:]}\nconsole: "
                                 + _read_text(f"{directory}/console")[-SHOWN_CHARACTERS:]
                                 + _read_text(f"{directory}/emulator")[-SHOWN_CHARACTERS:])
        return Result(status, output, left, seconds)


class SmallMachine(Machine):
    """A kernel with busybox and no engine. Mode "v2": every controller in one tree. Mode "hybrid": the controllers in
    v1 hierarchies, a v2 tree at /sys/fs/cgroup/unified. Both have pressure and a blank disk /dev/vdb."""

    def __init__(self, mode="v2"):
        if mode not in ("v2", "hybrid"):
            raise ValueError(f"mode is {mode!r}, neither v2 nor hybrid")
        super().__init__(mode)

    def root_disk(self, directory):
        _sparse_file(f"{directory}/blank", BLANK_BYTES)
        return ["-drive", f"file={directory}/blank,if=virtio,format=raw,cache=unsafe"]


class WholeHost(Machine):
    """Debian 13 with systemd, cgroup v2, pressure and a Docker engine that has IMAGE (busybox). The script begins when
    the engine is up; the next machine begins with the same disk again."""

    memory_mb = 2048
    limit_s = 300  # 40 s to the script on an idle machine, three times that on a busy one
    kernel_options = " ".join(f"systemd.mask={unit}" for unit in MASKED)

    def __init__(self):
        super().__init__("host")
        self.keep_disk = False
        self.disk = None
        self.disk = images.host_disk(self.kernel, self._prepare)

    def _prepare(self, disk):
        """Gives the engine its image, and lets the system do what it does once only."""
        self.disk, self.keep_disk = disk, True
        self.run(images.guest_file("prepare.sh").decode(), files={"image.tar": engines.image_tar()})
        self.keep_disk = False

    def root_disk(self, directory):
        snapshot = "off" if self.keep_disk else "on"
        return ["-drive", f"file={self.disk},if=virtio,format=raw,cache=unsafe,snapshot={snapshot}"]


def main():
    """For use by hand: runs a script in a machine and prints what it printed."""
    import argparse
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("machine", choices=["v2", "hybrid", "host"])
    parser.add_argument("script", type=argparse.FileType())
    arguments = parser.parse_args()
    machine = WholeHost() if arguments.machine == "host" else SmallMachine(arguments.machine)
    result = machine.run(arguments.script.read(), check=False)
    print(result.output, end="")
    for name, body in result.files.items():
        print(f"--- {name}: {len(body)} bytes")
    print(f"--- status {result.status}, {result.seconds:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
