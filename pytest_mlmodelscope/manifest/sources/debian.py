"""Assets in Debian packages, fetched and opened with Debian's own tools, installed never."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.core.debian import KEYRING, mirror, missing_tool
from pytest_mlmodelscope.core.errors import AssetError
from pytest_mlmodelscope.core.manifest import Asset

TIMEOUT_S: Final = 900
#: What apt is told to do with what it would install.
_DOWNLOADED: Final = ("--download-only", "--no-install-recommends", "--yes", "install")


def obtain(asset: Asset, folder: Path, progress: Callable[[str], None]) -> Path:
    """The files of a Debian package, as a tar archive; apt checks the package's signature.

    Raises:
        AssetError: this is no Debian, or its package sources do not offer this version.
    """
    _require_tools(f"the asset {asset.name} is in the Debian package {asset.package}", asset.where)
    progress(f"fetching {asset.package} with apt")
    package = _downloaded(asset, folder, progress)
    return _unpacked(package, folder / f"{package.stem}.tar", asset)


def with_dependencies(package: str, folder: Path, progress: Callable[[str], None]) -> list[Path]:
    """The ``.deb`` files, in ``folder``, of a package and of all that it needs and this machine has not.

    Raises:
        AssetError: this is no Debian, or its package sources do not offer it.
    """
    _require_tools(f"the Debian package {package} is needed", None)
    progress(f"fetching {package} and what it needs with apt")
    with _package_lists(folder, progress) as attempts:
        for lists in attempts:
            if _download_all(package, folder, lists.options):
                return sorted(folder.glob("*.deb"))
        hint = lists.complaint or "check the machine's package sources"
        raise AssetError(f"Debian's package sources do not offer {package}", hint=hint)


def of_another_machine(
    packages: Sequence[str], release: str, architecture: str, folder: Path, progress: Callable[[str], None]
) -> list[Path]:
    """The ``.deb`` files, below ``folder``, of a release's packages for an architecture (as Debian calls
    it) and of all that they need there; ``name:amd64`` is one for that architecture, and comes alone.

    Raises:
        AssetError: this is no Debian, or its archive does not offer them.
    """
    why = f"Debian's packages for {architecture} are needed"
    _require_tools(why, None)
    if (address := mirror()) is None:
        raise AssetError(f"{why}, and no package source is Debian's", hint="add Debian's main archive to those of apt")
    progress(f"reading the lists of Debian's packages for {architecture}")
    alone = [name for name in packages if ":" in name]
    others = {name.partition(":")[2] for name in alone} - {architecture}
    options = [*_own_lists(folder), *_own_sources(folder, address, release, [architecture, *sorted(others)])]
    _checked(["apt-get", *options, "update"], folder, "the lists of Debian's packages cannot be read")
    progress(f"fetching {', '.join(packages)} for {architecture} with apt")
    what = f"Debian's {release} does not offer {', '.join(packages)} for {architecture}"
    if whole := [name for name in packages if name not in alone]:
        _checked(["apt-get", *options, *_DOWNLOADED, *whole], folder, what)
    if alone:
        _checked(["apt-get", *options, "download", *alone], folder, what)
    return sorted([*folder.glob("*.deb"), *(folder / "cache/archives").glob("*.deb")])


def _own_sources(folder: Path, address: str, release: str, architectures: Sequence[str]) -> list[str]:
    """Options that make apt know one release of Debian only, and a machine that has nothing yet."""
    signed = f" signed-by={KEYRING}" if KEYRING.exists() else ""
    lines = f"deb [arch={','.join(architectures)}{signed}] {address} {release} main\n"
    (folder / "sources.list").write_text(lines, encoding="utf-8")
    (folder / "status").touch()
    (folder / "parts").mkdir(exist_ok=True)
    settings = {
        "Dir::State::status": folder / "status",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": folder / "parts",
        "Dir::Etc::preferencesparts": folder / "parts",
        "Dir::Etc::preferences": folder / "none",
        "APT::Architecture": architectures[0],
        "Acquire::Languages": "none",
    }
    options = [f"{name}={value}" for name, value in settings.items()]
    options += [f"APT::Architectures::={name}" for name in architectures]
    return [part for option in options for part in ("-o", option)]


def _checked(command: Sequence[str], folder: Path, what: str) -> None:
    done = _run(command, folder)
    # A list that could not be fetched is only a warning.
    if done.returncode or "W: Failed to fetch" in done.stderr:
        raise AssetError(what, got=f"apt says: {_complaint(done.stderr)}", hint="check the machine's package sources")


@dataclass(frozen=True)
class _Lists:
    """Lists of packages: the options that make apt read them, and what it said when it fetched them."""

    options: Sequence[str] = ()
    complaint: str = ""


@contextmanager
def _package_lists(folder: Path, progress: Callable[[str], None]) -> Iterator[Iterator[_Lists]]:
    """The system's lists, then, where those were not enough, fresh ones in a folder of their own.

    The system's own may be missing or old, and changing them is not ours to do.
    """
    with tempfile.TemporaryDirectory(dir=folder) as own:

        def attempts() -> Iterator[_Lists]:
            yield _Lists()
            progress("reading the lists of Debian's packages")
            options = _own_lists(Path(own))
            updated = _run(["apt-get", *options, "update"], folder)
            yield _Lists(options, f"apt says: {_complaint(updated.stderr)}" if updated.returncode else "")

        yield attempts()


def _download_all(package: str, folder: Path, options: Sequence[str]) -> bool:
    """Download what an installation of the package would add to the system."""
    simulation = ["apt-get", *options, "--simulate", "--no-install-recommends", "install", package]
    planned = _run(simulation, folder)
    # "Inst name (version release [architecture])"; what is there already has its version in brackets first.
    added = re.findall(r"^Inst (\S+) \((\S+)", planned.stdout, re.MULTILINE)
    if planned.returncode != 0 or not added:
        return False
    return _download([f"{name}={version}" for name, version in added], folder, options)


def _require_tools(why: str, where: str | None) -> None:
    if (lacking := missing_tool()) is not None:
        raise AssetError(f"{why}, and {lacking.what}", where=where, hint=lacking.hint)


def _downloaded(asset: Asset, folder: Path, progress: Callable[[str], None]) -> Path:
    wanted = [(asset.package or "").replace("==", "=", 1)]
    with _package_lists(folder, progress) as attempts:
        for lists in attempts:
            if _download(wanted, folder, lists.options):
                return next(folder.glob("*.deb"))
        raise _not_offered(asset, folder, lists)


def _download(wanted: Sequence[str], folder: Path, options: Sequence[str]) -> bool:
    for leftover in folder.glob("*.deb"):
        leftover.unlink()
    done = _run(["apt-get", *options, "-o", "APT::Sandbox::User=root", "download", *wanted], folder)
    return done.returncode == 0 and any(folder.glob("*.deb"))


def _own_lists(folder: Path) -> list[str]:
    """Options that let apt keep its lists in a folder of ours, so that nobody need be root."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    settings = {
        "Dir::State": folder / "state",
        "Dir::State::Lists": folder / "state/lists",
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "APT::Update::Post-Invoke": "",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def _not_offered(asset: Asset, folder: Path, lists: _Lists) -> AssetError:
    name, _, version = (asset.package or "").partition("==")
    table = _run(["apt-cache", *lists.options, "madison", name], folder).stdout
    offered = sorted({line.split("|")[1].strip() for line in table.splitlines() if line.count("|") > 1})
    if offered:
        hint = f"write `package: {name}=={offered[-1]}`, or add a release with {version} to the package sources"
    else:
        hint = lists.complaint or "check `package:`, and the machine's package sources"
    return AssetError(
        f"Debian's package sources do not offer {asset.package}",
        where=asset.where,
        got=", ".join(offered) or "no version at all",
        hint=hint,
    )


def _complaint(stderr: str) -> str:
    return "; ".join(line[2:].strip() for line in stderr.splitlines() if line.startswith("E:"))[:300] or "nothing"


def _unpacked(package: Path, target: Path, asset: Asset) -> Path:
    with target.open("wb") as file:
        done = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", str(package)],  # noqa: S607
            stdout=file,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_S,
            check=False,
        )
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace").strip()
        raise AssetError(f"{package.name} cannot be unpacked: {complaint}", where=asset.where)
    package.unlink()
    return target


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"E: {command[0]} took longer than {TIMEOUT_S} s")
