"""Starts and stops real engines, each in a directory and in network and mount namespaces of its own.

The namespaces keep bridges, iptables rules and mounts away from the machine: they vanish with the last
process. What remains (processes, cgroups, the directory) is removed by stop(), and what a killed test
left behind by the next one that starts an engine.
"""

import glob
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time

import harness
from harness import skip, wait_for

IMAGE = "weir-test:1"
READY_LIMIT_S = 40
STOP_LIMIT_S = 10
# On a real disk, so that block I/O can be counted; /tmp is often memory. A socket's path has at most 107 bytes.
PARENT_DIRECTORY = "/var/tmp"
PREFIX = "weir-it-"
DOWNLOAD_LIMIT_S = 300


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def request(socket_path, method, target, body=None, timeout=30):
    """(status, bytes) of one call."""
    connection = UnixConnection(socket_path, timeout)
    headers = {}
    if isinstance(body, dict):
        body, headers = json.dumps(body), {"Content-Type": "application/json"}
    try:
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def run(*command, limit_s=60, check=True, **more):
    """Runs a command to its end; its output is in the exception when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, **more)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done


def need_root():
    if os.geteuid() != 0:
        skip("starting an engine needs root")


def need_program(name, package, path=None):
    found = shutil.which(name, path=path)
    if not found:
        skip(f"{name} is not installed (package {package})")
    return found


def cache_directory():
    base = os.environ.get("WEIR_TEST_CACHE")
    if not base:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "weir-tests")
    os.makedirs(base, exist_ok=True)
    return base


# -- packages of a newer Debian, unpacked beside the machine's own -------------------------------------------


def _codename():
    with open("/etc/os-release", encoding="utf-8") as file:
        match = re.search(r"^VERSION_CODENAME=(\S+)", file.read(), re.M)
    return match.group(1) if match else ""


def _sources_of(suite):
    """The machine's own package sources of its release, with the suite replaced: (deb822 text, one-line text)."""
    own = _codename()
    stanzas, lines = [], []
    for path in ["/etc/apt/sources.list"] + sorted(glob.glob("/etc/apt/sources.list.d/*")):
        if not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if path.endswith(".sources"):
            for stanza in re.split(r"\n\s*\n", text):
                suites = re.search(r"^Suites:(.*)$", stanza, re.M)
                if suites and own in suites.group(1).split():
                    stanzas.append(re.sub(r"^Suites:.*$", f"Suites: {suite}", stanza.strip(), flags=re.M))
        elif path.endswith(".list"):
            for line in text.splitlines():
                match = re.match(rf"(deb\s+(?:\[[^\]]*\]\s+)?\S+\s+){re.escape(own)}(\s.*)$", line)
                if match:
                    lines.append(f"{match.group(1)}{suite}{match.group(2)}")
    return "\n\n".join(stanzas) + "\n", "\n".join(lines) + "\n"


def _apt_state(directory, suite):
    """The options of a private apt that knows only `suite`."""
    for name in ("lists/partial", "archives/partial", "sources.d"):
        os.makedirs(os.path.join(directory, name), exist_ok=True)
    deb822, one_line = _sources_of(suite)
    if not deb822.strip() and not one_line.strip():
        skip(f"no package source of this machine can be turned into one of {suite}")
    for name, text in (("a.sources", deb822), ("b.list", one_line)):
        with open(os.path.join(directory, "sources.d", name), "w", encoding="utf-8") as file:
            file.write(text)
    settings = {
        "Dir::State::Lists": f"{directory}/lists",
        "Dir::Cache::Archives": f"{directory}/archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": f"{directory}/sources.d",
        # The cache may be where the download user cannot write.
        "APT::Sandbox::User": "root",
    }
    return [text for key, value in settings.items() for text in ("-o", f"{key}={value}")]


def unpacked_packages(suite, *names):
    """A directory with `names` of Debian's `suite` unpacked in it; downloaded once, kept in the cache."""
    root = os.path.join(cache_directory(), f"{suite}-{'-'.join(names)}")
    if os.path.isdir(root):
        return root
    for program in ("apt-get", "dpkg"):
        need_program(program, program)
    work = tempfile.mkdtemp(prefix="new-", dir=cache_directory())
    try:
        options = _apt_state(work, suite)
        debs, tree = os.path.join(work, "debs"), os.path.join(work, "tree")
        os.mkdir(debs)
        try:
            run("apt-get", *options, "update", limit_s=DOWNLOAD_LIMIT_S)
            run("apt-get", *options, "download", *names, limit_s=DOWNLOAD_LIMIT_S, cwd=debs)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            skip(f"packages of {suite} cannot be downloaded: {error}")
        for deb in glob.glob(f"{debs}/*.deb"):
            run("dpkg", "-x", deb, tree)
        os.rename(tree, root)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return root


