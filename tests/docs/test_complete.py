"""Whatever a user can name is in the manual: the names come from registries, schemas and parsers."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import click
import pytest

from pytest_mlmodelscope.cli.doctor import State
from pytest_mlmodelscope.cli.main import COMMANDS, Commands, cli
from pytest_mlmodelscope.core.framework import framework_spec
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.core.result import WORDS
from pytest_mlmodelscope.core.schema import CURRENT, schema
from pytest_mlmodelscope.core.units import UNITS
from pytest_mlmodelscope.plugin import cases, newhooks
from pytest_mlmodelscope.plugin.options import OPTIONS

ROOT = Path(__file__).resolve().parents[2]
MANUAL = ROOT / "docs"
PAGES = sorted(MANUAL.glob("*.md"))


def text_of(page: str) -> str:
    return (MANUAL / page).read_text(encoding="utf-8")


def code_in(text: str) -> list[str]:
    """What stands in backticks or between fences."""
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [*fenced, *re.findall(r"`([^`\n]+)`", rest)]


def missing(wanted: Iterable[str], text: str) -> list[str]:
    """The names that stand nowhere in code, as words of their own."""
    code = "\n".join(code_in(text))
    return [name for name in wanted if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", code)]


def rows(page: str) -> dict[str, str]:
    """The rows of a page's tables by each name in their first cell; rows of one name are joined."""
    found: dict[str, str] = {}
    for line in text_of(page).splitlines():
        if line.startswith("| "):
            for name in re.findall(r"`([^`]+)`", line.split("|")[1]):
                found[name] = found.get(name, "") + line
    return found


def keys(own_schema: Mapping[str, Any]) -> Iterator[str]:
    """The names of all properties in a JSON Schema, however deep."""
    for name, part in own_schema.items():
        if name == "properties":
            yield from part
        parts = part.values() if name in {"properties", "$defs"} else [part]
        for one in parts:
            for inner in one if isinstance(one, list) else [one]:
                if isinstance(inner, Mapping):
                    yield from keys(inner)


def commands(group: click.Group, path: str = "mlms") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by what is typed to call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_a_name_that_is_only_prose_or_part_of_another_is_missing() -> None:
    assert missing(["step", "mlms-step", "k"], "A step, and a `top_step`:\n```yaml\n- steps: [k]\n```\n") == [
        "step",
        "mlms-step",
    ]


def test_keys_of_a_schema_are_found_however_deep() -> None:
    deep = {"anyOf": [{"type": "string"}, {"items": {"properties": {"b": {"properties": {"c": {}}}}}}]}
    assert list(keys({"properties": {"a": deep}, "$defs": {"d": {"properties": {"e": {}}}}})) == ["a", "b", "c", "e"]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.flag)
def test_every_option_of_pytest_has_a_row(option: Any) -> None:
    flag = f"{option.flag} {option.metavar}".strip()
    assert flag in rows("pytest.md")


def test_every_marker_fixture_and_hook_is_documented() -> None:
    fixtures = [name for name in vars(cases) if name.startswith("mlms_")]
    hooks = [name for name in vars(newhooks) if name.startswith("pytest_")]
    assert fixtures
    assert hooks
    assert not missing([*names("targets"), *names("frameworks"), *fixtures, *hooks], text_of("pytest.md"))


def test_every_exit_code_of_pytest_is_documented() -> None:
    table = text_of("pytest.md")
    # Higher ones belong to options of pytest's that have nothing to do with claims.
    codes = [code.value for code in pytest.ExitCode if code <= pytest.ExitCode.NO_TESTS_COLLECTED]
    assert not [code for code in codes if f"\n| {code} | " not in table]


def test_every_verdict_and_unit_is_documented() -> None:
    text = text_of("claims.md")
    assert not missing(WORDS, text)
    spans = code_in(text)
    assert not [unit for unit in UNITS if unit not in spans]


