"""/v1/alerts and /v1/subscriptions over HTTP."""

from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from service.alerts import accounting, events, life, subscriptions
from service.alerts import list as lists
from service.alerts.stream import Stream, digest
from service.alerts.tasks import announce, inboxes, redeliver
from service.identity.callers import AlertIssuer, Asker, Reader
from service.readings.account import account
from service.substances.provisional import known_to
from service.web import Empty, ReadSession, WriteSession, gives, json_body

router = APIRouter(prefix="/v1", tags=["alerts"])
STREAM = "text/event-stream"


async def _account(request: Request, session: ReadSession, told: list[dict[str, Any]]) -> None:
    found = await accounting.owners(session, told)
    account(request, found.counts, records=found.ids)


@router.get("/alerts/candidates")
async def list_candidates(
    request: Request, caller: Reader, session: ReadSession, asked: Annotated[lists.Asked, Query()]
) -> dict[str, Any]:
    """What rules found in the eyes of your agency, for this purpose, as far as it may still see it."""
    found = await lists.candidates(session, caller, asked, request.app.state.cursors)
    await _account(request, session, [{"candidate": item} for item in found["items"]])  # account(request, …)
    return found


@router.post("/alerts/candidates/{candidate_id}/review")
async def review_candidate(
    candidate_id: UUID, caller: Asker, session: WriteSession, said: Annotated[life.Review, json_body(life.Review)]
) -> dict[str, Any]:
    """Dismiss a candidate, or raise it to an alert that another key may issue."""
    id_ = await life.review(session, caller, candidate_id, said)
    return {"candidate": str(candidate_id), "decision": said.decision, "alert": str(id_) if id_ else None}


@router.post("/alerts", status_code=HTTPStatus.CREATED)
async def draft_alert(
    caller: Asker, session: WriteSession, said: Annotated[life.Draft, json_body(life.Draft)]
) -> dict[str, Any]:
    """Write an alert by hand, resting on records that are shared with you; another key may issue it."""
    return {"id": str(await life.draft(session, caller, said)), "state": "reviewed"}


@router.get("/alerts")
async def list_alerts(
    request: Request, caller: Reader, session: ReadSession, asked: Annotated[lists.Asked, Query()]
) -> dict[str, Any]:
    """Alerts that reach you, and your own country's."""
    found = await lists.alerts(session, caller, asked, request.app.state.cursors)
    await _account(request, session, [{"alert": item} for item in found["items"]])  # account(request, …)
    return found


@router.get("/alerts/{alert_id}")
async def show_alert(request: Request, alert_id: UUID, caller: Reader, session: ReadSession) -> dict[str, Any]:
    """One alert with the answers to it: your country's, or everyone's to the issuer, with who has not answered."""
    found = await lists.alert(session, caller, alert_id)
    await _account(request, session, [{"alert": found}])  # account(request, …)
    return found


@router.post("/alerts/{alert_id}/issue")
async def issue_alert(
    request: Request,
    alert_id: UUID,
    caller: AlertIssuer,
    session: WriteSession,
    said: Annotated[life.Issue, json_body(life.Issue)],
) -> dict[str, Any]:
    """Issue a reviewed alert of your country, with its level and handling: another key than the reviewer's."""
    await life.issue(session, caller, alert_id, said, most=request.app.state.settings.alerts_per_day)
    await announce(session)
    await inboxes.defer(session, alert=str(alert_id))
    return {"id": str(alert_id), "state": "issued"}


@router.post("/alerts/{alert_id}/acknowledgement")
async def acknowledge_alert(alert_id: UUID, caller: Asker, session: WriteSession, nothing: Empty) -> dict[str, Any]:
    """Your country has taken note, once."""
    await life.acknowledge(session, caller, alert_id)
    return {"id": str(alert_id), "country": caller.country}


@router.post("/alerts/{alert_id}/feedback")
async def feedback_on_alert(
    alert_id: UUID,
    request: Request,
    caller: Asker,
    session: WriteSession,
    said: Annotated[life.Feedback, json_body(life.Feedback)],
) -> dict[str, Any]:
    """What your country did, and whether the alert was of use."""
    await life.feedback(session, caller, alert_id, said, most=request.app.state.settings.acts_per_day)
    return {"id": str(alert_id), "country": caller.country}


