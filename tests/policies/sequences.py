"""One reader's requests to every route, in any order, each with what earlier answers gave it: ids, cursors, ETags.

What a parameter may be is said here by its name. A route whose path has a parameter without a name here cannot be
asked, which fails the test: it is told here what a reader would put there.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from sarhad.records import Record, read

from tests.exchange import heroin
from tests.policies.questions import GEOJSON, ITEM, SD_JWT, SEARCH, WELL_FORMED, maps, searches, standing, trends
from tests.policies.renamed import Renaming
from tests.policies.twins import new_id
from tests.policies.worlds import Answer, Question, Worlds

Both = tuple[str, str]  # one thing in the names of each world
Operation = tuple[str, str]  # (method, path)
FIXED: dict[str, tuple[str, ...]] = {
    "country": ("UZ", "TJ", "KZ", "XX"),
    "owner": ("UZ", "UZ-CUS", "TJ", "KZ-CUS"),
    "code": ("SAR-000608", "SAR-000023", "UNK-UZ-LAB-2026-1", "none"),
    "version": ("1", "2"),
    "kid": ("A" * 43,),
    "entry": ("none",),
    "name": ("none",),
    "language": ("en", "ru"),
    "kind": ("candidate", "issued"),
    "state": ("closed", "retracted"),
    "n": ("1", "2"),
    "log": ("records", "governance", "access"),
    "level": ("0",),
    "collection_id": ("seizures", "cells", "flows", "none"),
    "matrix_set_id": ("WebMercatorQuad",),
    "sha256": ("0" * 64, f"{1:064x}", f"{2:064x}"),
}
TILES = (("3", "3", "5"), ("8", "97", "175"), ("10", "388", "703"), ("0", "0", "0"))
ASKED: dict[str, tuple[str, ...]] = {
    "limit": ("1", "1", "2", "25", "0"),
    "by": ("month", "substance", "owner", "country,group", "admin1", "day", "hidden"),
    "measure": ("seizures", "seizures,kg,tablets", "persons", "purity", "hidden"),
    "from": ("2025-05", "2025-05-10", "2025-06-01T00:00:00Z", "1"),
    "to": ("2025-07", "2025-06-15", "2026-01-01T00:00:00Z", "2"),
    "first_month": ("2025-05",),
    "last_month": ("2025-06",),
    "time": ("month", "quarter"),
    "place": ("country", "admin1"),
    "quarter": ("2025-Q2",),
    "product": ("SAR-000608",),
    "leaf": ("A" * 43,),
    "group": ("cannabis", "heroin-opiates", "none"),
    "substance": ("SAR-000608", "SAR-000023", "SAR-000002", "all"),
    "owner": ("UZ", "TJ"),
    "agency": ("UZ-CUS", "UZ-LAB", "TJ-CUS"),
    "country": ("UZ", "TJ"),
    "bbox": ("66.5,39,67.5,40.5", "-180,-90,180,90"),
    "q": ("heroin", "Samarkand"),
    "level": ("0", "1", "IDENTIFIED", "RETAIL"),
    "filter": ("country = 'UZ'", "kg > 20", "hidden = 1"),
    "offset": ("0",),
    "on": ("2025-06-01",),
    "min_kg": ("1", "30"),
    "max_kg": ("30",),
    "resolution": ("2", "3"),
    "kind": ("seizure", "zero", "request-received"),
    "relation": ("chemical", "event"),
    "size": ("9",),
}
FOLLOWED = {"cursor", "after", "since"}  # given by an answer of the same route
OF_RECORDS = {"record_id", "feature_id", "record"}


def filing(walk: "Walk") -> tuple[bytes, str]:
    """A report of the reader's own, the next version of one, or one as it was filed before."""
    rng = walk.rng
    if walk.filed and rng.random() < 0.6:
        signed = rng.choice(list(walk.filed))
        before = walk.filed[signed]
        if rng.random() < 0.3:
            return signed.encode(), SD_JWT
        facets = {**before.facets, "narrative": {"text": f"corrected {rng.random()}", "language": "en"}}
        record = replace(before, facets=facets, version=before.version + 1, previous=read(signed).digest)
    else:
        made = {"reference": f"own-{rng.random()}", "instant": f"2025-05-{rng.randint(1, 28):02}T04:20:00+05:00"}
        record = heroin(walk.agency, handling=rng.choice(("TLP:GREEN", "TLP:RED")), **made)
        walk.own.append(record.id)
    signed = walk.worlds.sign(record)
    walk.filed[signed] = record
    walk.about = record.id
    return signed.encode(), SD_JWT


