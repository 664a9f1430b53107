#!/usr/bin/env python3
"""check_protobuf.py TEST: what TEST (test_prometheus_golden) encodes as protocol buffers says what the golden text files say.

Read by Google's implementation, and the text by the Prometheus project's own parser, so that neither side is weir's.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

from proto_messages import messages, skip

HERE = pathlib.Path(__file__).parent

try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    skip("prometheus_client is not installed (Debian: python3-prometheus-client)")


def families_of(data, module):
    """The messages of a delimited run; each is what Google's implementation would have written."""
    families, at = [], 0
    while at < len(data):
        length = shift = 0
        while True:
            length |= (data[at] & 0x7F) << shift
            shift += 7
            at += 1
            if data[at - 1] < 0x80:
                break
        packed = data[at:at + length]
        assert len(packed) == length
        families.append(module.MetricFamily.FromString(packed))
        assert families[-1].SerializeToString() == packed, families[-1].name
        at += length
    return families


def value_of(family, metric):
    field = {0: "counter", 1: "gauge"}[family.type]
    assert [f.name for f, _ in metric.ListFields() if f.name != "label"] == [field]
    return getattr(metric, field).value


def check(name, data, module):
    text = (HERE / f"{name}.prom").read_bytes().decode("utf-8")
    heads = dict(line.split(" ")[2:] for line in text.split("\n") if line.startswith("# TYPE "))
    helps = {line.split(" ")[2]: line.split(" ", 3)[3] for line in text.split("\n") if line.startswith("# HELP ")}
    families = families_of(data, module)
    assert [family.name for family in families] == list(heads)
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert sum(len(family.metric) for family in families) == len(samples) > 0
    said = iter(samples)
    for family in families:
        assert module.MetricType.Name(family.type).lower() == heads[family.name], family.name
        assert family.help == helps[family.name], family.name
        for metric in family.metric:
            sample = next(said)
            # The parser gives every counter's sample the ending, also one that the file has without it.
            assert sample.name in (family.name, family.name + "_total"), sample
            assert [(pair.name, pair.value) for pair in metric.label] == list(sample.labels.items()), sample
            assert value_of(family, metric) == sample.value, sample
    return len(samples)


def main():
    with tempfile.TemporaryDirectory() as folder:
        module = messages(folder, "metrics")
        subprocess.run([sys.argv[1]], env={**os.environ, "WEIR_GOLDEN_PROTOBUF": folder}, check=True,
                       stdout=subprocess.DEVNULL)
        count = sum(check(name, pathlib.Path(folder, f"{name}.pb").read_bytes(), module) for name in ("all", "hard"))
    print(f"{count} samples are the same in text and in protocol buffers")


main()
