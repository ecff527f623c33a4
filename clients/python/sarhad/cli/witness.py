"""`sarhad witness`: a country watches that the logs of the exchange only grow, and cosigns them."""

import time
from pathlib import Path
from typing import Annotated

import typer

from sarhad._client import Client
from sarhad.cli.output import ProfileOption, ServiceKeyOption, complaints, connect, console, every, show_json
from sarhad.cli.verify import ed25519, log_key_of
from sarhad.cli.words import say
from sarhad.enrolment import enrolment
from sarhad.errors import ConfigurationError, SarhadError
from sarhad.keys import PrivateKey, PublicKey, b64url_decode
from sarhad.profile import Profile
from sarhad.transparency import LogKey, WitnessKey, open_checkpoint
from sarhad.witness import LogContradictsItself, Witness

app = typer.Typer(no_args_is_help=True, help="Watch that the logs only grow, and cosign them for your country.")

LOGS = ("records", "governance", "access")
MAX_EVERY = 86_400

StateOption = Annotated[
    Path | None, typer.Option("--state", help="Where checkpoints and evidence are kept; else the profile's `witness`.")
]


@app.command(
    epilog="Example: sarhad witness key --profile kz-witness > enrol.json, then sarhad keys propose enrol.json"
)
def key(profile: ProfileOption = None) -> None:
    """Make the witness's key beside the profile, if there is none, and print its enrolment to be proposed.

    It signs nothing else. Keep it on a machine that the operator of the exchange has no hand in.
    """
    loaded = Profile.load(profile)
    place = loaded.place(loaded.witness_key)
    if isinstance(place, Path) and not place.exists():
        PrivateKey.generate().save(place)
    show_json([enrolment(loaded.agency, "witness", PrivateKey.load(place))])


@app.command(epilog="Example: sarhad witness run --profile kz-witness --first; as a service: --every 60")
def run(
    profile: ProfileOption = None,
    first: Annotated[
        bool, typer.Option("--first", help="Take the first checkpoint of a log on trust; say so once.")
    ] = False,
    every_seconds: Annotated[
        int | None, typer.Option("--every", min=1, max=MAX_EVERY, help="Again after so many seconds, until Ctrl-C.")
    ] = None,
    state: StateOption = None,
    service_key: ServiceKeyOption = None,
) -> None:
    """Ask for the checkpoint of each log, verify that it continues the last one cosigned, cosign it, hand it in.

    A log that was forked or rolled back is refused: exit code 4, and the evidence stays in the folder.
    """
    loaded = Profile.load(profile)
    own = PrivateKey.load(loaded.place(loaded.witness_key))
    with connect(loaded, service_key) as client:
        while True:
            fault = _round(client, loaded, own, state or loaded.directory / "witness", first=first)
            if every_seconds is None or isinstance(fault, ConfigurationError):
                break
            time.sleep(every_seconds)
        if fault is not None:
            raise fault


@app.command(epilog="Example: sarhad witness policy --countries 3 > quorum.txt, then compare its keys by telephone")
def policy(
    countries: Annotated[int, typer.Option(min=1, help="How many countries' witnesses are a quorum.")],
    profile: ProfileOption = None,
) -> None:
    """Draft a quorum policy (C2SP tlog-policy) from the keys in the directory of the exchange.

    The directory is the exchange's own word: compare each key with the country whose it is before relying on it.
    """
    with connect(Profile.load(profile)) as client:
        described = client.service()
        service = client.service_key
        origins = described["logs"].values()
        lines = [f"log {LogKey(origin, ed25519(service)).text}" for origin in origins]
        names: dict[str, list[str]] = {}
        for one in every(client.keys, use="witness"):
            if one["revoked_at"] is None and one["jwk"]["kty"] == "OKP":
                agency = str(one["agency"])
                found = WitnessKey(witness_name(described["origin"], agency), ed25519(PublicKey.from_jwk(one["jwk"])))
                name = f"{agency}-{one['kid'][:8]}"
                lines.append(f"witness {name} {found.text}")
                names.setdefault(agency[:2], []).append(name)
    if countries > len(names):
        raise ConfigurationError(
            "Witnesses of {enrolled} countries are enrolled: they cannot be {countries}.",
            enrolled=len(names),
            countries=countries,
        )
    lines += [f"group {country} any {' '.join(of)}" for country, of in names.items()]
    lines += [f"group countries {countries} {' '.join(names)}", "quorum countries"]
    console.print("\n".join(lines), markup=False)


def witness_name(service: str, agency: str) -> str:
    """What the witness of an agency is called on its lines."""
    return f"{service.split('://', 1)[-1]}/witness/{agency}"


def _round(client: Client, profile: Profile, own: PrivateKey, state: Path, *, first: bool) -> SarhadError | None:
    """Every log once; a fault of one does not keep the others from being watched. The gravest fault."""
    faults = []
    for log in LOGS:
        try:
            _watch(client, profile, own, state, log, first=first)
        except SarhadError as fault:
            complaints.print(f"{log}: {fault}", markup=False)
            faults.append(fault)
    grave = [fault for fault in faults if isinstance(fault, LogContradictsItself)]
    return next(iter(grave or faults), None)


def _watch(client: Client, profile: Profile, own: PrivateKey, state: Path, log: str, *, first: bool) -> None:
    described = client.service()
    log_key = log_key_of(described["logs"][log], client.service_key)
    witness = Witness(state, log_key, witness_name(described["origin"], profile.agency), own)

    def prove(old: int, new: int) -> list[bytes]:
        return [b64url_decode(value) for value in client.consistency(log, old, new)["path"]]

    note, last = client.checkpoint_due(log), witness.last()
    if last is not None and open_checkpoint(note, log_key).size < last.size:
        note = client.checkpoint(
            log
        )  # a clock that was put back makes an older one due; the newest must not be shorter
    line = witness.consider(note, prove, time=int(time.time()), first=first)
    size = open_checkpoint(note, log_key).size
    client.hand_in_cosignature(log, size, line)
    console.print(say("{log}: {size} entries cosigned", log=log, size=size), markup=False)