@router.post("/alerts/{alert_id}/ending/{state}")
async def end_alert(
    alert_id: UUID,
    state: Literal["closed", "retracted"],
    caller: AlertIssuer,
    session: WriteSession,
    said: Annotated[life.Ending, json_body(life.Ending)],
) -> dict[str, Any]:
    """Close an alert of your country, or retract it: whoever has acknowledged it is told."""
    await life.end(session, caller, alert_id, state, said.reason)
    await announce(session)
    return {"id": str(alert_id), "state": state}


@router.post("/subscriptions", status_code=HTTPStatus.CREATED)
async def subscribe(
    request: Request,
    caller: Asker,
    session: WriteSession,
    ordered: Annotated[subscriptions.Ordered, json_body(subscriptions.Ordered)],
) -> dict[str, Any]:
    """Order to be told, for the signed purpose: as a stream, to a webhook, or as a daily digest."""
    state = request.app.state
    id_ = await subscriptions.subscribe(session, caller, ordered, state.catalogue, state.settings)
    return subscriptions.view(await subscriptions.one(session, id_))


@router.get("/subscriptions")
async def list_subscriptions(request: Request, caller: Reader, session: ReadSession) -> dict[str, Any]:
    """The standing orders of your agency."""
    account(request, {})
    return {"items": await subscriptions.listed(session)}


@router.delete("/subscriptions/{subscription_id}", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def unsubscribe(subscription_id: UUID, caller: Asker, session: WriteSession) -> Response:
    """End a standing order of your agency."""
    await subscriptions.end(session, caller, subscription_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/subscriptions/{subscription_id}/deliveries")
async def list_deliveries(
    request: Request,
    subscription_id: UUID,
    caller: Reader,
    session: ReadSession,
    state: Annotated[Literal["waiting", "sent", "dead"] | None, Query()] = None,
) -> dict[str, Any]:
    """What became of a webhook's events: delivered, tried again, or given up."""
    ordered = await subscriptions.one(session, subscription_id)
    catalogue = await known_to(session, request.app.state.catalogue)
    account(request, {})  # ids of events, and no record
    return {"items": await subscriptions.deliveries(session, ordered, catalogue, state)}


@router.post("/subscriptions/{subscription_id}/deliveries/{kind}/{subject}/again")
async def deliver_again(
    *,
    subscription_id: UUID,
    kind: events.Kind,
    subject: UUID,
    caller: Asker,
    session: WriteSession,
    nothing: Empty,
) -> dict[str, Any]:
    """Try once more what was given up."""
    await subscriptions.one(session, subscription_id)
    await subscriptions.again(session, subscription_id, kind, subject)
    await redeliver(session, caller.country)
    return {"kind": kind, "subject": str(subject), "state": "waiting"}


@router.get("/subscriptions/{subscription_id}/digest", response_class=Response, responses=gives("application/json"))
async def daily_digest(
    request: Request,
    subscription_id: UUID,
    caller: Reader,
    session: ReadSession,
    day: Annotated[date | None, Query(description="UTC; yesterday where it is not given.")] = None,
) -> Response:
    """A day's events as one file, as you may see them now."""
    ordered = await subscriptions.one(session, subscription_id)
    of = day or (datetime.now(UTC) - timedelta(days=1)).date()
    begins = datetime(of.year, of.month, of.day, tzinfo=UTC)
    catalogue = await known_to(session, request.app.state.catalogue)
    after, before = (begins - timedelta(microseconds=1), UUID(int=2**128 - 1)), begins + timedelta(days=1)
    found = await events.all_told(session, ordered, catalogue, after, before)
    await _account(request, session, found)  # account(request, …)
    headers = {"content-disposition": f'attachment; filename="sarhad-{of.isoformat()}.json"'}
    return Response(digest(ordered, of.isoformat(), found), media_type="application/json", headers=headers)


@router.get("/subscriptions/{subscription_id}/stream", response_class=Response, responses=gives(STREAM))
async def open_stream(
    request: Request,
    subscription_id: UUID,
    caller: Reader,
    session: ReadSession,
    after: Annotated[str | None, Query(max_length=512, description="`id` of the last event received.")] = None,
) -> Response:
    """Events as they happen (server-sent events), each a JWS of the service; `after` goes on after one."""
    await subscriptions.one(session, subscription_id)
    state = request.app.state
    stream = Stream(
        state.database,
        state.access_writer,
        state.cursors,
        state.service_keys,
        state.service_key(),
        state.catalogue,
        state.streams,
        caller,
        subscription_id,
        request.state.policy,
    )
    place = stream.opened(after)
    state.streams.check(caller.country)
    account(request, {})  # each event is accounted for when it leaves
    return StreamingResponse(stream.run(place), media_type=STREAM)
