"""What every series of a container carries: one set of base labels, and nothing that was not allowed out; no series
without a source; container, pod and namespace where they are asked for."""

import glob
import http.client
import os
import re
import tempfile
import time
import unittest

import engines
import harness
import series
import workload
from weir import Weir, run_weir

HIDDEN = "hunter2"  # in every value that must not come out
LABELS = 100
SCRAPES_LIMIT_S = 30
PAIR_LIMIT_S = 10
FORMATS = {
    "text": "text/plain; version=0.0.4",
    "OpenMetrics": "application/openmetrics-text; version=1.0.0",
    "protobuf": "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
}
# What weir gives of labels unless it is told otherwise.
DEFAULT_ALLOW = ("com.docker.compose.project", "com.docker.compose.service", "com.docker.compose.container-number",
                 "com.docker.stack.namespace", "com.docker.swarm.service.name", "com.docker.swarm.task.name",
                 "com.docker.swarm.node.id", "org.label-schema.group")
KUBERNETES = ("container", "pod", "namespace")
OWN_OF_SECTION = {"INTERFACE": {"interface"}, "DEVICE": {"device"}}
IS_CONTAINER = re.compile(r"(weir_)?container_")
# Of the whole host or of the scrape, though their names begin like those of a container.
NOT_OF_ONE = {"container_scrape_error"}
# Where a family whose every value is 0 comes from: (file of the group, what stands in it), one of which must be there.
ZERO_SOURCES = {
    "container_memory_swap": [("memory.stat", "total_swap"), ("memory.swap.current", "")],
    "container_memory_kernel_usage": [("memory.kmem.usage_in_bytes", ""), ("memory.stat", "kernel")],
    "container_memory_mapped_file": [("memory.stat", "total_mapped_file"), ("memory.stat", "file_mapped")],
    "container_memory_failcnt": [("memory.failcnt", ""), ("memory.events", "max")],
    "container_memory_file_dirty_bytes": [("memory.stat", "total_dirty"), ("memory.stat", "file_dirty")],
    "container_memory_file_writeback_bytes": [("memory.stat", "total_writeback"), ("memory.stat", "file_writeback")],
    "container_memory_total_active_file_bytes": [("memory.stat", "total_active_file"), ("memory.stat", "active_file")],
    "container_memory_total_inactive_file_bytes": [("memory.stat", "total_inactive_file"),
                                                   ("memory.stat", "inactive_file")],
    "container_memory_cache": [("memory.stat", "total_cache"), ("memory.stat", "file")],
    "container_memory_pgscan_total": [("memory.stat", "pgscan")],
    "container_memory_pgsteal_total": [("memory.stat", "pgsteal")],
    "container_memory_workingset_refault_file_total": [("memory.stat", "workingset_refault_file")],
    "container_memory_workingset_refault_anon_total": [("memory.stat", "workingset_refault_anon")],
    "container_memory_events_high_total": [("memory.events", "high")],
    "container_memory_events_max_total": [("memory.events", "max")],
    "weir_container_memory_events_total": [("memory.oom_control", "oom_kill"), ("memory.events", "oom_kill")],
    "weir_container_memory_swap_events_total": [("memory.swap.events", "max")],
    "container_oom_events_total": [("memory.oom_control", "oom_kill"), ("memory.events", "oom_kill")],
    "weir_container_pids_limit_hits_total": [("pids.events", "max")],
    "container_threads_max": [("pids.max", "")],
    "container_cpu_cfs_burst_periods_total": [("cpu.stat", "nr_bursts")],
    "container_cpu_cfs_burst_seconds_total": [("cpu.stat", "burst_")],
    "container_spec_memory_swap_limit_bytes": [("memory.memsw.limit_in_bytes", ""), ("memory.swap.max", "")],
    "container_spec_memory_reservation_limit_bytes": [("memory.soft_limit_in_bytes", ""), ("memory.low", "")],
    "container_memory_migrate": [("cpuset.memory_migrate", "")],
    "container_hugetlb_": [("hugetlb.2MB.usage_in_bytes", ""), ("hugetlb.2MB.current", "")],
    "container_pressure_": [("cpu.pressure", "some")],
    "container_fs_reads": [("blkio.throttle.io_service_bytes", ":"), ("io.stat", ":")],
    "container_fs_writes": [("blkio.throttle.io_service_bytes", ":"), ("io.stat", ":")],
    "weir_container_fs_discards_total": [("blkio.throttle.io_serviced", "Discard"), ("io.stat", "dios")],
    "weir_container_block_": [("blkio.throttle.io_service_bytes", ":"), ("io.stat", ":")],
    "container_blkio_device_usage_total": [("blkio.throttle.io_service_bytes", ":"), ("io.stat", ":")],
}
# The same of families that the engine, or files that every process has, give.
ZERO_IS_SAID = re.compile(
    r"container_network_|weir_container_network_|container_(sockets|file_descriptors|tasks_state|memory_numa_pages)|"
    r"container_health_state|weir_container_(health_failing_streak|oom_killed|restarts_total|exit_code|"
    r"cpu_usage_percent)|container_fs_usage_bytes|container_cpu_schedstat_")

