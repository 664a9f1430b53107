"""Requests of OTLP/HTTP metrics, decoded and held against the rules of the OTLP specification and its data model."""

import gzip
import re

import remote_write
from protobuf_wire import BYTES, FIXED64, VARINT, Damaged, bits_of, fields, signed, text
from remote_write import STALE, Message, Metadata

CONTENT_TYPE = "application/x-protobuf"
BODY_LIMIT = 64 << 20
LEAST_NS, MOST_NS = 10**18, 10**19
CUMULATIVE = 2
NO_RECORDED_VALUE = 1
REQUEST = {1: BYTES}
RESOURCE_METRICS = {1: BYTES, 2: BYTES, 3: BYTES}
RESOURCE = {1: BYTES, 2: VARINT}
SCOPE_METRICS = {1: BYTES, 2: BYTES, 3: BYTES}
SCOPE = {1: BYTES, 2: BYTES, 3: BYTES, 4: VARINT}
METRIC = {1: BYTES, 2: BYTES, 3: BYTES, 5: BYTES, 7: BYTES, 12: BYTES}
GAUGE = {1: BYTES}
SUM = {1: BYTES, 2: VARINT, 3: VARINT}
POINT = {2: FIXED64, 3: FIXED64, 4: FIXED64, 6: FIXED64, 7: BYTES, 8: VARINT}
KEY_VALUE = {1: BYTES, 2: BYTES}
ANY_VALUE = {1: BYTES, 2: VARINT, 3: VARINT, 4: FIXED64, 5: BYTES, 6: BYTES, 7: BYTES}
ARRAY = {1: BYTES}


def any_value(data):
    found = fields(data, "AnyValue", ANY_VALUE)
    if len(found) != 1:
        raise Damaged(f"AnyValue: {len(found)} values")
    number, value = found[0]
    if number == 1:
        return text(value, "an attribute's value")
    if number == 5:
        return tuple(any_value(each) for _, each in fields(value, "ArrayValue", ARRAY))
    return signed(value) if number == 3 else value


def attributes(parts, what, message):
    """A tuple of (key, value), sorted by key."""
    pairs = []
    for data in parts:
        found = dict(fields(data, "KeyValue", KEY_VALUE, (1, 2)))
        if 2 not in found:
            raise Damaged(f"{what}: an attribute without a value")
        pairs.append((text(found.get(1, b""), "an attribute's key"), any_value(found[2])))
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        message.breaks(f"MUST attributes: a key comes twice in {what}: {sorted(keys)}")
    if "" in keys:
        message.breaks(f"MUST attributes: an empty key in {what}")
    return tuple(sorted(pairs, key=lambda pair: pair[0]))


def only(found, number, default=b""):
    return next((value for each, value in found if each == number), default)


def every(found, number):
    return [value for each, value in found if each == number]


