"""Messages of protocol buffers, written field by field: model files without the framework that makes them."""

import struct


def message(*fields):
    """Fields as (number, value): an int, text, bytes (also a message), or a list of floats or of ints (packed)."""
    return b"".join(_field(number, value) for number, value in fields)


def _field(number, value):
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    if isinstance(value, str):
        value = value.encode()
    elif isinstance(value, list):
        value = b"".join(struct.pack("<f", one) if isinstance(one, float) else _varint(one) for one in value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value):
    value &= 2**64 - 1
    parts = []
    while True:
        parts.append(value & 127 | (128 if value > 127 else 0))
        value >>= 7
        if not value:
            return bytes(parts)
