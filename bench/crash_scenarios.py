"""What is done to a sender while it sends, and what arrives in spite of it. One function, one run.

Each ends with a healthy receiver and a running sender, and waits until everything that was collected before has come,
or until so much time has gone by that it never will.
"""

import dataclasses
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

import crash_queue
import harness
import receiver as receiver_module
import receivers
from harness import wait_for
from receiver import Answer

OUTAGE_ROUNDS = 12
WARM_ROUNDS = 3
TMPFS_BYTES = 4 << 20
CAP_KIB, CAPPED_ROUNDS = 256, 40  # of some 12 KiB each


@dataclasses.dataclass
class Result:
    """One run, in rounds (one round is one sample of each series)."""

    collected: int = 0
    received: int = 0
    lost: int = 0
    twice: int = 0  # came more than once
    backwards: int = 0  # came behind a newer one
    inflight: int = 0  # of `lost`: at most one, the round that was being written when SIGKILL came
    altered: int = 0  # samples that came with a value they never had
    samples_a_round: int = 1
    dropped: dict = dataclasses.field(default_factory=dict)
    broken: int = 0  # of any rule of the protocol
    note: str = ""
    record_bytes: int = 0  # of the last record, where it was cut
    unwritten: int = 0  # rounds that were due when SIGKILL came and of which nothing was found
    forgotten: int = 0  # records that the queue was done with and that never came
    uncounted: int = 0  # rounds that were lost and not counted as dropped, less those counted and not lost
    uncounted_samples: int = 0
    record_cut: int = 0  # bytes
    silence_ms: int = 0  # between the last round that was found and SIGKILL


class Run:
    """A receiver and a sender in a directory of their own."""

    def __init__(self, kind, seed, tmpfs=False):
        self.random = random.Random(seed)
        self.directory = tempfile.mkdtemp(prefix="weir-crash-")
        harness.at_end(shutil.rmtree, self.directory, True)
        self.receiver = receiver_module.Receiver()
        self.sender = kind(self.directory, self.receiver)
        if tmpfs:
            os.mkdir(self.sender.queue)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", self.sender.queue],
                           check=True)
            harness.at_end(subprocess.run, ["umount", "-l", self.sender.queue])
        self.begin = None
        self.killed = 0
        self.note = ""
        self.record_bytes = self.record_cut = 0

    def warm_up(self):
        self.sender.start()
        self.await_rounds(WARM_ROUNDS)
        # From here on everything counts; of weir all of it, for what waits for its answer now is in its queue.
        self.begin = self.sender.lives[0][0] if self.sender.version == "weir" else time.time()

    def await_rounds(self, count):
        try:
            wait_for(lambda: len(self.sender.received()) >= count or not self.sender.running(),
                     self.sender.warm_limit_s, f"{count} rounds have come", 0.05)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.sender.log()[-1500:]}") from None
        if not self.sender.running():
            raise AssertionError(f"it ended: {self.sender.log()[-1500:]}")

    def rest(self, rounds):
        time.sleep(rounds * self.sender.round_s)

    def outage(self, rounds=OUTAGE_ROUNDS):
        """The receiver refuses for a while; not always for the same while."""
        self.refuse()
        self.rest(rounds + self.random.random())

    def refuse(self):
        self.receiver.usual = Answer(503, b"out of order\n")

    def accept(self):
        self.receiver.usual = Answer()

    def kill(self):
        self.killed += 1
        self.sender.kill()

    def restart(self):
        self.accept()
        self.sender.start()

    def settle(self):
        """Waits for what was collected until now; the result."""
        self.await_rounds(len(self.sender.received()) + 1)
        limit = time.monotonic() + self.sender.settle_limit_s
        while not self.sender.has_caught_up() and time.monotonic() < limit:
            time.sleep(self.sender.round_s / 2)
        end = time.time() - self.sender.round_s / 2

        def missing():
            return set(self.sender.collected(self.begin, end)) - set(self.sender.received())

        lost = missing()
        while not self.sender.is_through(lost, end) and time.monotonic() < limit:
            time.sleep(min(0.5, self.sender.round_s))
            lost = missing()
        return self.result(lost, end)

    def result(self, lost, end):
        got = self.sender.received()
        collected = self.sender.collected(self.begin, end)
        newest, backwards, seen, twice = None, 0, set(), 0
        for identity in got:
            if identity in seen:
                twice += 1
            elif newest is not None and identity < newest:
                backwards += 1
            seen.add(identity)
            newest = identity if newest is None else max(newest, identity)
        dropped = self.sender.dropped()
        rounds, samples = self.sender.unaccounted(lost)
        return Result(len(collected), len(collected) - len(lost), len(lost), twice, backwards, self.inflight(lost),
                      self.sender.altered(), self.sender.samples_a_round(), dropped, len(self.receiver.broken()),
                      self.note, self.record_bytes, self.sender.unwritten, len(self.sender.acked - set(got)),
                      rounds, samples, self.record_cut, self.sender.silence_ms)

    def inflight(self, lost):
        """Where only a clock knows what was collected, one round a kill may have been on its way."""
        return self.sender.unwritten if self.sender.version == "weir" else min(self.killed, len(lost))


