"""Reports, versions, policies, kill switches, readings and faults in any order, beside a model that says what must be.

Hypothesis draws the order (a state machine). Everything goes over HTTP to a running exchange, whose workers, sessions
and PostgreSQL are killed on the way. The model is a few dictionaries: what was acknowledged, and what each country's
one rule gives; it knows nothing of the gate.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sarhad import Client, ProblemError
from sarhad.errors import ServiceUnreachable
from sarhad.policies import sign_approval, sign_policy
from sarhad.records import correction, read, retraction
from sqlalchemy import text

from deploy.cluster import Cluster
from tests.awaiting import eventually
from tests.exchange import Exchange, heroin
from tests.faults.books import balanced, connected, progress
from tests.faults.conftest import POSTGRESQL
from tests.faults.sending import Sending
from tests.seizures.wiring import NDJSON, RECORD, Agency, line, refusal, verdicts
from tests.signing.wire import send, sign

pytestmark = pytest.mark.xdist_group("faults")
THOROUGH = bool(os.environ.get("SARHAD_THOROUGH"))
OWNERS = ("KZ-CUS", "TM-CUS")  # other tests of this exchange go by the rules of others
READERS = ("KG-DCA", "TJ-DCA")  # and the owners, of each other
HANDLING = ("TLP:GREEN", "TLP:AMBER")
MOST_FAULTS = 2  # in one order of events: each takes seconds
LADDERS = {
    "day": {"when.month", "when.day"}, "month": {"when.month"}, "none": set(),
    "cell": {"where.country", "where.admin1", "where.cell"}, "country": {"where.country"},
}  # fmt: skip
SHARED = {
    "to one, fully": {"audience": {"countries": ["KG"]}, "handling_up_to": "TLP:AMBER",
                      "facets": ["items", "reference"], "time": "day", "place": "cell"},
    "to all, coarsely": {"audience": {}, "handling_up_to": "TLP:AMBER", "facets": ["items"], "time": "month",
                         "place": "country"},
    "to all, the harmless": {"audience": {}, "handling_up_to": "TLP:GREEN", "facets": ["items"], "time": "month",
                             "place": "country"},
    "to nobody": None,
}  # fmt: skip
T = TypeVar("T")


@dataclass
class Report:
    """What was acknowledged of one: every version as it was signed, and its receipt."""

    agency: str
    handling: str
    signed: list[str]
    receipts: list[str]
    retracted: bool = False

    @property
    def id(self) -> str:
        return str(read(self.signed[0]).payload["jti"])


@dataclass
class Model:
    reports: dict[str, Report] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=lambda: {agency[:2]: "to nobody" for agency in OWNERS})
    suspended: dict[str, str | None] = field(default_factory=dict)  # by suspension: "KZ>KG", or "KZ>" for everyone

    def gives(self, report: Report, reader: str) -> set[str] | None:
        """The facets that a reader may see, or None where the report is not there for them."""
        owner, country = report.agency[:2], reader[:2]
        if country == owner:
            return set(read(report.signed[-1]).facets)
        if {f"{owner}>", f"{owner}>{country}"} & set(self.suspended.values()):
            return None
        terms: Any = SHARED[self.shared[owner]]
        if terms is None or country not in terms["audience"].get("countries", [country]):
            return None
        if HANDLING.index(report.handling) > HANDLING.index(terms["handling_up_to"]):
            return None
        return {*terms["facets"], *LADDERS[terms["time"]], *LADDERS[terms["place"]]}


class Events(RuleBasedStateMachine):
    exchange: ClassVar[Exchange]
    cluster: ClassVar[Cluster]
    reports = Bundle("reports")
    suspensions = Bundle("suspensions")

    def __init__(self) -> None:
        super().__init__()
        self.model, self.faults = Model(), 0
        for agency in OWNERS:
            for entry in self._officer(agency[:2]).suspensions()["items"]:
                if entry["lifted"] is None:
                    self._lift(agency[:2], entry["id"])
            self._adopt(agency[:2], "to nobody")

    # What is filed

    @rule(target=reports, agency=st.sampled_from(OWNERS), handling=st.sampled_from(HANDLING))
    def file(self, agency: str, handling: str) -> str:
        return self._keep(agency, handling, self._report(agency, handling))

    @rule(report=reports)
    def file_again(self, report: str) -> None:
        known = self.model.reports[report]
        for signed, receipt in zip(known.signed, known.receipts, strict=True):
            again = self._client(known.agency).submit(signed)
            assert (again.created, again.receipt) == (False, receipt)

    @rule(report=reports, kilograms=st.integers(1, 99))
    def correct(self, report: str, kilograms: int) -> None:
        known = self.model.reports[report]
        last = known.signed[-2 if known.retracted else -1]
        (old,) = read(last).facets["items"]
        changed = {"items": [{**old, "reported": {**old["reported"], "quantity": str(kilograms)}}]}
        signed = self._sign(known.agency, correction(last, **changed))
        if known.retracted:
            self._refused(known.agency, signed)
        else:
            self._next(known, signed)

    @rule(report=reports)
    def correct_what_was_corrected(self, report: str) -> None:
        """A version that follows an older one than the last."""
        known = self.model.reports[report]
        if len(known.signed) > 1:
            self._refused(known.agency, self._sign(known.agency, correction(known.signed[0])))

    @rule(report=reports)
    def retract(self, report: str) -> None:
        known = self.model.reports[report]
        signed = self._sign(known.agency, retraction(known.signed[-1], reason="Entered twice.", language="en"))
        if known.retracted:
            self._refused(known.agency, signed)
        else:
            self._next(known, signed)
            known.retracted = True

    # Who may see it

    @rule(country=st.sampled_from([agency[:2] for agency in OWNERS]), shared=st.sampled_from(sorted(SHARED)))
    def share(self, country: str, shared: str) -> None:
        self._adopt(country, shared)

    @rule(
        target=suspensions,
        country=st.sampled_from([agency[:2] for agency in OWNERS]),
        towards=st.sampled_from(["", "KG", "TJ"]),
    )
    def suspend(self, country: str, towards: str) -> Any:
        order = {"reason": "trust is lost", **({"towards_country": towards} if towards else {})}
        made: str = self._insist(lambda: self._officer(country).suspend(order))["id"]
        known = made in self.model.suspended  # what is stopped already is the same stop
        self.model.suspended[made] = f"{country}>{towards}"
        return multiple() if known else made

    @rule(suspension=consumes(suspensions))
    def lift(self, suspension: str) -> None:
        self._lift(str(self.model.suspended.pop(suspension))[:2], suspension)

    # What is seen

    @rule(report=reports, reader=st.sampled_from([*READERS, *OWNERS]))
    def read_one(self, report: str, reader: str) -> None:
        known = self.model.reports[report]
        given = self.model.gives(known, reader)
        if given is None:
            with pytest.raises(ProblemError) as refused:
                self._client(reader).get(known.id)
            assert refused.value.status == 404
            return
        seen = self._client(reader).get(known.id)
        signed = read(known.signed[-1]).facets
        assert seen["version"] == len(known.signed)
        if not known.retracted:
            assert seen["facets"] == {name: value for name, value in signed.items() if name in given}
        assert set(seen["facets"]) <= given

    @rule(owner=st.sampled_from(OWNERS), reader=st.sampled_from([*READERS, *OWNERS]))
    def search(self, owner: str, reader: str) -> None:
        found = {seen["id"] for seen in self._client(reader).search_all(owner=owner[:2], limit=500)}
        known = [report for report in self.model.reports.values() if report.agency == owner]
        expected = {r.id for r in known if not r.retracted and self.model.gives(r, reader) is not None}
        assert found & {report.id for report in known} == expected

    # What goes wrong

    @rule(target=reports, agency=st.sampled_from(OWNERS))
    def replay(self, agency: str) -> str:
        """Somebody on the way sends the same request again."""
        record, origin = self._report(agency, "TLP:GREEN"), self.exchange.settings.origin
        hands = Agency(self.exchange, agency)
        wire = sign(hands.request_key, origin, "POST", "/v1/seizures", record.encode(), content_type=RECORD)
        first = self._insist(lambda: _answered(origin, wire))
        assert first.status == 201
        assert refusal(self._insist(lambda: _answered(origin, wire)))[:2] == (409, "replayed-request")
        return self._learn(agency, "TLP:GREEN", record, first.json()["receipt"])

    @rule(agency=st.sampled_from(OWNERS), part=st.floats(0.1, 0.9))
    def cut_off(self, agency: str, part: float) -> None:
        """The line breaks in the middle of a batch: nothing of it is kept (`teardown` finds no stranger)."""
        wire = self._batch(agency, [self._report(agency, "TLP:GREEN") for _ in range(5)])
        where = urlsplit(self.exchange.settings.origin)
        head = "".join(f"{name}: {value}\r\n" for name, value in wire.headers)
        with socket.create_connection((where.hostname or "", where.port or 80), timeout=20) as line_:
            line_.sendall(f"POST {wire.target} HTTP/1.1\r\n{head}\r\n".encode())
            line_.sendall(wire.body[: int(len(wire.body) * part)])

    @precondition(lambda self: self.faults < MOST_FAULTS)
    @rule(
        target=reports,
        agency=st.sampled_from(OWNERS),
        what=st.sampled_from(["worker", "sessions", "postgresql"]),
        leaves=st.integers(0, 40),
    )
    def kill_in_a_batch(self, agency: str, what: str, leaves: int) -> Any:
        """Killed once that many leaves were asked for; the batch sent again is taken once, under its first receipts."""
        self.faults += 1
        records = [self._report(agency, "TLP:GREEN") for _ in range(40)]
        sending = Sending(self.exchange.settings.origin, self._batch(agency, records))
        with connected(self.exchange.settings) as connection:
            start = progress(connection)
            sending.start()
            while progress(connection) < start + leaves and not sending.ended:
                pass
        self._kill(what, sending)
        sending.join()
        self.exchange.wait_ready()
        origin = self.exchange.settings.origin
        again, _ = verdicts(self._insist(lambda: _answered(origin, self._batch(agency, records))))
        if sending.verdicts is not None:
            assert [told["receipt"] for told in again] == [told["receipt"] for told in sending.verdicts]
        return multiple(
            *(
                self._learn(agency, "TLP:GREEN", record, told["receipt"])
                for record, told in zip(records, again, strict=True)
            )
        )

    def teardown(self) -> None:
        """Everything acknowledged is there, once, as it was; there is nothing else; the log has it all."""
        balanced(self.exchange.settings)
        ours = text("SELECT record_id::text, version, receipt FROM core.report WHERE reference LIKE :ours")
        with connected(self.exchange.settings) as connection:
            rows = connection.execute(ours, {"ours": f"ORDER-{id(self)}-%"}).all()
        told = {
            (report.id, version): receipt
            for report in self.model.reports.values()
            for version, receipt in enumerate(report.receipts, start=1)
        }
        assert len(rows) == len(told)
        assert {(record, version): receipt for record, version, receipt in rows} == told

    def _kill(self, what: str, sending: Sending) -> None:
        if what == "postgresql":
            self.cluster.kill()
            self.cluster.start(POSTGRESQL)
        elif what == "sessions":
            with connected(self.exchange.settings) as connection:
                connection.execute(
                    text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
                )
        elif (worker := sending.worker()) not in (None, self.exchange.process.pid):
            os.kill(worker, signal.SIGKILL)

    def _report(self, agency: str, handling: str) -> str:
        made = heroin(agency, reference=f"ORDER-{id(self)}-{time.time_ns()}", handling=handling)
        return self._sign(agency, made)

    def _sign(self, agency: str, record: Any) -> str:
        return Agency(self.exchange, agency).sign(record)

    def _batch(self, agency: str, records: list[str]) -> Any:
        hands, body = Agency(self.exchange, agency), "\n".join(map(line, records)).encode()
        origin = self.exchange.settings.origin
        return sign(hands.request_key, origin, "POST", "/v1/batches", body, content_type=NDJSON)

    def _keep(self, agency: str, handling: str, signed: str) -> str:
        return self._learn(agency, handling, signed, self._client(agency).submit(signed).receipt)

    def _learn(self, agency: str, handling: str, signed: str, receipt: str) -> str:
        report = Report(agency, handling, [signed], [receipt])
        self.model.reports[report.id] = report
        return report.id

    def _next(self, known: Report, signed: str) -> None:
        known.receipts.append(self._client(known.agency).submit(signed).receipt)
        known.signed.append(signed)

    def _refused(self, agency: str, signed: str) -> None:
        with pytest.raises(ProblemError) as refused:
            self._client(agency).submit(signed)
        assert refused.value.status in {409, 422}

    def _adopt(self, country: str, shared: str) -> None:
        """Proposed and approved, once, whatever fails on the way."""
        officer, terms = self._officer(country), SHARED[shared]
        version = officer.get_policy(country)["latest"] + 1
        rules = [] if terms is None else [{"id": "shared", "effect": "permit", **terms}]
        document = {"policy": "sarhad-policy/1", "country": country, "version": version, "rules": rules}
        signed = sign_policy(self._key(f"{country}-DCA/policy"), document)
        approval = sign_approval(self._key(f"{country}-DCA/policy2"), country, version, signed)
        self._insist(lambda: officer.propose_policy(country, signed))
        self._insist(lambda: self._officer(country, "policy2").approve_policy(country, version, approval))
        self.model.shared[country] = shared

    def _lift(self, country: str, suspension: str) -> None:
        self._insist(lambda: self._officer(country, "policy2").lift_suspension(suspension, "trust is back"))

    def _key(self, name: str) -> Any:
        return self.exchange.region.profiles[name].load_record_key()

    def _officer(self, country: str, officer: str = "policy") -> Client:
        return self.exchange.client(f"{country}-DCA/{officer}", None)

    def _client(self, agency: str) -> Client:
        return self.exchange.client(agency)

    def _insist(self, act: Callable[[], T]) -> T:
        """Done again while what was killed comes back: it was told (503) that nothing was done."""

        def done() -> Iterator[T] | None:
            try:
                return iter((act(),))
            except ServiceUnreachable:
                return None
            except ProblemError as refused:
                if refused.status != 503:
                    raise
                return None

        return next(eventually(done))  # type: ignore[arg-type]


def _answered(origin: str, wire: Any) -> Any:
    """The answer; raises ServiceUnreachable where the connection was reset, or the service said that it cannot."""
    with suppress(ConnectionError):
        reply = send(origin, wire)
        if reply.status != 503:
            return reply
    raise ServiceUnreachable("The connection was reset.")


def test_in_any_order_what_was_acknowledged_is_there_and_only_what_is_shared_is_seen(
    fragile: Exchange, cluster: Cluster
) -> None:
    Events.exchange, Events.cluster = fragile, cluster
    run_state_machine_as_test(
        Events,
        settings=settings(
            max_examples=200 if THOROUGH else 5,
            stateful_step_count=60 if THOROUGH else 40,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
