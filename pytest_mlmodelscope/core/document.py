"""YAML documents: read by a safe loader, with the line of everything that is in them.

Only plain data comes out (mappings, lists, text, numbers, booleans, null). Words
are read as YAML 1.2's core schema has them: ``no`` and ``on`` are text, dates are
text, so that a table of language codes does not lose Norway. A key given twice is
an error, and so is an alias that unfolds without end.

Positions are looked up only when an error needs one, from a second reading.
"""

from __future__ import annotations

import functools
import gc
import operator
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from pytest_mlmodelscope.core.errors import DocumentError

#: Places inside a document, outermost first: keys of mappings and indexes of lists.
Pointer = tuple[str | int, ...]

MAX_BYTES: Final = 64 * 1024 * 1024
#: Aliases may repeat a document's nodes this often before it is refused as a bomb.
MAX_ALIAS_FACTOR: Final = 50
MAX_DEPTH: Final = 60

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_TAG: Final = "tag:yaml.org,2002:"
_STR: Final = _TAG + "str"
#: What a plain scalar that is no text begins with; the rest need not be looked at.
_NOT_TEXT: Final = frozenset("-+.0123456789tTfFnN~<")


class _Loader(_Base):  # type: ignore[misc]  # the C loader is untyped
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def resolve(self, kind: type, value: Any, implicit: Any) -> Any:
        """The tag of a node that has none; most are text, and decided by their first letter."""
        if kind is not yaml.ScalarNode:
            return _TAG + ("map" if kind is yaml.MappingNode else "seq")
        if implicit[0] and (not value or value[0] in _NOT_TEXT):
            return super().resolve(kind, value, implicit)
        return _STR

    # Called for every node, for a feature that this loader has no use for: cheap built-ins instead.
    descend_resolver = staticmethod(operator.is_)
    ascend_resolver = bool


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


_resolve("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF")
_resolve("int", r"^[-+]?[0-9]+$|^0o[0-7]+$|^0x[0-9a-fA-F]+$", "-+0123456789")
_resolve(
    "float",
    r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$",
    "-+0123456789.",
)
_resolve("null", r"^(?:~|null|Null|NULL|)$", "~nN\0")
_Loader.yaml_implicit_resolvers[""] = [("tag:yaml.org,2002:null", re.compile(r"^$"))]
_resolve("merge", r"^<<$", "<")


@dataclass(frozen=True)
class Document:
    """One parsed file: its data, and the way back to the line that a datum stands on."""

    path: Path
    data: Any
    text: str
    item_lines: Mapping[int, int] = field(default_factory=dict, repr=False)

    def item_line(self, item: object) -> int:
        """The 1-based line of a mapping that stands in a list directly below the root."""
        return self.item_lines.get(id(item), 1)

    def line(self, pointer: Sequence[str | int] = ()) -> int:
        """The 1-based line of the value (or, for a missing one, of what would hold it)."""
        return _line_of(self.text, tuple(pointer))

    def at(self, pointer: Sequence[str | int] = ()) -> str:
        """``file:line`` of a place in the document, for messages."""
        return f"{shown_path(self.path)}:{self.line(pointer)}"


def shown_path(path: Path) -> str:
    """The path as a person would type it: relative to the working directory when below it."""
    return _shown(path, os.getcwd())  # noqa: PTH109  # a fifth of the cost, for each of 10,000 claims


@functools.lru_cache(maxsize=256)
def _shown(path: Path, folder: str) -> str:
    try:
        return str(path.resolve().relative_to(folder))
    except (ValueError, OSError):
        return str(path)


