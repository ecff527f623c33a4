"""A way into the database as any role and reader."""

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection


class Entrance(Protocol):
    """A transaction as `role`, in the context of the `token` given, that is rolled back."""

    def __call__(self, role: str, token: str | None = None) -> AbstractContextManager[Connection]: ...
