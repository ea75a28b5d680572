"""Runs one job in a process of its own, and knows nothing of the queue.

``python -m pytest_mlmodelscope.hub.jobs.runner`` is started ahead of its job. It reads the job from its input as one
line of JSON, and says how far it is as lines of JSON on its output, the last of them ``result`` or ``error``. When its
input ends it ends too, and its model's process with it: whoever wanted the answer is no more.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from pytest_mlmodelscope.agent.limits import Isolation, Limits, most_memory
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.engine.bench import Settings
from pytest_mlmodelscope.hub.jobs.abroad import Abroad
from pytest_mlmodelscope.library.shelf import Shelf

#: What a runner says.
Tell = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Order:
    """A job, and what it is to be run with. ``upload`` is the file that came with it; ``manifests`` and ``claims`` are
    the folders of the hub's shelf. So many ``runners`` share the memory of the machine.
    """

    kind: str
    request: Mapping[str, Any]
    upload: str | None
    manifests: tuple[str, ...]
    claims: tuple[str, ...]
    isolation: Isolation
    offline: bool
    runners: int
    cache: str | None

    def line(self) -> bytes:
        """As a runner reads it."""
        return json.dumps(asdict(self)).encode() + b"\n"

    def shelf(self) -> Shelf:
        """The hub's models and claims."""
        return Shelf(map(Path, self.manifests), map(Path, self.claims))

    def abroad(self) -> Abroad:
        """What takes the paths of this machine out of what is told."""
        folders = (self.cache, self.upload and str(Path(self.upload).parent), *self.manifests, *self.claims)
        return Abroad.of_user(sys.prefix, tempfile.gettempdir(), *filter(None, folders))

    def settings(self, progress: Callable[[str], None]) -> Settings:
        """How its models are run."""
        limits = Limits(memory_bytes=most_memory() // self.runners, isolation=self.isolation)
        cache = None if self.cache is None else Path(self.cache)
        return Settings(cache=cache, offline=self.offline, limits=limits, progress=progress)


def main() -> None:
    """Run the job that comes in."""
    out = _output()
    lock = threading.Lock()

    def tell(what: Mapping[str, Any]) -> None:
        with lock:
            out.write(json.dumps(what).encode() + b"\n")

    signal.signal(signal.SIGTERM, _end)
    line = sys.stdin.buffer.readline()
    if not line:
        return
    threading.Thread(target=_end_with_input, daemon=True).start()
    order = Order(**json.loads(line))
    try:
        tell({"result": _run(order, tell)})
    except MlmsError as error:
        tell({"error": _refusal(error, order.abroad())})
    except Exception:  # noqa: BLE001  # the job has failed, whatever it was; the log says what
        traceback.print_exc()
        tell({"error": "the hub made a mistake; its log says which"})


def _output() -> IO[bytes]:
    """What the worker reads; whatever else prints goes to the log."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return open(kept, "wb", buffering=0)  # noqa: PTH123  # open to the end of the process


def _end(number: int, frame: object) -> None:  # noqa: ARG001
    """In order, so that the model's process ends and its files go."""
    raise SystemExit(1)


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _refusal(error: MlmsError, abroad: Abroad) -> str:
    """What whoever asked is told; all of it, with the paths of this machine, goes to the log."""
    sys.stderr.write(f"{error}\n")
    return abroad.text(error.abroad())


def _run(order: Order, tell: Tell) -> dict[str, Any]:
    return _KINDS[order.kind](order, tell)


# -- predict ----------------------------------------------------------------------------------


def _predict(order: Order, tell: Tell) -> dict[str, Any]:
    """The same input on each framework, one after another so that none disturbs the other's time."""
    names = order.request["frameworks"]
    found: list[dict[str, Any]] = []
    for number, name in enumerate(names):
        found.append(_on(order, name, _teller(order, tell, number / len(names))))
        tell({"share": (number + 1) / len(names), "message": f"{name} has answered"})
    if not any("answers" in one for one in found):
        raise MlmsError(
            "no framework could answer:\n" + "\n".join(f"{one['framework']}: {one['error']}" for one in found)
        )
    return {"predictions": found}


def _teller(order: Order, tell: Tell, share: float) -> Callable[[str], None]:
    abroad = order.abroad()
    return lambda text: tell({"share": share, "message": abroad.text(text)})


def _on(order: Order, framework: str, progress: Callable[[str], None]) -> dict[str, Any]:
    from pytest_mlmodelscope.library.loaded import load

    name, settings = order.request["model"], order.settings(progress)
    progress(f"{framework}: loading {name}")
    try:
        with load(name, framework, order.request["target"], shelf=order.shelf(), settings=settings) as model:
            progress(f"{framework}: asking {name}")
            return model.predict(_input(order), top=_TOP, files=False).to_json()
    except MlmsError as error:
        return {"framework": framework, "error": _refusal(error, order.abroad())}


#: How many of a classifier's answers are told.
_TOP: Final = 5


def _input(order: Order) -> Any:
    given = order.request["input"]
    if order.upload is not None:
        return Path(order.upload)
    return given[next(key for key in ("text", "array", "fields") if key in given)]


# -- verify -----------------------------------------------------------------------------------


def _verify(order: Order, tell: Tell) -> dict[str, Any]:
    from pytest_mlmodelscope.library.verifying import BASELINES, record_of, verify

    request, told = order.request, _teller(order, tell, 0.0)
    settings = replace(order.settings(told), baselines=Path(BASELINES))
    cases = verify(
        request["claim"],
        framework=request["framework"],
        target=request["target"],
        shelf=order.shelf(),
        settings=settings,
    )
    return {"record": order.abroad().all(record_of(cases, settings))}


_KINDS: Final[Mapping[str, Callable[[Order, Tell], dict[str, Any]]]] = {"predict": _predict, "verify": _verify}

if __name__ == "__main__":
    main()
