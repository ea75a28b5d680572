"""Who writes: the token of a request, and whether it is good for what is asked."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from starlette.concurrency import run_in_threadpool

from pytest_mlmodelscope.hub.edge.rates import Limits, client
from pytest_mlmodelscope.hub.problems import Refused
from pytest_mlmodelscope.store.access import Writer, writer_of
from pytest_mlmodelscope.store.database import Database

_bearer = HTTPBearer(
    scheme_name="token",
    auto_error=False,
    bearerFormat="mlms_...",
    description="A token of `mlms token new`, for those who write; reading is open to all.",
)
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def writer_or_none(request: Request, credentials: _Credentials) -> Writer | None:
    """Whose token came with a request; None where none came.

    Raises:
        Refused: 401 for a token that is none, 429 for too many.
    """
    if credentials is None:
        if "authorization" in request.headers:
            raise _unknown()
        return None
    limits: Limits = request.app.state.limits
    found = await run_in_threadpool(_found, request.app.state.database, credentials.credentials)
    if found is None:
        await limits.refuse("guessing", client(request.scope))
        raise _unknown()
    await limits.refuse("writing", f"token {found.token}")
    return found


async def _writer(scopes: SecurityScopes, found: Annotated[Writer | None, Depends(writer_or_none)]) -> Writer:
    if found is None:
        raise Refused(401, "a token is needed", hint=f"one with the scope {scopes.scope_str}", headers=_challenge())
    for scope in scopes.scopes:
        if not found.may(scope):
            raise Refused(403, f"the token is not good for {scope}", headers=_challenge("insufficient_scope"))
    return found


def _found(database: Database, text: str) -> Writer | None:
    with database.reading() as session:
        return writer_of(session, text)


def _unknown() -> Refused:
    return Refused(401, "the token is unknown, revoked or too old", headers=_challenge("invalid_token"))


def _challenge(error: str = "") -> dict[str, str]:
    return {"WWW-Authenticate": f'Bearer error="{error}"' if error else "Bearer"}


#: Whose token came with a request, if any did.
MaybeWriter = Annotated[Writer | None, Depends(writer_or_none)]
#: Whoever may send records.
ResultsWriter = Annotated[Writer, Security(_writer, scopes=["results:write"])]
