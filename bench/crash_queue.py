"""What a queue directory of weir holds, read as docs/QUEUE.md has it and by code of its own: the witness of what was
collected before a crash. Only files that nothing has damaged can be read with it."""

import dataclasses
import glob
import os

import remote_write
from protobuf_wire import double

HEADER_BYTES = 64
RECORD_MAGIC = bytes.fromhex("f7575131")
CURSOR_MAGIC = bytes.fromhex("f7574331")
CURSOR_SLOTS = (0, 512)
ROUNDS = "weir_rounds_total"


@dataclasses.dataclass
class Record:
    path: str
    offset: int
    length: int  # header and body
    sequence: int
    moment: int  # ms since 1970
    samples: int
    number: int  # weir_rounds_total in it; None: it is the end of all series


def number_in(message):
    """The number of the round in a decoded request, None where no series goes on."""
    for series, _, bits in message.samples:
        if ("__name__", ROUNDS) in series and bits != remote_write.STALE:
            return int(double(bits))
    return None


def little(data, offset, width):
    return int.from_bytes(data[offset:offset + width], "little")


def segments(directory):
    return sorted(glob.glob(f"{directory}/*/*.seg"))


def cursors(directory):
    return glob.glob(f"{directory}/*/cursor")


def read(directory):
    """(the whole records of all segments in their order, bytes behind the last one that are no whole record)."""
    reader, records, torn = remote_write.Reader1(), [], 0
    headers = list(remote_write.VERSION_1.items())
    for path in segments(directory):
        with open(path, "rb") as file:
            data = file.read()
        at = 0
        while at + HEADER_BYTES <= len(data) and data[at:at + 4] == RECORD_MAGIC:
            end = at + HEADER_BYTES + little(data, at + 4, 4)
            if end > len(data):
                break
            message = reader.read(headers, data[at + HEADER_BYTES:end])
            records.append(Record(path, at, end - at, little(data, at + 8, 8), little(data, at + 16, 8),
                                  little(data, at + 32, 4), number_in(message)))
            at = end
        torn += len(data) - at
    return records, torn


def first_waiting(directory):
    """The sequence of the first record that is not done with."""
    found = [(0, 1)]
    for path in cursors(directory):
        with open(path, "rb") as file:
            data = file.read()
        found += [(little(data, slot + 8, 8), little(data, slot + 16, 8)) for slot in CURSOR_SLOTS
                  if data[slot:slot + 4] == CURSOR_MAGIC]
    return max(found)[1]


def flip(path, offset, bit):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << bit]))


def all_files(directory):
    return [path for path in segments(directory) + sorted(cursors(directory)) if os.path.getsize(path)]
