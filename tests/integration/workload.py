#!/usr/bin/python3
"""Containers that do what boards and rules are about: limits met and unmet, health, restarts, exits, disk and network.

Called as a program it keeps them running, beside a receiver that weir pushes to and a Prometheus that scrapes it, until
the end of input.
"""

import concurrent.futures
import dataclasses
import os
import signal
import unittest

import engines
import harness
import prometheus
from harness import wait_for
from receiver import Receiver
from weir import Weir

WORK_LIMIT_S = 60
STARTERS = 3
EXIT_CODE = 3
SLEEP = ("sleep", "100000")
BURN = ("sh", "-c", "while :; do :; done")
# The board 13946 selects by it; the one that scrapes gives it.
TARGET_LABELS = {"from": "docker"}
PROJECT = "shop"
OPTIONAL_GROUPS = ("disk", "process", "sched", "cpuLoad", "cpuset", "hugetlb", "memory_numa", "tcp", "udp", "advtcp",
                   "cpu_topology", "docker")
ENABLE_ALL = f"--metrics.enable={','.join(OPTIONAL_GROUPS)}"


def compose(service, number=1):
    """The labels that Compose gives a container."""
    labels = {"com.docker.compose.project": PROJECT, "com.docker.compose.service": service,
              "com.docker.compose.container-number": str(number), "com.docker.compose.oneoff": "False",
              "com.docker.compose.version": "2.29.1", "com.docker.compose.config-hash": 64 * "a",
              "com.docker.compose.project.working_dir": "/srv/shop"}
    return label_options(labels)


def label_options(labels):
    return tuple(word for key, value in labels.items() for word in ("--label", f"{key}={value}"))


def health(command):
    return ("--health-cmd", command, "--health-interval", "1s", "--health-retries", "1", "--health-timeout", "5s")


def holding(mebi):
    """A shell that keeps so much anonymous memory: dd reads a whole block, then waits for a reader that never comes."""
    return ("sh", "-c", f"dd if=/dev/zero bs={mebi}M count=1 | sleep 100000")


# Its own file, written past the page cache and read back the same way, a little every time.
DISK = ("sh", "-c", "while :; do dd if=/dev/zero of=/data/x bs=256k count=8 oflag=direct; "
                    "dd if=/data/x of=/dev/null bs=256k iflag=direct; "
                    "dd if=/dev/urandom bs=64k count=64 | md5sum; touch /tmp/done; sleep 0.5; done")
# The one container that has everything: it serves, it writes, and its quota stops it now and then.
WEB = ("sh", "-c", "dd if=/dev/zero of=/layer bs=64k count=80; dd if=/dev/zero of=/srv/x bs=64k count=16; "
                   "httpd -p 80 -h /srv; " + DISK[2])


def client(address):
    return ("sh", "-c", f"while :; do wget -q -O /dev/null http://{address}/x && touch /tmp/done; sleep 0.3; done")


