#!/usr/bin/env python3
"""check_remote_write.py TEST: the messages of remote write 1 and 2 that TEST (test_remote_write) writes out, read by Google's
implementation, say what they should: TEST's list of labels and values, which it made of the text exposition."""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

from proto_messages import messages

TIME_MS = 1790000000123


def bits(number):
    return struct.pack("<d", number)


def expected(text):
    """{labels: bits of the value}; TEST ends a label's name and its value with byte 1, a series with byte 2."""
    series = {}
    for line in text.split("\2")[:-1]:
        value, _, labels = line.partition(" ")
        words = labels.split("\1")[:-1]
        series[tuple(zip(words[::2], words[1::2]))] = struct.pack("<Q", int(value, 16))
    return series


def sample_of(series):
    assert len(series.samples) == 1 and series.samples[0].timestamp == TIME_MS, series
    return bits(series.samples[0].value)


def read_1(data, module):
    request = module.WriteRequest.FromString(data)
    assert request.SerializeToString() == data
    return [(tuple((label.name, label.value) for label in series.labels), sample_of(series))
            for series in request.timeseries]


def read_2(data, module):
    request = module.Request.FromString(data)
    assert request.SerializeToString() == data
    symbols = list(request.symbols)
    assert symbols[0] == "" and len(set(symbols)) == len(symbols)
    result = []
    for series in request.timeseries:
        words = [symbols[ref] for ref in series.labels_refs]
        assert len(words) % 2 == 0 and series.metadata.type in (1, 2) and symbols[series.metadata.help_ref]
        result.append((tuple(zip(words[::2], words[1::2])), sample_of(series)))
    return result


def check(read, data, module, wanted):
    series = read(data, module)
    for labels, _ in series:
        names = [name.encode() for name, _ in labels]
        assert names == sorted(set(names)), labels
    assert len(dict(series)) == len(series)
    assert dict(series) == wanted
    return len(series)


def main():
    with tempfile.TemporaryDirectory() as folder:
        modules = [messages(folder, "remote_write"), messages(folder, "remote_write_2")]
        subprocess.run([sys.argv[1]], env={**os.environ, "WEIR_REMOTE_WRITE": folder}, check=True,
                       stdout=subprocess.DEVNULL)
        lists = list(pathlib.Path(folder).glob("*.expected"))
        count = stale = 0
        for path in lists:
            wanted = expected(path.read_bytes().decode("utf-8"))
            stale += sum(value == struct.pack("<Q", 0x7FF0000000000002) for value in wanted.values())
            count += check(read_1, path.with_suffix(".1").read_bytes(), modules[0], wanted)
            count += check(read_2, path.with_suffix(".2").read_bytes(), modules[1], wanted)
        assert len(lists) == 20 and stale > 0
    print(f"{count} samples are what they should be, {2 * stale} of them stale markers")


main()
