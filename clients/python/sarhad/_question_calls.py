"""The calls about saved questions."""

from collections.abc import Mapping
from typing import Any

from sarhad._calls import Call, _act, _get, _nothing, _object, _segment, _send


def save_question(document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Save a question of the trends: `{"name", "asks"}`, and with it `view`, `shared`, `schedule`, `threshold`."""
    return _act("/v1/questions", document, purposeful=True)


def questions(**params: Any) -> Call[dict[str, Any]]:
    """One's own saved questions and those shared with one, newest first."""
    return _get("/v1/questions", params)


def question(question_id: str) -> Call[dict[str, Any]]:
    """One saved question."""
    return _get(f"/v1/questions/{_segment(question_id)}")


def ask_question(question_id: str) -> Call[dict[str, Any]]:
    """What a saved question says to oneself now."""
    return _get(f"/v1/questions/{_segment(question_id)}/answer")


def change_question(question_id: str, terms: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Rename an own question, share or schedule it otherwise."""
    return _send("PUT", f"/v1/questions/{_segment(question_id)}", terms, _object)


def drop_question(question_id: str) -> Call[None]:
    """Forget an own question."""
    return Call("DELETE", f"/v1/questions/{_segment(question_id)}", _nothing)
