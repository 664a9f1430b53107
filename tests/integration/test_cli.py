"""The command line: help, version, errors with their place, the commands that end by themselves."""

import json
import os
import re
import socket
import subprocess
import tempfile
import unittest

from fault_engine import Container, FaultEngine
import harness
from weir import BINARY, Exposition, Weir, free_port, run_weir

MEMORY = "container_memory_usage_bytes"


def declared_flags():
    """The options of the configuration's header."""
    with open(os.path.join(harness.REPOSITORY, "agent", "config.h"), encoding="utf-8") as file:
        return sorted(set(re.findall(r"--[a-z]+[.-][a-z-]+", file.read())))


def top_directories(binary):
    """What a root of its own needs besides /proc: the system's directories, and where the binary and its libraries lie."""
    named = subprocess.run(["ldd", binary], stdout=subprocess.PIPE, check=True, text=True).stdout
    paths = [os.path.realpath(path) for path in [binary, *re.findall(r"/\S+", named)]]
    return sorted({"usr", "bin", "lib", "lib64", "etc", "sys", "tmp"} | {path.split("/")[1] for path in paths})


class Cli(unittest.TestCase):
    def config_file(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".yml", prefix="weir-config-", encoding="utf-8")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        return file.name

    def assert_refused(self, done, *words):
        self.assertNotEqual(done.returncode, 0)
        self.assertGreater(done.returncode, 0, "ended by a signal")
        self.assertEqual(done.stdout, "")
        for word in words:
            self.assertIn(word, done.stderr)

    def test_version(self):
        with open(os.path.join(harness.REPOSITORY, "CMakeLists.txt"), encoding="utf-8") as file:
            version = re.search(r"project\(weir VERSION ([0-9.]+)", file.read()).group(1)
        for arguments in (["--version"], ["version"]):
            done = run_weir(*arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"weir {version}", done.stdout.replace(", version", ""))

    def test_help_names_every_option(self):
        for argument in ("--help", "-h", "help"):
            done = run_weir(argument)
            self.assertEqual(done.returncode, 0, f"{argument}: {done.stderr}")
            for flag in declared_flags():
                self.assertIn(flag, done.stdout.replace("--[no-]", "--"))
            self.assertIn("WEIR_COLLECT_MAX_AGE", done.stdout)

    def test_bad_flags(self):
        self.assert_refused(run_weir("--no.such-flag=1"), "--no.such-flag")
        self.assert_refused(run_weir("--collect.timeout=banana"), "--collect.timeout", "banana")
        self.assert_refused(run_weir("--collect.tiers=nonsense"), "nonsense", "simulated")
        self.assert_refused(run_weir("--web.listen-address=127.0.0.1:99999"), "99999")
        self.assert_refused(run_weir("nocommand"), "nocommand")

    def test_bad_environment(self):
        self.assert_refused(run_weir("config", environment={"WEIR_COLLECT_TIMEOUT": "banana"}),
                            "WEIR_COLLECT_TIMEOUT", "banana")

    def test_bad_config_file_gives_the_place(self):
        name = self.config_file("collect:\n  max-age: 1s\n  timeout: banana\n")
        self.assert_refused(run_weir(f"--config.file={name}"), f"{name}:3:", "banana")
        name = self.config_file("collect:\n  max-age: 1s\n\nnosuch:\n  key: 1\n")
        self.assert_refused(run_weir(f"--config.file={name}"), f"{name}:4:1", "nosuch")
        name = self.config_file("collect: [1,\n")
        self.assert_refused(run_weir(f"--config.file={name}"), name)
        self.assert_refused(run_weir("--config.file=/nonexistent/weir.yml"), "/nonexistent/weir.yml")

    def test_address_in_use(self):
        first = Weir("--collect.tiers=simulated")
        done = run_weir("--collect.tiers=simulated", f"--web.listen-address=127.0.0.1:{first.port}")
        self.assert_refused(done, str(first.port))
        first.close()

    def test_scrape(self):
        fake = FaultEngine([Container("web"), Container("db")])
        self.addCleanup(fake.close)
        done = run_weir("scrape", f"--engine.host={fake.host}")
        self.assertEqual(done.returncode, 0, done.stderr)
        page = Exposition(done.stdout)
        self.assertEqual({sample.labels.get("name") for sample in page.all(MEMORY)} - {None}, {"web", "db"})
        self.assertEqual(page.value("weir_engine_up"), 1)
        self.assertAlmostEqual(page.value("weir_container_cpu_usage_percent", name="web"), 25, delta=1)

    def check(self, *arguments):
        """Exit code and lines of `weir check`, each as (result, subject, text)."""
        done = run_weir("check", *arguments)
        self.assertEqual(done.stderr, "")
        lines = done.stdout.splitlines()
        columns = {line.index(re.split("  +", line)[2]) for line in lines}
        self.assertEqual(len(columns), 1, f"not aligned: {done.stdout}")
        return done.returncode, [tuple(re.split("  +", line, maxsplit=2)) for line in lines]

    def test_check_of_an_engine_that_works(self):
        fake = FaultEngine([Container("web"), Container("db")])
        self.addCleanup(fake.close)
        code, lines = self.check("--collect.tiers=engine", f"--engine.host={fake.host}",
                                 f"--web.listen-address=127.0.0.1:{free_port()}")
        self.assertEqual(code, 0, lines)
        self.assertEqual(lines[0][:2], ("ok", f"engine: {fake.host}"))
        self.assertIn("Docker 24.0.9, API 1.41, cgroup v1", lines[0][2])
        self.assertIn("2 of 2 containers run", lines[0][2])
        self.assertIn(("ok", "free"), [(result, text) for result, _, text in lines])
        self.assertEqual([line for line in lines if line[0] == "fail"], [])

    def test_check_without_an_engine(self):
        port = f"--web.listen-address=127.0.0.1:{free_port()}"
        code, lines = self.check("--collect.tiers=engine", "--engine.host=unix:///nonexistent/docker.sock", port)
        self.assertEqual(code, 1, lines)
        self.assertEqual(lines[0][:2], ("fail", "engine: unix:///nonexistent/docker.sock"))
        self.assertIn("no socket", lines[0][2])
        # One that nobody asked for is not missed, and values that are not real are pointed out.
        code, lines = self.check("--collect.tiers=simulated", "--simulate.containers=7", port)
        self.assertEqual(code, 0, lines)
        self.assertEqual(lines[0], ("warn", "simulated", "7 simulated containers are shown, none of them real"))

    def test_check_of_a_port(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            code, lines = self.check("--collect.tiers=simulated", f"--web.listen-address={address}")
        self.assertEqual(code, 1, lines)
        failed = [line for line in lines if line[0] == "fail"]
        self.assertEqual([line[1] for line in failed], [f"listen: {address}"])
        self.assertIn(f"(pid {os.getpid()})", failed[0][2])
        self.assertIn("--web.listen-address", failed[0][2])

        weir = Weir("--collect.tiers=simulated")
        address = f"127.0.0.1:{weir.port}"
        code, lines = self.check("--collect.tiers=simulated", f"--web.listen-address={address}")
        self.assertEqual(code, 0, lines)
        self.assertIn(("ok", f"listen: {address}", f"weir serves there already (pid {weir.process.pid})"), lines)
        weir.close()

        code, lines = self.check("--collect.tiers=simulated", "--web.listen-address=192.0.2.1:10142",
                                 f"--web.listen-address=127.0.0.1:{free_port()}")
        self.assertEqual(code, 1, lines)
        self.assertEqual([line[0] for line in lines if line[1].startswith("listen: ")], ["fail", "ok"])

    def test_check_of_descriptors(self):
        def check_at(limit, *flags):
            done = run_weir("check", *flags, f"--web.listen-address=127.0.0.1:{free_port()}",
                            wrapper=["prlimit", f"--nofile={limit}:{limit}"])
            return next(line for line in done.stdout.splitlines() if re.match(r"\w+ +descriptors ", line))

        self.assertRegex(check_at(1024, "--collect.tiers=cgroup"), "warn .*1024 allowed, 20480 wanted: 512 kernel files")
        self.assertRegex(check_at(8192, "--collect.tiers=cgroup"), "warn .*8192 allowed, 20480 wanted: 4096 kernel files")
        self.assertRegex(check_at(8192, "--collect.tiers=cgroup", "--cgroup.max-fds=4096"), "ok .*8192 allowed")
        self.assertRegex(check_at(4096, "--collect.tiers=simulated"), "ok .*4096 allowed, 4096 wanted")

    def test_check_shows_foreign_texts_safely(self):
        # A terminal takes U+009B for the beginning of a command, and U+202E turns what follows around.
        fake = FaultEngine([Container("web")], version="24.0.9\u009b31m\u202e")
        self.addCleanup(fake.close)
        _, lines = self.check("--collect.tiers=engine", f"--engine.host={fake.host}",
                              f"--web.listen-address=127.0.0.1:{free_port()}")
        self.assertIn(r"Docker 24.0.9\xc2\x9b31m\xe2\x80\xae, API", lines[0][2])

    def test_check_reads_the_configuration(self):
        self.assert_refused(run_weir("check", "--collect.tiers=nonsense"), "nonsense")
        self.assert_refused(run_weir("check", "--engine.host=tcp://h:99999", "--collect.tiers=engine"), "99999")

    def test_kubernetes_labels(self):
        fake = FaultEngine([
            Container("shop-web-1", labels={"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}),
            Container("k8s_app", labels={"io.kubernetes.container.name": "app", "io.kubernetes.pod.name": "app-0",
                                         "io.kubernetes.pod.namespace": "prod"}),
            Container("alone")])
        self.addCleanup(fake.close)

        def labels(*flags):
            done = run_weir("scrape", "--collect.tiers=engine", f"--engine.host={fake.host}",
                            "--container.label-allow=", *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            return {sample.labels["name"]: tuple(sample.labels.get(key) for key in ("container", "pod", "namespace"))
                    for sample in Exposition(done.stdout).all(MEMORY) if sample.labels.get("name")}

        self.assertEqual(labels("--container.kubernetes-labels"),
                         {"shop-web-1": ("shop-web-1", "web", "shop"), "k8s_app": ("app", "app-0", "prod"),
                          "alone": ("alone", None, None)})
        self.assertEqual(set(labels().values()), {(None, None, None)})

    def test_kubernetes_labels_of_simulated_containers(self):
        done = run_weir("scrape", "--collect.tiers=simulated", "--container.kubernetes-labels")
        for sample in Exposition(done.stdout).all(MEMORY):
            self.assertEqual((sample.labels["container"], sample.labels["namespace"]), (sample.labels["name"], "sim"))
            self.assertEqual(sample.labels["pod"], sample.labels["container_label_com_docker_compose_service"])

    def test_cadvisors_command_line(self):
        flags = ["-logtostderr", "--docker_only=true", "-housekeeping_interval=30s", "--store_container_labels=false",
                 "--disable_metrics=percpu,sched,tcp,udp,disk,accelerator", "--port=8080", "-v", "4"]
        done = run_weir("config", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        again = run_weir("config", f"--config.file={self.config_file(done.stdout)}")
        self.assertEqual(again.stdout, done.stdout)
        self.assertIn('- ":8080"', done.stdout)
        self.assertIn("label-allow: []", done.stdout)
        # One line of the log for each thing there is to say.
        for part in ("--logtostderr, --v have no effect: --log.level",
                     "--housekeeping_interval has no effect: weir collects when it is asked",
                     "called accelerator", "without effect, for weir has nothing in them: percpu"):
            lines = [line for line in done.stderr.splitlines() if part in line]
            self.assertEqual(len(lines), 1, f"{part}: {done.stderr}")
            self.assertIn("level=warn", lines[0])
        self.assertIn("weir", run_weir("-version").stdout)

    def test_notices_where_weir_runs(self):
        flags = ["--collect.tiers=simulated", "-housekeeping_interval=30s", "--metrics.enable=percpu"]
        done = run_weir("scrape", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("--housekeeping_interval has no effect", done.stderr)
        self.assertIn("nothing in them: percpu", done.stderr)
        weir = Weir(*flags)
        weir.close()
        self.assertEqual(weir.log().count("--housekeeping_interval has no effect"), 1)
        code, lines = self.check(*flags, f"--web.listen-address=127.0.0.1:{free_port()}")
        self.assertEqual(code, 0, lines)
        told = [text for result, subject, text in lines if (result, subject) == ("warn", "configuration")]
        self.assertEqual(len(told), 2, lines)

    def test_host_root_of_a_container(self):
        # A root of its own, with a pid namespace of its own and the machine's root mounted as in cAdvisor's files.
        with tempfile.TemporaryDirectory(prefix="weir-root-") as root:
            script = f"""
                set -e
                mount -t tmpfs weir {root}
                for d in {" ".join(top_directories(BINARY))}; do
                    [ -e /$d ] || continue
                    mkdir {root}/$d && mount --rbind /$d {root}/$d
                done
                mkdir {root}/proc {root}/rootfs
                mount --rbind / {root}/rootfs
                mount -t tmpfs weir {root}/rootfs/var/lib
                mkdir {root}/rootfs/var/lib/docker
                mount -t proc proc {root}/proc
                shift
                exec chroot {root} {os.path.realpath(BINARY)} "$@"
            """
            outside = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "sh", "-c", script, "sh"]
            done = run_weir("config", wrapper=outside)
            if "unshare:" in done.stderr or "mount:" in done.stderr:
                self.skipTest(f"no namespaces here: {done.stderr.strip()}")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn('procfs: "/rootfs/proc"', done.stdout)
            self.assertIn("path.procfs is /rootfs/proc", done.stderr)
            self.assertIn('docker-root:\n    - "/rootfs/var/lib/docker"\n', done.stdout)
            done = run_weir("config", "--path.procfs=/proc", "--path.docker-root=/a", wrapper=outside)
            self.assertIn('procfs: "/proc"', done.stdout)
            self.assertIn('docker-root:\n    - "/a"\n', done.stdout)

    def test_config_round_trip(self):
        flags = ["--collect.max-age=250ms", "--engine.host=unix:///tmp/a \"b\".sock", "--container.label-allow=a*,b*",
                 "--container.exclude=name=x*", "--simulate.seed=18446744073709551615", "--log.format=json",
                 "--web.listen-address=127.0.0.1:1234", "--web.listen-address=[::1]:1234", "--collect.scope=services",
                 "--collect.tiers=cgroup,engine", "--cgroup.max-fds=0", "--state-dir=/var/lib/we ir",
                 "--path.docker-root=/a", "--path.docker-root=/b", "--path.docker-exec-root="]
        first = run_weir("config", *flags)
        self.assertEqual(first.returncode, 0, first.stderr)
        second = run_weir("config", f"--config.file={self.config_file(first.stdout)}")
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertEqual(second.stdout, first.stdout)
        default = run_weir("config")
        self.assertNotEqual(default.stdout, first.stdout)
        for flag in declared_flags():
            if flag != "--config.file" and not flag.startswith("--push."):
                self.assertIn(flag.rpartition(".")[2].lstrip("-") + ":", default.stdout)

    def test_config_of_push(self):
        self.assertIn("\npush: []\n", run_weir("config").stdout)
        flags = ["--push.url=https://receiver.example/api/v1/write", "--push.protocol=remote-write-2", "--push.interval=1m",
                 "--push.external-label=cluster=a b,job=", "--push.bearer-token-file=token",
                 "--push.queue-dir=/var/lib/weir/push", "--push.queue-max-bytes=1GiB", "--web.listen-address=:9100"]
        first = run_weir("config", *flags)
        self.assertEqual(first.returncode, 0, first.stderr)
        for line in ('  - name: "receiver.example:443"', "    interval: 1m", '      "cluster": "a b"', '      "job": ""',
                     f'      "instance": "{socket.gethostname()}:9100"', "      max-bytes: 1GiB"):
            self.assertIn(line + "\n", first.stdout)
        name = self.config_file(first.stdout)
        second = run_weir("config", f"--config.file={name}")
        self.assertEqual((second.stdout, second.stderr), (first.stdout, ""))
        # The flags are the only destination.
        third = run_weir("config", f"--config.file={name}", "--push.url=http://other.example/x")
        self.assertIn("the 1 of the section push", third.stderr)
        self.assertNotIn("receiver.example", third.stdout)

    def test_mistakes_in_push(self):
        name = self.config_file("push:\n  - url: http://h/w\n    queue:\n      size: 1\n")
        self.assert_refused(run_weir(f"--config.file={name}"), f"{name}:4:7", "max-bytes")
        self.assert_refused(run_weir("--push.interval=1s"), "push.interval", "--push.url")
        self.assert_refused(run_weir("--push.headers=A=b"), "--push.headers", "in the file", "docs/PUSH.md")
        self.assert_refused(run_weir("--push.ulr=http://h/w"), "did you mean --push.url?")
        refused = run_weir("--push.url=http://me:hunter2@h/w")
        self.assert_refused(refused, "--push.url", "password-file")
        self.assertNotIn("hunter2", refused.stderr)

    def test_opentelemetrys_variables(self):
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=hunter2",
                     "OTEL_RESOURCE_ATTRIBUTES": "zone=z"}
        self.assertIn("\npush: []\n", run_weir("config", environment=variables).stdout)
        done = run_weir("config", "--push.protocol=otlp", environment=variables)
        self.assertIn('url: "http://collector:4318/v1/metrics"\n', done.stdout)
        self.assertIn('"zone": "z"\n', done.stdout)
        self.assertNotIn("hunter2", done.stdout + done.stderr)
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
        self.assert_refused(run_weir("--push.protocol=otlp", environment=variables), "OTEL_EXPORTER_OTLP_PROTOCOL", "4317")

    def test_check_of_push(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))  # and nobody listens there
            port = free.getsockname()[1]
            name = self.config_file("push:\n"
                                    f"  - {{name: first, url: 'http://127.0.0.1:{port}/api/v1/write'}}\n"
                                    f"  - {{name: second, url: 'http://127.0.0.1:{port}/v1/metrics', protocol: otlp}}\n")
            code, lines = self.check("--collect.tiers=simulated", f"--config.file={name}",
                                     f"--web.listen-address=127.0.0.1:{free_port()}")
        self.assertEqual(code, 1, lines)
        self.assertEqual([line[:2] for line in lines if line[1].startswith("push: ")],
                         [("fail", "push: first"), ("fail", "push: second")])

    def test_check_of_queues(self):
        with socket.socket() as free, tempfile.TemporaryDirectory() as directory:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/api/v1/write"
            not_a_directory = os.path.join(directory, "file")
            with open(not_a_directory, "w", encoding="ascii"):
                pass
            name = self.config_file("push:\n"
                                    f"  - {{name: memory, url: '{url}'}}\n"
                                    f"  - {{name: disk, url: '{url}', queue: {{dir: {directory}/new, max-bytes: 1MiB}}}}\n"
                                    f"  - {{name: wide, url: '{url}', queue: {{dir: {directory}, max-bytes: 1TiB}}}}\n"
                                    f"  - {{name: wrong, url: '{url}', queue: {{dir: {not_a_directory}}}}}\n")
            _, lines = self.check("--collect.tiers=simulated", f"--config.file={name}",
                                  f"--web.listen-address=127.0.0.1:{free_port()}")
            self.assertEqual(os.listdir(directory), ["file"])  # check makes nothing
        found = {line[1]: (line[0], line[2]) for line in lines if line[1].startswith("queue: ")}
        for queue, result, words in (("memory", "ok", "in memory, at most 16MiB; what waits is lost when weir ends"),
                                     ("disk", "ok", f"{directory}/new/disk: holds 0 of at most 1MiB, "),
                                     ("wide", "warn", "too few for it: make room, or lower queue.max-bytes"),
                                     ("wrong", "fail", f"{not_a_directory}/wrong cannot be made")):
            self.assertEqual(found[f"queue: {queue}"][0], result, lines)
            self.assertIn(words, found[f"queue: {queue}"][1])

    def test_scrape_does_not_push(self):
        with socket.socket() as receiver:
            receiver.bind(("127.0.0.1", 0))
            receiver.listen()
            receiver.settimeout(0)
            done = run_weir("scrape", "--collect.tiers=simulated", "--push.interval=100ms",
                            f"--push.url=http://127.0.0.1:{receiver.getsockname()[1]}/api/v1/write")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRaises(BlockingIOError, receiver.accept)

    def test_order_of_strength(self):
        name = self.config_file("simulate:\n  seed: 1111\n  containers: 11\ncollect:\n  max-age: 11s\n")
        done = run_weir("config", f"--config.file={name}", "--simulate.seed=3333",
                        environment={"WEIR_SIMULATE_SEED": "2222", "WEIR_SIMULATE_CONTAINERS": "22"})
        self.assertIn("seed: 3333", done.stdout)
        self.assertIn("containers: 22", done.stdout)
        self.assertIn("max-age: 11s", done.stdout)

    def test_simulated_needs_no_engine(self):
        done = run_weir("scrape", "--collect.tiers=simulated", "--simulate.containers=7")
        self.assertEqual(done.returncode, 0, done.stderr)
        page = Exposition(done.stdout)
        self.assertEqual(page.value("weir_simulated"), 1)
        # A stopped one among them would have no memory.
        self.assertEqual(len(page.all("weir_container_state")), 7)
        for sample in page.samples:
            if sample.name.startswith(("container_", "weir_container_")) and sample.name != "container_scrape_error":
                self.assertEqual(sample.labels.get("simulated"), "true", sample)

    def test_simulated_is_the_same_for_the_same_seed(self):
        def identities(seed):
            done = run_weir("scrape", "--collect.tiers=simulated", f"--simulate.seed={seed}")
            return {tuple(sorted(sample.labels.items())) for sample in Exposition(done.stdout).all(MEMORY)}

        self.assertEqual(identities(5), identities(5))
        self.assertNotEqual(identities(5), identities(6))

    def test_simulated_serves(self):
        weir = Weir("--collect.tiers=simulated", "--simulate.containers=200")
        first, second = weir.scrape(), weir.scrape()
        # A simulated container may restart; within one life what counts up never falls.
        lives = [{s.labels["name"]: s.value for s in page.all("container_start_time_seconds")}
                 for page in (first, second)]
        before = {(s.name, tuple(sorted(s.labels.items()))): s.value for s in first.samples}
        for sample in second.samples:
            name = sample.labels.get("name")
            if sample.name.endswith("_total") and lives[0].get(name) == lives[1].get(name):
                key = (sample.name, tuple(sorted(sample.labels.items())))
                self.assertGreaterEqual(sample.value, before.get(key, 0), key)
        weir.close()

    def test_real_failure_is_not_replaced_by_simulation(self):
        fake = FaultEngine([Container("web")])
        self.addCleanup(fake.close)
        weir = Weir("--collect.tiers=engine,simulated", f"--engine.host={fake.host}")
        weir.scrape()
        fake.deafen(unlink=True)
        page = weir.scrape_until(lambda p: p.value("weir_engine_up") == 0, 10, "the engine is away")
        self.assertEqual([sample for sample in page.samples if sample.labels.get("simulated")], [])
        self.assertEqual(page.value("weir_simulated") or 0, 0)
        weir.close()

    def test_log_formats(self):
        weir = Weir("--collect.tiers=simulated", "--log.format=json", "--log.level=debug")
        weir.scrape()
        weir.close()
        lines = weir.log().splitlines()
        self.assertGreater(len(lines), 0)
        for line in lines:
            self.assertIsInstance(json.loads(line), dict)


if __name__ == "__main__":
    harness.main(limit_s=100)
