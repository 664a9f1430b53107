"""Control groups as an engine makes them for containers, without an engine: in every v1 hierarchy and in the v2 tree,
each with a sleeping process of its own, in a network namespace of its own with two interfaces."""

import concurrent.futures
import glob
import hashlib
import os
import re
import subprocess
import time

import engines
import harness

PREFIX = "weir-bench-"
STARTERS = 4
NAMESPACES_MOST = 1000  # beyond that they are shared: each costs some ms to make and to take down
CONTROLLERS_2 = ("cpu", "memory", "io", "pids")
CONTROLLERS_1 = {"cpu", "cpuacct", "memory", "blkio", "pids", "freezer"}
SLEEPER = "ip link add eth0 type veth peer name eth1 2>/dev/null; exec sleep 100000"
REMOVE_LIMIT_S = 20


def hierarchies():
    """(mount point, version) of those that weir reads."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        rows = [line.split() for line in file]
    found = []
    for row in rows:
        kind, options = row[row.index("-") + 1], row[-1].split(",")
        if kind == "cgroup2":
            found.append((row[4], 2))
        elif kind == "cgroup" and CONTROLLERS_1.intersection(options):
            found.append((row[4], 1))
    return found


def enable_controllers(directory):
    """Gives the groups below `directory` of the v2 tree the controllers it has; what is enabled stays."""
    with open(f"{directory}/cgroup.controllers", encoding="ascii") as file:
        there = file.read().split()
    for name in CONTROLLERS_2:
        if name in there:
            with open(f"{directory}/cgroup.subtree_control", "w", encoding="ascii") as file:
                file.write(f"+{name}")


class Groups:
    """A parent group of the bench's own in every hierarchy, and the groups below it."""

    def __init__(self):
        engines.need_root()
        for program in ("unshare", "nsenter", "ip", "sh"):
            engines.need_program(program, "util-linux and iproute2")
        remove_dead()
        self.parent = f"{PREFIX}{os.getpid()}"
        self.ids, self.processes = [], []
        self.trees = [mount for mount, _ in hierarchies()]
        harness.at_end(self.remove)
        for mount, version in hierarchies():
            os.mkdir(f"{mount}/{self.parent}")
            if version == 2:
                enable_controllers(mount)
                enable_controllers(f"{mount}/{self.parent}")

    def _start(self, number):
        if number < NAMESPACES_MOST:
            command = ["unshare", "--net", "sh", "-c", SLEEPER]
        else:
            owner = self.processes[number % NAMESPACES_MOST].pid
            command = ["nsenter", "--target", str(owner), "--net", "sleep", "100000"]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def _enter(self, container, process):
        """Once it sleeps: a process that is still on its way would take its children along."""
        def sleeps():
            with open(f"/proc/{process.pid}/comm", encoding="ascii") as file:
                return file.read().strip() == "sleep"

        harness.wait_for(sleeps, 20, f"process {process.pid} sleeps", pause_s=0.01)
        for tree in self.trees:
            group = f"{tree}/{self.parent}/{container}"
            os.mkdir(group)
            with open(f"{group}/cgroup.procs", "w", encoding="ascii") as file:
                file.write(str(process.pid))

    def grow(self, count):
        """Seconds it took to make them `count`."""
        begin = time.monotonic()
        first = len(self.ids)
        self.ids += [hashlib.sha256(f"{self.parent} {i}".encode()).hexdigest() for i in range(first, count)]
        with concurrent.futures.ThreadPoolExecutor(STARTERS) as pool:
            self.processes += pool.map(self._start, range(first, count))
            list(pool.map(self._enter, self.ids[first:], self.processes[first:]))
        return time.monotonic() - begin

    def remove(self):
        """Ends the processes and removes the groups; may be called twice."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        self.processes.clear()
        remove_parent(self.parent)


def remove_parent(parent):
    groups = [group for mount, _ in hierarchies() for group in glob.glob(f"{mount}/{parent}/*/")]
    groups += [f"{mount}/{parent}" for mount, _ in hierarchies() if os.path.isdir(f"{mount}/{parent}")]
    left = groups

    def none_left():
        nonlocal left
        left = [group for group in left if not removed(group)]
        return not left

    harness.wait_for(none_left, REMOVE_LIMIT_S, f"the groups below {parent} are removed")


def removed(group):
    try:
        os.rmdir(group)
    except FileNotFoundError:
        pass
    except OSError:
        return False  # a process that ends is still in it
    return True


def remove_dead():
    """What a bench that was killed left: parents that carry the id of a process that is gone."""
    for mount, _ in hierarchies():
        for path in glob.glob(f"{mount}/{PREFIX}*"):
            match = re.fullmatch(rf"{PREFIX}(\d+)", os.path.basename(path))
            if not match or os.path.isdir(f"/proc/{match.group(1)}"):
                continue
            for procs in glob.glob(f"{path}/*/cgroup.procs"):
                with open(procs, encoding="ascii") as file:
                    engines.kill_all([int(line) for line in file if line.strip() != "0"])
            remove_parent(os.path.basename(path))
