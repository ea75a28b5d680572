"""The description of REST (OpenAPI), with what every operation has in common: how it tells what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from pytest_mlmodelscope.hub.problems import MEDIA_TYPE, Problem, title

DESCRIPTION: Final = """\
Published machine-learning claims, and what came of verifying them.

Reading is open to all. Who writes sends a token: `Authorization: Bearer mlms_...` (`mlms token new`).
Whatever goes wrong is told as problem details (RFC 9457, `application/problem+json`).
What changes only when results arrive has an `ETag`: ask again with `If-None-Match`, and nothing is sent twice.
How often one may ask is told in `RateLimit`; who asks too often gets 429 and `Retry-After`.
"""
_ALWAYS: Final = (400, 408, 414, 421, 422, 429, 500, 503)
_WITH_BODY: Final = (403, 413, 415)
_WITH_TOKEN: Final = (401, 403)
_WITH_PATH: Final = (404,)


def describe(app: FastAPI) -> dict[str, Any]:
    """The description, made once."""
    if app.openapi_schema is None:
        found = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=DESCRIPTION,
            routes=app.routes,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        found["components"].setdefault("schemas", {}).update(_problem())
        for path, operations in found["paths"].items():
            for operation in operations.values():
                _tokens(operation)
                _refusals(path, operation)
        app.openapi_schema = found
    return app.openapi_schema


def _problem() -> dict[str, Any]:
    own = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**own.pop("$defs", {}), "Problem": own}


def _tokens(operation: dict[str, Any]) -> None:
    """A token that no scope is asked of may be left out, which the framework does not say."""
    if any(not any(one.values()) for one in operation.get("security", ())):
        operation["security"] = [{}, *operation["security"]]


def _refusals(path: str, operation: dict[str, Any]) -> None:
    """Say of an operation how each of its failures looks; descriptions that it has of its own stay."""
    responses = operation["responses"]
    for status in _statuses(path, operation):
        own = responses.get(str(status), {})
        about = own.get("description") if status != 422 else None
        responses[str(status)] = {
            "description": about or title(status),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }


def _statuses(path: str, operation: Mapping[str, Any]) -> Iterator[int]:
    yield from _ALWAYS
    yield from (int(status) for status in operation["responses"] if status.isdigit() and int(status) >= 400)
    if "requestBody" in operation:
        yield from _WITH_BODY
    if operation.get("security"):
        yield from _WITH_TOKEN
    if "{" in path:
        yield from _WITH_PATH
