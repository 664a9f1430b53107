"""Which layer includes which, and which may see a library: the table of docs/ARCHITECTURE.md, for the include lines."""

import re

import lint

# What a collector needs of net: the clients, and timers for its own limits.
CLIENTS = ["net/http_client.h", "net/http_get.h", "net/http_getter.h", "net/curl_client.h", "net/timer.h",
           "net/worker.h", "net/readable.h"]
MAY_INCLUDE = {
    "base": ["base/"],
    "net": ["net/", "base/"],
    "collectors": ["collectors/", "base/", *CLIENTS],
    "exporters": ["exporters/", "net/", "base/"],
    "agent": ["agent/", "net/", "base/", "collectors/collector.h", "collectors/collectors.h", "collectors/cascade.h",
              "exporters/exporter.h", "exporters/prometheus.h", "exporters/scrape.h", "exporters/push_"],
}
# Headers of libraries, by what they begin with, and the layers that may see them.
LIBRARIES = {
    "uv.h": ["net", "agent"],
    "llhttp": ["net"],
    "curl/": ["net"],
    "openssl/": ["net"],
    "crypt.h": ["net"],
    "libdeflate": ["exporters"],
    "snappy": ["exporters"],
    "yyjson": ["collectors"],
    "libcgroup": ["collectors"],
    "yaml": ["agent"],
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def objection(layer, quote, header):
    if quote == '"':
        if not any(header.startswith(allowed) for allowed in MAY_INCLUDE[layer]):
            return f"{layer} must not include {header}"
        return None
    for library, layers in LIBRARIES.items():
        if header.startswith(library) and layer not in layers:
            return f"{header} belongs to {' and '.join(layers)}, not to {layer}"
    return None


def findings(files):
    found = []
    for path, text in files.items():
        layer = path.split("/")[0]
        if layer not in MAY_INCLUDE:
            continue
        for match in INCLUDE.finditer(text):
            complaint = objection(layer, *match.groups())
            if complaint:
                found.append(f"{path}:{lint.line_of(text, match.start())}: {complaint}")
    return found


SAMPLES = [
    ({"base/a.c": '#include "base/b.h"\n#include <stdio.h>\n', "tests/unit/a.c": '#include "agent/agent.h"\n'}, 0),
    ({"base/a.c": '#include "net/timer.h"\n'}, 1),
    ({"collectors/a.c": '#include "net/http_client.h"\n#include <yyjson.h>\n'}, 0),
    ({"collectors/a.c": '#include "net/http_server.h"\n# include <uv.h>\n'}, 2),
    ({"exporters/a.c": '#include "collectors/collector.h"\n#include "agent/log.h"\n#include <yyjson.h>\n'}, 3),
    ({"agent/a.c": '#include "collectors/engine.h"\n#include <curl/curl.h>\n#include <llhttp.h>\n'}, 3),
    ({"net/a.h": '#include "a.h"\n'}, 1),
]

if __name__ == "__main__":
    lint.main(findings, SAMPLES, lint.C_SOURCES)
