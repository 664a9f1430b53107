"""Nothing is lost when weir is killed, its queue is damaged, its disk is full or its receiver goes: a few runs of each
scenario of the crash table (bench/crash, docs/CRASH.md), so that its promise holds."""

import os
import statistics
import subprocess
import sys
import tempfile
import unittest

import harness

sys.path.insert(0, os.path.join(harness.REPOSITORY, "bench"))

import crash_scenarios  # noqa: E402
import crash_senders  # noqa: E402

HEADER_BYTES = 64  # of a record
# Less may be collected on a busy machine, but far less means that an outage was not queued.
LEAST_ROUNDS = crash_scenarios.OUTAGE_ROUNDS // 2


def may_mount():
    with tempfile.TemporaryDirectory(prefix="weir-mount-") as directory:
        if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", directory], capture_output=True, check=False).returncode:
            return False
        subprocess.run(["umount", directory], check=True)
        return True


def one_run(name, seed, step=0.0, tmpfs=False):
    """What it started has ended when it returns."""
    mark = len(harness.cleanups)
    try:
        run = crash_scenarios.Run(crash_senders.Weir, f"{name} {seed}", tmpfs)
        return crash_scenarios.SCENARIOS[name][0](run, step)
    finally:
        while len(harness.cleanups) > mark:
            function, arguments = harness.cleanups.pop()
            function(*arguments)


class Crash(unittest.TestCase):
    def holds(self, name, result, most_lost=0):
        """What holds of every run, whatever was done; what was lost is counted."""
        facts = f"{name}: {result}"
        self.assertLessEqual(result.lost, most_lost, facts)
        self.assertEqual((result.backwards, result.altered, result.broken, result.forgotten), (0, 0, 0, 0), facts)
        if most_lost == 0:
            self.assertEqual(result.uncounted, 0, facts)

    def repeats(self, name, runs, least=LEAST_ROUNDS, **more):
        unwritten = []
        for seed in range(runs):
            result = one_run(name, seed, **more)
            self.holds(name, result)
            self.assertGreaterEqual(result.collected, least, result)
            unwritten.append(result.unwritten)
        # One round may be on its way to the disk when the kill comes; a clock that runs late makes it seem more.
        self.assertLessEqual(statistics.median(unwritten), 1, f"{name}: {unwritten}")

    def test_outage_then_term(self):
        self.repeats("outage-term", 3)

    def test_outage_then_kill(self):
        self.repeats("outage-kill", 4)

    def test_kill_while_sending(self):
        self.repeats("kill-sending", 5, least=1)

    def test_tail_cut(self):
        """In the body, at its begin, in the header and with all of it."""
        for cut in (1, 60, -HEADER_BYTES, 1 - HEADER_BYTES, -1, 10**6):
            with self.subTest(cut=cut):
                result = one_run("tail-cut", cut, cut)
                self.holds("tail-cut", result, 1)
                self.assertEqual(result.lost, 1, result)
                whole = result.record_cut == result.record_bytes
                self.assertEqual(result.dropped.get("torn", 0), 0 if whole else 1, result)
                self.assertEqual(result.uncounted, 1 if whole else 0, result)
                if result.record_bytes - result.record_cut >= HEADER_BYTES:
                    self.assertEqual(result.uncounted_samples, 0, result)

    def test_bit_flip(self):
        for seed in range(8):
            with self.subTest(seed=seed):
                result = one_run("bit-flip", seed)
                self.holds("bit-flip", result, 1)
                self.assertEqual((result.uncounted, result.uncounted_samples), (0, 0), result)

    def test_disk_full(self):
        if not may_mount():
            self.skipTest("nothing can be mounted")
        self.repeats("disk-full", 2, tmpfs=True)

    def test_caps(self):
        """Past the cap in bytes the oldest go, and are counted one by one."""
        result = one_run("cap-bytes", 0)
        self.assertGreater(result.lost, 0, result)
        self.holds("cap-bytes", result, result.lost)
        self.assertEqual((result.uncounted, set(result.dropped) - {"queue_stuck"}), (0, {"queue_bytes"}), result)

    def test_directory_gone(self):
        self.repeats("directory-gone", 2)

    def test_receiver_restarts(self):
        self.repeats("receiver-restarts", 2)


if __name__ == "__main__":
    harness.main(limit_s=220)
