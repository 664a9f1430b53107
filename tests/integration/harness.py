"""Runs the unittest cases of one module as one ctest: exit 0, 1, or 77 with a last line "SKIP: reason".

A test that would outlive its time limit is ended from inside, so that the engines it started are stopped.
"""

import os
import signal
import sys
import time
import unittest

SKIP_CODE = 77
REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

cleanups = []


class OutOfTime(Exception):
    """The module's time is over, or somebody asked it to end."""


def at_end(function, *arguments):
    """Calls `function` when the module ends, however it ends; the last registered runs first."""
    cleanups.append((function, arguments))


def skip(reason):
    raise unittest.SkipTest(reason)


def wait_for(condition, limit_s, what, pause_s=0.05):
    """The first true answer of `condition`, asked again and again for `limit_s` seconds."""
    end = time.monotonic() + limit_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit_s} s: {what}")
        time.sleep(pause_s)


def wait_settled(read, limit_s, what, pause_s=0.3):
    """The first answer of `read` that is the same as the one before it."""
    before = [read()]

    def again():
        last, before[0] = before[0], read()
        return [before[0]] if before[0] == last else None

    time.sleep(pause_s)
    return wait_for(again, limit_s, what, pause_s)[0]


def end_on_signal(number, _frame):
    signal.alarm(0)
    raise OutOfTime(signal.Signals(number).name)


def clean_up():
    signal.alarm(60)
    while cleanups:
        function, arguments = cleanups.pop()
        try:
            function(*arguments)
        except Exception as error:  # one failed clean-up must not stop the others
            print(f"clean-up: {error!r}", file=sys.stderr)
    signal.alarm(0)


def main(limit_s=170):
    """Runs the calling module's tests; `limit_s` is what ctest's TIMEOUT less a clean-up leaves."""
    signal.signal(signal.SIGALRM, end_on_signal)
    signal.signal(signal.SIGTERM, end_on_signal)
    signal.alarm(limit_s)
    try:
        program = unittest.main(exit=False, verbosity=2, failfast=False)
        result = program.result
    except OutOfTime as error:
        print(f"ended by {error}", file=sys.stderr)
        sys.exit(1)
    finally:
        signal.alarm(0)
        clean_up()
    if not result.wasSuccessful():
        sys.exit(1)
    if result.skipped:
        # A module of which a part was left out counts as skipped, so that nobody takes it for whole.
        print(f"SKIP: {result.skipped[0][1]} ({result.testsRun - len(result.skipped)} others passed)"
              if result.testsRun > len(result.skipped) else f"SKIP: {result.skipped[0][1]}")
        sys.exit(SKIP_CODE)
    sys.exit(0)
