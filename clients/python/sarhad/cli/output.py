"""How commands speak: tables for people, JSON for programs, refusals on standard error, exit codes."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from sarhad._client import Client
from sarhad.cli.words import say, spoken
from sarhad.errors import (
    ConfigurationError,
    InputError,
    ProblemError,
    SarhadError,
    ServiceUnreachable,
    UnverifiedResponse,
)
from sarhad.profile import Profile

OK, REFUSED, USAGE, UNREACHABLE, NOT_PROVEN, NOT_CONFIGURED = range(6)

MILLIGRAM = Decimal("0.000001")

EXIT_CODES = (
    "Exit codes: 0 done; 1 refused (by the service, or some rows of an import); 2 wrong usage or input; "
    "3 the service cannot be reached, try again; 4 a signature or proof does not hold; "
    "5 no usable profile or key."
)

ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "--as",
        help="Agency profile: name, directory or file. Default: $SARHAD_PROFILE, or 'default'.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
PurposeOption = Annotated[
    str, typer.Option(envvar="SARHAD_PURPOSE", help="Why you read; it is signed and kept as evidence.")
]
CaseOption = Annotated[str | None, typer.Option(help="Case reference that goes with the purpose.")]
ServiceKeyOption = Annotated[
    str | None, typer.Option(help="Thumbprint the service's key must have; pins it in the profile.")
]

console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
complaints = Console(stderr=True, highlight=False, soft_wrap=True)


class _Dated(Client):
    """A client that says at its end as of when its answers are, where that is not now."""

    def close(self) -> None:
        if self.as_of is not None:
            complaints.print(
                say("As of {moment}: what was reported later is not in it.", moment=self.as_of), markup=False
            )
            self._session.as_of = None
        super().close()


def connect(
    profile: Profile, service_key: str | None = None, *, purpose: str | None = None, case: str | None = None
) -> Client:
    """A client of this profile; the service's key is compared with the thumbprint given, if any."""
    try:
        client = _Dated(profile, purpose=purpose, case=case)
    except ValueError as fault:
        raise InputError(str(fault)) from None
    if service_key is not None and client.service_key.kid != service_key:
        raise UnverifiedResponse(
            "The service's key is {kid}, not {service_key}.", kid=client.service_key.kid, service_key=service_key
        )
    return client


def every(ask: Callable[..., dict[str, Any]], member: str = "items", **params: Any) -> Iterator[dict[str, Any]]:
    """What all pages of an answer hold, the first page first."""
    cursor: str | None = None
    while True:
        page = ask(**params, cursor=cursor)
        yield from page[member]
        cursor = page["next"]
        if cursor is None:
            return


def kilograms(value: str | None) -> str:
    """Kilograms to the milligram, without idle zeros; what is less than one stays as it is. JSON has every digit."""
    if value is None:
        return ""
    exact = Decimal(value)
    text = f"{exact.quantize(MILLIGRAM) or exact:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def show_json(document: object) -> None:
    """Indented JSON on standard output; nothing is added to it."""
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def labelled(word: str) -> str:
    """A heading or a word of a table, for a person; on no terminal a program reads it, in English."""
    return say(word) if console.is_terminal else word


def show_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """`name  value` lines."""
    for name, value in pairs:
        if value not in (None, "", [], {}):
            text = orjson.dumps(value).decode() if isinstance(value, dict | list) else str(value)
            console.print(f"{labelled(name):<12} {text}", markup=False)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table; tab-separated lines when the output is not a terminal."""
    if not console.is_terminal:
        sys.stdout.write("\t".join(columns) + "\n")
        for row in rows:
            sys.stdout.write("\t".join("" if cell is None else str(cell) for cell in row) + "\n")
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(say(column))
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)


def exit_code(fault: SarhadError) -> int:
    """The exit code of an error, most specific first."""
    for kind, code in (
        (ProblemError, REFUSED),
        (InputError, USAGE),
        (ServiceUnreachable, UNREACHABLE),
        (UnverifiedResponse, NOT_PROVEN),
        (ConfigurationError, NOT_CONFIGURED),
    ):
        if isinstance(fault, kind):
            return code
    return NOT_PROVEN  # BadSignature and the refusals of verification


def complain(fault: SarhadError) -> None:
    complaints.print(f"sarhad: {spoken(fault)}", markup=False)
    if isinstance(fault, ProblemError) and fault.members:
        for entry in fault.members.get("errors", ()):
            complaints.print(f"  {entry.get('pointer', '')}: {entry.get('detail', '')}", markup=False)
