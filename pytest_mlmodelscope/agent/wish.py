"""What an environment is to be, and the name of its folder that follows from it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from pytest_mlmodelscope.agent.versions import PLACE
from pytest_mlmodelscope.core.emulated import PROCESSORS, RELEASE
from pytest_mlmodelscope.core.framework import HERE, Attempt, EnvironmentSpec


@dataclass(frozen=True, slots=True)
class Wish:
    """A framework's version, and packages beside it, for one kind of machine.

    ``asked`` is a requirement on the version, such as ``==1.2``, where it is not the listed one.
    """

    framework: str
    spec: EnvironmentSpec
    packages: tuple[str, ...] = ()
    asked: str | None = None
    platform: str = HERE.platform

    @property
    def title(self) -> str:
        """As it is called in messages."""
        version = self.spec.version if self.asked is None else self.asked.removeprefix("==")
        where = f" on an emulated {self.platform.partition('-')[2]}" if self.spec.emulated else ""
        return f"{self.framework} {version}" + (f" with {', '.join(self.packages)}" if self.packages else "") + where

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
        libraries = self.spec.libraries
        content = [
            self.framework,
            self.spec.version,
            self.spec.python,
            self.spec.requirements,
            [[attempt.requirements, attempt.torch_backend] for attempt in self.spec.attempts],
            self.lock and self.lock.read_text(encoding="utf-8"),
            [dict(libraries.debian), dict(libraries.links), dict(libraries.programs)],
            self.spec.prune,
            sorted(self.packages),
            self.asked,
            self.platform,
            self.spec.prepare,
            self._emulated,
        ]
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        version = re.sub(r"[^A-Za-z0-9.]+", "_", self.asked or self.spec.version).strip("_")
        arch = f"{self.platform.partition('-')[2]}-" if self.spec.emulated else ""
        return f"{self.framework}-{version}-{arch}{digest[:16]}"

    @property
    def _emulated(self) -> list[object]:
        """What makes it another machine: the answers of another emulator may differ in the last bit."""
        return [RELEASE, PROCESSORS[self.platform].model, self.spec.debian] if self.spec.emulated else []
