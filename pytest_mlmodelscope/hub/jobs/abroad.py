"""What is told of a job, without where things lie on the hub's machine: that is nobody's business but its keeper's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

#: What stands for the folders of a path.
_INSTEAD: Final = "..."
#: A folder and those below it, as far as another name follows.
_NAMES: Final = r"(?:/[^\s/:;,'\"`<>|()\[\]{}]+)+(?=/)"
#: The folders of an absolute path, not of an address, a fraction or another path; or of one that has begun so already.
_FOLDERS: Final = re.compile(rf"(?:file://|\.\.\.|(?<![\w.:/~\\-])){_NAMES}")
#: What a check found is what a model was asked, which may look like a path.
_ASKED: Final = frozenset({"check"})


class Abroad:
    """Takes the folders of this machine out of what is told: those that are named to it, which may have blanks in
    them, and whatever else looks like one.
    """

    def __init__(self, folders: Iterable[str]) -> None:
        known = {folder.rstrip("/") for folder in folders}
        # A service may have "/" for its home.
        self._known = sorted((folder for folder in known if folder.count("/") > 1), key=len, reverse=True)

    @classmethod
    def of_user(cls, *more: str) -> Abroad:
        """With the user's own folder, and ``more``."""
        return cls([str(Path.home()), *more])

    def text(self, text: str) -> str:
        """A text without them: ``/srv/models/a.onnx`` is ``.../a.onnx``."""
        for folder in self._known:
            text = text.replace(folder, _INSTEAD)
        return _FOLDERS.sub(_INSTEAD, text)

    def all(self, value: Any) -> Any:
        """The same of all texts in a document."""
        if isinstance(value, Mapping):
            return {key: inner if key in _ASKED else self.all(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.all(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value
