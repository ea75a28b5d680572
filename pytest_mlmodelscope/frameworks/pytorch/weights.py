"""Weights from files, never by running code of theirs."""

import json
import os
from typing import Any

import numpy
import torch

#: From here on nothing is known that gets past ``weights_only``.
_SAFE = (2, 6)
_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}
_LONGEST_HEADER = 100 * 1000 * 1000


def read(path: str) -> "Any":
    """The tensors of a file of ``torch.save`` or of safetensors, by name.

    Raises ValueError for a file that this version can only read by running code that may be in it.
    """
    if _is_safetensors(path):
        return _safetensors(path)
    if version() < _SAFE:
        raise ValueError(
            "PyTorch %s reads such weights by unpickling them, which can run code of the file; "
            "convert them to safetensors or TorchScript, or take pytorch>=%d.%d" % (torch.__version__, *_SAFE)
        )
    return torch.load(path, map_location="cpu", weights_only=True)


def version() -> "tuple[int, int]":
    """Major and minor version of PyTorch."""
    major, minor = torch.__version__.split(".")[:2]
    return int(major), int(minor)


def _is_safetensors(path: str) -> bool:
    with open(path, "rb") as file:
        start = file.read(9)
    length = int.from_bytes(start[:8], "little")
    return start[8:] == b"{" and 8 + length <= os.path.getsize(path)


def _safetensors(path: str) -> "dict[str, Any]":
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _LONGEST_HEADER:
            raise ValueError("the header of the weights is too long to be one")
        header = json.loads(file.read(length).decode("utf-8"))
        data = file.read()
    return {name: _tensor(name, entry, data) for name, entry in header.items() if name != "__metadata__"}


def _tensor(name: str, entry: "dict[str, Any]", data: bytes) -> "Any":
    start, end = entry["data_offsets"]
    kind = entry["dtype"]
    if kind == "BF16":  # the upper half of fp32, which numpy does not know
        values = numpy.frombuffer(data[start:end], "<u2").astype("<u4") << 16
        return torch.from_numpy(values.view("<f4").reshape(entry["shape"]).copy()).to(torch.bfloat16)
    if kind not in _DTYPES:
        raise ValueError('the weights "%s" are of type %s, which is not read here' % (name, kind))
    return torch.from_numpy(numpy.frombuffer(data[start:end], _DTYPES[kind]).reshape(entry["shape"]).copy())