engine = weir = named = server = None
weirs = []
ids = {}


def odd_labels():
    """LABELS of them: allowed ones, secrets, odd keys, and keys that differ in what a label name cannot say."""
    labels = {
        "com.docker.compose.project": "shop", "com.docker.compose.service": "basket",
        "com.docker.compose.container-number": "1", "org.label-schema.group": "monitoring",
        "com.docker.compose.project.config_files": f"/srv/{HIDDEN}.yaml", "password": HIDDEN,
        "public.owner": "ops \"team\"\\\n☃", "public.büro": "ü", "public.a-b": "dash", "public.1st": "one",
        "public.empty": "", "public": f"not below: {HIDDEN}", 'quo"te': HIDDEN, "new\nline": HIDDEN, "ключ": HIDDEN,
        "{}=,": HIDDEN, " space ": HIDDEN, "container": HIDDEN, "name": HIDDEN, "id": HIDDEN,
    }
    while len(labels) < LABELS:
        labels[f"com.example.secret-{len(labels)}"] = f"{HIDDEN}-{len(labels)}"
    return labels


def create(name, labels, environment=()):
    """A container with labels that no command line could give."""
    body = {"Image": engines.IMAGE, "Cmd": list(workload.SLEEP), "Labels": labels, "Env": list(environment)}
    ids[name] = engine.api("POST", f"/containers/create?name={name}", body)["Id"]
    engine.api("POST", f"/containers/{ids[name]}/start")


def start_weir(*flags):
    started = Weir(f"--engine.host={engine.host}", "--log.level=debug", "--engine.size-interval=2s", *flags, tiers=None)
    weirs.append(started)
    return started


def setUpModule():
    global engine, weir, named, server
    workload.need_disk()
    engine = workload.any_docker()
    create("odd", odd_labels(), (f"SECRET={HIDDEN}", f"PASSWORD={HIDDEN}", f"AWS_KEY={HIDDEN}"))
    ids["limited"] = engine.run("limited", *workload.BURN, options=(
        *workload.compose("worker"), "--cpus", "0.1", "--memory", "100m", *workload.health("true")))
    ids["plain"] = engine.run("plain", *workload.SLEEP)
    ids["alone"] = engine.run("alone", *workload.SLEEP, options=("--network", "none"))
    ids["ending"] = engine.run("ending", *workload.SLEEP, options=workload.compose("job"))
    disk = engines.disk_of(engine.directory)
    ids["writer"] = engine.run("writer", *workload.DISK, options=(
        "--volume", "work:/data", "--device-write-bps", f"{disk}:1tb"))
    weir = start_weir(workload.ENABLE_ALL)
    named = start_weir(workload.ENABLE_ALL, "--container.kubernetes-labels", "--container.label-allow=public.*")
    server = workload.start_prometheus(workload.job(weir))
    server.wait_scraped(3, SCRAPES_LIMIT_S)


