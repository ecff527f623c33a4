"""How fast one core verifies and validates a record in memory: what batches are measured against."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter, process_time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sarhad.keys import PrivateKey
from sarhad.records import issue, item, seizure

from service.records import sdjwt
from service.records.facets import validate


def full_report(key: PrivateKey) -> str:
    """Fifteen facets, as a border post that has looked well would send."""
    described = seizure(
        "TJ-BG",
        reference="KPP-2025-0173",
        country="TJ",
        instant="2025-05-14T03:20:00+05:00",
        reported="2025-05-14T09:05:00+05:00",
        items=[item("SAR-000384", "метамфетамин", "11840", "g", status="PRES", form="CRY")],
        where_point={"lat": "37.2000", "lon": "68.6000", "method": "BCP"},
        where_admin1={"code": "TJ-KT", "as_reported": "Хатлон"},
        transport={"mode": "3", "conveyance": "TRK", "concealment": ["VSC"], "detection": ["XRY"]},
        route=[{"role": "SEIZURE_POINT", "country": "TJ", "certainty": "KNOWN"}],
        persons={"arrested": 1, "groups": []},
        case={"national_reference": "TJ-BG/2025/91"},
        narrative={"text": "Тайник в полу прицепа.", "language": "ru"},
    )
    return issue(key, described)


def measure(seconds: float = 1.0) -> dict[str, Any]:
    """Operations a second of CPU time: whole verifications, validations, both, and the bare signature."""
    key = PrivateKey.generate()
    public = key.public.key
    assert isinstance(public, Ed25519PublicKey)
    wire = full_report(key).encode()
    unverified = sdjwt.parse(wire)
    record = unverified.verify(public)
    signed, _, _ = unverified.jwt.rpartition(b".")
    now = datetime.now(UTC)

    def both() -> None:
        verified = sdjwt.parse(wire).verify(public)
        validate(verified.claims.kind, verified.facets, now)

    steps: dict[str, Callable[[], object]] = {
        "verify_per_s": lambda: sdjwt.parse(wire).verify(public),
        "validate_per_s": lambda: validate(record.claims.kind, record.facets, now),
        "verify_and_validate_per_s": both,
        "bare_ed25519_per_s": lambda: public.verify(unverified.signature, signed),
    }
    return {**_rates(steps, seconds), "record_bytes": len(wire), "facets": len(record.facets)}


def _rates(steps: dict[str, Callable[[], object]], seconds: float) -> dict[str, int]:
    """Each step by turns, so that whatever else the machine does weighs on all of them alike."""
    begun, rounds, spent = perf_counter(), 0, dict.fromkeys(steps, 0.0)
    while perf_counter() - begun < seconds:
        rounds += 1
        for name, step in steps.items():
            before = process_time()
            for _ in range(20):
                step()
            spent[name] += process_time() - before
    return {name: round(20 * rounds / cpu) for name, cpu in spent.items()}


if __name__ == "__main__":
    import json

    print(json.dumps(measure(4.0)))
