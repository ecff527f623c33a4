"""The edge: what every route shares. Sessions, verified bodies, problems, signed answers, health and metrics.

The only floor folder that knows the framework.
"""

from service.web.bodies import (
    BodyTooLarge,
    SpooledBody,
    UnsignedBody,
    UnsupportedMediaType,
    json_body,
    refuse_unsigned_body,
    spooled_body,
    verified_body,
)
from service.web.install import install
from service.web.invalid import InvalidRequest
from service.web.json_reader import InvalidJson, read_json
from service.web.sessions import ReadSession, WriteSession

__all__ = [
    "BodyTooLarge",
    "InvalidJson",
    "InvalidRequest",
    "ReadSession",
    "SpooledBody",
    "UnsignedBody",
    "UnsupportedMediaType",
    "WriteSession",
    "install",
    "json_body",
    "read_json",
    "refuse_unsigned_body",
    "spooled_body",
    "verified_body",
]
