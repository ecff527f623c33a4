"""Every route that reads shared data accounts for its answer; one that forgets gives no answer."""

import inspect
from typing import Any, TypeVar

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from sarhad.keys import PublicKey
from sarhad.signing import SignedRequests

from service.app import create_app
from service.identity.callers import CallerDependency, PolicyTrier, Reader, Reading, Writing
from service.settings import Settings
from service.web import ReadSession, WriteSession
from tests.exchange import Region

C = TypeVar("C", bound=CallerDependency)

CONTENT_ROLES = {"analyst", "reporter", "laboratory", "policy_officer", "coordinator"}


def routes_of(kind: type[C]) -> list[tuple[str, str, Any, C]]:
    """(method, path, what answers, its caller) of every route with such a caller."""
    found = []
    for context in iter_route_contexts(create_app().routes):
        dependant = getattr(context, "dependant", None)
        for caller in _callers(dependant, kind) if dependant is not None else ():
            methods = "/".join(sorted(context.methods or ()))
            found.append((methods, context.path_format or "", dependant.call, caller))
    return found


def _callers(dependant: Any, kind: type[C]) -> list[C]:
    own = [dependant.call] if isinstance(dependant.call, kind) else []
    return own + [caller for child in dependant.dependencies for caller in _callers(child, kind)]


def reading_routes() -> list[tuple[str, Any, Reading]]:
    """(path, what answers, its caller) of every route that reads through the gate."""
    return [(path, call, caller) for _, path, call, caller in routes_of(Reading)]


WRITING = routes_of(Writing)
SHARED = [
    *((path, call) for path, call, caller in reading_routes() if caller.purpose),
    *((path, call) for _, path, call, caller in WRITING if caller.reads),
]
# What every other route that writes is answered with, read by a reviewer: of no record but those that the caller itself
# sent or named, and no figure of any.
RECEIPT, STATE, NOTHING = "a receipt, or why there is none", "what the act made of it", "no body"
OWN_WORDS = "what the caller has just said, as it is kept"
SILENT = {
    **dict.fromkeys(
        [
            "POST /v1/batches",
            *(
                f"POST /v1/{kind}{version}"
                for kind in (
                    "seizures",
                    "analyses",
                    "precursor-incidents",
                    "clandestine-laboratories",
                    "price-observations",
                )
                for version in ("", "/{record_id}/versions")
            ),
        ],
        RECEIPT,
    ),
    **dict.fromkeys(
        [
            "POST /v1/policies/{owner}/proposals",
            "POST /v1/policies/{owner}/proposals/{version}/challenge",
            "POST /v1/policies/{owner}/proposals/{version}/approval",
            "POST /v1/policies/{owner}/proposals/{version}/rejection",
            "POST /v1/policies/{owner}/check",
            "POST /v1/policies/{owner}/drafts",
            "PUT /v1/policies/{owner}/drafts/{id}",
            "POST /v1/seizures/check",  # and what one's own country's policy gives of it
            "POST /v1/suspensions",
            "PUT /v1/records/{record_id}/sharing",
            "POST /v1/profile-methods",
            "POST /v1/profile-methods/{code}/calibrations",
            "POST /v1/requests",
            "POST /v1/alerts",
            "POST /v1/subscriptions",
            "POST /v1/listings",
            "POST /v1/provisional",
            "POST /v1/publications",
            "POST /v1/exports",
            "POST /v1/questions",
            "PUT /v1/questions/{question_id}",
        ],
        OWN_WORDS,
    ),
    **dict.fromkeys(
        [
            "POST /v1/suspensions/{id}/lifting",
            "POST /v1/uploads",
            "PATCH /v1/uploads/{upload_id}",
            "POST /v1/spectra/library",
            "POST /v1/links/{link_id}/confirmation",
            "POST /v1/links/{link_id}/rejection",
            "POST /v1/links/{link_id}/undoing",
            "POST /v1/requests/{request_id}/answer",
            "POST /v1/requests/{request_id}/withdrawal",
            "POST /v1/alerts/candidates/{candidate_id}/review",
            "POST /v1/alerts/{alert_id}/issue",
            "POST /v1/alerts/{alert_id}/acknowledgement",
            "POST /v1/alerts/{alert_id}/feedback",
            "POST /v1/alerts/{alert_id}/ending/{state}",
            "POST /v1/subscriptions/{subscription_id}/deliveries/{kind}/{subject}/again",
            "POST /v1/provisional/{code}/publication",
            "POST /v1/provisional/{code}/resolution",
            "POST /v1/publications/{id}/approval",
            "POST /v1/publications/{id}/release",
            "POST /v1/publications/{id}/withdrawal",
            "POST /v1/publications/{id}/bulletins",
            "POST /v1/packs/{pack_id}/approval",
            "POST /v1/packs/{pack_id}/discard",
        ],
        STATE,
    ),
    # who has read them, from the access log itself, is for their owner to know
    "POST /v1/recalls": STATE,
    "POST /v1/recalls/{recall_id}/acknowledgement": STATE,
    **dict.fromkeys(
        [
            "POST /v1/inbox/{notice_id}/acknowledgement",
            "DELETE /v1/policies/{owner}/drafts/{id}",
            "DELETE /v1/uploads/{upload_id}",
            "DELETE /v1/spectra/library/{spectrum_id}",
            "DELETE /v1/subscriptions/{subscription_id}",
            "DELETE /v1/exports/{export_id}",
            "DELETE /v1/questions/{question_id}",
        ],
        NOTHING,
    ),
}


