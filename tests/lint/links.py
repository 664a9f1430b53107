"""Links of the Markdown files to other files and headings of the repository lead somewhere."""

import functools
import posixpath
import re

import lint

FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)
EXTERNAL = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def blank_fences(text):
    return FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def anchors(text):
    """As GitHub makes them: lower case, punctuation gone, spaces to hyphens, repetitions numbered."""
    seen, names = {}, set()
    for heading in HEADING.findall(blank_fences(text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        names.add(f"{name}-{seen[name]}" if name in seen else name)
        seen[name] = seen.get(name, 0) + 1
    return names


@functools.cache
def pictures():
    """Files that are no text, and so not among those that are read."""
    return {name for name in lint.paths() if name.endswith(".png")}


def objection(path, target, files):
    place, _, anchor = target.partition("#")
    full = posixpath.normpath(posixpath.join(posixpath.dirname(path), place)) if place else path
    there = full in files or full in pictures() or any(name.startswith(full + "/") for name in files)
    if not there:
        return f"{target} does not exist"
    if anchor and full.endswith(".md") and anchor not in anchors(files[full]):
        return f"{full} has no heading #{anchor}"
    return None


def findings(files):
    found = []
    for path, text in files.items():
        if not path.endswith(".md"):
            continue
        text = blank_fences(text)
        for match in LINK.finditer(text):
            if EXTERNAL.match(match.group(1)):
                continue
            complaint = objection(path, match.group(1), files)
            if complaint:
                found.append(f"{path}:{lint.line_of(text, match.start())}: {complaint}")
    return found


SAMPLES = [
    ({"README.md": "# A `b` c\n[x](docs/A.md#one-two) [y](#a-b-c) [z](https://example.org/x) [d](docs)\n"
                   "```\n[q](no)\n```\n",
      "docs/A.md": "## One, two\n[up](../README.md)\n"}, 0),
    ({"README.md": "[x](docs/B.md)\n"}, 1),
    ({"README.md": "[x](#nowhere)\n"}, 1),
]

if __name__ == "__main__":
    lint.main(findings, SAMPLES)
