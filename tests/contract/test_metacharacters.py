"""What means something to SQL, LIKE, JSON or a terminal means nothing in a parameter: of any GET that is served.

Each string parameter, in the path and in the query, gets each of these values, all others a plain one. It is refused by
name, or looked for as it is spelt: never an error within, and never more rows than a word that stands nowhere.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from service.app import create_app
from service.web.rendering import PROBLEM
from tests.exchange import Exchange, heroin
from tests.policies.questions import operations
from tests.policies.sequences import ASKED, FIXED, TILES
from tests.signing.wire import Reply, send, sign

VALUES = {
    "quote": "zzqx' OR '1'='1' --",
    "statement": "zzqx'); SELECT pg_sleep(9); --",
    "comment": 'zzqx"/**/;#',
    "percent": "%",
    "underscore": "_",
    "backslash": "\\",
    "nul": "zzqx\x00",
    "direction": "\u202ezzqx\u200f\u2066",
}
PLAIN = "zzqx"
READERS = ("KZ-CUS", "KZ-DCA/policy", "KZ-DCA/auditor", "KZ-DCA/admin1", "KZ-LAB")
ID = "8b1c1f0a-6d0e-4f7b-9a52-0f6e6a2f6f00"
ANY = {"type": "string", "required": True}
Parameter = tuple[str, str]  # (path or query, name)
APP = create_app()
DESCRIBED = APP.openapi()["paths"]
GETS = sorted(path for method, path in operations(APP) if method == "GET")


@pytest.fixture(scope="module", autouse=True)
def filed(exchange: Exchange) -> None:
    """There is something that a parameter which matches all would match."""
    for name in ("KZ-CUS", "UZ-CUS"):
        exchange.client(name).submit(exchange.sign(heroin(name)))


def parameters(path: str) -> dict[Parameter, Mapping[str, Any]]:
    """The schema of each: as the contract says, and of the names in a path that it leaves out."""
    said = DESCRIBED.get(path, {}).get("get", {}).get("parameters", [])
    found: dict[Parameter, Mapping[str, Any]] = {("path", name): ANY for name in re.findall(r"\{(\w+)\}", path)}
    return found | {(one["in"], one["name"]): one["schema"] | {"required": one.get("required")} for one in said}


def texts(path: str) -> Iterator[tuple[Parameter, Mapping[str, str]]]:
    """Each string parameter and the values that it gets: all, or where a pattern refuses before anybody asks, some."""
    for parameter, schema in parameters(path).items():
        kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type", "string") == "string"]
        if kinds and parameter[0] in ("path", "query"):
            fixed = all(kind.keys() & {"pattern", "enum", "format", "const"} for kind in kinds)
            some = {name: VALUES[name] for name in ("quote", "nul")}
            yield parameter, some if fixed and not os.environ.get("SARHAD_THOROUGH") else VALUES


def plain(parameter: Parameter) -> str:
    """A value that the parameter may have."""
    place, name = parameter
    if name in ("z", "row", "col"):
        return TILES[0][("z", "row", "col").index(name)]
    known = FIXED if place == "path" else ASKED
    return known[name][0] if name in known else ID


class Asking:
    """Signed requests of whoever of a country's readers may ask this route."""

    def __init__(self, exchange: Exchange, path: str) -> None:
        self._exchange, self._path, self._name = exchange, path, READERS[0]
        self._given = {
            one: plain(one)
            for one, schema in parameters(path).items()
            if one[0] == "path" or (one[0] == "query" and schema.get("required"))
        }
        for self._name in READERS:
            if self().status != 403:
                break

    def __call__(self, parameter: Parameter | None = None, value: str = "") -> Reply:
        given = self._given | ({parameter: value} if parameter else {})
        path = re.sub(r"\{(\w+)\}", lambda found: quote(given["path", found[1]], safe=""), self._path)
        query = {name: its for (place, name), its in given.items() if place == "query"}
        target = path + (f"?{urlencode(query)}" if query else "")
        key, origin = self._exchange.region.profiles[self._name].load_request_key(), self._exchange.settings.origin
        return send(origin, sign(key, origin, "GET", target, purpose="analysis"))


def rows(reply: Reply) -> int:
    """How many things the answer lists; bytes, where it is no JSON."""
    if reply.status != 200:
        return 0
    try:
        document = json.loads(reply.body)
    except ValueError:
        return len(reply.body)
    listed = document.values() if isinstance(document, dict) else [document]
    return sum(len(one) for one in listed if isinstance(one, list))


def test_there_are_parameters_to_ask() -> None:
    assert sum(len(list(texts(path))) for path in GETS) > 250


@pytest.mark.parametrize("path", [path for path in GETS if any(texts(path))])
def test_a_metacharacter_is_refused_or_stands_for_itself(exchange: Exchange, path: str) -> None:
    """D23."""
    ask = Asking(exchange, path)
    for parameter, values in texts(path):
        # what follows a place in a list is most from its beginning
        most = rows(ask() if parameter[1] == "after" else ask(parameter, PLAIN))
        for kind, value in values.items():
            reply = ask(parameter, value)
            assert reply.status < 500, (parameter, kind, reply.body)
            assert rows(reply) <= most, (parameter, kind, reply.body)
            if reply.status >= 400:
                assert reply.headers["content-type"] == PROBLEM, (parameter, kind)
