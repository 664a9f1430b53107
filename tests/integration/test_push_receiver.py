"""The strict receiver itself: it takes good requests, and names each rule that a bad one breaks."""

import gzip
import http.client
import struct
import time
import unittest

import snappy

import harness
import otlp
import remote_write
from protobuf_wire import Damaged, bits_of, put, put_varint
from receiver import Answer, Receiver

NOW = int(time.time() * 1000)
AGENT = ("user-agent", "weir/1.0")
GOOD = (("__name__", "a_total"), ("instance", "i"), ("job", "weir"))


def headers_of(protocol):
    if protocol == "otlp":
        return [("content-type", "application/x-protobuf"), AGENT]
    return [*(remote_write.VERSION_1 if protocol == "remote-write" else remote_write.VERSION_2).items(), AGENT]


def fixed64(number, value):
    return put_varint(number << 3 | 1) + (value if isinstance(value, bytes) else struct.pack("<Q", value))


def request_1(labels=GOOD, samples=((NOW, bits_of(1.5)),), more=b""):
    series = b"".join(put(1, put(1, name) + put(2, value)) for name, value in labels)
    series += b"".join(put(2, fixed64(1, bits) + put(2, moment)) for moment, bits in samples)
    return put(1, series) + more


SYMBOLS = ("", "__name__", "a_total", "instance", "i", "job", "weir", "Help.")


def request_2(symbols=SYMBOLS, refs=(1, 2, 3, 4, 5, 6), start=NOW - 5, more=b"", metadata=None, sample=None):
    series = put(1, b"".join(map(put_varint, refs)))
    if sample is None:
        sample = put(2, fixed64(1, bits_of(1.5)) + put(2, NOW) + (put(3, start) if start else b""))
    series += sample + (put(5, put(1, 1) + put(3, 7)) if metadata is None else metadata) + more
    return b"".join(put(4, symbol) for symbol in symbols) + put(5, series)


def attribute(key, value):
    return put(1, key) + put(2, put(1, value))


NOW_NS = NOW * 10**6


def point(value=None, moment=NOW_NS, start=NOW_NS - 10**9, more=b""):
    body = (fixed64(2, start) if start else b"") + fixed64(3, moment)
    return body + (fixed64(4, bits_of(1.5)) if value is None else value) + put(7, attribute("cpu.mode", "user")) + more


def request_3(resource=None, points=None, temporality=2, name="container.cpu.time", twice=False):
    data = put(7, b"".join(put(1, each) for each in (points or [point()])) + put(2, temporality) + put(3, 1))
    metric = put(2, put(1, name) + put(3, "s") + data)
    scope = put(2, put(1, put(1, "weir")) + metric * (2 if twice else 1))
    return put(1, put(1, put(1, attribute("service.name", "weir")) if resource is None else resource) + scope)


