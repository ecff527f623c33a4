"""Clients read while a policy flips between two documents: every answer is wholly of the one or wholly of the other."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.exchange import Exchange, heroin
from tests.policies.leaks.asking import Answer, Asker
from tests.policies.reports import SAMARKAND

OWNER, READER, CLIENTS, FLIPS = "KZ", "TM-CUS", 8, 8
PERMIT = {"effect": "permit", "audience": {"countries": ["TM"]}, "handling_up_to": "TLP:RED"}
EXACT = {"id": "exact", **PERMIT, "time": "instant", "place": "point", "facets": ["items", "reference", "narrative"]}
COARSE = {"id": "coarse", **PERMIT, "time": "month", "place": "admin1", "facets": ["transport"]}


def test_no_answer_mixes_two_policies(exchange: Exchange) -> None:
    owner = exchange.client(f"{OWNER}-CUS")
    place = {"lat": "43.2380", "lon": "76.8829"}
    assert place != SAMARKAND
    exchange.adopt(OWNER)
    ids = [owner.submit(exchange.sign(heroin(f"{OWNER}-CUS", where_point=place))).id for _ in range(6)]
    paths = [
        f"/v1/seizures?owner={OWNER}&limit=3",
        f"/v1/seizures?owner={OWNER}",
        f"/v1/seizures/{ids[0]}",
        f"/v1/seizures/{ids[1]}/versions",
        f"/v1/seizures?owner={OWNER}&bbox=76,43,77,44",
        f"/v1/trends?by=transport&owner={OWNER}",
        "/ogc/collections/seizures/items?bbox=76,43,77,44",
    ]
    asker = Asker(exchange, READER)
    expected: dict[str, dict[str, Answer]] = {}
    for rule in (EXACT, COARSE):
        exchange.adopt(OWNER, rule)
        expected[str(rule["id"])] = {path: whole(asker(path)) for path in paths}
    exact, coarse = (expected[name] for name in ("exact", "coarse"))
    assert all(exact[path] != coarse[path] for path in paths), "the two can be told apart everywhere"
    over = threading.Event()

    def read() -> list[tuple[str, Answer]]:
        mine, heard = Asker(exchange, READER), []
        while not over.is_set():
            heard += [(path, whole(mine(path))) for path in paths]
        return heard

    with ThreadPoolExecutor(CLIENTS) as clients:
        reading = [clients.submit(read) for _ in range(CLIENTS)]
        for flip in range(FLIPS):
            exchange.adopt(OWNER, (EXACT, COARSE)[flip % 2])
        over.set()
        answers = [answer for future in reading for answer in future.result()]
    assert len(answers) >= CLIENTS * len(paths)
    for path, answer in answers:
        assert answer in (exact[path], coarse[path]), path
    for of in (exact, coarse):
        assert any(answer == of[path] for path, answer in answers), "both were read"


def whole(answer: Answer) -> Answer:
    """The answer, which names the policy version that made it; a cursor is sealed anew for each."""
    body = json.loads(answer.body)
    sealed = str(body.get("next") or "").encode()
    headers = tuple((k, v) for k, v in answer.headers if k != "content-digest")
    return Answer(answer.status, headers, answer.body.replace(sealed, b"") if sealed else answer.body)