def read_document(path: Path) -> Document:
    """Read one YAML (or JSON) file.

    Raises:
        DocumentError: it is missing, unreadable, too large, not UTF-8 or not valid YAML.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DocumentError("file is too large", where=path, expected=f"at most {MAX_BYTES} bytes")
        raw = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror}", where=shown_path(path)) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DocumentError(
            "is not UTF-8 text", where=f"{shown_path(path)}:{line}", hint="save the file as UTF-8"
        ) from None
    return parse_document(text, path)


def parse_document(text: str, path: Path) -> Document:
    """Parse YAML text that came from ``path``.

    Raises:
        DocumentError: with file and line, when the text is not valid YAML.
    """
    with _gc_paused():
        _refuse_depth(text, path)
        loader = _Loader(text)
        try:
            builder = _Builder(loader, path)
            data = builder.document()
        except yaml.YAMLError as error:
            raise _syntax_error(error, path) from None
        except RecursionError:
            raise DocumentError("is nested too deeply", where=shown_path(path)) from None
        finally:
            loader.dispose()
    return Document(path, data, text, builder.item_lines)


def _refuse_depth(text: str, path: Path) -> None:
    """Refuse nesting that would overflow the stack of the C parser, which composes recursively.

    Only a text that could be that deep is looked at event by event.
    """
    if _most_depth(text) < 10_000:
        return
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise DocumentError("is nested too deeply", where=f"{shown_path(path)}:{line}")
    except yaml.YAMLError as error:
        raise _syntax_error(error, path) from None


def _most_depth(text: str) -> int:
    """No fewer levels than a text has, found without parsing it.

    Brackets may be left open at the end of a line, a level of indentation or a dash takes a
    character of it. Closing brackets only count where no quote or comment can be hiding them.
    """
    longest = still_open = 0
    for line in text.split("\n"):
        longest = max(longest, len(line))
        if "[" in line or "{" in line:
            opened = line.count("[") + line.count("{")
            plain = not ('"' in line or "'" in line or "#" in line)
            still_open += max(0, opened - (line.count("]") + line.count("}")) * plain)
    return longest + still_open


@contextmanager
def _gc_paused() -> Iterator[None]:
    # A large file makes a million objects and no garbage: the collector's scans
    # of them were half of the time that collecting 10,000 claims took.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _syntax_error(error: yaml.YAMLError, path: Path) -> DocumentError:
    mark = getattr(error, "problem_mark", None)
    line = f":{mark.line + 1}" if mark is not None else ""
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    context = getattr(error, "context", None)
    return DocumentError(
        f"is not valid YAML: {problem}" + (f" ({context})" if context else ""),
        where=f"{shown_path(path)}{line}",
        hint="check indentation, quotes and colons on this line and the one before",
    )


class _Builder:
    """Plain data from the loader's nodes.

    ``_sizes`` says to how many nodes each collection unfolds when its aliases are followed.
    """

    def __init__(self, loader: Any, path: Path) -> None:
        self._loader = loader
        self._path = path
        self._made: dict[int, Any] = {}
        self._sizes: dict[int, int] = {}
        self.item_lines: dict[int, int] = {}

    def document(self) -> Any:
        node = self._loader.get_single_node()
        return None if node is None else self._value(node, 0)

    def _value(self, node: Any, depth: int) -> Any:
        if node.__class__ is yaml.ScalarNode:
            # Most scalars are text: these three lines run for every word of every claim.
            return node.value if node.tag == _STR else self._scalar(node)
        if id(node) not in self._made:
            if depth > MAX_DEPTH:
                self._refuse("is nested too deeply, or an alias stands inside its own anchor", node)
            if node.tag not in _COLLECTIONS:
                self._refuse_tag(node)
            build = self._sequence if node.__class__ is yaml.SequenceNode else self._mapping
            value = build(node, depth + 1)
            if self._sizes[id(node)] > MAX_ALIAS_FACTOR * max(len(self._made), 20_000):
                self._refuse("its aliases unfold without end", node)
            self._made[id(node)] = value
        return self._made[id(node)]

    def _sequence(self, node: Any, depth: int) -> list[Any]:
        items = [self._value(child, depth) for child in node.value]
        if depth == 2:  # a list directly below the root, such as that of the claims
            lines = (child.start_mark.line + 1 for child in node.value)
            self.item_lines.update(zip(map(id, items), lines, strict=True))
        self._sizes[id(node)] = self._size(node.value)
        return items

    def _mapping(self, node: Any, depth: int) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if key_node.__class__ is not yaml.ScalarNode:
                self._refuse("a key must be plain text", key_node)
            key = key_node.value
            if key_node.tag == _TAG + "merge":
                merged.update(self._merged(value_node, depth))
            elif key in mapping:
                self._refuse(f'key "{key}" is given twice', key_node, hint="remove or rename one of the two")
            else:
                mapping[key] = self._value(value_node, depth)
        self._sizes[id(node)] = self._size([value for _, value in node.value])
        return {**merged, **mapping} if merged else mapping

    def _size(self, children: list[Any]) -> int:
        sizes = self._sizes
        return 1 + len(children) + sum([sizes[id(child)] for child in children if id(child) in sizes])

    def _merged(self, node: Any, depth: int) -> dict[Any, Any]:
        self._value(node, depth)  # counts what it unfolds to
        merged: dict[Any, Any] = {}
        for source in reversed(node.value if isinstance(node, yaml.SequenceNode) else [node]):
            value = self._value(source, depth)
            if not isinstance(value, dict):
                self._refuse('"<<" takes a mapping', source)
            merged.update(value)
        return merged

    def _scalar(self, node: Any) -> Any:
        name = node.tag.removeprefix(_TAG)
        build = _SCALARS.get(name)
        if build is None:
            self._refuse_tag(node)
        try:
            return build(node.value)  # type: ignore[misc]  # _refuse does not return
        except (ValueError, KeyError):
            self._refuse(f'"{node.value}" is not a {name}', node)

    def _refuse_tag(self, node: Any) -> None:
        self._refuse(f'tag "{node.tag}" is not allowed', node, hint="plain text, numbers, lists and mappings only")

    def _refuse(self, what: str, node: Any, hint: str | None = None) -> Any:
        line = node.start_mark.line + 1
        raise DocumentError(what, where=f"{shown_path(self._path)}:{line}", hint=hint)


_COLLECTIONS: Final = frozenset({_TAG + "map", _TAG + "seq"})


def _int(text: str) -> int:
    if len(text) > 400:
        raise ValueError(text)
    return int(text, 0) if text.lstrip("+-")[:2].lower() in {"0o", "0x"} else int(text)


_SCALARS: Final = {
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
    "int": _int,
    # YAML writes infinity and not-a-number with a leading dot, Python without.
    "float": lambda text: float(re.sub(r"\.(?=[inIN])", "", text)),
    "null": lambda text: None,
}


def _line_of(text: str, pointer: Pointer) -> int:
    node = _nodes(text)
    if node is None:
        return 1
    line: int = node.start_mark.line + 1
    for step in pointer:
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return line


@functools.lru_cache(maxsize=1)
def _nodes(text: str) -> Any:
    # A manifest is asked for the line of each of its assets, one after the other.
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except yaml.YAMLError:
        return None
    finally:
        loader.dispose()


def _child(node: Any, step: str | int) -> tuple[int, Any] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        child = node.value[step]
        return child.start_mark.line + 1, child
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    return None