@pytest.mark.parametrize(("path", "call"), SHARED, ids=[f"{call.__name__} {path}" for path, call in SHARED])
def test_a_route_that_reads_shared_data_accounts_for_it(path: str, call: Any) -> None:
    assert "account" in inspect.getsource(inspect.getmodule(call)), path  # type: ignore[arg-type]
    assert "account" in inspect.getsource(call), f"{path} must say whose records it answers with"


def test_there_are_such_routes() -> None:
    assert {"/v1/seizures", "/v1/seizures/{record_id}"} <= {path for path, _ in SHARED}
    assert "/v1/policies/{owner}/simulation" in {path for path, _ in SHARED}


def test_a_route_that_writes_tells_of_no_record_or_accounts_for_it() -> None:
    """A new one is read before it is listed, or its caller `reads`."""
    assert {f"{method} {path}" for method, path, _, caller in WRITING if not caller.reads} == set(SILENT)


def test_what_answers_without_a_body_has_none() -> None:
    bodiless = {operation for operation, answer in SILENT.items() if answer == NOTHING}
    described = create_app().openapi()["paths"]
    for operation in bodiless:
        method, path = operation.split()
        assert "204" in described[path][method.lower()]["responses"], operation


def test_a_key_that_audits_or_operates_reads_no_shared_data() -> None:
    for path, _, caller in reading_routes():
        assert "operator" not in caller.roles, path
        if caller.purpose:
            assert caller.roles <= CONTENT_ROLES, path


async def test_an_answer_that_nobody_accounted_for_does_not_leave(settings: Settings, region: Region) -> None:
    app = create_app(settings)

    @app.get("/v1/careless")
    async def careless(caller: Reader, session: ReadSession) -> dict[str, str]:
        return {"secret": "not for you"}

    @app.post("/v1/careless")
    async def careless_writing(caller: PolicyTrier, session: WriteSession) -> dict[str, str]:
        return {"secret": "not for you"}

    service_key = PublicKey.from_jwk(dict(app.state.service_key().jwk))
    for name, method in (("AZ-LAB", "GET"), ("AZ-DCA/policy", "POST")):
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=settings.origin,
            auth=SignedRequests(region.profiles[name].load_request_key(), lambda: service_key),
            headers={"sarhad-purpose": "analysis"},
        ) as client:
            answer = await client.request(method, "/v1/careless")
        assert (answer.status_code, answer.json()["type"]) == (500, "/problems/answer-not-accounted"), method
        assert "secret" not in answer.text
    await app.state.database.dispose()
