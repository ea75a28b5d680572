"""A module whose source is an asset of the model, with the edits that today's Python asks for."""

import importlib.util
import os
import re
import sys
from importlib.machinery import SourceFileLoader
from typing import Any


class _Edited(SourceFileLoader):
    """Compiles the edited text, never a compiled file that lies beside the source."""

    def __init__(self, name: str, path: str, edits: "list[dict[str, str]]") -> None:
        super().__init__(name, path)
        self._edits = edits

    def get_code(self, fullname: str) -> "Any":
        text = self.get_source(fullname) or ""
        return self.source_to_code(edited(text, self._edits).encode("utf-8"), self.path)


def edited(text: str, edits: "list[dict[str, str]]") -> str:
    """The text after every edit.

    Raises ValueError when a pattern does not fit exactly once: then it is not the text it was made for.
    """
    for edit in edits:
        found = list(re.finditer(edit["pattern"], text, re.DOTALL))
        if len(found) != 1:
            raise ValueError("the edit %r fits %d times, not once" % (edit["pattern"], len(found)))
        text = text[: found[0].start()] + edit["replace"] + text[found[0].end() :]
    return text


def install(code: str, how: "dict[str, Any]") -> None:
    """Make the module importable under its file's name, in this process only.

    Raises ValueError when there is no such file.
    """
    path = os.path.join(code, how["file"]) if "file" in how else code
    if not os.path.isfile(path):
        raise ValueError("the code of the model has no file %s" % how.get("file", code))
    name = os.path.splitext(os.path.basename(how.get("file", path)))[0]
    spec = importlib.util.spec_from_loader(name, _Edited(name, path, how.get("edits", [])))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    assert spec.loader is not None
    spec.loader.exec_module(module)
