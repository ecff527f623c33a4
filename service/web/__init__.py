"""The edge: what every route shares. Sessions, verified bodies, problems, signed answers, health and metrics.

The only floor folder that knows the framework.
"""

from service.web.bodies import (
    BodyTooLarge,
    Empty,
    SpooledBody,
    UnsignedBody,
    UnsupportedMediaType,
    json_body,
    receive,
    spooled_body,
    unsigned_json,
    up_to,
    verified_body,
)
from service.web.install import install
from service.web.invalid import InvalidRequest, hold_to_text
from service.web.json_reader import InvalidJson, read_json
from service.web.media import gives, takes
from service.web.ranges import signed_range
from service.web.rendering import problem_response
from service.web.replica import Replica
from service.web.sessions import ReadSession, WriteSession, writing
from service.web.within import InnerAnswer, ask_within

__all__ = [
    "BodyTooLarge",
    "Empty",
    "InnerAnswer",
    "InvalidJson",
    "InvalidRequest",
    "ReadSession",
    "Replica",
    "SpooledBody",
    "UnsignedBody",
    "UnsupportedMediaType",
    "WriteSession",
    "ask_within",
    "gives",
    "hold_to_text",
    "install",
    "json_body",
    "problem_response",
    "read_json",
    "receive",
    "signed_range",
    "spooled_body",
    "takes",
    "unsigned_json",
    "up_to",
    "verified_body",
    "writing",
]
