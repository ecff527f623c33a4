"""The smoke test of `deploy/up --check`: one report across a border, with everything proven that can be.

Run as `python -m service.cli.check DEMO-DIRECTORY` against a running service with the demonstration region.
It acts as three parties: Kazakhstan's customs file a report, Kyrgyzstan's read what Kazakhstan's policy gives
them, and an observer state, to which no policy gives anything, sees that nothing exists.
"""

import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sarhad import Client, PrivateKey, ProblemError, Profile, Receipt
from sarhad.evidence import Evidence
from sarhad.records import Record, issue, item, read, seizure, verify

MERGE_SECONDS = 90
HIDDEN_FROM_PARTNER = {"reference", "reported", "when.instant", "where.point", "persons", "case", "narrative"}


class NotHeld(Exception):
    """Something that must hold does not."""


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NotHeld(otherwise)


class Scene:
    """The three parties and the report."""

    def __init__(self, demo: Path) -> None:
        self.profile = Profile.load(demo / "KZ-CUS")
        self.owner = Client(self.profile, purpose="operational")
        self.partner = Client(Profile.load(demo / "KG-CUS"), purpose="operational")
        self.outsider = Client(Profile.load(demo / "AF-DCA"), purpose="operational")
        self.receipt: Receipt | None = None
        self.signed = ""

    def describe(self) -> Record:
        (found,) = self.owner.resolve_substances(["Heroin"])
        return seizure(
            "KZ-CUS",
            reference=f"CHECK-{time.time_ns()}",
            country="KZ",
            instant="2026-03-14T04:20:00+05:00",
            items=[item(found["code"], "героин", "11.840", "kg", status="PRES")],
            where_point={"lat": "43.3700", "lon": "68.6100", "accuracy_m": 500, "method": "MAP"},
            narrative={"text": "Check of the installation.", "language": "en"},
        )

    def submits(self) -> str:
        self.signed = issue(self.profile.load_record_key(), self.describe())
        self.receipt = self.owner.submit(self.signed)
        require(self.receipt.created, "the first submission was not new")
        return f"record {self.receipt.id} accepted"

    def repeats(self) -> str:
        again = self.owner.submit(self.signed)
        require(not again.created and again.receipt == self.filed.receipt, "a repetition got another receipt")
        return "the same record again gets the first receipt"

    def refuses_forgery(self) -> str:
        try:
            self.owner.submit(issue(PrivateKey.generate(), self.describe()))
        except ProblemError as problem:
            return f"a record signed with an unknown key is refused ({problem.status})"
        raise NotHeld("a record signed with an unknown key was accepted")

    def owner_reads(self) -> str:
        sent, kept = read(self.signed), read(self.owner.get_record(self.filed.id))
        require(kept.jwt == sent.jwt, "the owner did not get back the bytes it signed")
        require(kept.disclosures == sent.disclosures, "the owner did not get back every facet it signed")
        require(self.owner.get(self.filed.id)["facets"] == sent.facets, "the JSON differs from what was signed")
        return f"the owner reads back all {len(sent.facets)} facets, as signed"

    def partner_reads(self) -> str:
        found = {entry["id"]: entry for entry in self.partner.search_all(owner="KZ")}
        require(self.filed.id in found, "the partner does not find the record")
        copy = self.partner.get_record(self.filed.id)
        shown = verify(copy, self.profile.load_record_key().public).facets
        require(bool(shown) and not HIDDEN_FROM_PARTNER & shown.keys(), f"the partner sees {sorted(shown)}")
        require(found[self.filed.id]["facets"] == shown, "JSON and signed copy disclose different facets")
        return f"the partner reads, under the owner's signature: {', '.join(sorted(shown))}"

    def outsider_sees_nothing(self) -> str:
        require(not list(self.outsider.search_all()), "the outsider finds records")
        for record_id in (self.filed.id, "00000000-0000-4000-8000-000000000000"):
            try:
                self.outsider.get(record_id)
            except ProblemError as problem:
                require(problem.status == 404, f"the outsider was told {problem.status}")
            else:
                raise NotHeld("the outsider reads the record")
        return "an outsider finds nothing, as if the record did not exist"

    def receipt_verifies(self) -> str:
        evidence = Evidence(
            record=self.signed,
            receipt=self.filed.receipt,
            record_key=self.profile.load_record_key().public.jwk,
            service_key=self.owner.service_key.jwk,
            proof=self._proof(),
        )
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "evidence.sarhad.json"
            evidence.save(file)
            done = subprocess.run(
                [Path(sys.executable).with_name("sarhad"), "verify", file],
                env={"SARHAD_HOME": directory}, capture_output=True, text=True, check=False,
            )  # fmt: skip
        require(done.returncode == 0, done.stdout + done.stderr)
        return f"`sarhad verify` proves offline:\n{textwrap.indent(done.stdout.rstrip(), ' ' * 12)}"

    def _proof(self) -> dict[str, Any]:
        """The place of the record in the log, once the promised delay has passed."""
        deadline = time.monotonic() + MERGE_SECONDS
        while True:
            try:
                return self.owner.proof(self.filed.id)
            except ProblemError as problem:
                require(time.monotonic() < deadline, f"not in the log within {MERGE_SECONDS} s: {problem}")
                time.sleep(0.2)

    @property
    def filed(self) -> Receipt:
        if self.receipt is None:
            raise NotHeld("nothing was filed")
        return self.receipt


def main(demo: Path) -> int:
    scene = Scene(demo)
    steps: list[Callable[[], str]] = [
        scene.submits,
        scene.repeats,
        scene.refuses_forgery,
        scene.owner_reads,
        scene.partner_reads,
        scene.outsider_sees_nothing,
        scene.receipt_verifies,
    ]
    failed = 0
    for step in steps:
        try:
            print(f"  holds   {step()}")
        except Exception as fault:
            failed += 1
            print(f"  FAILS   {step.__name__}: {type(fault).__name__}: {fault}")
    print(f"\n{len(steps) - failed} of {len(steps)} held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
