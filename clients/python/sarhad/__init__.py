"""Sarhad: sign, submit, read back and verify drug-seizure records."""

from sarhad._async_client import AsyncClient
from sarhad._batches import records_in
from sarhad._client import Client
from sarhad.errors import (
    ConfigurationError,
    InputError,
    ProblemError,
    SarhadError,
    ServiceUnreachable,
    UnverifiedResponse,
)
from sarhad.keys import PrivateKey, PublicKey
from sarhad.models import Page, Receipt, Verdict
from sarhad.profile import Profile
from sarhad.signing import SignedRequests

__all__ = [
    "AsyncClient",
    "Client",
    "ConfigurationError",
    "InputError",
    "Page",
    "PrivateKey",
    "ProblemError",
    "Profile",
    "PublicKey",
    "Receipt",
    "SarhadError",
    "ServiceUnreachable",
    "SignedRequests",
    "UnverifiedResponse",
    "Verdict",
    "records_in",
]
