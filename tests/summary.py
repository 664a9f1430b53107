"""summary.py RESULTS.xml...: every skip with its reason, every failure, and the total of several ctest runs.

Reads what `ctest --output-junit` wrote; the last line is "N passed, N failed, N skipped". A results file that is
missing, a test that was not run and a program killed half-way are failures: nothing counts as passed that did not run.
Programs that skip some of their own cases (cmocka, unittest) say so in their output: each such case is a skip as well.
"""

import os
import re
import sys
import tempfile
import xml.etree.ElementTree

REASON = re.compile(r"^SKIP: *(.+)$", re.MULTILINE)
# cmocka names a skipped case once as it runs and once more in the list at the end of a group.
CMOCKA_CASE = re.compile(r"^\[  SKIPPED \] (\w+)$", re.MULTILINE)
UNITTEST_CASE = re.compile(r"^(\S+) \(.*\.\.\. skipped ['\"](.*)['\"]$", re.MULTILINE)


class Total:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add_case(self, run, case):
        name = f"{case.get('name')} ({run})"
        output = case.findtext("system-out") or ""
        skipped = case.find("skipped")
        if case.get("status") == "run":
            self.passed += 1
            self.add_inner_skips(name, output)
        elif skipped is not None and "SKIP_RETURN_CODE" in skipped.get("message", ""):
            reasons = REASON.findall(output)
            self.skipped.append((name, reasons[-1].strip() if reasons else "no reason given"))
        else:
            failure = case.find("failure")
            message = failure.get("message") if failure is not None else None
            self.failed.append((name, message or f"status {case.get('status')}"))

    def add_inner_skips(self, name, output):
        reasons = REASON.findall(output)
        for i, inner in enumerate(dict.fromkeys(CMOCKA_CASE.findall(output))):
            self.skipped.append((f"{name}: {inner}", reasons[i] if i < len(reasons) else "no reason given"))
        for inner, reason in UNITTEST_CASE.findall(output):
            self.skipped.append((f"{name}: {inner}", reason))

    def add_run(self, path):
        run = os.path.splitext(os.path.basename(path))[0]
        try:
            root = xml.etree.ElementTree.parse(path).getroot()
        except (OSError, xml.etree.ElementTree.ParseError) as error:
            self.failed.append((run, f"no results: {error}"))
            return
        for case in root.iter("testcase"):
            self.add_case(run, case)

    def count(self):
        return self.passed + len(self.failed) + len(self.skipped)

    def print(self):
        print()
        for name, reason in self.skipped:
            print(f"skipped: {name}: {reason}")
        for name, reason in self.failed:
            print(f"failed: {name}: {reason}")
        print(f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped")


def summarise(paths):
    total = Total()
    for path in paths:
        total.add_run(path)
    return total


SAMPLE = """<?xml version="1.0"?><testsuite>
<testcase name="good" status="run"><system-out>[  SKIPPED ] inner
SKIP: no disk
[  SKIPPED ] inner
test_a (m.C.test_a) ... skipped 'no engine'</system-out></testcase>
<testcase name="bad" status="fail"><failure message=""/><system-out>SKIP: not a skip</system-out></testcase>
<testcase name="away" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/><system-out>SKIP: early
SKIP: not root</system-out></testcase>
<testcase name="unbuilt" status="notrun"><skipped message="Unable to find executable"/></testcase>
<testcase name="off" status="disabled"><skipped message="Disabled"/></testcase>
</testsuite>"""


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.xml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(SAMPLE)
        total = summarise([path, os.path.join(folder, "missing.xml")])
    failed = [name for name, _ in total.failed]
    assert total.passed == 1, total.passed
    assert failed == ["bad (run)", "unbuilt (run)", "off (run)", "missing"], failed
    assert total.skipped == [("good (run): inner", "no disk"), ("good (run): test_a", "no engine"),
                             ("away (run)", "not root")], total.skipped
    print("ok")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    total = summarise(sys.argv[1:])
    if total.count() == 0:
        print("no test has such a name, so nothing was run", file=sys.stderr)
        return 1
    total.print()
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
