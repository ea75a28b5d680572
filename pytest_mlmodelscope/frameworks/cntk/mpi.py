"""Stand-ins for the two libraries of MPI that CNTK is linked against.

CNTK needs MPI to train on several machines, and wants an Open MPI 1.10 for that, which today's
systems no longer have. Evaluating a model calls nothing of it; but the loader insists on libraries
of these two names, and on the address of eleven things in them. So it is given two tiny shared
objects that hold just that. Who did call MPI would read "undefined symbol: MPI_...".
"""

import ctypes
import os
import struct
import tempfile

_SYMBOLS = (
    "_ZN3MPI3Win4FreeEv",
    "_ZN3MPI8Datatype4FreeEv",
    "ompi_mpi_char",
    "ompi_mpi_comm_null",
    "ompi_mpi_comm_world",
    "ompi_mpi_cxx_op_intercept",
    "ompi_mpi_double",
    "ompi_mpi_float",
    "ompi_mpi_int",
    "ompi_mpi_long_long_int",
    "ompi_mpi_op_sum",
)
_LIBRARIES = {"libmpi.so.12": _SYMBOLS, "libmpi_cxx.so.1": ()}  # type: dict[str, tuple[str, ...]]

# What the ELF format calls these numbers.
_ET_DYN, _EM_X86_64 = 3, 62
_PT_LOAD, _PT_DYNAMIC, _PT_GNU_STACK = 1, 2, 0x6474E551
_DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ, _DT_SYMENT, _DT_SONAME = 4, 5, 6, 10, 11, 14
_GLOBAL_OBJECT, _ANY_SECTION = 0x11, 1
_READ_WRITE = 6
_HEADER, _SEGMENT, _SYMBOL, _ENTRY = 64, 56, 24, 16
_START = _HEADER + 3 * _SEGMENT


def stand_in() -> None:
    """Let the loader find both libraries loaded already, under their names."""
    with tempfile.TemporaryDirectory() as folder:
        for name, symbols in _LIBRARIES.items():
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(shared_object(name, symbols))
            ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)


def shared_object(name: str, symbols: "tuple[str, ...]") -> bytes:
    """An ELF file for x86-64 that is called ``name`` and defines ``symbols``, each with an address of its own."""
    strings, places = _strings((name, *symbols))
    table = b"".join([bytes(_SYMBOL)] + [_symbol(places[1 + index], index) for index in range(len(symbols))])
    hashes = _hashes(1 + len(symbols))
    dynamic = _START + len(table) + len(hashes)
    entries = [
        (_DT_SONAME, places[0]),
        (_DT_SYMTAB, _START),
        (_DT_SYMENT, _SYMBOL),
        (_DT_HASH, _START + len(table)),
        (_DT_STRTAB, dynamic + 7 * _ENTRY),
        (_DT_STRSZ, len(strings)),
        (0, 0),
    ]
    body = table + hashes + b"".join(struct.pack("<QQ", *entry) for entry in entries) + strings
    return _head(_START + len(body), dynamic, _ENTRY * len(entries)) + body


def _strings(names: "tuple[str, ...]") -> "tuple[bytes, list[int]]":
    """The names one after the other, each ended by a zero, and where each begins."""
    joined, places = b"\0", []
    for name in names:
        places.append(len(joined))
        joined += name.encode() + b"\0"
    return joined, places


def _symbol(name: int, index: int) -> bytes:
    return struct.pack("<IBBHQQ", name, _GLOBAL_OBJECT, 0, _ANY_SECTION, _HEADER + 8 * index, 8)


def _hashes(count: int) -> bytes:
    """A hash table of one bucket: the symbols in a row, the first being none."""
    chain = [1, 0, *range(2, count), 0] if count > 1 else [0, 0]
    words = [1, count, *chain]
    return struct.pack("<%dI" % len(words), *words) + bytes(4 * (len(words) % 2))


def _head(size: int, dynamic: int, dynamic_size: int) -> bytes:
    sizes = (_HEADER, _SEGMENT, 3, 0, 0, 0)
    header = struct.pack("<HHIQQQIHHHHHH", _ET_DYN, _EM_X86_64, 1, 0, _HEADER, 0, 0, *sizes)
    segments = [
        (_PT_LOAD, _READ_WRITE, 0, 0, 0, size, size, 4096),
        (_PT_DYNAMIC, _READ_WRITE, dynamic, dynamic, dynamic, dynamic_size, dynamic_size, 8),
        # Without this one the loader would make the stack executable, or refuse to.
        (_PT_GNU_STACK, _READ_WRITE, 0, 0, 0, 0, 0, 16),
    ]
    return b"\x7fELF\x02\x01\x01" + bytes(9) + header + b"".join(struct.pack("<IIQQQQQQ", *each) for each in segments)
