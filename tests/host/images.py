"""What the virtual machines are made of: a kernel, an initramfs, and the disk of the whole host.

Kernel and disk are made once and kept in the cache of the integration tests; there a folder's name says what went into
it. Remove the folder to have them made anew from newer packages.
"""

import glob
import hashlib
import os
import platform
import re
import shutil
import stat
import subprocess
import tempfile

import engines
import harness
from engines import need_program, run
from harness import skip

GUEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest")
KERNEL_SUITE = "bookworm"  # its 6.1 has every v1 controller beside v2; later Debian kernels leave v1's memory out
KERNEL_PACKAGE = "linux-image-cloud-amd64"
HOST_SUITE = "trixie"
HOST_PACKAGES = ("systemd", "systemd-sysv", "dbus", "udev", "kmod", "iproute2", "iptables", "docker.io", "docker-cli",
                 "busybox-static", "curl")
HOST_DISK = "3G"  # sparse: 0.6 GB of it are used
INITRAMFS_MODULES = ("virtio_pci", "virtio_blk", "veth", "dummy")
TREE_LIMIT_S = 420
STEP_LIMIT_S = 120


def need_emulator():
    if platform.machine() != "x86_64":
        skip("the virtual machines are x86_64, as the binary in them must be")
    return need_program("qemu-system-x86_64", "qemu-system-x86")


