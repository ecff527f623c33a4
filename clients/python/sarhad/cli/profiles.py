"""`sarhad profiles`: methods of impurity profiling, and what is like a profile of yours."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from sarhad.cli.output import (
    JsonOption,
    ProfileOption,
    PurposeOption,
    connect,
    console,
    labelled,
    show_json,
    show_table,
)
from sarhad.cli.words import say
from sarhad.errors import InputError
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Impurity profiles: methods, calibrations, the most alike.")


@app.command(epilog="Example: sarhad profiles methods")
def methods(profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """List the declared methods and what their calibrations say."""
    with connect(Profile.load(profile)) as client:
        page = client.profile_methods(limit=500)
    if as_json:
        show_json(page)
    elif not page["items"]:
        console.print(say("No method is declared yet: sarhad profiles declare method.json"))
    else:
        show_table(
            ("code", "laboratory", "substance", "markers", "calibrated", "proposes from r"), map(_line, page["items"])
        )


@app.command(epilog="Example: sarhad profiles declare amp-gcms.json")
def declare(
    file: Annotated[Path, typer.Argument(help="JSON: code, substance, technique, markers in order, description.")],
    profile: ProfileOption = None,
) -> None:
    """Declare a method of your laboratory. Its markers never change; a change is a new version of the code."""
    with connect(Profile.load(profile)) as client:
        made = client.declare_profile_method(_read(file))
    console.print(say("Declared {code} with {markers} markers.", code=made["code"], markers=len(made["markers"])))


@app.command(epilog="Example: sarhad profiles calibrate AMP-GCMS.1 specimens.json")
def calibrate(
    code: Annotated[str, typer.Argument(help="The method's code.")],
    file: Annotated[Path, typer.Argument(help='JSON: {"specimens": [{"batch": …, "areas": {marker: area}}]}.')],
    profile: ProfileOption = None,
) -> None:
    """Teach what a score is worth, from specimens of known batches. The specimens are not kept."""
    with connect(Profile.load(profile)) as client:
        made = client.calibrate_profile_method(code, _read(file))
    proposes = (
        say("links are proposed from r {least} on", least=made["proposes_from"])
        if made["proposes_from"]
        else say("it proposes nothing")
    )
    console.print(
        say(
            "Version {version}: {linked} linked and {unlinked} unlinked pairs of {batches} batches, "
            "AUC {auc}, Cllr {cllr}; {proposes}.",
            version=made["version"],
            linked=made["linked"],
            unlinked=made["unlinked"],
            batches=made["batches"],
            auc=made["auc"],
            cllr=made["cllr"],
            proposes=proposes,
        )
    )


@app.command(epilog="Example: sarhad profiles neighbours 5f0c… --purpose forensic")
def neighbours(
    record_id: Annotated[str, typer.Argument(metavar="RECORD", help="Id of an analysis with a profile.")],
    n: Annotated[int, typer.Option(help="Place of the profile in the facet spectra.", min=1)] = 1,
    limit: Annotated[int, typer.Option(help="At most this many.", min=1, max=100)] = 20,
    profile: ProfileOption = None,
    purpose: PurposeOption = "forensic",
    as_json: JsonOption = False,
) -> None:
    """The most alike profiles of the same method, and laboratories that hold a match which they do not show."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        found = client.profile_neighbours(record_id, n, limit)
    if as_json:
        show_json(found)
        return
    if found["items"]:
        show_table(("record", "agency", "r", "worth"), (_neighbour(item) for item in found["items"]))
    else:
        console.print(say("You see no other profile of this method."))
    for hit in found["hits"]:
        console.print(say("{contact} holds a match that it does not show: ask it.", contact=hit["contact"]))


def _read(file: Path) -> dict[str, Any]:
    try:
        document = orjson.loads(file.read_bytes())
    except (OSError, ValueError) as fault:
        raise InputError("{file}: {fault}", file=file, fault=fault) from None
    if not isinstance(document, dict):
        raise InputError("{file} holds no JSON object.", file=file)
    return document


def _line(method: dict[str, Any]) -> tuple[object, ...]:
    worth = method["calibration"] or {}
    calibrated = f"{worth['linked']}/{worth['unlinked']}" if worth else labelled("not yet")
    least = worth.get("proposes_from") or ""
    return method["code"], method["agency"], method["substance"], len(method["markers"]), calibrated, least


def _neighbour(item: dict[str, Any]) -> tuple[object, ...]:
    worth = item["likelihood_ratio"]
    return (
        item["record"],
        item["agency"],
        item["r"],
        worth["words"] if worth else labelled("the method is not calibrated"),
    )
