"""`sarhad verify`: what a kept record proves, as a numbered argument, offline unless told to fetch."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sarhad import records, transparency
from sarhad._client import Client
from sarhad.cli.output import JsonOption, ProfileOption, PurposeOption, complaints, connect, console, show_json
from sarhad.cli.patience import GRACE, once_merged
from sarhad.cli.words import later, say
from sarhad.describe import read_input
from sarhad.errors import ConfigurationError, SarhadError
from sarhad.evidence import Evidence
from sarhad.keys import PublicKey, b64url, b64url_decode
from sarhad.profile import Profile
from sarhad.quorum import NoQuorum, Quorum
from sarhad.succession import succeeded


def verify(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Kept evidence (*.sarhad.json), or a bare record.")],
    profile: ProfileOption = None,
    record_key: Annotated[str | None, typer.Option(help="Public key of the issuer, JWK; else the one kept.")] = None,
    service_key: Annotated[
        str | None, typer.Option(help="Public key of the service, JWK; else the pinned one.")
    ] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="First ask the service for the proof, wait for it as promised, and keep it.")
    ] = False,
    quorum: Annotated[
        Path | None, typer.Option(help="Quorum policy (C2SP tlog-policy): these witnesses must have cosigned the log.")
    ] = None,
    purpose: PurposeOption = "analysis",
    as_json: JsonOption = False,
) -> None:
    """Verify a record, its receipt, and its place in the log, offline.

    Example: sarhad verify ~/.config/sarhad/default/receipts/5f0c….1.sarhad.json

    Example: sarhad verify evidence.sarhad.json --fetch

    Example: sarhad verify evidence.sarhad.json --fetch --quorum quorum.txt
    """
    rule = _quorum(quorum)
    evidence = Evidence.load(read_input(file, sys.stdin.buffer))
    if fetch:
        _fetch(evidence, profile, purpose, rule)
        if file != "-":
            evidence.save(Path(file))
    trusted = _trusted_service_key(profile, service_key)
    argument = _Argument(evidence, _jwk(record_key), trusted, rule)
    steps, fault = argument.run()
    if argument.rests_on_the_file:
        complaints.print(say("WARNING: {reason}", reason=say(UNAUTHENTICATED)))
    if as_json:
        show_json(
            {
                "proven": [message.format(**values) for message, values in steps],
                "service_key_authenticated": trusted is not None,
                "record_key_authenticated": record_key is not None,
                "fault": str(fault) if fault else None,
            }
        )
    else:
        for number, (message, values) in enumerate(steps, 1):
            console.print(f"{number}. {say(message, **values)}", markup=False)
    if fault is not None:
        raise fault
    if not as_json and evidence.proof is None:
        console.print(say("The log was not consulted: add --fetch."))


UNAUTHENTICATED = later(
    "the key of the service is the one written in this file: whoever made the file chose it, so neither the "
    "receipt nor the log is proven to be the service's. Name a profile that pinned the service's key "
    "(--profile), or give the key that the operator publishes (--service-key)."
)


class _Argument:
    """Each step rests on those before it; the first that fails ends the argument."""

    def __init__(
        self,
        evidence: Evidence,
        record_key: PublicKey | None,
        service_key: PublicKey | None,
        quorum: Quorum | None = None,
    ) -> None:
        self.evidence = evidence
        self.record_key = record_key
        self.service_key = service_key
        self.quorum = quorum
        self.rests_on_the_file = False  # a step was proven with a service key that only the file vouches for
        self.steps: list[tuple[str, dict[str, object]]] = []

    def run(self) -> tuple[list[tuple[str, dict[str, object]]], SarhadError | None]:
        try:
            digest = self._record()
            if self.evidence.receipt is not None:
                self._receipt(digest, self.evidence.receipt)
                if self.evidence.proof is not None:
                    self._log(digest, self.evidence.receipt, self.evidence.proof)
            if self.quorum is not None and self.evidence.proof is None:
                raise NoQuorum("Nothing shows this record in a log that anybody cosigned: add --fetch.")
        except SarhadError as fault:
            return self.steps, fault
        return self.steps, None

    def _record(self) -> str:
        kept = self.evidence.record_key
        key = self.record_key or (PublicKey.from_jwk(kept) if kept else None)
        if key is None:
            raise ConfigurationError("The issuer's key is not known: give it with --record-key.")
        record = records.verify(self.evidence.record, key)
        claims = record.payload
        # Whoever wrote the file chose the key in it: it proves a signature, and not whose.
        self._proven(
            later("{issuer} signed version {version} of record {id} with key {kid}.")
            if self.record_key
            else later(
                "{issuer} signed version {version} of record {id} with key {kid}; that the key is of {issuer} is what "
                "this file says."
            ),
            issuer=claims["iss"],
            version=claims["ver"],
            id=claims["jti"],
            kid=key.kid,
        )
        facets = ", ".join(record.facets) or "–"
        self._proven(later("{count} facets belong to it: {facets}."), count=len(record.facets), facets=facets)
        return record.digest

    def _receipt(self, digest: str, receipt: str) -> None:
        key = self._service_key()
        promise = transparency.open_receipt(receipt, key)
        raw = b64url_decode(digest)
        if promise.digest != raw:
            raise transparency.ReceiptMismatch("The receipt is for another record.")
        if promise.leaf != transparency.committed_leaf(promise.salt, raw):
            raise transparency.ReceiptMismatch("The leaf that the receipt names does not commit to the record.")
        self._proven(
            later(
                "The service (key {kid}; that this key is the service's is what this file says) promised to log this "
                "very record within {seconds} s."
            )
            if self.rests_on_the_file
            else later("The service (key {kid}) promised to log this very record within {seconds} s."),
            kid=transparency.signer_of(receipt, key).kid,
            seconds=promise.mmd,
        )

    def _log(self, digest: str, receipt: str, proof: dict[str, object]) -> None:
        key = self._service_key()
        promised = transparency.open_receipt(receipt, key)
        log_key = log_key_of(promised.iss, key)
        _, checkpoint = transparency.verify_receipt_bundle(
            b64url_decode(digest),
            receipt,
            transparency.parse_inclusion(proof),
            str(proof["checkpoint"]),
            service_key=key,
            log_key=log_key,
        )
        self._proven(
            later("The log {log} signed a checkpoint of {size} entries."), log=promised.iss, size=checkpoint.size
        )
        self._proven(
            later("Entry {index} of that tree is this record (root {root})."),
            index=proof["index"],
            root=b64url(checkpoint.root),
        )
        if self.quorum is not None:
            self._witnesses(checkpoint, log_key, self.quorum)

    def _witnesses(self, proven: transparency.Checkpoint, log_key: transparency.LogKey, quorum: Quorum) -> None:
        kept = self.evidence.witnessed
        if kept is None:
            raise NoQuorum("No cosigned checkpoint is kept here: add --fetch.")
        try:
            note, path = str(kept["checkpoint"]), [b64url_decode(value) for value in kept["path"]]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise transparency.NotConsistent("The proof for the cosigned checkpoint is malformed.") from None
        found = quorum.judge_beginning(proven, note, path, log_key)
        names = ", ".join(
            f"{name} {datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}" for name, time in found.times.items()
        )
        self._proven(
            later("That log at {size} entries, which begin with those, was cosigned by {names}."),
            names=names,
            size=found.checkpoint.size,
        )

    def _proven(self, message: str, **values: object) -> None:
        self.steps.append((message, values))

    def _service_key(self) -> PublicKey:
        if self.service_key is not None:
            return succeeded(self.service_key, self.evidence.successions)
        if self.evidence.service_key is None:
            raise ConfigurationError("The service's key is not known: give it with --service-key.")
        self.rests_on_the_file = True
        return succeeded(PublicKey.from_jwk(self.evidence.service_key), self.evidence.successions)


def log_key_of(name: str, key: PublicKey) -> transparency.LogKey:
    """The key of a log, which is the service's, with those that it succeeded. Raises ConfigurationError."""
    return transparency.LogKey(name, ed25519(key), tuple(ed25519(former) for former in key.former))


