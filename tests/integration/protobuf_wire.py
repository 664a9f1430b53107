"""The fields of a protobuf message, read strictly and without any generated code."""

import struct

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Damaged(Exception):
    """These bytes are no such message."""


def varint(data, at):
    """(value, offset behind it); at most ten bytes."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise Damaged("a varint of more than ten bytes")
    if value >= 1 << 64:
        raise Damaged("a varint of more than 64 bits")
    return value, at + 1


def fields(data, message, known, single=()):
    """[(number, value)] in their order: bytes, or the integer (of 64 bits the pattern).

    `known` maps each field of `message` to its wire type; any other is an error, as is one of `single` that is there
    twice.
    """
    found, at, end = [], 0, len(data)
    try:
        while at < end:
            key, at = varint(data, at)
            number, kind = key >> 3, key & 7
            if known.get(number) != kind:
                raise Damaged(f"{message}: field {number} of wire type {kind} is not in it")
            if kind == BYTES:
                length, at = varint(data, at)
                if at + length > end:
                    raise Damaged(f"{message}: field {number} has {end - at} of its {length} bytes")
                value = data[at:at + length]
                at += length
            elif kind == VARINT:
                value, at = varint(data, at)
            else:
                size = 8 if kind == FIXED64 else 4
                value = int.from_bytes(data[at:at + size], "little")
                if at + size > end:
                    raise Damaged(f"{message}: field {number} is cut off")
                at += size
            found.append((number, value))
    except IndexError:
        raise Damaged(f"{message} ends inside a number") from None
    for number in single:
        if sum(1 for each, _ in found if each == number) > 1:
            raise Damaged(f"{message}: field {number} comes twice")
    return found


def packed(data, message):
    """The numbers of a packed field."""
    values, at = [], 0
    try:
        while at < len(data):
            value, at = varint(data, at)
            values.append(value)
    except IndexError:
        raise Damaged(f"{message} ends inside a number") from None
    return values


def text(data, what):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Damaged(f"{what} is not UTF-8: {error}") from None


def signed(value):
    """An int64 as varints and fixed fields have it."""
    return value - (1 << 64) if value >= 1 << 63 else value


def double(bits):
    return struct.unpack("<d", bits.to_bytes(8, "little"))[0]


def bits_of(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def put_varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def put(number, value):
    """A field: bytes, text or an integer."""
    if isinstance(value, str):
        value = value.encode("utf-8")
    if isinstance(value, bytes):
        return put_varint(number << 3 | BYTES) + put_varint(len(value)) + value
    return put_varint(number << 3 | VARINT) + put_varint(value & (1 << 64) - 1)
