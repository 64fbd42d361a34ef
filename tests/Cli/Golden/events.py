"""Writes events.out.tfevents: the TensorBoard events that the test expects, from the formats' definitions
(tensorflow/core/util/event.proto, core/framework/summary.proto, core/lib/io/record_writer.h), CRC-32C bit by bit.
Run in this folder: python3 events.py"""
import struct


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283


def masked(data):
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def varint(n):
    out = b""
    while True:
        out += bytes([n & 127 | (128 if n > 127 else 0)])
        n >>= 7
        if not n:
            return out


def key(number, wire):
    return varint(number << 3 | wire)


def text(number, data):
    return key(number, 2) + varint(len(data)) + data


def event(step, rest):
    return key(1, 1) + struct.pack("<d", 1_700_000_000.25) + key(2, 0) + varint(step) + rest



def scalars(values):
    return text(5, b"".join(text(1, text(1, tag.encode()) + key(2, 5) + struct.pack("<f", v)) for tag, v in values))


with open("events.out.tfevents", "wb") as f:
    for e in (
        event(0, text(3, b"brain.Event:2")),
        event(3, scalars([("charts/episodic_return", 1.5), ("losses/policy", -0.25)])),
        event(5_000_000_000, scalars([("charts/episodic_return", 2.0), ("losses/policy", 1e10)])),
    ):
        length = struct.pack("<Q", len(e))
        f.write(length + masked(length) + e + masked(e))