# -- what a killed engine may leave behind ------------------------------------------------------------------


def cgroup_mounts():
    """Where every cgroup hierarchy is mounted."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        rows = [line.split() for line in file]
    return [row[4] for row in rows if row[row.index("-") + 1] in ("cgroup", "cgroup2")]


def processes_mentioning(text):
    """Ids of the processes whose command line contains `text`, without this one."""
    needle, found = text.encode(), []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if needle in file.read():
                    found.append(int(name))
        except OSError:
            continue
    return found


def kill_all(pids, number=signal.SIGKILL):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def _container_groups(ids):
    """Every cgroup directory of these containers, the deepest first."""
    groups = []
    for mount in cgroup_mounts():
        for path, directories, _ in os.walk(mount):
            for name in directories:
                if any(container in name for container in ids):
                    groups.append(os.path.join(path, name))
    return sorted(groups, key=len, reverse=True)


def _empty_groups(groups):
    for group in groups:
        try:
            with open(f"{group}/cgroup.procs", encoding="ascii") as file:
                kill_all([int(line) for line in file if line.strip() != "0"])
        except OSError:
            continue


def _remove_groups(groups):
    def none_left():
        for group in groups:
            try:
                os.rmdir(group)
            except FileNotFoundError:
                pass
            except OSError:
                pass
        return not any(os.path.isdir(group) for group in groups)

    wait_for(none_left, STOP_LIMIT_S, f"cgroups of the engine are removed: {groups}")


def _known_containers(directory):
    """Ids of the containers an engine had, from its own files."""
    patterns = ("data/containers/*", "root/overlay-containers/*", "root/vfs-containers/*")
    names = [os.path.basename(path) for pattern in patterns for path in glob.glob(f"{directory}/{pattern}")]
    return [name for name in names if re.fullmatch("[0-9a-f]{64}", name)]


def sweep(directory):
    """Ends and removes everything an engine in `directory` left."""
    groups = _container_groups(_known_containers(directory)) if os.path.isdir(directory) else []
    kill_all(processes_mentioning(directory))
    _empty_groups(groups)
    if groups:
        _remove_groups(groups)
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        mounts = [line.split()[4] for line in file if line.split()[4].startswith(directory)]
    for mount in reversed(mounts):
        run("umount", "--lazy", mount, check=False)
    shutil.rmtree(directory, ignore_errors=True)
    for mount in cgroup_mounts():  # the parent group, where an engine was given one of its own
        path = os.path.join(mount, os.path.basename(directory))
        if os.path.isdir(path):
            os.rmdir(path)


def sweep_dead():
    """What tests that were killed left: directories that carry the id of a process that is gone."""
    for path in glob.glob(f"{PARENT_DIRECTORY}/{PREFIX}*"):
        match = re.match(rf"{PREFIX}(\d+)-", os.path.basename(path))
        if match and not os.path.isdir(f"/proc/{match.group(1)}"):
            sweep(path)


# -- what the kernel says of a container, to hold weir against ------------------------------------------------


def cpu_used_s(pid):
    """CPU seconds of the cgroup that process `pid` is in: cpuacct.usage, or usage_usec of cgroup v2."""
    with open(f"/proc/{pid}/cgroup", encoding="ascii") as file:
        groups = [line.rstrip("\n").split(":", 2)[1:] for line in file]
    for mount in cgroup_mounts():
        for names, path in groups:
            if "cpuacct" in names.split(",") and os.path.exists(f"{mount}{path}/cpuacct.usage"):
                with open(f"{mount}{path}/cpuacct.usage", encoding="ascii") as file:
                    return int(file.read()) / 1e9
    for mount in cgroup_mounts():
        for names, path in groups:
            if names == "" and os.path.exists(f"{mount}{path}/cpu.stat"):
                with open(f"{mount}{path}/cpu.stat", encoding="ascii") as file:
                    return int(dict(line.split() for line in file)["usage_usec"]) / 1e6
    raise RuntimeError(f"no cgroup counts the CPU time of process {pid}")


def group_cpu_used_s(path):
    """(inode, CPU seconds) of the control group at `path` of its hierarchy, or None while there is none."""
    for mount in cgroup_mounts():
        for name, unit in (("cpuacct.usage", 1e9), ("cpu.stat", 1e6)):
            try:
                with open(f"{mount}{path}/{name}", encoding="ascii") as file:
                    text = file.read()
                inode = os.stat(f"{mount}{path}").st_ino
            except OSError:
                continue
            used = dict(line.split() for line in text.splitlines()).get("usage_usec") if name == "cpu.stat" else text
            if used is not None:
                return inode, int(used) / unit
    return None


class CpuMeter:
    """What a container really used between two moments, in percent of one CPU: on a busy machine less than its quota."""

    def __init__(self, pid):
        self.pid = pid
        self.restart()

    def restart(self):
        self.used, self.since = cpu_used_s(self.pid), time.monotonic()

    def percent(self):
        return 100 * (cpu_used_s(self.pid) - self.used) / (time.monotonic() - self.since)


# A tenth of a CPU comes in pieces of 10 ms, one in each 100 ms: one piece more or less in a window makes 0.8 points over
# 1.3 s and 0.3 over this, so that two windows that begin and end some ms apart agree within a point.
TENTH_WINDOW_S = 3.2


def tolerance(percent, quota=10):
    """How far another window of about the same time may be: a point where the quota holds, else more."""
    return 1 if abs(percent - quota) < 0.5 else 1.5 + abs(percent - quota)


# -- the image ----------------------------------------------------------------------------------------------


def image_tar():
    """A root directory with busybox and its applets, as tar bytes."""
    busybox = need_program("busybox", "busybox-static")
    applets = run(busybox, "--list").stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in ("bin", "tmp", "proc", "sys", "dev", "etc"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        tar.add(os.path.realpath(busybox), "bin/busybox")
        for applet in applets:
            if applet == "busybox":
                continue
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return buffer.getvalue()


# Shells for a pair of containers of which the first sends SENT_BYTES to the second over the network.
SENT_BYTES = 160 * 65536
SENDER = ("sh", "-c", "dd if=/dev/zero of=/dev/shm/x bs=64k count=160; exec httpd -f -p 80 -h /dev/shm")


def receiver(address):
    return ("sh", "-c", f"until wget -q -O /dev/null http://{address}/x; do sleep 0.2; done; "
                        "touch /tmp/done; exec sleep 100000")


def disk_of(path):
    """The block device /dev/X that holds `path`; skips where there is none (tmpfs, overlay)."""
    source = run("findmnt", "--noheadings", "--output", "SOURCE", "--target", path).stdout.strip()
    source = source.split("[")[0]
    if not source.startswith("/dev/"):
        skip(f"{path} is on {source}, not on a block device")
    device = os.path.basename(os.path.realpath(source))
    parent = os.path.basename(os.path.dirname(os.path.realpath(f"/sys/class/block/{device}")))
    if os.path.exists(f"/sys/class/block/{device}/partition"):
        device = parent  # the limit and the counters belong to the whole disk
    return f"/dev/{device}"


# -- engines ------------------------------------------------------------------------------------------------


class Engine:
    """What the engines have in common. start() returns when /_ping answers."""

    def __init__(self):
        need_root()
        for program in ("unshare", "nsenter", "ip"):
            need_program(program, "util-linux and iproute2")
        sweep_dead()
        self.directory = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=PARENT_DIRECTORY)
        os.chmod(self.directory, 0o755)
        self.socket = os.path.join(self.directory, "engine.sock")
        self.host = f"unix://{self.socket}"
        self.environment = dict(os.environ)
        self.processes = []
        harness.at_end(self.stop)

    def spawn(self, log, *command):
        """Starts a daemon whose output goes to the file `log`."""
        with open(os.path.join(self.directory, log), "ab") as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=self.environment,
                start_new_session=True)
        self.processes.append(process)
        return process

    def wait_ready(self, process):
        def answers():
            if process.poll() is not None:
                skip(f"the engine does not run here: {self.last_line()}")
            try:
                return request(self.socket, "GET", "/_ping", timeout=5)[0] == 200
            except OSError:
                return False

        try:
            wait_for(answers, READY_LIMIT_S, "the engine answers /_ping", pause_s=0.1)
        except AssertionError:
            skip(f"the engine was not ready in {READY_LIMIT_S} s: {self.last_line()}")

    def last_line(self):
        try:
            with open(os.path.join(self.directory, "engine.log"), encoding="utf-8") as file:
                lines = [line.strip() for line in file if line.strip()]
            return lines[-1][:300] if lines else "no output"
        except OSError as error:
            return str(error)

    def api(self, method, target, body=None, timeout=60, ok=(200, 201, 204, 304)):
        """One API call; the parsed answer, or None for an empty one."""
        status, answer = request(self.socket, method, target, body, timeout)
        if status not in ok:
            raise RuntimeError(f"{method} {target}: {status} {answer[:300]!r}")
        return json.loads(answer) if answer.strip().startswith((b"{", b"[")) else None

    def inspect(self, container):
        return self.api("GET", f"/containers/{container}/json")

    def settle_network(self, *containers):
        """Waits until no more is sent or received: the last acknowledgements come late."""
        def counted():
            return [self.api("GET", f"/containers/{name}/stats?stream=false")["networks"] for name in containers]
        harness.wait_settled(counted, 20, f"the network of {containers} is quiet")

    def meter(self, container):
        return CpuMeter(self.inspect(container)["State"]["Pid"])

    def end(self, process, limit_s=STOP_LIMIT_S):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(limit_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def stop(self):
        """Ends every process and removes every trace; may be called twice."""
        for process in reversed(self.processes):
            self.end(process)
        self.processes.clear()
        if os.path.isdir(self.directory):
            sweep(self.directory)

    def pids(self):
        """Every process of the engine itself: daemon, containerd, shims; not those in containers."""
        return processes_mentioning(self.directory)


class Docker(Engine):
    """dockerd with a containerd of its own."""

    def __init__(self, programs="", live_restore=False, cgroup_parent=False):
        super().__init__()
        self.path = os.pathsep.join([f"{programs}/usr/bin", f"{programs}/usr/sbin"]) if programs else ""
        self.environment["PATH"] = os.pathsep.join(filter(None, [
            self.path, os.environ.get("PATH", ""), "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin"]))
        path = self.environment["PATH"]
        for name in ("dockerd", "containerd", "runc", "iptables"):
            need_program(name, "docker.io, iptables", path=path)
        # The command of the oldest engine here talks to the newer ones too.
        self.client = "/usr/bin/docker" if os.path.exists("/usr/bin/docker") else need_program(
            "docker", "docker.io", path=path)
        self.extra = ["--live-restore"] if live_restore else []
        self.group_parent = f"/{os.path.basename(self.directory)}" if cgroup_parent else "/docker"
        if cgroup_parent:
            self.extra += ["--cgroup-parent", self.group_parent]
        self.containerd = self.daemon = None

    def start(self):
        directory = self.directory
        with open(f"{directory}/containerd.toml", "w", encoding="utf-8") as file:
            file.write(
                'version = 2\n'
                f'root = "{directory}/containerd"\n'
                f'state = "{directory}/tasks"\n'
                'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                f'[grpc]\n  address = "{directory}/containerd.sock"\n')
        self.containerd = self.spawn(
            "containerd.log", "unshare", "--net", "--mount", "--propagation", "private", "sh", "-c",
            f"ip link set lo up && exec containerd --config {directory}/containerd.toml")
        wait_for(lambda: os.path.exists(f"{directory}/containerd.sock"), READY_LIMIT_S, "containerd's socket")
        self.start_daemon()
        self.api("POST", f"/images/create?fromSrc=-&repo={IMAGE.split(':')[0]}&tag={IMAGE.split(':')[1]}",
                 image_tar())
        return self

    def start_daemon(self, wait=True):
        self.daemon = self.spawn(
            "engine.log", "nsenter", "--target", str(self.containerd.pid), "--net", "--mount",
            "dockerd", "--data-root", f"{self.directory}/data", "--exec-root", f"{self.directory}/exec",
            "--pidfile", f"{self.directory}/pid", "-H", self.host,
            "--containerd", f"{self.directory}/containerd.sock", *self.extra)
        if wait:
            self.wait_ready(self.daemon)

    def kill_daemon(self):
        """Ends dockerd with SIGKILL; the socket's file stays."""
        self.daemon.kill()
        self.daemon.wait()
        self.processes.remove(self.daemon)
        os.unlink(f"{self.directory}/pid")

    def cli(self, *arguments, limit_s=60, check=True):
        """Output of the docker command."""
        return run(self.client, "-H", self.host, *arguments, limit_s=limit_s, check=check).stdout

    def run(self, name, *command, options=()):
        """Starts a container; returns its id."""
        return self.cli("run", "--detach", "--name", name, *options, IMAGE, *command).strip()

    def stats(self):
        """Name -> what `docker stats` prints, one dictionary a container."""
        rows = self.cli("stats", "--no-stream", "--format", "{{json .}}").splitlines()
        return {row["Name"]: row for row in map(json.loads, rows)}

    def address(self, container):
        networks = self.inspect(container)["NetworkSettings"]["Networks"]
        return next(iter(networks.values()))["IPAddress"]

    def stop(self):
        if self.daemon and self.daemon.poll() is None:
            try:
                ids = [row["Id"] for row in self.api("GET", "/containers/json?all=1", timeout=10)]
                # Killing the tasks ourselves is faster than a hundred orderly stops.
                _empty_groups(_container_groups(ids))
                for start in range(0, len(ids), 50):
                    self.cli("rm", "--force", "--volumes", *ids[start:start + 50], limit_s=60, check=False)
            except (OSError, RuntimeError, subprocess.TimeoutExpired):
                pass  # sweep() ends what is left
        super().stop()