def _json(made: Callable[["Walk", str], dict[str, Any]]) -> Callable[["Walk"], tuple[bytes, str]]:
    """A body about a record that exists, exists for others only, or does not."""
    return lambda walk: (json.dumps(made(walk, walk.record())).encode(), "application/json")


ASKS = {"by": "month", "measure": "seizures,kg", "from": "2025-05", "to": "2025-07"}
BODIES: dict[Operation, Callable[["Walk"], tuple[bytes, str]]] = {
    **{operation: _json(lambda _, id_, made=made: made(id_)) for operation, made in WELL_FORMED.items()},
    ("POST", "/v1/seizures"): filing,
    ("POST", "/v1/seizures/{record_id}/versions"): filing,
    ("POST", "/v1/questions"): _json(lambda walk, _: {"name": "by month", "shared": "agency", "asks": ASKS}),
    ("PUT", "/v1/questions/{question_id}"): _json(lambda walk, _: {"name": "again", "shared": "key"}),
    ("POST", "/v1/subscriptions"): _json(lambda walk, _: {"name": "desk", "delivery": "digest"}),
    ("POST", "/v1/alerts"): _json(lambda walk, id_: {"title": "Powder", "text": "-", "records": [id_]}),
    ("POST", "/v1/exports"): _json(lambda walk, _: {"format": walk.rng.choice(("csv", "geojson"))}),
    ("POST", "/v1/recalls"): _json(lambda walk, id_: {"records": [id_], "reason": "not ours"}),
    ("POST", "/v1/places/resolve"): _json(lambda walk, _: {"names": ["Samarkand"]}),
    ("POST", "/v1/substances/resolve"): _json(lambda walk, _: {"names": ["heroin"]}),
}


