"""Requests of remote write 1.0 and 2.0, decoded and held against every rule of the two specifications for senders.

What breaks a rule is kept as a sentence that begins with its level, MUST or SHOULD.
"""

import dataclasses
import re

import snappy

from protobuf_wire import BYTES, FIXED64, VARINT, Damaged, fields, packed, signed, text

VERSION_1 = {"content-encoding": "snappy", "content-type": "application/x-protobuf",
             "x-prometheus-remote-write-version": "0.1.0"}
VERSION_2 = {"content-encoding": "snappy",
             "content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
             "x-prometheus-remote-write-version": "2.0.0"}
METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
STALE = 0x7FF0000000000002
NORMAL_NAN = 0x7FF8000000000001
FRAMED = b"\xff\x06\x00\x00sNaPpY"
# Outside of this a number is not milliseconds since 1970.
LEAST_MS, MOST_MS = 10**12, 10**16
BODY_LIMIT = 32 << 20
TYPES = ("unspecified", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset")


@dataclasses.dataclass
class Metadata:
    kind: str
    help: str
    unit: str


@dataclasses.dataclass
class Message:
    """A decoded request. A series is its labels: a tuple of (name, value), as they came."""

    protocol: str
    samples: list = dataclasses.field(default_factory=list)  # (series, timestamp in ms, bits of the value)
    starts: dict = dataclasses.field(default_factory=dict)  # (series, timestamp) -> start timestamp, not 0
    metadata: dict = dataclasses.field(default_factory=dict)  # family or metric name -> Metadata
    symbols: list = dataclasses.field(default_factory=list)
    broken: list = dataclasses.field(default_factory=list)

    def breaks(self, sentence):
        self.broken.append(sentence)

    def is_empty(self):
        return not self.samples and not self.metadata


def is_nan(bits):
    return bits & 0x7FFFFFFFFFFFFFFF > 0x7FF0000000000000


def check_headers(headers, wanted, message):
    """`headers` is the list of (name in lower case, value)."""
    for name, value in wanted.items():
        given = [each for key, each in headers if key == name]
        if given != [value]:
            message.breaks(f"MUST header {name}: {given} is not {value!r}")
    agents = [each for key, each in headers if key == "user-agent"]
    if len(agents) != 1 or not re.fullmatch(r"\S+/\S+( .*)?", agents[0]):
        message.breaks(f"MUST header user-agent: {agents} is not name and version")


def uncompressed(body, message):
    if body.startswith(FRAMED):
        message.breaks("MUST snappy: a framed stream and not a block")
    try:
        data = snappy.uncompress(body)
    except Exception as error:
        raise Damaged(f"not a snappy block: {error}") from None
    if len(data) > BODY_LIMIT:
        message.breaks(f"SHOULD body: {len(data)} bytes, no receiver takes more than {BODY_LIMIT}")
    return data


class Labels:
    """Checks sets of labels; a set that was good once is not looked at again."""

    def __init__(self):
        self.good = set()

    def check(self, labels, message):
        if labels in self.good:
            return
        before = len(message.broken)
        names = [name.encode("utf-8") for name, _ in labels]
        if names != sorted(names):
            message.breaks(f"MUST labels: not in the order of their bytes: {names}")
        if len(set(names)) != len(names):
            message.breaks(f"MUST labels: a name comes twice: {names}")
        for name, value in labels:
            self._check_label(name, value, message)
        for wanted, level in (("__name__", "MUST"), ("job", "SHOULD"), ("instance", "SHOULD")):
            if wanted not in dict(labels):
                message.breaks(f"{level} labels: no {wanted}: {labels}")
        if len(message.broken) == before:
            self.good.add(labels)

    @staticmethod
    def _check_label(name, value, message):
        if not value:
            message.breaks(f"MUST labels: {name!r} has an empty value")
        if name == "__name__":
            if not METRIC_NAME.fullmatch(value):
                message.breaks(f"MUST labels: {value!r} cannot be the name of a metric")
        elif not LABEL_NAME.fullmatch(name):
            message.breaks(f"MUST labels: {name!r} cannot be the name of a label")
        elif name.startswith("__"):
            message.breaks(f"SHOULD labels: {name!r} is reserved")


def check_samples(series, samples, message):
    """[(timestamp, bits)] of one series in one request."""
    if not samples:
        message.breaks(f"MUST series: no sample: {series}")
    last = None
    for moment, bits in samples:
        if not LEAST_MS < moment < MOST_MS:
            message.breaks(f"MUST timestamp: {moment} is not milliseconds since 1970: {series}")
        if last is not None and moment <= last:
            message.breaks(f"MUST order: {moment} after {last}: {series}")
        last = moment
        if is_nan(bits) and bits not in (STALE, NORMAL_NAN):
            message.breaks(f"MUST NaN: {bits:#x} is neither the stale marker nor the ordinary NaN: {series}")
        message.samples.append((series, moment, bits))


def check_whole(count, message):
    if len({(series, moment) for series, moment, _ in message.samples}) != len(message.samples):
        message.breaks("MUST series: a sample comes twice in one request")
    without = sum(1 for sentence in message.broken if sentence.startswith("MUST series: no sample"))
    if count != len({series for series, _, _ in message.samples}) + without:
        message.breaks("SHOULD series: one comes more than once in a request")


# -- remote write 1.0 ----------------------------------------------------------------------------------------

REQUEST_1 = {1: BYTES, 3: BYTES}
SERIES_1 = {1: BYTES, 2: BYTES}
LABEL_1 = {1: BYTES, 2: BYTES}
SAMPLE_1 = {1: FIXED64, 2: VARINT}
METADATA_1 = {1: VARINT, 2: BYTES, 4: BYTES, 5: BYTES}


class Reader1:
    """Reads requests of remote write 1.0; what it has read before it knows."""

    headers = VERSION_1

    def __init__(self):
        self.labels = Labels()
        self.pairs = {}

    def read(self, headers, body):
        message = Message("remote-write")
        check_headers(headers, VERSION_1, message)
        count = 0
        for number, value in fields(uncompressed(body, message), "WriteRequest", REQUEST_1):
            if number == 1:
                self._series(value, message)
                count += 1
            else:
                self._metadata(value, message)
        if message.samples and message.metadata:
            message.breaks("SHOULD metadata: beside samples and not in a request of its own")
        check_whole(count, message)
        return message

    def _pair(self, data):
        pair = self.pairs.get(data)
        if pair is None:
            found = dict(fields(data, "Label", LABEL_1, (1, 2)))
            pair = text(found.get(1, b""), "a label's name"), text(found.get(2, b""), "a label's value")
            self.pairs[data] = pair
        return pair

    def _series(self, data, message):
        labels, samples = [], []
        for number, value in fields(data, "TimeSeries", SERIES_1):
            if number == 1:
                labels.append(self._pair(value))
            else:
                sample = dict(fields(value, "Sample", SAMPLE_1, (1, 2)))
                samples.append((signed(sample.get(2, 0)), sample.get(1, 0)))
        series = tuple(labels)
        self.labels.check(series, message)
        check_samples(series, samples, message)

    @staticmethod
    def _metadata(data, message):
        found = dict(fields(data, "MetricMetadata", METADATA_1, (1, 2, 4, 5)))
        name = text(found.get(2, b""), "a family's name")
        kind = found.get(1, 0)
        if not METRIC_NAME.fullmatch(name):
            message.breaks(f"MUST metadata: {name!r} cannot be the name of a family")
        if kind >= len(TYPES):
            message.breaks(f"MUST metadata: type {kind} of {name}")
            kind = 0
        if name in message.metadata:
            message.breaks(f"SHOULD metadata: {name} comes twice")
        message.metadata[name] = Metadata(TYPES[kind], text(found.get(4, b""), "help"), text(found.get(5, b""), "unit"))


# -- remote write 2.0 ----------------------------------------------------------------------------------------

REQUEST_2 = {4: BYTES, 5: BYTES}
SERIES_2 = {1: BYTES, 2: BYTES, 3: BYTES, 4: BYTES, 5: BYTES}
SAMPLE_2 = {1: FIXED64, 2: VARINT, 3: VARINT}
METADATA_2 = {1: VARINT, 3: VARINT, 4: VARINT}
COUNTED = ("counter", "histogram", "summary")
# Counters of which nobody knows when they were 0, and weir gives a start that is exact or none: kills are summed over the
# instances of a container, restarts are the engine's count, processes were seen to run before weir looked, and events
# are counted anew when a reload makes a second pipeline.
STARTLESS = frozenset(("container_oom_events_total", "weir_container_restarts_total", "weir_engine_events_total",
                       "container_cpu_schedstat_run_seconds_total", "container_cpu_schedstat_runqueue_seconds_total",
                       "container_cpu_schedstat_run_periods_total"))


class Reader2:
    """Reads requests of remote write 2.0."""

    headers = VERSION_2

    def __init__(self):
        self.labels = Labels()

    def read(self, headers, body):
        message = Message("remote-write-2")
        check_headers(headers, VERSION_2, message)
        series = []
        for number, value in fields(uncompressed(body, message), "Request", REQUEST_2):
            if number == 4:
                message.symbols.append(text(value, "a symbol"))
            else:
                series.append(value)
        self._check_symbols(message, bool(series))
        used = {0}
        for data in series:
            self._series(data, message, used)
        check_whole(len(series), message)
        unused = set(range(len(message.symbols))) - used
        if unused:
            message.breaks(f"SHOULD symbols: {len(unused)} are used by nothing: "
                           f"{[message.symbols[each] for each in sorted(unused)[:5]]}")
        return message

    @staticmethod
    def _check_symbols(message, wanted):
        if (wanted or message.symbols) and message.symbols[:1] != [""]:
            message.breaks(f"MUST symbols: the first is not empty: {message.symbols[:2]}")
        if len(set(message.symbols)) != len(message.symbols):
            message.breaks("MUST symbols: one comes twice")

    @staticmethod
    def _symbol(ref, what, message, used):
        if ref >= len(message.symbols):
            message.breaks(f"MUST symbols: {what} refers to {ref} of {len(message.symbols)}")
            return ""
        used.add(ref)
        return message.symbols[ref]

    def _series(self, data, message, used):
        found = fields(data, "TimeSeries", SERIES_2, (5,))
        refs = [ref for number, value in found if number == 1 for ref in packed(value, "labels_refs")]
        if len(refs) % 2:
            message.breaks(f"MUST labels_refs: {len(refs)} of them")
        words = [self._symbol(ref, "a label", message, used) for ref in refs]
        series = tuple(zip(words[::2], words[1::2]))
        self.labels.check(series, message)
        if any(number == 3 for number, _ in found):
            message.breaks(f"MUST series: histograms, of which there are none here: {series}")
        if any(number == 4 for number, _ in found):
            message.breaks(f"MUST series: exemplars, of which there are none here: {series}")
        kind = self._metadata([value for number, value in found if number == 5], series, message, used)
        self._samples([value for number, value in found if number == 2], series, kind, message)

    def _samples(self, parts, series, kind, message):
        samples = []
        for data in parts:
            sample = dict(fields(data, "Sample", SAMPLE_2, (1, 2, 3)))
            moment, start, bits = signed(sample.get(2, 0)), signed(sample.get(3, 0)), sample.get(1, 0)
            samples.append((moment, bits))
            if start:
                message.starts[(series, moment)] = start
            if start and not LEAST_MS < start <= moment:
                message.breaks(f"SHOULD start_timestamp: {start} with a sample of {moment}: {series}")
            if not start and kind in COUNTED and bits != STALE and dict(series).get("__name__") not in STARTLESS:
                message.breaks(f"SHOULD start_timestamp: a counter without: {series}")
        check_samples(series, samples, message)

    def _metadata(self, parts, series, message, used):
        name = dict(series).get("__name__", "")
        if not parts:
            message.breaks(f"SHOULD metadata: none: {series}")
            return ""
        found = dict(fields(parts[0], "Metadata", METADATA_2, (1, 3, 4)))
        kind = found.get(1, 0)
        if kind >= len(TYPES):
            message.breaks(f"MUST metadata: type {kind} of {name}")
            kind = 0
        if kind == 0:
            message.breaks(f"SHOULD metadata: {name} has no type")
        new = Metadata(TYPES[kind], self._symbol(found.get(3, 0), "help", message, used),
                       self._symbol(found.get(4, 0), "unit", message, used))
        if message.metadata.setdefault(name, new) != new:
            message.breaks(f"SHOULD metadata: {name} has {new} and {message.metadata[name]}")
        return TYPES[kind]
