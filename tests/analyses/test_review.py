"""The countersignature: one form, verified by the service and by whoever holds the laboratory facet."""

import json
from pathlib import Path
from typing import Any

import pytest
from sarhad.analyses import Draft, complete, countersign, prepare, verify_review
from sarhad.errors import InputError
from sarhad.keys import BadSignature, PrivateKey, PublicKey
from sarhad.records import read, redact

from service.records.review import ReviewInvalid, check_review
from service.records.sdjwt import parse
from tests.analyses.laboratory import heroin_found

RECORDS = Path(__file__).parents[2] / "schemas" / "records"


@pytest.fixture(scope="module")
def keys() -> dict[str, PublicKey]:
    vectors = json.loads((RECORDS / "vectors.json").read_text(encoding="utf-8"))
    return {jwk["kid"]: PublicKey.from_jwk(jwk) for jwk in vectors["keys"]}


@pytest.fixture(scope="module")
def example() -> str:
    return (RECORDS / "examples" / "analysis.sdjwt").read_text(encoding="ascii")


def test_the_example_is_reviewed(example: str, keys: dict[str, PublicKey]) -> None:
    laboratory = read(example).facets["laboratory"]
    unverified = parse(example)
    check_review(unverified.verify(keys[laboratory["analyst"]].key), keys[laboratory["reviewer"]].key)
    verify_review(redact(example, {"laboratory"}), keys[laboratory["reviewer"]])
    with pytest.raises(ReviewInvalid):
        check_review(unverified.verify(keys[laboratory["analyst"]].key), keys[laboratory["analyst"]].key)


def test_a_draft_goes_from_desk_to_desk() -> None:
    analyst, reviewer = PrivateKey.generate(), PrivateKey.generate("p256")
    draft = prepare(heroin_found(), analyst=analyst.public, reviewer=reviewer.kid)
    carried = Draft.from_json(draft.to_json())
    signed = complete(analyst, draft, countersign(reviewer, carried))
    verify_review(signed, reviewer.public)
    assert read(signed).facets.keys() == draft.record.facets.keys()


@pytest.mark.parametrize("tampered", ["payload", "laboratory", "disclosures"])
def test_a_draft_that_was_changed_is_not_what_the_reviewer_signed(tampered: str) -> None:
    analyst, reviewer = PrivateKey.generate(), PrivateKey.generate()
    draft = prepare(heroin_found(), analyst=analyst.public, reviewer=reviewer.kid)
    other: dict[str, Any] = json.loads(prepare(heroin_found(case={"operation": "x"}), analyst=analyst.public,
                                               reviewer=reviewer.kid).to_json())  # fmt: skip
    changed = json.loads(draft.to_json())
    changed[tampered] = other[tampered] | {"case": "885"} if tampered == "laboratory" else other[tampered]
    try:
        review = countersign(reviewer, Draft.from_json(json.dumps(changed).encode()))
    except InputError:
        return
    with pytest.raises(BadSignature):
        verify_review(complete(analyst, draft, review), reviewer.public)


def test_nobody_reviews_for_another() -> None:
    analyst, reviewer = PrivateKey.generate(), PrivateKey.generate()
    draft = prepare(heroin_found(), analyst=analyst.public, reviewer=reviewer.kid)
    with pytest.raises(InputError):
        countersign(analyst, draft)
    with pytest.raises(InputError):
        prepare(heroin_found(), analyst=analyst.public, reviewer=analyst.kid)