def need_system_program(name, package):
    """A program that may be where only root's PATH leads to."""
    return need_program(name, package, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


# -- the cache ----------------------------------------------------------------------------------------------


def _remove_unfinished():
    """What builds that were killed left."""
    for path in glob.glob(f"{engines.cache_directory()}/unfinished-*"):
        pid = os.path.basename(path).split("-")[1]
        if not os.path.isdir(f"/proc/{pid}"):
            shutil.rmtree(path, ignore_errors=True)


def cached(family, key, build):
    """The folder of this family and key; where there is none, what `build(folder)` makes of an empty one."""
    cache = engines.cache_directory()
    folder = os.path.join(cache, f"{family}-{key}")
    if os.path.isdir(folder):
        return folder
    _remove_unfinished()
    work = tempfile.mkdtemp(prefix=f"unfinished-{os.getpid()}-", dir=cache)
    try:
        build(work)
        try:
            os.rename(work, folder)
        except OSError:
            if not os.path.isdir(folder):  # else somebody was faster
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for other in glob.glob(f"{cache}/{family}-*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder


def digest(*parts):
    return hashlib.sha256(b"\0".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)
                          ).hexdigest()[:16]


def guest_file(name):
    with open(os.path.join(GUEST, name), "rb") as file:
        return file.read()


# -- the kernel ---------------------------------------------------------------------------------------------


def _build_kernel(folder):
    for program in ("apt-get", "apt-cache", "dpkg"):
        need_program(program, program)
    busybox = need_program("busybox", "busybox-static")
    with tempfile.TemporaryDirectory(dir=folder) as work:
        options = engines._apt_state(work, KERNEL_SUITE)
        try:
            run("apt-get", *options, "update", limit_s=engines.DOWNLOAD_LIMIT_S)
            depends = run("apt-cache", *options, "depends", "--important", KERNEL_PACKAGE).stdout
            package = re.search(r"Depends: (linux-image-\S+)", depends).group(1)
            run("apt-get", *options, "download", package, limit_s=engines.DOWNLOAD_LIMIT_S, cwd=work)
        except (RuntimeError, subprocess.TimeoutExpired, AttributeError) as error:
            skip(f"the kernel of {KERNEL_SUITE} cannot be downloaded: {error}")
        for deb in glob.glob(f"{work}/linux-image-*.deb"):
            run("dpkg", "-x", deb, folder)
    version = os.path.basename(glob.glob(f"{folder}/boot/vmlinuz-*")[0])[len("vmlinuz-"):]
    run(busybox, "depmod", "-b", folder, version)


class Kernel:
    """A kernel with its modules, unpacked and not installed."""

    def __init__(self):
        need_emulator()
        self.folder = cached("vm-kernel", KERNEL_SUITE, _build_kernel)
        self.image = glob.glob(f"{self.folder}/boot/vmlinuz-*")[0]
        self.version = os.path.basename(self.image)[len("vmlinuz-"):]
        self.modules = f"{self.folder}/lib/modules/{self.version}"

    def module_files(self, names):
        """Paths below self.modules of the modules that are not built in, and of what they need."""
        with open(f"{self.modules}/modules.dep", encoding="ascii") as file:
            needs = {path: rest.split() for path, _, rest in (line.partition(":") for line in file)}
        with open(f"{self.modules}/modules.builtin", encoding="ascii") as file:
            built_in = {os.path.basename(line.strip()) for line in file}
        found = set()
        for name in names:
            if f"{name}.ko" in built_in:
                continue
            path = next(path for path in needs if os.path.basename(path) == f"{name}.ko")
            found.update([path, *needs[path]])
        return sorted(found)


# -- the initramfs ------------------------------------------------------------------------------------------


class Archive:
    """A cpio archive in the "newc" format (the kernel's early-userspace/buffer-format document)."""

    def __init__(self):
        self.data = bytearray()
        self.count = 0
        self.folders = set()

    def _entry(self, name, mode, body=b"", device=(0, 0)):
        self.count += 1
        path = name.encode() + b"\0"
        fields = (self.count, mode, 0, 0, 1, 0, len(body), 0, 0, *device, len(path), 0)
        for part in (b"070701" + b"".join(b"%08x" % field for field in fields) + path, body):
            self.data += part
            self.data += bytes(-len(self.data) % 4)

    def folder(self, name):
        if name and name not in self.folders:
            self.folder(os.path.dirname(name))
            self.folders.add(name)
            self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, body, mode=0o644):
        self.folder(os.path.dirname(name))
        self._entry(name, stat.S_IFREG | mode, body)

    def copy(self, name, path, mode=0o644):
        with open(path, "rb") as file:
            self.file(name, file.read(), mode)

    def link(self, name, target):
        self.folder(os.path.dirname(name))
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name, major, minor):
        self.folder(os.path.dirname(name))
        self._entry(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def finish(self):
        self._entry("TRAILER!!!", 0)
        return bytes(self.data)


def initramfs(kernel):
    """An archive with what every machine starts from; the caller adds the payload."""
    archive = Archive()
    for name in ("proc", "sys", "dev", "bin"):
        archive.folder(name)
    archive.character_device("dev/console", 5, 1)
    archive.copy("bin/busybox", os.path.realpath(need_program("busybox", "busybox-static")), 0o755)
    archive.link("bin/sh", "busybox")
    archive.file("init", guest_file("init"), 0o755)
    below = f"lib/modules/{kernel.version}"
    for name in ("modules.dep", "modules.builtin", *kernel.module_files(INITRAMFS_MODULES)):
        archive.copy(f"{below}/{name}", f"{kernel.modules}/{name}")
    return archive


# -- the whole host's disk ----------------------------------------------------------------------------------


def _mirror():
    """The archive that this machine's own packages come from, as ./dev finds it."""
    script = 'top=$1; source "$top/cmake/debian.sh"; debian_archive REPO_URI'
    uri = run("bash", "-c", script, "bash", harness.REPOSITORY).stdout.strip()
    if not uri:
        skip("none of this machine's apt sources is Debian's archive, or its lists are not there (apt-get update)")
    return uri


def _unpack_system(tree):
    """debootstrap in namespaces of its own: no mount and no process of it outlives it."""
    debootstrap = need_system_program("debootstrap", "debootstrap")
    try:
        run("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child",
            debootstrap, "--variant=minbase", f"--include={','.join(HOST_PACKAGES)}", HOST_SUITE, tree, _mirror(),
            limit_s=TREE_LIMIT_S)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        skip(f"no {HOST_SUITE} system can be made here: {error}")
    shutil.rmtree(f"{tree}/var/cache/apt/archives", ignore_errors=True)


def _set_up_system(tree, kernel):
    shutil.copytree(kernel.modules, f"{tree}/usr/lib/modules/{kernel.version}", symlinks=True)
    run("chroot", tree, "/usr/sbin/depmod", kernel.version)
    for name, text in (("hostname", "whole-host\n"), ("hosts", "127.0.0.1 localhost whole-host\n")):
        with open(f"{tree}/etc/{name}", "w", encoding="ascii") as file:
            file.write(text)


def host_disk(kernel, prepare):
    """The disk image of the whole host. `prepare(disk)` is called with a new one, to boot it once and for good."""
    engines.need_root()
    mke2fs = need_system_program("mke2fs", "e2fsprogs")

    def build(folder):
        tree, disk = f"{folder}/tree", f"{folder}/disk"
        _unpack_system(tree)
        _set_up_system(tree, kernel)
        run(mke2fs, "-q", "-t", "ext4", "-d", tree, disk, HOST_DISK, limit_s=STEP_LIMIT_S)
        shutil.rmtree(tree)
        prepare(disk)

    key = digest(HOST_SUITE, HOST_PACKAGES, HOST_DISK, kernel.version, engines.image_tar(),
                 guest_file("prepare.sh"))
    return f"{cached('vm-host', key, build)}/disk"