def tearDownModule():
    for started in weirs:
        started.close()


def families():
    """Family -> names of its own labels, as the metric list has them; of containers alone."""
    own = {}
    for metric in series.metric_list():
        if metric.section == "AGENT":
            continue
        own.setdefault(metric.name, set(OWN_OF_SECTION.get(metric.section, ()))).update(metric.label_names)
        if metric.name == "container_blkio_device_usage_total":
            own[metric.name] |= {"major", "minor"}
    return own


def base_of(sample, own):
    return frozenset((key, value) for key, value in sample.labels.items() if key not in own[sample.name])


def of_containers(page):
    return [sample for sample in page.samples if IS_CONTAINER.match(sample.name) and sample.name not in NOT_OF_ONE]


def raw_get(port, path="/metrics", accept=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request("GET", path, headers={"Accept": accept} if accept else {})
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type", ""), response.read()
    finally:
        connection.close()


class OneLabelSet(unittest.TestCase):
    def bases(self, page):
        """id -> set of base labels, each once, with a family that has it."""
        own, found = families(), {}
        for sample in of_containers(page):
            self.assertIn(sample.name, own, "not in base/metric_list.h")
            found.setdefault(sample.labels["id"], {}).setdefault(base_of(sample, own), set()).add(sample.name)
        return found

    def test_within_one_page(self):
        for at in weirs:
            found = self.bases(at.scrape())
            for container, bases in found.items():
                self.assertEqual(len(bases), 1, f"{container}: " + "\n".join(
                    f"{sorted(base)}: {sorted(names)[:5]}" for base, names in bases.items()))
            ours = {container: names for container, bases in found.items() for names in bases.values()
                    if any(container.endswith(one) for one in ids.values())}
            self.assertEqual(len(ours), len(ids))
        print("families of a container:", " ".join(str(len(names)) for names in ours.values()))

    def test_stays_when_the_container_ends(self):
        before = {labels for container, bases in self.bases(weir.scrape()).items() if container.endswith(ids["ending"])
                  for labels in bases}
        engine.api("POST", f"/containers/{ids['ending']}/kill")
        page = weir.scrape_until(lambda page: page.state("ending") == "exited", SCRAPES_LIMIT_S, "ending is exited")
        after = {labels for container, bases in self.bases(page).items() if container.endswith(ids["ending"])
                 for labels in bases}
        engine.api("POST", f"/containers/{ids['ending']}/start")
        self.assertEqual(before, after)
        self.assertEqual(len(after), 1)

    def test_arithmetic_in_prometheus(self):
        """a - b gives one series for each that both have, for any two families with the same labels of their own."""
        own = families()
        pairs = [("container_memory_usage_bytes", "container_memory_cache"),
                 ("container_spec_memory_limit_bytes", "container_memory_usage_bytes"),
                 ("container_memory_max_usage_bytes", "container_memory_usage_bytes"),
                 ("container_spec_cpu_quota", "container_spec_cpu_period"),
                 ("container_fs_limit_bytes", "container_fs_usage_bytes"),
                 ("container_fs_inodes_total", "container_fs_inodes_free")]
        for left, right in pairs:
            with self.subTest(subtracted_by_boards=(left, right)):
                harness.wait_for(lambda: server.query(f"{left} - {right}"), PAIR_LIMIT_S,
                                 f"{left} - {right} gives something", pause_s=0.5)
        present = {row["metric"]["__name__"] for row in server.query(
            'count by (__name__) ({__name__=~"(weir_)?container_.+",name=~".+"})')}
        groups = {}
        for name in sorted(present & set(own)):
            groups.setdefault(frozenset(own[name]), []).append(name)
        for names in groups.values():
            pairs += zip(names, names[1:])  # equality goes on from one to the next
        now, matched = time.time() - 1, 0
        for left, right in pairs:
            a, b = (f'{name}{{name=~".+"}}' for name in (left, right))
            by = ",".join(["id", *sorted(own[left])])
            both = server.query(f"count by ({by}) ({a}) and count by ({by}) ({b})", time=now)
            rows = server.query(f"{a} - {b}", time=now)
            self.assertEqual(len(rows), len(both), f"{left} - {right}")
            self.assertEqual(len(server.query(f"{b} / {a}", time=now)), len(both), f"{right} / {left}")
            matched += bool(rows)
        print(f"{len(pairs)} pairs of {len(present)} families, {matched} of them with series of one container in both")
        self.assertGreater(matched, len(pairs) * 0.6)


class Sources(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = Weir(f"--engine.host={engine.host}", tiers=None).scrape()
        cls.names = {sample.name for sample in cls.page.samples}
        cls.is_v2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")

    def test_nothing_of_the_other_cgroup_version(self):
        version = "2" if self.is_v2 else "1"
        able = {}
        for metric in series.metric_list():
            able.setdefault(metric.name, set()).update(metric.tiers)
        wrong = [name for name, tiers in able.items() if name in self.names and not tiers & {"D", "E" + version,
                                                                                             "C" + version}]
        self.assertEqual(wrong, [])

    def test_nothing_this_host_does_not_have(self):
        sourced = {
            r"container_pressure_": os.path.exists("/proc/pressure/cpu"),
            r"machine_dimm_": bool(glob.glob("/sys/devices/system/edac/mc/mc*")),
            r"container_cpu_load_|machine_nvm_|machine_cpu_(books|drawers)": False,  # cAdvisor's, always 0
            r"docker_|container_(hugetlb|tasks_state|processes|network_(tcp|udp|advance))": False,  # not asked for
        }
        for pattern, is_there in sourced.items():
            found = sorted(name for name in self.names if re.match(pattern, name))
            with self.subTest(pattern=pattern):
                self.assertEqual(bool(found) and not is_there, False, found)

    def test_nothing_the_container_does_not_have(self):
        of = {name: self.page.metrics_of(name) for name in ids}
        self.assertEqual([name for name in of["alone"] if "_network_" in name], [])
        for name in ("container_cpu_cfs_periods_total", "container_cpu_cfs_throttled_seconds_total",
                     "container_spec_cpu_quota"):
            self.assertIn(name, of["limited"])
            self.assertNotIn(name, of["plain"])
        self.assertNotIn("weir_container_health_failing_streak", of["plain"])
        self.assertIn("weir_container_health_failing_streak", of["limited"])
        for name in of["writer"]:
            if re.search("sector|merged|io_time|io_current|(read|write)_seconds", name):
                self.fail(f"{name} is of the whole host, and of no container")

    def test_zero_is_what_the_source_says(self):
        """A family that is 0 everywhere in this workload has a file in which a 0 stands."""
        values = {}
        for sample in of_containers(self.page):
            if sample.labels.get("name") in ids:
                values.setdefault(sample.name, set()).add(sample.value)
        zero = sorted(name for name, found in values.items() if found == {0})
        unsourced = [name for name in zero if not ZERO_IS_SAID.match(name) and not self.has_source(name)]
        print(f"{len(zero)} of {len(values)} families are 0 throughout")
        self.assertEqual(unsourced, [], "0 without a source that says so")

    @staticmethod
    def has_source(name):
        for file, key in next((sources for prefix, sources in ZERO_SOURCES.items() if name.startswith(prefix)), ()):
            for mount in engines.cgroup_mounts():
                for container in ids.values():
                    try:
                        with open(f"{mount}/docker/{container}/{file}", encoding="utf-8") as text:
                            if key in text.read():
                                return True
                    except OSError:
                        continue
        return False


def label_name(key):
    return "container_label_" + re.sub("[^a-zA-Z0-9_]", "_", key)


class Secrets(unittest.TestCase):
    """A container with a hundred labels, and secrets in them and in its environment."""

    def shown(self, at):
        """The container_label_* of the container, the same on every series of it."""
        found = {frozenset((key, value) for key, value in sample.labels.items() if key.startswith("container_label_"))
                 for sample in at.scrape().samples if sample.labels.get("name") == "odd"}
        self.assertEqual(len(found), 1)
        return dict(found.pop())

    def test_default_list(self):
        self.assertEqual(len(engine.inspect("odd")["Config"]["Labels"]), LABELS)
        self.assertEqual(self.shown(weir), {
            label_name(key): value for key, value in odd_labels().items() if key in DEFAULT_ALLOW})

    def test_list_of_globs(self):
        shown = self.shown(named)
        wanted = {label_name(key): value for key, value in odd_labels().items() if key.startswith("public.") and value}
        # One character of the key or each of its bytes becomes _: both are names that a label can have.
        buero = [name for name in shown if re.fullmatch("container_label_public_b_{1,2}ro", name)]
        self.assertEqual(len(buero), 1)
        wanted.pop(label_name("public.büro"))
        self.assertEqual(shown.pop(buero[0]), "ü")
        self.assertEqual(shown, wanted)

    def test_in_no_format_and_on_no_page(self):
        for at in weirs:
            for name, accept in FORMATS.items():
                status, kind, body = raw_get(at.port, accept=accept)
                with self.subTest(format=name):
                    self.assertEqual(status, 200)
                    self.assertEqual(kind.split(";")[0], accept.split(";")[0])
                    self.assertIn(b"odd", body)
                    self.assertNotIn(HIDDEN.encode(), body)
            for path in ("/", "/healthz", "/-/healthy", "/-/ready", "/config", "/nothing", "/debug"):
                with self.subTest(path=path):
                    self.assertNotIn(HIDDEN.encode(), raw_get(at.port, path)[2])

    def test_not_in_the_log_of_a_whole_life(self):
        with tempfile.TemporaryDirectory() as state:
            started = Weir(f"--engine.host={engine.host}", "--log.level=debug", f"--state-dir={state}",
                           f"--path.docker-root={engine.directory}/data", tiers=None)
            started.scrape()
            engine.api("POST", f"/containers/{ids['odd']}/restart?t=0")
            started.scrape_until(lambda page: page.state("odd") == "running", SCRAPES_LIMIT_S, "odd runs again")
            started.close()
            self.assertNotIn(HIDDEN, started.log())
            for path in glob.glob(f"{state}/**", recursive=True):
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        self.assertNotIn(HIDDEN.encode(), file.read(), path)
        for at in weirs:
            self.assertNotIn(HIDDEN, at.log())

    def test_not_from_commands(self):
        for command in ("scrape", "check", "config"):
            done = run_weir(command, f"--engine.host={engine.host}", "--log.level=debug",
                            f"--path.docker-root={engine.directory}/data")
            with self.subTest(command=command):
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertNotIn(HIDDEN, done.stdout + done.stderr)

    def test_not_even_where_cadvisor_is_told_to(self):
        try:
            started = Weir(f"--engine.host={engine.host}", "--env_metadata_whitelist=SECRET,PASSWORD",
                           "--store_container_labels=true", tiers=None)
        except AssertionError as error:
            self.fail(f"a flag of cAdvisor is refused: {error}")
        page = started.scrape()
        self.assertEqual(len(page.all("container_last_seen", name="odd")), 1)
        self.assertNotIn("container_env_", page.text)
        environment = [entry for entry in engine.inspect("odd")["Config"]["Env"] if HIDDEN in entry]
        self.assertEqual(len(environment), 3)
        started.close()


class KubernetesLabels(unittest.TestCase):
    def test_on_every_series(self):
        page = named.scrape()
        wanted = {"limited": ("limited", "worker", workload.PROJECT), "plain": ("plain", None, None),
                  "odd": ("odd", "basket", "shop")}
        for name, values in wanted.items():
            found = {tuple(sample.labels.get(key) for key in KUBERNETES) for sample in of_containers(page)
                     if sample.labels.get("name") == name}
            self.assertEqual(found, {values}, name)

    def test_not_unless_asked_for(self):
        found = [sample for sample in of_containers(weir.scrape()) if set(KUBERNETES) & set(sample.labels)]
        self.assertEqual(found, [])


if __name__ == "__main__":
    harness.main(limit_s=160)
