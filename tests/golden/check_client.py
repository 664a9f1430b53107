#!/usr/bin/env python3
"""The Prometheus project's own Python parser reads the golden expositions and finds in them what the test put in."""
import pathlib
import sys

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    print("SKIP: prometheus_client is not installed (Debian: python3-prometheus-client)")
    sys.exit(77)

HERE = pathlib.Path(__file__).parent


def read(name):
    """Family name to family; every family once, every series once."""
    text = (HERE / name).read_bytes().decode("utf-8")
    assert text.endswith("\n"), f"{name} does not end with a newline"
    heads = [line.split(" ")[2] for line in text.split("\n") if line.startswith("# TYPE ")]
    assert len(heads) == len(set(heads)), f"{name} has a family twice"
    families = {}
    series = set()
    for family in text_string_to_metric_families(text):
        assert family.name not in families, f"{family.name} is in {name} twice"
        assert family.samples, f"{family.name} in {name} has no samples"
        assert family.documentation, f"{family.name} in {name} has no help"
        assert family.type in ("counter", "gauge"), f"{family.name} in {name} has type {family.type}"
        families[family.name] = family
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in series, f"{key} is in {name} twice"
            assert sample.timestamp is None
            series.add(key)
    assert len(families) == len(heads)
    return families


def value(family, **labels):
    """The one sample with these labels."""
    found = [s.value for s in family.samples if labels.items() <= s.labels.items()]
    assert len(found) == 1, f"{family.name}{labels}: {len(found)} samples"
    return found[0]


def samples_of(families):
    return [sample for family in families for sample in family.samples]


def check_openmetrics(name):
    """The strict parser takes the OpenMetrics file and finds in it the families and samples of the text file."""
    text = (HERE / f"{name}.prom").read_bytes().decode("utf-8")
    heads = dict(line.split(" ")[2:] for line in text.split("\n") if line.startswith("# TYPE "))
    helps = {line.split(" ")[2]: line.split(" ", 3)[3] for line in text.split("\n") if line.startswith("# HELP ")}
    opened = list(open_families((HERE / f"{name}.om").read_bytes().decode("utf-8")))
    assert len(opened) == len(heads)
    for family, (head, head_type) in zip(opened, heads.items()):
        total = head_type == "counter" and head.endswith("_total")
        assert family.name == (head[:-len("_total")] if total else head), family.name
        assert family.type == (head_type if total or head_type == "gauge" else "unknown"), family.name
        assert family.documentation == helps[head], family.name
        assert not family.unit
        assert {sample.name for sample in family.samples} == {head}
    # The lax parser gives every counter's sample the ending, also one that the file has without it.
    lax = [(sample.name[:-len("_total")] if sample.name[:-len("_total")] in heads else sample.name, sample)
           for sample in samples_of(text_string_to_metric_families(text))]
    strict = samples_of(opened)
    assert len(lax) == len(strict)
    for (sample_name, sample), other in zip(lax, strict):
        assert sample_name == other.name
        assert list(sample.labels.items()) == list(other.labels.items()), other
        assert sample.value == float(other.value), other


def main():
    read("all.prom")
    hard = read("hard.prom")
    check_openmetrics("all")
    check_openmetrics("hard")
    hostile = 'we"b\\\n'
    cpu = hard["container_cpu_usage_seconds"]
    labels = next(s.labels for s in cpu.samples if s.labels["name"] == hostile)
    assert labels == {
        "id": "/system.slice/docker-0123.scope",
        "image": "reg.example:5000/a@sha256:01",
        "name": hostile,
        "container_label_com_docker_compose_project": "a\\b",
        "container_label_com_docker_compose_service": '<script>alert("1")</script>',
        "container_label_note": "first line\nsecond line\n",
        "container_label_org_opencontainers_image_title": "Währ 水 \U0001f433",
        "container_label_raw": "cut off \ufffd\ufffd",
        "cpu": "total",
    }, labels
    assert value(cpu, name=hostile) == 1.5
    assert value(hard["container_cpu_user_seconds"], name=hostile) == 1e-9
    assert value(hard["container_cpu_cfs_periods"], name=hostile) == float(2**64 - 1)
    assert value(hard["container_cpu_cfs_throttled_seconds"], name=hostile) == 0
    assert value(hard["container_memory_rss"], name="simulated-1") == -4096
    assert value(hard["weir_container_cpu_usage_percent"], name="simulated-1") == -0.5
    assert value(hard["container_threads_max"], name=hostile) == 0
    assert value(hard["container_spec_memory_limit_bytes"], name=hostile) == 0
    assert "container_spec_cpu_quota" not in hard
    simulated = next(s.labels for s in cpu.samples if s.labels["name"] == "simulated-1")
    assert simulated["simulated"] == "true" and "simulated" not in labels
    assert simulated["container_label_long"] == "x" * 4096
    usage = hard["container_blkio_device_usage"]
    assert value(usage, device='/dev/mapper/vg-"data"', operation="Total", major="253", minor="7") == 0
    received = hard["container_network_receive_bytes"]
    assert value(received, interface="eth0.100@if7") == 1
    print("all.prom and hard.prom say what was put in, all.om and hard.om the same")


main()