def ed25519(key: PublicKey) -> Ed25519PublicKey:
    """The key of a log, which is the service's. Raises ConfigurationError for another kind."""
    if not isinstance(key.key, Ed25519PublicKey):
        raise ConfigurationError("The service's key is not Ed25519.")
    return key.key


def _jwk(text: str | None) -> PublicKey | None:
    try:
        return PublicKey.from_jwk(orjson.loads(text)) if text else None
    except ValueError:
        raise ConfigurationError("A key is given as JWK, a JSON object.") from None


def _trusted_service_key(profile: str | None, given: str | None) -> PublicKey | None:
    """The key given, else the one a profile pinned; None where neither exists."""
    if key := _jwk(given):
        return key
    try:
        return Profile.load(profile).service_key
    except ConfigurationError:
        if profile is not None:
            raise
        return None


def _quorum(file: Path | None) -> Quorum | None:
    try:
        return Quorum.parse(file.read_text(encoding="utf-8")) if file is not None else None
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigurationError("Cannot read the quorum policy {file}: {fault}", file=file, fault=fault) from None


def _fetch_witnessed(client: Client, evidence: Evidence, log_key: transparency.LogKey, quorum: Quorum) -> None:
    """The cosigned checkpoint of the most countries' witnesses that has a quorum and reaches as far as the proof."""
    assert evidence.proof is not None  # fetched just before
    log, size = log_key.name.rsplit("/", 1)[-1], evidence.proof["size"]
    countries = 1
    while True:
        note = client.cosigned(log, countries=countries)
        try:
            found = quorum.judge(note, log_key)
            break
        except NoQuorum:
            countries += 1
    if found.checkpoint.size < size:
        raise NoQuorum(
            "The witnesses have cosigned {size} entries so far, and this proof is of {wanted}: try "
            "again in a few minutes.",
            size=found.checkpoint.size,
            wanted=size,
        )
    evidence.witnessed = {"checkpoint": note, "path": client.consistency(log, size, found.checkpoint.size)["path"]}


def _fetch(evidence: Evidence, profile: str | None, purpose: str, quorum: Quorum | None) -> None:
    """Ask for a new proof; a record that is not in the log yet is waited for, as long as its receipt promises."""
    claims = records.read(evidence.record).payload
    evidence.proof = evidence.witnessed = None
    with connect(Profile.load(profile), purpose=purpose) as client:
        wait = 0.0
        if evidence.receipt is not None:
            promise = transparency.open_receipt(evidence.receipt, client.service_key)
            wait = min(promise.iat - time.time(), 0) + promise.mmd + GRACE
        evidence.proof = once_merged(lambda: client.proof(claims["jti"], kind=claims["kind"]), time.monotonic() + wait)
        signer = client.service_key
        if evidence.receipt is not None:
            signer = transparency.signer_of(evidence.receipt, signer)
        evidence.service_key = signer.jwk
        evidence.successions = client.service().get("successions", [])
        if quorum is not None and evidence.receipt is not None:
            log_key = log_key_of(promise.iss, client.service_key)
            _fetch_witnessed(client, evidence, log_key, quorum)