def outage_term(run, _step):
    run.warm_up()
    run.outage()
    seconds = run.sender.terminate()
    run.note = f"ended after {seconds:.1f} s" if seconds is not None else "had to be killed"
    run.restart()
    return run.settle()


def outage_kill(run, _step):
    run.warm_up()
    run.outage()
    run.kill()
    run.restart()
    return run.settle()


def kill_sending(run, _step):
    """The receiver takes everything, some time after it came."""
    run.receiver.rule = lambda _request: Answer(delay_s=run.random.random() * run.sender.round_s / 2)
    run.warm_up()
    run.rest(2 + run.random.random() * 6)
    run.kill()
    run.restart()
    return run.settle()


def stopped_with_backlog(run):
    """A queue that holds an outage; stopped so that as much as can be is on disk."""
    run.warm_up()
    run.outage()
    if run.sender.version.startswith("vmagent"):
        run.sender.terminate()  # a kill loses some by itself
    else:
        run.kill()


def tail_cut(run, step):
    """`step`: how many bytes of the last record are cut off (below 0: how many are left), or a part of 0..1 from one
    byte to all of it."""
    run.sender.small = True
    stopped_with_backlog(run)
    found = run.sender.last_record()
    if found is None:
        raise AssertionError("no record on disk")
    path, at, length = found
    if isinstance(step, int):
        cut = min(step, length) if step > 0 else length + step
    else:
        cut = 1 + round(step * (length - 1))
    os.truncate(path, at + length - cut)
    run.record_cut = cut
    run.note, run.record_bytes = f"cut {cut} of the last record's {length} bytes", length
    run.restart()
    return run.settle()


def bit_flip(run, _step):
    stopped_with_backlog(run)
    files = [path for path in run.sender.data_files() if os.path.getsize(path)]
    path = run.random.choices(files, [os.path.getsize(path) for path in files])[0]
    at = run.random.randrange(os.path.getsize(path))
    crash_queue.flip(path, at, run.random.randrange(8))
    run.note = f"{os.path.basename(path)} offset {at}"
    run.restart()
    return run.settle()