class Rules(unittest.TestCase):
    """One sentence for each broken rule; none for a good request."""

    def read(self, protocol, body, headers=None):
        reader = {"remote-write": remote_write.Reader1, "remote-write-2": remote_write.Reader2,
                  "otlp": otlp.Reader}[protocol]()
        if protocol != "otlp":
            body = snappy.compress(body)
        return reader.read(headers_of(protocol) if headers is None else headers, body)

    def expect(self, protocol, body, *words):
        """Exactly one sentence, with these words; or none without words."""
        broken = self.read(protocol, body).broken
        self.assertEqual(len(broken), 1 if words else 0, broken)
        for word in words:
            self.assertIn(word, broken[0])

    def test_good_requests(self):
        for protocol, body in (("remote-write", request_1()), ("remote-write-2", request_2()), ("otlp", request_3())):
            with self.subTest(protocol):
                message = self.read(protocol, body)
                self.assertEqual(message.broken, [])
                self.assertEqual([(moment, bits) for _, moment, bits in message.samples], [(NOW, bits_of(1.5))])
        self.assertEqual(self.read("remote-write", request_1()).samples[0][0], GOOD)
        self.assertEqual(self.read("remote-write-2", request_2()).samples[0][0], GOOD)
        self.assertEqual(self.read("otlp", request_3()).samples[0][0],
                         (("__name__", "container.cpu.time"), ("scope", "weir"), ("resource.service.name", "weir"),
                          ("cpu.mode", "user")))

    def test_labels(self):
        cases = {
            "order": (("instance", "i"), ("__name__", "a"), ("job", "j")),
            "twice": (("__name__", "a"), ("instance", "i"), ("job", "j"), ("job", "j")),
            "empty value": (("__name__", "a"), ("a", ""), ("instance", "i"), ("job", "j")),
            "name of a label": (("__name__", "a"), ("a-b", "1"), ("instance", "i"), ("job", "j")),
            "name of a metric": (("__name__", "a b"), ("instance", "i"), ("job", "j")),
            "reserved": (("__a__", "1"), ("__name__", "a"), ("instance", "i"), ("job", "j")),
            "no __name__": (("instance", "i"), ("job", "j")),
            "no job": (("__name__", "a"), ("instance", "i")),
        }
        for words, labels in cases.items():
            with self.subTest(words):
                self.expect("remote-write", request_1(labels), words)

    def test_samples(self):
        cases = {
            "no sample": (),
            "MUST order": ((NOW, 1), (NOW - 1, 1)),
            "milliseconds": ((NOW // 1000, 1),),
            "MUST NaN": ((NOW, 0x7FF8000000000000),),
        }
        for words, samples in cases.items():
            with self.subTest(words):
                self.expect("remote-write", request_1(samples=samples), words)
        for bits in (remote_write.STALE, remote_write.NORMAL_NAN, bits_of(float("inf")), 0):
            self.expect("remote-write", request_1(samples=((NOW, bits),)))

    def test_a_series_twice(self):
        self.assertIn("MUST series: a sample comes twice in one request",
                      self.read("remote-write", request_1() + request_1()).broken)

    def test_headers(self):
        for protocol in ("remote-write", "remote-write-2"):
            body = request_1() if protocol == "remote-write" else request_2()
            for left_out in range(4):
                given = headers_of(protocol)
                name = given.pop(left_out)[0]
                with self.subTest(f"{protocol} without {name}"):
                    self.assertEqual([name in each for each in self.read(protocol, body, given).broken], [True])
        self.assertIn("content-type", self.read("otlp", request_3(), [AGENT]).broken[0])

    def test_snappy(self):
        reader = remote_write.Reader1()
        framed = remote_write.FRAMED + b"\x00\x08\x00\x00" + bytes(4) + snappy.compress(b"x")
        for body in (framed, request_1(), b"", gzip.compress(request_1())):
            with self.assertRaises(Damaged):
                reader.read(headers_of("remote-write"), body)

    def test_damaged_messages(self):
        for body in (request_1()[:-1], put(9, 1), put(1, put(7, 1)), put(1, put(1, put(1, b"\xff") + put(2, "x"))),
                     b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", put_varint(1 << 3 | 1)):
            with self.assertRaises(Damaged, msg=body):
                self.read("remote-write", body)

    def test_symbols(self):
        twice = SYMBOLS + ("weir",)
        self.assertIn("one comes twice", self.read("remote-write-2", request_2(twice, (1, 2, 3, 4, 5, 8))).broken[0])
        self.expect("remote-write-2", request_2(SYMBOLS + ("unused",)), "used by nothing")
        self.assertIn("MUST symbols: the first", self.read("remote-write-2", request_2(("x", *SYMBOLS[1:]))).broken[0])
        self.expect("remote-write-2", request_2(refs=(1, 2, 3, 4, 5, 6, 0)), "labels_refs: 7")
        self.assertTrue(any("refers to 99 of 8" in each
                            for each in self.read("remote-write-2", request_2(refs=(1, 2, 3, 4, 5, 99))).broken))

    def test_metadata_and_starts(self):
        self.assertTrue(any("SHOULD metadata: none" in each
                            for each in self.read("remote-write-2", request_2(metadata=b"")).broken))
        self.assertTrue(any("help refers to 99" in each for each in self.read(
            "remote-write-2", request_2(metadata=put(5, put(1, 1) + put(3, 99)))).broken))
        self.expect("remote-write-2", request_2(start=0), "a counter without")
        self.expect("remote-write-2", request_2(start=NOW + 1), "start_timestamp")
        self.expect("remote-write-2", request_2(sample=b""), "no sample")
        self.expect("remote-write-2", request_2(more=put(3, b"")), "histograms")
        with self.assertRaises(Damaged):  # the field that was reserved in rc.4
            self.read("remote-write-2", request_2(more=put(6, NOW)))

    def test_otlp(self):
        cases = {
            "service.name": request_3(resource=b""),
            "temporality 1": request_3(temporality=1),
            "comes twice": request_3(twice=True),
            "time": request_3(points=[point(moment=NOW)]),
            "start": request_3(points=[point(start=NOW_NS + 1)]),
            "without a start": request_3(points=[point(start=0)]),
            "0 values": request_3(points=[point(value=b"")]),
            "1 values": request_3(points=[point(more=put(8, 1))]),
            "flags 0x2": request_3(points=[point(more=put(8, 2))]),
            "cannot be a name": request_3(name="9 lives"),
        }
        for words, body in cases.items():
            with self.subTest(words):
                broken = self.read("otlp", body).broken
                self.assertTrue(any(words in each for each in broken), broken)
        self.assertEqual(self.read("otlp", request_3(points=[point(value=b"", more=put(8, 1))])).samples[0][2],
                         remote_write.STALE)


class Listening(unittest.TestCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)

    def post(self, protocol, body, path=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.receiver.port, timeout=5)
        try:
            connection.request("POST", path or self.receiver.url(protocol).split(str(self.receiver.port))[1],
                               snappy.compress(body) if protocol != "otlp" else body, dict(headers_of(protocol)))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def test_answers(self):
        self.assertEqual(self.post("remote-write", request_1())[0], 204)
        status, headers, _ = self.post("remote-write-2", request_2())
        self.assertEqual((status, headers["X-Prometheus-Remote-Write-Samples-Written"]), (204, "1"))
        self.assertEqual(self.post("otlp", request_3())[0], 200)
        self.assertEqual(self.receiver.broken(), [])
        self.assertEqual([request.kind() for request in self.receiver.requests], ["samples"] * 3)

    def test_an_older_receiver_takes_version_2_for_nothing(self):
        self.receiver.known = ("remote-write",)
        status, headers, _ = self.post("remote-write-2", request_2())
        self.assertEqual((status, [name for name in headers if "Written" in name]), (204, []))
        self.assertEqual(self.receiver.samples(), {})

    def test_scripted_answers_are_used_up(self):
        self.receiver.answers = [Answer(503, b"not now", {"Retry-After": "7"})]
        status, headers, body = self.post("remote-write", request_1())
        self.assertEqual((status, headers["Retry-After"], body), (503, "7", b"not now"))
        self.assertEqual(self.post("remote-write", request_1())[0], 204)
        self.assertEqual(len(self.receiver.stored()), 1)

    def test_order_between_requests(self):
        for moment in (NOW, NOW, NOW - 1, NOW + 1):
            self.post("remote-write", request_1(samples=((moment, 5),)))
        self.post("remote-write", request_1(samples=((NOW + 1, 6),)))
        self.assertEqual((self.receiver.duplicates, self.receiver.inversions, len(self.receiver.conflicts)), (1, 1, 1))

    def test_faults(self):
        for fault in ("close", "reset", "half", "garbage", "empty", "hang"):
            with self.subTest(fault):
                self.receiver.answers = [Answer(fault=fault, hold_s=0.2)]
                if fault == "empty":
                    self.assertEqual(self.post("remote-write", request_1())[0], 204)
                    continue
                with self.assertRaises((http.client.HTTPException, OSError)):
                    self.post("remote-write", request_1())

    def test_it_listens_again_on_the_same_port(self):
        self.receiver.stop()
        with self.assertRaises(OSError):
            self.post("remote-write", request_1())
        self.receiver.start()
        self.assertEqual(self.post("remote-write", request_1())[0], 204)


if __name__ == "__main__":
    harness.main(limit_s=60)