class Reader:
    """Reads them. A series is (("__name__", metric), ("scope", ...), ("resource.KEY", ...), (KEY, ...))."""

    def read(self, headers, body):
        message = Message("otlp")
        self._check_headers(headers, message)
        if ("content-encoding", "gzip") in headers:
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError) as error:
                raise Damaged(f"not gzip: {error}") from None
        if len(body) > BODY_LIMIT:
            message.breaks(f"SHOULD body: {len(body)} bytes")
        resources = set()
        for _, value in fields(body, "ExportMetricsServiceRequest", REQUEST):
            self._resource_metrics(value, message, resources)
        keys = [(series, moment) for series, moment, _ in message.samples]
        if len(set(keys)) != len(keys):
            message.breaks("MUST points: one comes twice in a request")
        return message

    @staticmethod
    def _check_headers(headers, message):
        kinds = [value for name, value in headers if name == "content-type"]
        if kinds != [CONTENT_TYPE]:
            message.breaks(f"MUST header content-type: {kinds}")
        codings = [value for name, value in headers if name == "content-encoding"]
        if codings not in ([], ["gzip"]):
            message.breaks(f"MUST header content-encoding: {codings}")
        agents = [value for name, value in headers if name == "user-agent"]
        if len(agents) != 1 or not re.search(r"\S+/\S+", agents[0]):
            message.breaks(f"SHOULD header user-agent: {agents}")
        if any(name.startswith("x-prometheus-remote-write") for name, _ in headers):
            message.breaks("SHOULD header: one of remote write in a request of OTLP")

    def _resource_metrics(self, data, message, resources):
        found = fields(data, "ResourceMetrics", RESOURCE_METRICS, (1, 3))
        parts = fields(only(found, 1), "Resource", RESOURCE, (2,))
        resource = attributes(every(parts, 1), "a resource", message)
        if "service.name" not in dict(resource):
            message.breaks(f"MUST resource: no service.name: {resource}")
        if resource in resources:
            message.breaks(f"SHOULD resource: it comes twice: {resource}")
        resources.add(resource)
        if not every(found, 2):
            message.breaks(f"SHOULD resource: without any scope: {resource}")
        for scope in every(found, 2):
            self._scope_metrics(scope, resource, message)

    def _scope_metrics(self, data, resource, message):
        found = fields(data, "ScopeMetrics", SCOPE_METRICS, (1, 3))
        parts = fields(only(found, 1), "InstrumentationScope", SCOPE, (1, 2))
        scope = text(only(parts, 1), "a scope's name")
        if not scope:
            message.breaks("SHOULD scope: without a name")
        if not every(found, 2):
            message.breaks(f"SHOULD scope: without any metric: {scope}")
        names = set()
        for each in every(found, 2):
            name = self._metric(each, scope, resource, message)
            if name in names:
                message.breaks(f"MUST metric: {name} comes twice in one scope")
            names.add(name)

    def _metric(self, data, scope, resource, message):
        found = fields(data, "Metric", METRIC, (1, 2, 3))
        name, unit = text(only(found, 1), "a metric's name"), text(only(found, 3), "a unit")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]{0,254}", name):
            message.breaks(f"MUST metric: {name!r} cannot be a name")
        if not re.fullmatch(r"[\x21-\x7e]{0,63}", unit):  # the unit is optional
            message.breaks(f"SHOULD metric: {name} has the unit {unit!r}")
        data_of = [(number, value) for number, value in found if number in (5, 7)]
        if len(data_of) != 1:
            raise Damaged(f"metric {name}: {len(data_of)} kinds of data")
        number, value = data_of[0]
        parts = fields(value, "Sum" if number == 7 else "Gauge", SUM if number == 7 else GAUGE, (2, 3))
        if number == 7 and only(parts, 2, 0) != CUMULATIVE:
            message.breaks(f"MUST metric: {name} has temporality {only(parts, 2, 0)}")
        kind = "gauge" if number == 5 else "counter" if only(parts, 3, 0) else "updown"
        description = text(only(found, 2), "a description")
        new = Metadata(kind, description, unit)
        if message.metadata.setdefault(name, new) != new:
            message.breaks(f"SHOULD metric: {name} has {new} and {message.metadata[name]}")
        if not every(parts, 1):
            message.breaks(f"SHOULD metric: {name} without any point")
        base = (("__name__", name), ("scope", scope), *((f"resource.{key}", value) for key, value in resource))
        for point in every(parts, 1):
            self._point(point, base, kind, message)
        return name

    @staticmethod
    def _point(data, base, kind, message):
        found = fields(data, "NumberDataPoint", POINT, (2, 3, 4, 6, 8))
        series = base + attributes(every(found, 7), "a point", message)
        moment, start, flags = only(found, 3, 0), only(found, 2, 0), only(found, 8, 0)
        values = [(number, value) for number, value in found if number in (4, 6)]
        if not LEAST_NS < moment < MOST_NS:
            message.breaks(f"MUST point: time {moment}: {series}")
        if start and not LEAST_NS < start <= moment:
            message.breaks(f"MUST point: start {start} after {moment}: {series}")
        if kind == "counter" and not start and not flags and base[0][1] not in remote_write.STARTLESS:
            message.breaks(f"SHOULD point: a counter without a start: {series}")
        if flags & ~NO_RECORDED_VALUE:
            message.breaks(f"MUST point: flags {flags:#x}: {series}")
        gone = bool(flags & NO_RECORDED_VALUE)
        if gone == bool(values) or len(values) > 1:
            message.breaks(f"MUST point: {len(values)} values with flags {flags}: {series}")
        if gone or not values:
            bits = STALE
        else:
            bits = values[0][1] if values[0][0] == 4 else bits_of(float(signed(values[0][1])))
            if remote_write.is_nan(bits):
                message.breaks(f"SHOULD point: a NaN in place of a flag: {series}")
        if start:
            message.starts[(series, moment // 10**6)] = start // 10**6
        message.samples.append((series, moment // 10**6, bits))
