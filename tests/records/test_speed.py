"""The record's own checks may not cost much more than the signature they surround."""

from tests.records.speed import measure


def test_a_record_verifies_at_a_third_of_the_speed_of_its_bare_signature() -> None:
    figures = measure(1.0)
    assert figures["facets"] == 15
    assert figures["verify_per_s"] > figures["bare_ed25519_per_s"] / 3
