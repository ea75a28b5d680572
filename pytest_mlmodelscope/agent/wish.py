"""What an environment is to be, and the name of its folder that follows from it."""

from __future__ import annotations

import hashlib
import json
import re
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from pytest_mlmodelscope.agent.versions import PLACE
from pytest_mlmodelscope.core.framework import Attempt, EnvironmentSpec


@dataclass(frozen=True, slots=True)
class Wish:
    """A framework's version, and packages beside it.

    ``asked`` is a requirement on the version, such as ``==1.2``, where it is not the listed one.
    """

    framework: str
    spec: EnvironmentSpec
    packages: tuple[str, ...] = ()
    asked: str | None = None

    @property
    def title(self) -> str:
        """As it is called in messages."""
        version = self.spec.version if self.asked is None else self.asked.removeprefix("==")
        return f"{self.framework} {version}" + (f" with {', '.join(self.packages)}" if self.packages else "")

    @property
    def lock(self) -> Path | None:
        """The pins that are installed, which are those of the listed version."""
        return self.spec.lock if self.asked is None else None

    def requirements(self, attempt: Attempt) -> tuple[str, ...]:
        """What is installed in one attempt, beside the packages."""
        version = self.asked or f"=={self.spec.version}"
        return tuple(text.replace(PLACE, version) for text in attempt.requirements or self.spec.requirements)

    @property
    def key(self) -> str:
        """The same for the same content on the same kind of machine; a folder's name."""
        content = [
            self.framework,
            self.spec.version,
            self.spec.python,
            self.spec.requirements,
            [[attempt.requirements, attempt.torch_backend] for attempt in self.spec.attempts],
            self.lock and self.lock.read_text(encoding="utf-8"),
            [dict(self.spec.libraries.debian), dict(self.spec.libraries.links)],
            self.spec.prune,
            sorted(self.packages),
            self.asked,
            sysconfig.get_platform(),
        ]
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        version = re.sub(r"[^A-Za-z0-9.]+", "_", self.asked or self.spec.version).strip("_")
        return f"{self.framework}-{version}-{digest[:16]}"
