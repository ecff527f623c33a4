"""A question of the trends asked of the lake, as the key that it was made for, with what that key is given now.

The gate says which scopes are given, and on which terms; files of a scope that is not given any more, or otherwise than
when the lake was made, are not opened. What was opened is held against the cube, by owner and month: the answer is what
the trends answer, or there is none.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson

from service.database import Database
from service.exports import engine_path
from service.exports.lake import SCOPES
from service.identity.behalf import enter, on_behalf
from service.policies.gate import reach, terms
from service.problems import Problem
from service.readings.account import Account
from service.readings.entry import Reading, rows
from service.readings.write import AccessWriter
from service.settings import Settings
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to
from service.trends.answer import document
from service.trends.ask import Answer, Cell, answered
from service.trends.parts import labels
from service.trends.question import Trend
from service.trends.repeats import repeated

BY = frozenset(
    {"month", "quarter", "year", "owner", "agency", "country", "substance", "group", "status", "unit", "rule"}
)
MEASURES = frozenset({"seizures", "items", "kg", "quantity", "tablets"})
FILTERS = ("owner", "agency", "country", "status")
_ELSEWHERE = ("admin1", "bbox", "transport", "concealment", "place_type", "compare")


class NotInTheLake(Problem):
    """The lake does not answer this question; the trends do."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class LakeBehind(Problem):
    """The lake does not hold what the exchange holds now."""

    status = HTTPStatus.CONFLICT


class EngineFailed(Problem):
    """The engine gave no answer."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Made:
    """A lake as it lies there: for which key it was made, and on which terms each scope was given."""

    directory: Path
    key: str
    purpose: str
    terms: Mapping[int, list[int | None]]

    @classmethod
    def read(cls, directory: Path) -> "Made":
        """Raises OSError."""
        said = orjson.loads((directory / SCOPES).read_bytes())
        return cls(directory, said["key"], said["purpose"], {scope: of for scope, *of in said["terms"]})

    def files(self, given: Mapping[int, list[int | None]]) -> Iterator[str]:
        """Of the scopes that are given on the same terms still."""
        for folder in sorted(self.directory.glob("owner=*/scope=*")):
            scope = int(folder.name.removeprefix("scope="))
            if given.get(scope, ()) == self.terms[scope]:
                yield from sorted(str(file.resolve()) for file in folder.glob("*/*.parquet"))


def check(question: Trend) -> None:
    """Raises NotInTheLake, and what `Trend.check` does."""
    question.check()
    others = {*question.dimensions} - BY | {*question.measures} - MEASURES
    others |= {name for name in _ELSEWHERE if getattr(question, name) is not None}
    if others or question.changes or not question.whole_months:
        raise NotInTheLake(f"not known there: {', '.join(sorted(others)) or 'days and changes'}", expected=sorted(BY))


async def ask(database: Database, settings: Settings, made: Made, question: Trend) -> dict[str, Any]:
    """The answer of GET /v1/trends. Raises KeyGone, NotInTheLake, LakeBehind, EngineFailed, UnknownLabel."""
    check(question)
    whole = question.model_copy(update={"by": "month,owner", "measure": "seizures,kg", "level": None})
    acting = await on_behalf(database, made.key, made.purpose)
    async with database.reading() as session:
        catalogue = await Catalogue.from_database(session)
        policy = await enter(session, acting.token)
        catalogue, limits = await known_to(session, catalogue), await reach(session)
        there = await answered(session, whole, catalogue, limits)
        apart = [str(record) for record in await repeated(session)]
        files = list(made.files(await terms(session)))
    asked = _words(question, catalogue, apart)
    cells, all_of_it, held = await _engine(
        settings, files, [asked, asked | {"by": []}, _words(whole, catalogue, apart)]
    )
    if behind := sorted(_differing(there.cells, held)):
        raise LakeBehind(f"{', '.join(behind)}: make it anew with sarhad lake export", owners=behind)
    answer = Answer(cells, all_of_it[0] if cells else None, there.owners, "lake")
    told = document(question, answer, policy)
    account = Account(counts=Counter(there.owners))
    reading = Reading(
        *(datetime.now(UTC), acting.caller, "LAKE", "sarhad lake ask", policy, 200),
        *(sha256(question.model_dump_json().encode()).digest(), sha256(orjson.dumps(told)).digest()),
    )
    await AccessWriter(database).write(rows(reading, account))
    return told


def _words(question: Trend, catalogue: Catalogue, apart: list[str]) -> dict[str, Any]:
    """The question as the engine is asked it. Raises UnknownLabel."""
    known = labels(question, catalogue, "substance")
    return {
        "by": question.dimensions,
        "since": question.since and f"{question.since:%Y-%m}",
        "until": question.until and f"{question.until:%Y-%m}",
        "equal": {name: getattr(question, name) for name in FILTERS if getattr(question, name) is not None},
        "about_lines": question.about_lines,
        "kept": known.kept,
        "names": known.names,
        "apart": apart,
    }


async def _engine(settings: Settings, files: list[str], questions: list[dict[str, Any]]) -> list[list[Cell]]:
    if not files:
        return [[] for _ in questions]
    job = {"engine": settings.lake_engine, "spark": settings.lake_spark, "files": files, "questions": questions}
    python = engine_path.python(settings.lake_engine)
    if not python.exists():
        raise EngineFailed(f"{settings.lake_engine} is not installed here: deploy/lake/install {settings.lake_engine}")
    process = await asyncio.create_subprocess_exec(
        *(python, "-I", engine_path.PROGRAM),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: os.environ[name] for name in engine_path.INHERITED if name in os.environ},
    )
    said, complaint = await process.communicate(orjson.dumps(job))
    if process.returncode:
        raise EngineFailed(complaint.decode(errors="replace").strip().splitlines()[-1])
    return [sorted(map(_cell, cells), key=_order) for cells in orjson.loads(said)]


def _cell(found: dict[str, Any]) -> Cell:
    return Cell(tuple(found["key"]), found["counts"], {name: Decimal(of) for name, of in found["sums"].items()})


def _order(cell: Cell) -> tuple[tuple[bool, str], ...]:
    return tuple((part is None, part or "") for part in cell.key)


def _differing(there: list[Cell], held: list[Cell]) -> set[str]:
    """The owners of which one holds something else than the other."""
    found: dict[tuple[str | None, ...], list[tuple[Any, ...]]] = {}
    for cell in (*there, *held):
        sums = (cell.sums[name] for name in ("kg_exact", "kg_converted", "kg_low", "kg_high"))
        found.setdefault(cell.key, []).append((cell.counts["events"], cell.counts["lines"], *sums))
    return {str(key[1]) for key, both in found.items() if len(both) != 2 or both[0] != both[1]}
