"""Names, images and labels that try to break the output."""

import shutil
import subprocess
import unittest

from fault_engine import Container, FaultEngine
import harness
from weir import Weir

LONG = "x" * 4096
MEMORY = "container_memory_usage_bytes"
TEXTS = {
    "quotes": 'a "quoted" \'word\'',
    "backslashes": "C:\\new\\table\\",
    "newlines": "one\ntwo\r\nthree\n",
    "controls": "bell \x07 escape \x1b[31m delete \x7f tab \t",
    "utf8": "größe 数 🐋 \u202e right to left \ufeff",
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;",
    "braces": '} 1\n# TYPE injected counter\ninjected{a="b"} 1\n',
    "spaces": "   ",
    "formats": "%s%n%x %d {{ .Name }} ${HOME} $(id)",
}


def promtool(text):
    """What `promtool check metrics` says; skips without it."""
    if not shutil.which("promtool"):
        harness.skip("no promtool (package prometheus)")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    return done.returncode, (done.stdout + done.stderr).splitlines()


class Hostile(unittest.TestCase):
    def start(self, *containers, flags=("--container.label-allow=*",)):
        self.fake = FaultEngine(containers)
        self.addCleanup(self.fake.close)
        self.weir = Weir(f"--engine.host={self.fake.host}", *flags)
        self.addCleanup(self.weir.close)
        return self.weir.scrape(10)

    def test_names_images_and_labels_come_out_as_they_are(self):
        containers = [Container(f"name {text}", image=f"image {text}", labels={"evil": text})
                      for text in TEXTS.values()]
        page = self.start(*containers)
        self.assertEqual(page.all("injected"), [])
        for container in containers:
            found = page.all(MEMORY, name=container.name)
            self.assertEqual(len(found), 1, f"{container.name!r}: {page.errors()}")
            self.assertEqual(found[0].labels["image"], container.image)
            self.assertEqual(found[0].labels["container_label_evil"], container.labels["evil"])
        _, lines = promtool(page.text)
        self.assertEqual([line for line in lines if "error while linting" in line or "parse" in line], [])

    def test_four_kibibytes_of_text(self):
        page = self.start(Container("n" + LONG, image="i" + LONG, labels={"evil": LONG, "good": "kept"}),
                          Container("plain", labels={"good": "kept"}))
        found = page.all(MEMORY, container_label_good="kept")
        self.assertEqual(len(found), 2)
        labels = next(sample.labels for sample in found if sample.labels.get("name") != "plain")
        # Whole or left out and counted, never cut in silence.
        for label, text in (("name", "n" + LONG), ("image", "i" + LONG), ("container_label_evil", LONG)):
            if labels.get(label) != text:
                self.assertNotIn(label, labels)
                self.assertGreater(page.value("weir_labels_dropped_total", reason="too_long") or 0, 0)

    def test_keys_of_labels(self):
        keys = {"über.key": "1", "with space": "2", "quote\"": "3", "a/b": "4", "": "5", "9lives": "6", "new\nline": "7"}
        page = self.start(Container("keys", labels=keys))
        labels = page.all(MEMORY, name="keys")[0].labels
        for key, value in keys.items():
            if key:
                self.assertIn(value, labels.values(), key)
        code, lines = promtool(page.text)
        self.assertNotIn("error while linting", " ".join(lines))
        self.assertIn(code, (0, 3))

    def test_colliding_keys(self):
        """`-` sorts before `.`: the first key in byte order gives the label, the other is counted."""
        page = self.start(Container("collision", labels={"a.b": "dot", "a-b": "dash", "a_b": "underscore"}))
        labels = page.all(MEMORY, name="collision")[0].labels
        self.assertEqual(labels["container_label_a_b"], "dash")
        self.assertEqual(page.value("weir_labels_dropped_total", reason="collision"), 2)
        self.assertEqual(self.weir.scrape().value("weir_labels_dropped_total", reason="collision"), 2,
                         "counted once a container, not once a round")

    def test_a_label_cannot_pose_as_another(self):
        """Keys that sanitise to the base labels' names keep their prefix."""
        page = self.start(Container("real", labels={"name": "forged", "id": "forged", "image": "forged"}))
        labels = page.all(MEMORY, name="real")[0].labels
        self.assertEqual(labels["container_label_name"], "forged")
        self.assertNotEqual(labels["id"], "forged")
        self.assertEqual(labels["image"], "app:1")

    def test_only_allowed_labels_by_default(self):
        page = self.start(Container("shy", labels={
            "com.docker.compose.project": "shop", "secret.token": "hunter2"}), flags=())
        labels = page.all(MEMORY, name="shy")[0].labels
        self.assertEqual(labels["container_label_com_docker_compose_project"], "shop")
        self.assertNotIn("hunter2", page.text)
        self.assertNotIn("SECRET", page.text, "environment variables never leave")

    def test_empty_label_values_are_left_out(self):
        page = self.start(Container("empty", labels={"nothing": "", "something": "1"}))
        labels = page.all(MEMORY, name="empty")[0].labels
        self.assertNotIn("container_label_nothing", labels)
        self.assertEqual(labels["container_label_something"], "1")

    def test_landing_page_and_log_hold_no_markup_of_others(self):
        self.start(Container("<script>alert(1)</script>", image="<b>"))
        status, text, _, _ = self.weir.get("/")
        self.assertEqual(status, 200)
        self.assertNotIn("<script>alert", text)


if __name__ == "__main__":
    harness.main(limit_s=100)