class Podman(Engine):
    """`podman system service`, rootful, on cgroupfs."""

    # Its defaults lie above what a process without CAP_SYS_RESOURCE may ask for.
    LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")

    def __init__(self):
        super().__init__()
        need_program("podman", "podman")
        need_program("runc", "runc")  # crun refuses hybrid cgroups
        self.namespace = self.service = None

    def start(self):
        # A process that does nothing holds the namespaces the service and its containers live in.
        self.namespace = self.spawn(
            "namespace.log", "unshare", "--net", "--mount", "--propagation", "private", "sh", "-c",
            "ip link set lo up && exec sleep 1d")
        wait_for(lambda: os.readlink(f"/proc/{self.namespace.pid}/ns/net") != os.readlink("/proc/self/ns/net"),
                 READY_LIMIT_S, "the network namespace")
        self.service = self.spawn("engine.log", *self.inside(), *self.global_options(), "system", "service",
                                  "--time", "0", self.host)
        self.wait_ready(self.service)
        tar = os.path.join(self.directory, "image.tar")
        with open(tar, "wb") as file:
            file.write(image_tar())
        self.cli("import", "--quiet", tar, IMAGE)
        return self

    def inside(self):
        return ["nsenter", "--target", str(self.namespace.pid), "--net", "--mount"]

    def global_options(self):
        directory = self.directory
        os.makedirs(f"{directory}/networks", exist_ok=True)
        return ["podman", "--root", f"{directory}/root", "--runroot", f"{directory}/run",
                "--tmpdir", f"{directory}/tmp", "--cgroup-manager", "cgroupfs", "--events-backend", "file",
                "--runtime", "runc", "--network-backend", "netavark", "--network-config-dir", f"{directory}/networks"]

    def cli(self, *arguments, limit_s=60, check=True):
        return run(*self.inside(), *self.global_options(), *arguments, limit_s=limit_s, check=check).stdout

    def run(self, name, *command, options=()):
        lines = self.cli("run", "--detach", "--name", name, *self.LIMITS, *options, IMAGE, *command)
        return lines.strip().splitlines()[-1]

    def stop(self):
        if self.service and self.service.poll() is None:
            try:
                self.cli("rm", "--all", "--force", "--time", "0", check=False)
            except subprocess.TimeoutExpired:
                pass
        super().stop()


def docker_20_10(**options):
    """The machine's own engine."""
    engine = Docker(**options)
    version = run("dockerd", "--version").stdout
    if " 20.10" not in version:
        skip(f"the machine's engine is not 20.10 but {version.strip()}")
    return engine.start()


def docker_26(**options):
    """The engine of Debian 13 in its own directory; runc is the machine's."""
    need_root()
    return Docker(programs=unpacked_packages("trixie", "docker.io", "containerd"), **options).start()


def docker(version, **options):
    return {"20.10": docker_20_10, "26": docker_26}[version](**options)


def main():
    """For use by hand: starts an engine, says where, stops it at end of input."""
    import argparse
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("engine", choices=["20.10", "26", "podman"])
    arguments = parser.parse_args()
    engine = Podman().start() if arguments.engine == "podman" else docker(arguments.engine)
    try:
        print(f"DOCKER_HOST={engine.host}", flush=True)
        while os.read(0, 4096):
            pass
    finally:
        engine.stop()


if __name__ == "__main__":
    main()
