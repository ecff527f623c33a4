"""What a route says of its answer: whose records it holds, and which.

    found = await read.search(…)
    account(request, {"KZ": 2, "UZ": 1}, records={"KZ": [first, second], "UZ": [third]})

Every route with a reading caller does so once it knows what it answers; `settle` writes it down before the answer
leaves. An answer for a stated purpose whose route said nothing does not leave.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from starlette.requests import HTTPConnection

Records = Iterable[UUID] | Mapping[str, Iterable[UUID]]


@dataclass(slots=True)
class Account:
    """Of each owner: how many records the answer holds or counts, and the ids of those that it shows.

    `unseen`: how many a disturbed figure rests on. Their owners are told; the reader's own country is not, for it would
    know the figure.
    """

    counts: Counter[str] = field(default_factory=Counter)
    unseen: Counter[str] = field(default_factory=Counter)
    ids: dict[str, dict[UUID, None]] = field(default_factory=dict)  # in the order of the answer, each once


def account(request: HTTPConnection, owners: Mapping[str, int], *, records: Records = ()) -> None:
    """Account for an answer that holds or counts `owners[country]` records of each country; {} for none.

    `records` are the ids of those that it shows: as they are when all are of one owner, else by owner. An answer
    that comes in parts is accounted for in parts. Raises ValueError where an id has no owner.
    """
    entry = _entry(request)
    entry.counts.update({country: number for country, number in owners.items() if number})
    for country, ids in _by_owner(owners, records).items():
        entry.ids.setdefault(country, {}).update(dict.fromkeys(ids))


def account_unseen(request: HTTPConnection, owners: Mapping[str, int]) -> None:
    """Account for figures that rest on `owners[country]` records, none of which the reader may see."""
    _entry(request).unseen.update({country: number for country, number in owners.items() if number})


def account_items(request: HTTPConnection, items: Iterable[Mapping[str, Any]]) -> None:
    """Account for records as JSON, each with its `id` and `owner`."""
    ids: dict[str, list[UUID]] = {}
    for item in items:
        ids.setdefault(item["owner"], []).append(UUID(item["id"]))
    account(request, {owner: len(its) for owner, its in ids.items()}, records=ids)


def _entry(request: HTTPConnection) -> Account:
    entry: Account = request.scope["state"].setdefault("account", Account())
    return entry


def _by_owner(owners: Mapping[str, int], records: Records) -> Mapping[str, Iterable[UUID]]:
    if isinstance(records, Mapping):
        if not records.keys() <= owners.keys():
            raise ValueError("records of a country that is not among the owners")
        return records
    ids = list(records)
    if ids and len(owners) != 1:
        raise ValueError("say which record is whose: {country: ids}")
    return dict.fromkeys(owners, ids) if ids else {}
