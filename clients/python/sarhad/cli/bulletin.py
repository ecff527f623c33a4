"""`sarhad bulletin`: the quarterly regional bulletin, of figures that each country has cleared."""

import hashlib
import time
from pathlib import Path
from typing import Annotated

import typer

from sarhad.cli.output import ProfileOption, connect, console, show_json
from sarhad.cli.words import say
from sarhad.errors import InputError
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="The quarterly regional bulletin, of cleared figures only.")
LEVELS = (
    ("quarter", "region", "all"),
    ("quarter", "region", "group"),
    ("quarter", "region", "class"),
    ("quarter", "country", "all"),
    ("quarter", "country", "group"),
)
PATIENCE_SECONDS = 120


@app.command(epilog='Example: sarhad bulletin propose 2025-Q4 --title "Seizures in the region" --profile KZ-DCA')
def propose(
    quarter: Annotated[str, typer.Argument(help="The last quarter, such as 2025-Q4.")],
    title: Annotated[str, typer.Option(help="As printed.")] = "Seizures in the region",
    name: Annotated[str, typer.Option(help="Of the publication; a known name gets its next version.")] = "bulletin",
    quarters: Annotated[int, typer.Option(min=1, max=12, help="How many quarters, with the last.")] = 8,
    profile: ProfileOption = None,
) -> None:
    """Propose the figures of a bulletin (role analyst or coordinator). Each country then clears its own:
    sarhad publication approve ID; and the proposer releases them: sarhad publication release ID.
    """
    with connect(Profile.load(profile)) as client:
        show_json(client.propose_publication(definition(quarter, title, name, quarters)))


@app.command("make", epilog="Example: sarhad bulletin make 5f0c… bulletin-ru.pdf --language ru")
def make(
    publication: Annotated[str, typer.Argument(metavar="ID", help="The released publication's id.")],
    file: Annotated[Path, typer.Argument(help="Where to write it (PDF).")],
    language: Annotated[str, typer.Option(help="en, ru, kk, ky, tg, tk, uz or az.")] = "en",
    profile: ProfileOption = None,
) -> None:
    """Have it printed, wait for it, and write it. The same release gives the same bytes."""
    until = time.monotonic() + PATIENCE_SECONDS
    with connect(Profile.load(profile)) as client:
        while client.ask_for_bulletin(publication, language)["sha256"] is None:
            if time.monotonic() > until:
                raise InputError("It is not made yet. Ask again later; nothing is lost.")
            time.sleep(1)
        body = client.bulletin(publication, language)
    file.write_bytes(body)
    console.print(
        say(
            "{file}: {bytes} bytes, SHA-256 {sha256}",
            file=file,
            bytes=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
        )
    )


def definition(quarter: str, title: str, name: str, quarters: int) -> dict[str, object]:
    """The publication behind a bulletin. Raises InputError."""
    year, _, number = quarter.partition("-Q")
    if not year.isdigit() or number not in {"1", "2", "3", "4"}:
        raise InputError("{quarter} is no quarter; write 2025-Q4.", quarter=repr(quarter))
    last = int(year) * 4 + int(number) - 1  # quarters since year 0
    first = last - quarters + 1
    return {
        "name": name,
        "title": title,
        "first_month": f"{first // 4}-{first % 4 * 3 + 1:02}",
        "last_month": f"{last // 4}-{last % 4 * 3 + 3:02}",
        "tables": [{"time": time_, "place": place, "substance": substance} for time_, place, substance in LEVELS],
    }
