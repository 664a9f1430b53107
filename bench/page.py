"""How many series and bytes a container makes at default settings, beside cAdvisor's.

Ten containers of a Compose project with one interface and one disk each, no CPU quota and no health check: what
cAdvisor's own series were counted for.
"""

import collections
import gzip
import http.client
import re
import statistics

import engines
import workload
from harness import wait_for
from weir import Weir

CONTAINERS = 10
READY_LIMIT_S = 30
# Counted in its source with every default group, on cgroup v2 (six more with a quota); 17 of them are disk I/O, 4 file
# systems, 7 load averages that are always 0. Every other control group of the host adds some 55.
CADVISOR_SERIES = 78
# It ends most lines with a space and the time in milliseconds, and gives every label that the container has.
CADVISOR_TIME_BYTES = 14
FORMATS = {
    "text": "text/plain; version=0.0.4",
    "OpenMetrics": "application/openmetrics-text; version=1.0.0",
    "protobuf": "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
}
WRITE = ("sh", "-c", "dd if=/dev/zero of=/data/x bs=64k count=4 oflag=direct; touch /tmp/done; exec sleep 100000")


def start(engine, count, labels):
    """`count` containers that have written once; their names."""
    names = [f"shop-web-{number}" for number in range(1, count + 1)]
    for number, name in enumerate(names, 1):
        engine.run(name, *WRITE, options=(*labels(number), "--volume", f"{name}:/data"))
    wait_for(lambda: all("done" in engine.cli("exec", name, "ls", "/tmp", check=False) for name in names),
             READY_LIMIT_S, "each has written", pause_s=0.3)
    return names


def body(weir, accept):
    connection = http.client.HTTPConnection("127.0.0.1", weir.port, timeout=15)
    try:
        connection.request("GET", "/metrics", headers={"Accept": accept})
        return connection.getresponse().read()
    finally:
        connection.close()


def lines_of(page, name):
    return [line for line in page.text.splitlines() if f'name="{name}"' in line and not line.startswith("#")]


def label_bytes(labels):
    """What one line of cAdvisor's has of them; weir's lines are counted as they are."""
    return sum(len(f',container_label_{key}="{value}"') for key, value in labels.items())


def cadvisor_bytes(engine, name, lines):
    """What its series would take, computed: weir's lines of the same families, with all labels and the time."""
    common = [line for line in lines if line.startswith("container_")]
    given = ["".join(re.findall(',container_label_[^=]*="[^"]*"', line)) for line in common]
    bare = statistics.mean(len(line) + 1 - len(labels) for line, labels in zip(common, given))
    labels = label_bytes(engine.inspect(name)["Config"]["Labels"] or {})
    return round(CADVISOR_SERIES * (bare + labels + CADVISOR_TIME_BYTES))


def measure(engine, names):
    """What weir says of these containers; the whole page has those of other engines too, where there are any."""
    weir = Weir(f"--engine.host={engine.host}", tiers=None)
    page = weir.scrape_until(lambda page: all(page.value("weir_container_cpu_usage_percent", name=name) is not None
                                              for name in names), READY_LIMIT_S, "percentages are there")
    each = [lines_of(page, name) for name in names]
    families = collections.Counter(line.split("{")[0] for line in each[0])
    sizes = {}
    for name, accept in FORMATS.items():
        content = body(weir, accept)
        sizes[name] = {"plain": len(content), "gzip": len(gzip.compress(content, 6))}
    weir.close()
    return {"mode": page.all("weir_cgroup_info")[0].labels["mode"], "series_of_all": len(page.samples),
            "series": statistics.median(map(len, each)), "families": families, "page": sizes,
            "cadvisor_bytes": cadvisor_bytes(engine, names[0], each[0]),
            "bytes": statistics.median(sum(len(line) + 1 for line in lines) for lines in each)}


def show(title, figures):
    families = figures["families"]
    compatible = sum(number for name, number in families.items() if name.startswith("container_"))
    print(f"  {title}")
    print(f"    series per container   {figures['series']:g}: {compatible} of cAdvisor's names, "
          f"{figures['series'] - compatible:g} of weir's own; cAdvisor {CADVISOR_SERIES}")
    print(f"    bytes per container    {figures['bytes']:g} in text, without HELP and TYPE; "
          f"cAdvisor {figures['cadvisor_bytes']}, computed")
    print(f"    whole page             {figures['series_of_all']} series: " + "; ".join(
        f"{name} {of['plain']} bytes, {of['gzip']} with gzip" for name, of in figures["page"].items()))


def report(old, count=CONTAINERS):
    """Prints the figures and returns them."""
    engine = engines.docker("20.10" if old else "26")
    # Without a limit on the disk the kernel may count no block I/O at all.
    engine.run("throttle", *workload.SLEEP,
               options=("--device-write-bps", f"{engines.disk_of(engine.directory)}:1tb"))
    figures = {}
    for title, labels in (("without labels", lambda number: ()),
                                  ("of a Compose project", lambda number: workload.compose("web", number))):
        names = start(engine, count, labels)
        engine.cli("rm", "--force", "throttle", check=False)
        figures[title] = measure(engine, names)
        engine.cli("rm", "--force", "--volumes", *names)
    print(f"page: {count} containers, default settings, cgroups: {figures['without labels']['mode']}")
    for title, of in figures.items():
        show(title, of)
    print("  series of one container by family:")
    for name, number in sorted(figures["without labels"]["families"].items(), key=lambda item: (-item[1], item[0])):
        print(f"    {number:3} {name}")
    engine.stop()
    return figures
