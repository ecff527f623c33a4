"""The exact rules as values: what is first, dangerous, unusual or new, and only among what is given."""

import csv

import pytest

from service.alerts.dangerous import TABLE, dangerous
from service.alerts.facts import spoken_of
from service.alerts.rules import Past, Seen, candidates
from service.substances.catalogue import Catalogue
from service.substances.load import SCHEMAS

FENTANYL, CAFFEINE = "SAR-000529", "SAR-000215"


def seen(record: str = "r1", country: str | None = "KZ", *substances: str, **more: object) -> Seen:
    return Seen(record, "KZ", country, substances, **more)  # type: ignore[arg-type]


def told(records: list[Seen], past: Past | None = None, listed: dict[str, str] | None = None) -> list[tuple[str, str]]:
    return [(c.rule, c.key) for c in candidates(records, past or Past(), listed or {})]


def test_the_first_of_a_substance_is_told_once_for_the_region_and_once_for_each_country() -> None:
    records = [seen("r1", "KZ", "A"), seen("r2", "KZ", "A"), seen("r3", "KG", "A"), seen("r4", None, "A")]
    assert told(records) == [("FIRST_IN_REGION", "A"), ("FIRST_IN_COUNTRY", "A:KZ"), ("FIRST_IN_COUNTRY", "A:KG")]
    known = Past(region=frozenset({"A"}), countries=frozenset({("A", "KZ")}))
    assert told(records, known) == [("FIRST_IN_COUNTRY", "A:KG")]


@pytest.mark.parametrize(
    ("named", "spoken"),
    [
        (["SAR-000009", "SAR-000008"], ["SAR-000608"]),  # heroin hydrochloride and heroin base are heroin
        (["SAR-000019"], ["SAR-000503"]),  # crack lies below cocaine base, and that below cocaine
        (["SAR-000077"], ["SAR-000295"]),  # a medicine with ephedrine, a precursor
        (["SAR-000295", "SAR-000162"], ["SAR-000295", "SAR-000162"]),
        (["SAR-000566", "SAR-000007"], ["SAR-000566", "SAR-000007"]),  # opium is no poppy, nor acetylated opium opium
        (["SAR-000023"], ["SAR-000023"]),  # below a class
        (["SAR-000860"], ["SAR-000860"]),  # a substance of a plant
        (["SAR-000021", "SAR-000086"], []),  # classes
    ],
)
def test_precursors_are_spoken_of_and_preparations_by_what_they_are_made_of(
    named: list[str], spoken: list[str]
) -> None:
    assert spoken_of(named, Catalogue.from_files(SCHEMAS)) == spoken


def test_what_is_below_a_dangerous_class_is_dangerous() -> None:
    listed = dangerous(Catalogue.from_files(SCHEMAS))
    assert FENTANYL in listed
    assert CAFFEINE not in listed
    known = Past(frozenset({FENTANYL}), frozenset({(FENTANYL, "KZ")}))
    assert told([seen("r1", "KZ", FENTANYL, FENTANYL)], known, listed) == [("DANGEROUS_SUBSTANCE", f"r1:{FENTANYL}")]


def test_what_may_be_dangerous_is_told_as_what_it_is() -> None:
    """A strip that reacts to fentanyls is a reason to warn, and no identification; the identification is told anew."""
    listed = {FENTANYL: "why"}
    known = Past(frozenset({FENTANYL}), frozenset({(FENTANYL, "KZ")}))
    perhaps = seen("r1", "KZ", tentative=((FENTANYL, "CONSISTENT_WITH"), (CAFFEINE, "CONSISTENT_WITH")))
    (found,) = candidates([perhaps], known, listed)
    assert (found.rule, found.facts) == ("DANGEROUS_SUBSTANCE", {"why": "why", "level": "CONSISTENT_WITH"})
    (identified,) = candidates([seen("r1", "KZ", FENTANYL, tentative=perhaps.tentative)], known, listed)
    assert (identified.key != found.key, identified.facts) == (True, {"why": "why"})


def test_every_dangerous_substance_is_an_entry_with_a_reason() -> None:
    catalogue = Catalogue.from_files(SCHEMAS)
    rows = list(csv.DictReader(TABLE.read_text("utf-8").splitlines()))
    assert all(row["substance"] in catalogue.entries for row in rows)
    assert all(row["why"] and row["source"] and row["status"] in ("sourced", "reviewed") for row in rows)


@pytest.mark.parametrize("unit", ["%", "mg/unit"])
@pytest.mark.parametrize(("value", "earlier", "unusual"), [(95.0, 40, True), (45.0, 40, False), (95.0, 19, False)])
def test_a_content_far_above_enough_earlier_ones_is_unusual(
    value: float, earlier: int, unusual: bool, unit: str
) -> None:
    """Purity, and potency: what a tablet holds."""
    known = tuple(30.0 + n % 10 for n in range(earlier))
    content = ("A", unit, "AS_BASE", value)
    past = Past(frozenset("A"), frozenset({("A", "KZ")}), {content[:3]: known})
    found = told([seen("r1", "KZ", "A", contents=(content,))], past)
    assert [rule for rule, _ in found] == (["PURITY_OUTLIER"] if unusual else [])
    other_basis = ("A", unit, "AS_SALT", value)
    assert told([seen("r1", "KZ", "A", contents=(other_basis,))], past) == []


def test_a_logo_is_new_once() -> None:
    records = [seen("r1", "KZ", logos=("crown", "star")), seen("r2", "KZ", logos=("crown",))]
    assert told(records, Past(logos=frozenset({"star"}))) == [("NEW_LOGO", "crown")]
