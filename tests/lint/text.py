"""Nothing of the machine something was written on, no marks of unfinished work, no stray white space, in any file."""

import glob
import os
import re

import lint

# Written so that no pattern matches its own line.
FORBIDDEN = [
    (r"(?<![\w.])/wor[k]/", "a path of one machine"),
    (r"(?<![\w.])/tmp/trixi[e]\b", "a path of one machine"),
    (r"(?<![\w.])/(home|Users)/(?!u[s]er\b)[a-z]\w*/", "a path of one machine"),
    (r"\b(deb|ftp|security|snapshot|cdn)(\.\w+)*\.debian\.or[g]\b",
     "the host of a package archive: apt's own sources name it"),
    (r"\b(registry\.npmjs\.or[g]|pypi\.or[g]|proxy\.golang\.or[g])\b", "the host of a package registry"),
    (r"\b(TOD[O]|FIXM[E]|HAC[K])\b", "a mark of unfinished work"),
    (r"[ \t]+$", "white space at the end of the line"),
    (r"^(<{7}|>{7}) ", "a conflict left unresolved"),
]
# Texts that are not the project's own: licences and recorded answers.
FOREIGN = re.compile(r"^(LICENSE$|tests/(fixtures|golden|fuzz/corpus)/)")
URL_HOST = re.compile(r"^[^#]*?https?://([^/\s\]]+)", re.MULTILINE)


def machine_words():
    """The hosts this machine fetches packages from and the folder the clone is in, read here and not written down."""
    words = set()
    for pattern in ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*"):
        for path in glob.glob(pattern):
            with open(path, encoding="utf-8", errors="replace") as source:
                words.update(URL_HOST.findall(source.read()))
    parent = os.path.dirname(lint.TOP) + "/"
    if parent.count("/") > 2:  # a folder just below the root would match ordinary text
        words.add(parent)
    return sorted(words)


def rules():
    return [(re.compile(pattern, re.MULTILINE), why) for pattern, why in FORBIDDEN] + [
        (re.compile(re.escape(word)), "names something of this machine") for word in machine_words()]


def findings(files):
    found, forbidden = [], rules()
    for path, text in files.items():
        for pattern, why in forbidden:
            for match in pattern.finditer(text):
                if not FOREIGN.match(path):
                    found.append(f"{path}:{lint.line_of(text, match.start())}: {match.group(0).strip()!r}: {why}")
        if text and not text.endswith("\n") and not FOREIGN.match(path):
            found.append(f"{path}:{text.count(chr(10)) + 1}: no line end at the end of the file")
    return found


SAMPLES = [
    ({"a.md": "Put it in /etc/weir; see /sys/fs/cgroup/wor" + "k/x and https://www.example.org/.\n", "empty": ""}, 0),
    ({"a.md": "cd /wor" + "k/main\n"}, 1),
    ({"a.sh": "fetch http://ftp.xx.debian.or" + "g/debian\n"}, 1),
    ({"a.c": "/* TOD" + "O: later */\n"}, 1),
    ({"a.c": "int a; \n"}, 1),
    ({"a.c": "int a;"}, 1),
]

if __name__ == "__main__":
    lint.main(findings, SAMPLES)