@pytest.mark.parametrize("name", names("metrics"))
def test_every_metric_has_a_row_with_its_options_and_direction(name: str) -> None:
    metric, row = member("metrics", name), rows("claims.md")[name]
    assert not missing(metric.OPTIONS.get("properties", {}), row)
    assert not missing(keys(metric.OPTIONS), text_of("claims.md"))
    assert f"| {metric.DIRECTION} |" in row


@pytest.mark.parametrize("name", names("scenarios"))
def test_every_scenario_has_a_row(name: str) -> None:
    assert name in rows("claims.md")


@pytest.mark.parametrize("name", names("targets"))
def test_every_target_has_a_row(name: str) -> None:
    assert name in rows("targets.md")


def test_every_state_that_the_doctor_finds_is_documented() -> None:
    assert set(get_args(State)) <= rows("targets.md").keys()


@pytest.mark.parametrize(("group", "name"), [(group, name) for group in ("steps", "datasets") for name in names(group)])
def test_every_step_and_reader_has_a_row_with_its_options(group: str, name: str) -> None:
    own_schema = member(group, name).OPTIONS
    assert not missing(own_schema.get("properties", {}), rows("manifests.md")[name])
    assert not missing(keys(own_schema), text_of("manifests.md") + text_of("claims.md"))


@pytest.mark.parametrize("name", names("frameworks"))
def test_every_framework_has_a_row_with_its_roles_and_keys(name: str) -> None:
    spec, row = framework_spec(name), rows("manifests.md")[name]
    assert not missing([*spec.roles, *spec.options.get("properties", {})], row)
    assert not missing(keys(spec.options), text_of("manifests.md"))


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("claim", "claims.md"),
        ("known", "claims.md"),
        ("model", "manifests.md"),
        ("dataset", "manifests.md"),
        ("framework", "extending.md"),
    ],
)
def test_every_key_of_a_file_is_documented(kind: str, page: str) -> None:
    assert not missing(dict.fromkeys(keys(schema(kind))), text_of(page))


def test_every_key_of_a_records_case_is_documented() -> None:
    record = schema("record")
    wanted = [*record["properties"]["mlms"]["properties"], *record["$defs"]["case"]["properties"]]
    assert not missing(wanted, text_of("records.md"))


@pytest.mark.parametrize("path", [path for path, _ in commands(Commands(name="mlms"))])
def test_every_command_has_a_row_with_its_options(path: str) -> None:
    command = dict(commands(Commands(name="mlms")))[path]
    options = [param.opts[-1] for param in command.params if isinstance(param, click.Option)]
    assert not missing(options, rows("cli.md")[path])


def test_every_report_and_every_kind_of_schema_is_documented() -> None:
    text = text_of("cli.md")
    assert not missing([*names("reports"), *CURRENT], text)
    assert {path.split()[1] for path, _ in commands(Commands(name="mlms"))} == set(COMMANDS)
    assert isinstance(cli, Commands)


def test_every_extension_point_is_documented() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    groups = [contract["modules"][0].split(".")[1] for contract in contracts if contract["type"] == "members"]
    assert "steps" in groups
    assert not missing([f"mlms.{group}" for group in groups], text_of("extending.md"))


@pytest.mark.parametrize("message", re.findall(r"^\| `(.*?)` \|", text_of("troubleshooting.md"), re.MULTILINE))
def test_every_message_that_is_explained_is_one(message: str) -> None:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "pytest_mlmodelscope").rglob("*.py"))
    assert any(message in source for source in sources)


def anchors(path: Path) -> set[str]:
    """The places in a page that a link can name, as the usual viewers of Markdown make them."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *PAGES], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        place, _, anchor = target.partition("#")
        found = (page.parent / place) if place else page
        if not place.startswith("http") and (not found.exists() or (anchor and anchor not in anchors(found))):
            dead.append(target)
    assert not dead


def test_the_front_page_leads_to_every_other() -> None:
    front = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT) for page in (ROOT / "docs").rglob("*.md")]
    assert not [page for page in pages if f"({page})" not in front]