@dataclass
class Walk:
    """One reader on its way through both worlds. `comparable` says of which (operation, record) the answers must be
    alike; `heard`: the ids of records that the reader may have heard of, shown to it or not.
    """

    worlds: Worlds
    name: tuple[str, str]
    rng: Random
    operations: Mapping[Operation, Mapping[str, Any]]
    heard: Collection[str]
    facets: Collection[Mapping[str, Any]]
    names: Renaming
    comparable: Callable[[Operation, str | None, str], bool]
    asked: set[Operation] = field(default_factory=set)
    trace: list[str] = field(default_factory=list)
    filed: dict[str, Record] = field(default_factory=dict)  # as signed: what the reader files
    own: list[str] = field(default_factory=list)  # their ids
    about: str | None = None
    ids: dict[str, list[Both]] = field(default_factory=dict)  # by the path of the collection that gave them
    cursors: dict[str, list[Both]] = field(default_factory=dict)  # by the operation's path
    etags: dict[str, list[Both]] = field(default_factory=dict)

    @property
    def agency(self) -> str:
        return self.name[0].partition("/")[0]

    def record(self) -> str:
        """The one that is being written about, or any of which the reader knows, or none."""
        return self.about or self.rng.choice([*self.heard, *self.own, new_id()])

    def __post_init__(self) -> None:
        self._prepared: dict[str, list[Mapping[str, str]]] = {}
        for question in (*standing(), *trends(), *maps(), *(Question(SEARCH, asks) for asks in searches(self.facets))):
            self._prepared.setdefault(question.path, []).append(question.params)

    def step(self, operation: Operation) -> None:
        """One request in both worlds. Raises AssertionError where the answers differ, with the way that led there."""
        method, path = operation
        questions, record = self._questions(operation)
        self.asked.add(operation)
        self.trace.append(f"{method} {questions[0].path} {dict(questions[0].params)} {questions[0].accept}")
        answers = self.worlds.ask(*self.name, *questions)
        if self.comparable(operation, record, questions[0].accept):
            differs = self.names.difference(*answers, wrote=method not in {"GET", "HEAD", "OPTIONS"})
            way = "\n".join(self.trace)
            assert differs is None, f"{self.name} is told apart by {differs}\n{way}\n{answers[0]}\n{answers[1]}"
            assert answers[0].status < 500, f"{answers[0]}\n{way}"
        self._learn(path, questions[0].path, answers)

    def _questions(self, operation: Operation) -> tuple[tuple[Question, Question], str | None]:
        method, path = operation
        self.about, body, media_type = None, None, "application/json"
        if method not in {"GET", "DELETE"}:
            made = BODIES.get(operation)
            body, media_type = made(self) if made and self.rng.random() < 0.8 else (b"{}", media_type)
        elif method == "GET" and self.rng.random() < 0.05:
            method = "OPTIONS"
        place, record = self._place(path)
        params = dict(self._params(path, place[0], self.operations[operation].get("parameters", ())))
        headers: dict[str, Both] = {}
        if (etags := self.etags.get(place[0])) and self.rng.random() < 0.7:
            headers["if-none-match"] = self.rng.choice(etags)
        accept = "application/json"
        if path == ITEM:
            accept = self.rng.choice(("application/json", GEOJSON, SD_JWT))
        first, other = (
            Question(
                place[world], {name: value[world] for name, value in params.items()}, accept, method, body, media_type,
                {name: value[world] for name, value in headers.items()},
            )
            for world in (0, 1)
        )  # fmt: skip
        return (first, other), record

    def _place(self, path: str) -> tuple[Both, str | None]:
        """The path with its parameters filled, and the record that it is about."""
        first, other, record, tile = "", "", None, self.rng.choice(TILES)
        for part in re.split(r"(\{\w+\})", path):
            value = (part, part)
            if part.startswith("{"):
                name = part[1:-1]
                if name in OF_RECORDS:
                    record = self.record()
                    value = (record, record)
                elif name in ("z", "row", "col"):
                    value = (tile[("z", "row", "col").index(name)],) * 2
                elif name in FIXED:
                    value = (self.rng.choice(FIXED[name]),) * 2
                elif name == "id" or name == "subject" or name.endswith("_id"):
                    stranger = self.rng.choice([*self.heard, new_id()])
                    given = self.ids.get(first.rstrip("/"), []) if not path.endswith("/stream") else []
                    value = self.rng.choice(given) if given and self.rng.random() < 0.8 else (stranger, stranger)
                else:
                    raise AssertionError(f"{path}: say in sequences.py what a reader would put for {{{name}}}")
            first, other = first + value[0], other + value[1]
        return (first, other), record

    def _params(self, path: str, place: str, described: Collection[Mapping[str, Any]]) -> Iterator[tuple[str, Both]]:
        """What `test_two_worlds.py` asks of the route, or any of its parameters; where one was given, a cursor."""
        if (prepared := self._prepared.get(place)) and self.rng.random() < 0.6:
            yield from ((name, (value, value)) for name, value in self.rng.choice(prepared).items())
            described = [one for one in described if one["name"] in FOLLOWED]
        for one in described:
            name = one["name"]
            if one["in"] != "query" or not (one.get("required") or self.rng.random() < 0.25 or name in FOLLOWED):
                continue
            if name in FOLLOWED:
                if (known := self.cursors.get(path)) and self.rng.random() < 0.6:
                    yield name, self.rng.choice(known)
            elif name in OF_RECORDS:
                record = self.record()
                yield name, (record, record)
            elif values := ASKED.get(name) or _values(one["schema"]):
                yield name, (self.rng.choice(values),) * 2

    def _learn(self, path: str, place: str, answers: tuple[Answer, Answer]) -> None:
        etags = [dict(answer.headers).get("etag") for answer in answers]
        if etags[0] and etags[1]:
            self.etags.setdefault(place, []).append((etags[0], etags[1]))
        try:
            first, other = (json.loads(answer.body) for answer in answers)
        except ValueError:
            return
        collection = path.partition("/{")[0]
        for name, value in _told(first, other):
            if name == "id":
                self.ids.setdefault(collection, []).append(value)
            elif name in ("next", "since", "cursor"):
                self.cursors.setdefault(path, []).append(value)


def _told(first: Any, other: Any, name: str = "") -> Iterator[tuple[str, Both]]:
    """The strings at the same places of two documents, by the name of their member."""
    if isinstance(first, dict) and isinstance(other, dict):
        for key in first.keys() & other.keys():
            yield from _told(first[key], other[key], key)
    elif isinstance(first, list) and isinstance(other, list):
        for one, its in zip(first, other, strict=False):
            yield from _told(one, its, name)
    elif isinstance(first, str) and isinstance(other, str):
        yield name, (first, other)


def _values(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """What a schema names by itself."""
    for one in schema.get("anyOf", [schema]):
        if "enum" in one:
            return tuple(map(str, one["enum"]))
        if one.get("type") == "boolean":
            return ("true", "false")
    return ()
