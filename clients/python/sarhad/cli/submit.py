"""`sarhad submit`, `correct`, `retract`: describe, sign, send, keep the receipt."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sarhad import receipts, records, transparency
from sarhad.analyses import issue_reviewed
from sarhad.cli.output import (
    JsonOption,
    ProfileOption,
    PurposeOption,
    ServiceKeyOption,
    connect,
    console,
    labelled,
    show_json,
    show_pairs,
)
from sarhad.cli.read import KindOption
from sarhad.cli.words import say
from sarhad.describe import read_changes, read_description, read_input
from sarhad.errors import InputError
from sarhad.evidence import Evidence
from sarhad.keys import BadSignature, PrivateKey
from sarhad.models import Receipt
from sarhad.profile import Profile

SaveOption = Annotated[
    Path | None,
    typer.Option(help="Keep record and receipt in this file. Default: in receipts/ of the profile."),
]
RecordId = Annotated[str, typer.Argument(metavar="ID", help="The record's id.")]


def submit(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON description, or - for standard input.")],
    profile: ProfileOption = None,
    service_key: ServiceKeyOption = None,
    save: SaveOption = None,
    dry_run: Annotated[bool, typer.Option(help="Let the service judge the record; nothing is stored.")] = False,
    reviewer_key: Annotated[
        str | None, typer.Option(help="Of an analysis: the reviewer's key, where this system holds both.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Sign the record that a JSON file describes, submit it, and keep the receipt.

    Example: sarhad submit report.json

    Example: cat report.json | sarhad submit - --json

    Example: sarhad submit price.json   # where the file says "kind": "price_observation"
    """
    loaded = Profile.load(profile)
    record = read_description(read_input(file, sys.stdin.buffer), loaded.agency)
    if record.kind == "analysis":
        if reviewer_key is None:
            raise InputError("An analysis is reviewed with another key: --reviewer-key, or sarhad analysis draft.")
        signed = issue_reviewed(loaded.load_record_key(), PrivateKey.load(reviewer_key), record)
    else:
        signed = records.issue(loaded.load_record_key(), record)
    send(loaded, signed, service_key=service_key, save=save, dry_run=dry_run, as_json=as_json)


def correct(
    record_id: RecordId,
    changes: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON object of changed facets; null removes.")],
    profile: ProfileOption = None,
    purpose: PurposeOption = "operational",
    kind: KindOption = None,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Submit the next version of a record with some facets changed. Earlier versions stay provable.

    Example: echo '{"persons": {"arrested": 2, "groups": []}}' | sarhad correct 5f0c… -
    """
    loaded = Profile.load(profile)
    facets = read_changes(read_input(changes, sys.stdin.buffer))
    record = records.correction(_own(loaded, record_id, purpose, kind), **facets)
    send(loaded, records.issue(loaded.load_record_key(), record), save=save, as_json=as_json)


def retract(
    record_id: RecordId,
    reason: Annotated[str, typer.Option(help="Why the record is withdrawn; shared only under your rules.")],
    profile: ProfileOption = None,
    language: Annotated[str, typer.Option(help="Language of the reason (BCP 47).")] = "en",
    purpose: PurposeOption = "operational",
    kind: KindOption = None,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Withdraw a record. Its earlier versions stay in the log, and in your history.

    Example: sarhad retract 5f0c… --reason "Counted twice" --language en
    """
    loaded = Profile.load(profile)
    record = records.retraction(_own(loaded, record_id, purpose, kind), reason=reason, language=language)
    send(loaded, records.issue(loaded.load_record_key(), record), save=save, as_json=as_json)


def _own(profile: Profile, record_id: str, purpose: str | None, kind: str | None) -> str:
    """The latest version as this agency signed it: what the service returns is signed again only if it is ours."""
    with connect(profile, purpose=purpose) as client:
        previous = client.get_record(record_id, kind=kind)
    disclosed = records.verify(previous, profile.load_record_key().public)
    if (disclosed.payload["jti"], disclosed.payload["iss"]) != (record_id.lower(), profile.agency):
        raise BadSignature(
            "The service answered with another record than {record_id} of {agency}.",
            record_id=record_id,
            agency=profile.agency,
        )
    return previous


def send(
    profile: Profile,
    signed: str,
    *,
    service_key: str | None = None,
    save: Path | None,
    dry_run: bool = False,
    as_json: bool,
) -> None:
    """Send a signed record and keep its receipt; in a dry run say what the service would."""
    with connect(profile, service_key) as client:
        if dry_run:
            (verdict,) = client.submit_batch([signed], dry_run=True)
            if verdict.problem is not None:
                raise verdict.problem
            console.print(say("The service would accept this record. Nothing was stored."))
            return
        receipt = client.submit(signed)
        receipts.check(signed, receipt, client.service_key)
        signer = transparency.signer_of(receipt.receipt, client.service_key)
        kept = _keep(profile, signed, receipt, signer.jwk, save)
    if as_json:
        show_json({**receipt.__dict__, "saved": str(kept)})
        return
    show_pairs(
        [
            ("id", receipt.id),
            ("version", receipt.version),
            ("digest", receipt.digest),
            ("accepted", labelled("now") if receipt.created else labelled("before: this is the first receipt again")),
            ("derived", receipt.derived),
            ("receipt", str(kept)),
        ]
    )
    word = labelled("warning")
    for warning in receipt.warnings:
        console.print(f"{word:<12} {warning.get('pointer', '')} {warning.get('detail', '')}", markup=False)


def _keep(profile: Profile, signed: str, receipt: Receipt, service_key: dict[str, str], save: Path | None) -> Path:
    path = save or profile.directory / "receipts" / f"{receipt.id}.{receipt.version}.sarhad.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    evidence = Evidence(
        record=signed,
        receipt=receipt.receipt,
        record_key=profile.load_record_key().public.jwk,
        service_key=service_key,
        warnings=receipt.warnings,
    )
    evidence.save(path)
    return path