@dataclasses.dataclass
class Workload:
    """start() returns when each container is as its name says; `ids` has all of them."""

    engine: object
    ids: dict = dataclasses.field(default_factory=dict)

    def start(self):
        disk = engines.disk_of(self.engine.directory)
        # Without a limit on the disk the kernel may count no block I/O at all.
        self.run("shop-db-1", DISK, *compose("db"), "--volume", "work:/data", "--pids-limit", "50",
                 "--device-write-bps", f"{disk}:1tb")
        web = self.run("shop-web-1", WEB, *compose("web"), "--volume", "files:/data", "--volume", "pages:/srv",
                       "--cpus", "0.2", "--memory", "256m", "--memory-reservation", "64m", "--pids-limit", "100",
                       *health("true"))
        steady = {
            "shop-client-1": (client(self.engine.address(web)), compose("client")),
            "shop-worker-1": (BURN, (*compose("worker"), "--cpus", "0.1")),
            "calm": (SLEEP, ("--cpus", "0.5", "--memory", "256m")),
            "full": (holding(60), ("--memory", "64m", "--memory-swap", "64m")),
            # The shell outlives what is killed, so that its group and the group's count do.
            "leaky": (("sh", "-c", "while :; do tail /dev/zero; sleep 2; done"),
                      ("--memory", "24m", "--memory-swap", "24m")),
            "crowded": (("sh", "-c", "for i in $(seq 18); do sleep 100000 & done; wait"), ("--pids-limit", "20")),
            "sick": (SLEEP, health("false")),
            "looping": (("sh", "-c", "exit 1"), ("--restart", "always")),
            "failed": (("sh", "-c", f"trap 'exit {EXIT_CODE}' TERM; while :; do sleep 0.2; done"), compose("job")),
            "starved": (("sh", "-c", "tail /dev/zero"), ("--memory", "16m", "--memory-swap", "16m")),
            "monitor": (SLEEP, label_options({"org.label-schema.group": "monitoring"})),
            "stack_api.1.x": (SLEEP, label_options({
                "com.docker.stack.namespace": "stack", "com.docker.swarm.service.name": "stack_api",
                "com.docker.swarm.task.name": "stack_api.1.x", "com.docker.swarm.node.id": "node1"})),
        }
        with concurrent.futures.ThreadPoolExecutor(STARTERS) as pool:
            started = [pool.submit(self.run, name, command, *options) for name, (command, options) in steady.items()]
            started.append(pool.submit(self.create, "never"))
            for future in started:
                future.result()
        self.wait_settled()
        return self

    def run(self, name, command, *options):
        self.ids[name] = self.engine.run(name, *command, options=options)
        return self.ids[name]

    def create(self, name):
        self.ids[name] = self.engine.cli("create", "--name", name, engines.IMAGE, *SLEEP).strip()

    def state(self, name):
        return self.engine.inspect(self.ids[name])["State"]

    def wait_settled(self):
        for name in ("shop-db-1", "shop-client-1"):
            self.wait(lambda: "done" in self.engine.cli("exec", name, "ls", "/tmp", check=False), f"{name} worked")
        self.wait(lambda: self.state("shop-web-1")["Health"]["Status"] == "healthy", "shop-web-1 is healthy")
        self.wait(lambda: self.state("sick")["Health"]["Status"] == "unhealthy", "sick is unhealthy")
        self.wait(lambda: self.state("starved")["OOMKilled"], "starved was killed")
        self.wait(lambda: self.engine.inspect(self.ids["looping"])["RestartCount"] > 0, "looping was restarted")

    @staticmethod
    def wait(condition, what):
        wait_for(condition, WORK_LIMIT_S, what, pause_s=0.2)

    def end_failed(self):
        """Lets the container `failed` end with EXIT_CODE: whoever looks must have seen it running."""
        self.engine.cli("kill", "--signal", "TERM", "failed")
        self.wait(lambda: self.state("failed")["Status"] == "exited", "failed has ended")
        code = self.state("failed")["ExitCode"]
        if code != EXIT_CODE:
            raise AssertionError(f"failed ended with {code}")

    def bounce(self, name, server):
        """Ends a container until the server has seen that, and starts it again: from then on it has an exit code."""
        self.engine.cli("kill", name)
        self.wait(lambda: server.query(f'weir_container_state{{name="{name}",state="exited"}} == 1'),
                  f"{name} was seen ended")
        self.engine.cli("start", name)


def web_config_of(engine):
    """A flag that names a file without settings: there is a metric about the file itself."""
    path = f"{engine.directory}/web.yml"
    with open(path, "w", encoding="utf-8") as file:
        file.write("# no settings\n")
    return f"--web.config.file={path}"


def need_disk():
    """Skips where engines' directories lie on no block device, before an engine is started for nothing."""
    engines.disk_of(engines.PARENT_DIRECTORY)


# -- a Prometheus that scrapes weir as if it were cAdvisor ---------------------------------------------------


def any_docker(**options):
    """The newest engine that is to be had."""
    return first_of(lambda version: engines.docker(version, **options), ("26", "20.10"))


def first_of(start, versions):
    for version in versions[:-1]:
        try:
            return start(version)
        except unittest.SkipTest:
            continue
    return start(versions[-1])


@dataclasses.dataclass
class LabelledJob(prometheus.Job):
    """A job whose target gets labels of its own."""

    labels: dict = None

    def config(self):
        config = super().config()
        config["static_configs"][0]["labels"] = dict(self.labels or {})
        return config


def start_prometheus(*jobs):
    """The newest server that is to be had."""
    return first_of(lambda version: prometheus.Prometheus(version, jobs), ("3", "2.53", "2.42"))


def job(weir, name="cadvisor", instance="alpha.example:10142"):
    return LabelledJob(name, f"127.0.0.1:{weir.port}", labels={**TARGET_LABELS, "instance": instance})


def main():
    """For use by hand: says where weir and Prometheus are, and stops all at end of input."""
    signal.signal(signal.SIGTERM, harness.end_on_signal)
    try:
        engine = any_docker()
        workload = Workload(engine)
        weir = Weir(f"--engine.host={engine.host}", ENABLE_ALL, "--engine.size-interval=5s", "--engine.df-interval=10s",
                    f"--push.url={Receiver().url()}", "--push.interval=1s", web_config_of(engine), tiers=None)
        server = start_prometheus(job(weir, "weir"))
        workload.start()
        workload.bounce("shop-web-1", server)
        workload.end_failed()
        print(f"DOCKER_HOST={engine.host}\nweir http://127.0.0.1:{weir.port}\n"
              f"Prometheus http://127.0.0.1:{server.port}", flush=True)
        while os.read(0, 4096):
            pass
    except (harness.OutOfTime, KeyboardInterrupt):
        pass
    finally:
        harness.clean_up()


if __name__ == "__main__":
    main()
