#!/usr/bin/env python3
"""check_otlp.py TEST: what TEST (test_otlp_random) encodes for OTLP says what the text exposition of the same snapshots says.

Read by Google's implementation, with the names of docs/METRICS.md, "Names in OTLP". Labels are the test's own business.
"""
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from proto_messages import messages

FAMILIES = {
    "container.cpu.time": "container_cpu_usage_seconds_total",
    "container.cpu.usage": "weir_container_cpu_usage_percent",
    "container.memory.usage": "container_memory_usage_bytes",
    "container.memory.rss": "container_memory_rss",
    "container.memory.working_set": "container_memory_working_set_bytes",
    "container.paging.faults": "container_memory_failures_total",
    "container.filesystem.capacity": "container_fs_limit_bytes",
    "container.filesystem.usage": "container_fs_usage_bytes",
    "read": "container_fs_reads_bytes_total",
    "write": "container_fs_writes_bytes_total",
    "receive": "container_network_receive_bytes_total",
    "transmit": "container_network_transmit_bytes_total",
}
ADDED = ("up", "container.uptime", "container.memory.available")
LEAST_POINTS = 1000  # else the random snapshots were empty


def family_of(metric, point):
    if metric.name in ("container.disk.io", "container.network.io"):
        attributes = {a.key: a.value.string_value for a in point.attributes}
        return FAMILIES[attributes[metric.name.replace("container.", "") + ".direction"]]
    return FAMILIES.get(metric.name, metric.name)


def points_of(request):
    """(family, value) of every point; a share of a CPU stays one."""
    for resource in request.resource_metrics:
        assert len(resource.scope_metrics) == 1
        scope = resource.scope_metrics[0]
        names = [metric.name for metric in scope.metrics]
        assert len(set(names)) == len(names) > 0
        for metric in scope.metrics:
            for point in getattr(metric, metric.WhichOneof("data")).data_points:
                keys = [attribute.key for attribute in point.attributes]
                assert len(set(keys)) == len(keys)
                if metric.name not in ADDED:
                    value = getattr(point, point.WhichOneof("value"))
                    share = metric.name == "container.cpu.usage"
                    yield family_of(metric, point) + (" share" if share else ""), value


def samples_of(text):
    """The number of every series by family, of two that are alike the first's."""
    series = {}
    for line in text.decode("utf-8").split("\n"):
        if line and not line.startswith("#"):
            name, number = line.rsplit(" ", 1)
            series.setdefault(name, number)
    for name, number in series.items():
        yield re.match(r"\w+", name).group(0), number


def check(data, text, module):
    request = module.ExportMetricsServiceRequest.FromString(data)
    assert request.SerializeToString(deterministic=True) == data
    found = collections.Counter(points_of(request))
    said = collections.Counter()
    for family, number in samples_of(text):
        # The host keeps the percentage; a counter that is no int64 is a double.
        keys = [(family + " share", float(number + "e-2")), (family, float(number))]
        if "." not in number:
            keys.insert(0, (family, int(number)))
        said[next((key for key in keys if found[key] > said[key]), keys[0])] += 1
    assert found == said, (found - said, said - found)
    return sum(found.values())


def main():
    with tempfile.TemporaryDirectory() as folder:
        module = messages(folder, "otlp_metrics")
        subprocess.run([sys.argv[1]], env={**os.environ, "WEIR_OTLP_FOLDER": folder}, check=True, stdout=subprocess.DEVNULL)
        bodies = sorted(pathlib.Path(folder).glob("*.pb"))
        count = sum(check(body.read_bytes(), body.with_suffix(".prom").read_bytes(), module) for body in bodies)
    assert count >= LEAST_POINTS, count
    print(f"{count} points of {len(bodies)} requests are the same in OTLP and in text")


main()
