"""What every route shares: sessions and problems. The only floor file that knows FastAPI."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from service.problems import Problem


async def _writing(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.database.writing() as session:
        yield session


async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.database.reading() as session:
        yield session


# scope="function" ends the transaction before the response leaves: we never
# acknowledge a report that failed to commit.
WriteSession = Annotated[AsyncSession, Depends(_writing, scope="function")]
ReadSession = Annotated[AsyncSession, Depends(_reading, scope="function")]


async def problem_response(request: Request, problem: Problem) -> JSONResponse:
    return JSONResponse(
        problem.as_document(),
        status_code=problem.status,
        headers=problem.headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    app.add_exception_handler(Problem, problem_response)  # type: ignore[arg-type]
