"""What a service answers is not believed: the receipt must be for the record that was sent."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sarhad import PrivateKey, Profile, receipts, records, transparency
from sarhad.cli.verify import _Argument, verify
from sarhad.evidence import Evidence
from sarhad.keys import PublicKey, b64url_decode
from sarhad.models import Receipt

from service.ledger.append import commitment
from service.ledger.models import Log
from service.ledger.receipts import issue
from service.signing import ServiceKey
from tests.exchange import heroin

ISSUER = PrivateKey.generate()
SERVICE = ServiceKey.generate()
PUBLIC = PublicKey.from_jwk(SERVICE.jwk)


def _answered() -> tuple[str, Receipt]:
    signed = records.issue(ISSUER, heroin())
    record = records.read(signed)
    receipt = issue(
        SERVICE,
        commitment(Log.RECORDS, b64url_decode(record.digest), bytes(16)),
        origin="example/v1/log/records",
        record_id=record.payload["jti"],
        version=1,
        merge_delay=60,
        now=datetime.now(UTC),
    )
    return signed, Receipt(record.payload["jti"], 1, record.digest, receipt, created=True)


def test_a_receipt_for_the_record_passes() -> None:
    signed, receipt = _answered()
    receipts.check(signed, receipt, PUBLIC)


def test_an_answer_that_names_another_file_is_refused() -> None:
    signed, receipt = _answered()
    with pytest.raises(transparency.ReceiptMismatch):
        receipts.check(signed, replace(receipt, id="../../../outside"), PUBLIC)


def test_a_receipt_of_another_record_or_key_is_refused() -> None:
    signed, receipt = _answered()
    _, other = _answered()
    with pytest.raises(transparency.ReceiptMismatch):
        receipts.check(signed, replace(receipt, receipt=other.receipt), PUBLIC)
    with pytest.raises(transparency.BadReceipt):
        receipts.check(signed, receipt, PrivateKey.generate().public)


def test_a_key_kept_beside_the_record_proves_no_issuer() -> None:
    forger = PrivateKey.generate()
    forged = Evidence(records.issue(forger, heroin("KZ-CUS")), record_key=forger.public.jwk)
    steps, _ = _Argument(forged, None, None).run()
    assert "is what this file says" in steps[0][0]
    steps, _ = _Argument(forged, forger.public, None).run()
    assert "is what this file says" not in steps[0][0]


def test_a_service_key_kept_beside_the_record_proves_no_service(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    signed, receipt = _answered()
    kept = tmp_path / "kept.json"
    Evidence(signed, receipt.receipt, record_key=ISSUER.public.jwk, service_key=SERVICE.jwk).save(kept)
    pinned = Profile(directory=tmp_path / "pinned", agency="KZ-CUS").pinned(PUBLIC)
    pinned.save()
    stranger = Profile(directory=tmp_path / "stranger", agency="KZ-CUS")
    stranger.save()
    verify(str(kept), str(pinned.directory))
    assert "WARNING" not in capsys.readouterr().err
    verify(str(kept), str(stranger.directory))
    said = capsys.readouterr()
    assert "WARNING: the key of the service is the one written in this file" in said.err
    assert "that this key is the service's is what this file says" in said.out
    with pytest.raises(transparency.BadReceipt):  # a pinned key is never given up for the one in the file
        verify(str(kept), str(stranger.pinned(PrivateKey.generate().public).save() or stranger.directory))