def disk_full(run, rounds):
    """All of the disk is taken during an outage, and given back before the outage ends."""
    run.warm_up()
    run.refuse()
    run.rest(2)
    ballast = os.path.join(run.sender.queue, "ballast")
    with open(ballast, "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass
    run.rest(rounds if isinstance(rounds, int) else OUTAGE_ROUNDS)
    try:
        os.unlink(ballast)
    except FileNotFoundError:
        run.note = "took the ballast away"
    run.rest(2)
    died = not run.sender.running()
    run.accept()
    if died:
        run.note = "ended by itself"
        run.sender.lives[-1][1] = time.time()
        run.restart()
    return run.settle()


def capped(run, disk_is_full):
    """More rounds than the caps hold, on disk or, where that is full, in memory."""
    run.sender.more_flags = (f"--push.queue-max-bytes={CAP_KIB}KiB",)
    if disk_is_full:
        result = disk_full(run, CAPPED_ROUNDS)
    else:
        run.warm_up()
        run.outage(CAPPED_ROUNDS)
        run.accept()
        result = run.settle()
    return result


def cap_in_bytes(run, _step):
    return capped(run, False)


def cap_in_memory(run, _step):
    return capped(run, True)


def directory_gone(run, _step):
    run.warm_up()
    run.refuse()
    run.rest(OUTAGE_ROUNDS / 2)
    shutil.rmtree(run.sender.queue, ignore_errors=True)
    run.rest(OUTAGE_ROUNDS / 2)
    died = not run.sender.running()
    run.accept()
    if died:
        run.note = "ended by itself"
        run.sender.lives[-1][1] = time.time()
        run.restart()
    return run.settle()


def receiver_restarts(run, _step):
    """It is gone, and back, four times; connections break in the middle of requests."""
    run.receiver.rule = lambda _request: Answer(delay_s=run.random.random() * run.sender.round_s / 4)
    run.warm_up()
    for _ in range(4):
        run.receiver.stop()
        run.rest(run.random.random() * 4)
        run.receiver.start()
        run.rest(run.random.random() * 4)
    return run.settle()


def real_receiver_restarts(run, version, number):
    """A real one, ended four times by that signal; what it has in the end is read from it."""
    real = receivers.start(version)
    run.sender.url = real.url()
    run.sender.start()
    kept = run.sender.rounds_in(real)
    wait_for(lambda: len(kept()) >= WARM_ROUNDS, run.sender.warm_limit_s, "the first rounds come", 0.2)
    for _ in range(4):
        run.rest(run.random.random() * 10)
        real.stop(number)
        run.rest(run.random.random() * 10)
        real.start()
    last = time.time() * 1000
    wait_for(lambda: max(kept(), default=0) > last, run.sender.settle_limit_s, "it has all", 0.5)
    numbers = kept()
    wanted = range(min(numbers.values()), max(numbers.values()) + 1)
    lost = set(wanted) - set(numbers.values())
    return Result(len(wanted), len(wanted) - len(lost), len(lost), dropped=run.sender.dropped(),
                  uncounted=run.sender.unaccounted(lost)[0])


def prometheus_restarts(run, _step):
    return real_receiver_restarts(run, "prometheus-2.42", signal.SIGKILL)


def victoria_restarts(run, _step):
    """A kill would cost it itself the last seconds that it had taken."""
    return real_receiver_restarts(run, "victoria-metrics-1.112", signal.SIGTERM)


SCENARIOS = {
    "outage-term": (outage_term, "outage, then SIGTERM"),
    "outage-kill": (outage_kill, "outage, then SIGKILL"),
    "kill-sending": (kill_sending, "SIGKILL while sending"),
    "tail-cut": (tail_cut, "outage, then the last record cut"),
    "bit-flip": (bit_flip, "outage, then one bit flipped"),
    "disk-full": (disk_full, "disk full during an outage"),
    "directory-gone": (directory_gone, "queue's directory removed during an outage"),
    "receiver-restarts": (receiver_restarts, "receiver restarting"),
    "cap-bytes": (cap_in_bytes, "outage past the cap in bytes"),
    "cap-memory": (cap_in_memory, "disk full past the cap in memory"),
    "prometheus-restarts": (prometheus_restarts, "Prometheus 2.42 killed and started"),
    "victoria-restarts": (victoria_restarts, "VictoriaMetrics 1.112 restarting"),
}
ON_TMPFS = ("disk-full", "cap-memory")
OF_WEIR_ALONE = ("cap-bytes", "cap-memory", "prometheus-restarts", "victoria-restarts")
