"""The command `sarhad`. The server adds its own commands through the entry-point group `sarhad.commands`."""

import sys
from importlib.metadata import entry_points

import typer

from sarhad.cli import (
    aggregates,
    alerts,
    analysis,
    attach,
    bulletin,
    exports,
    figures,
    flows,
    gateway,
    imports,
    inbox,
    keys,
    links,
    listings,
    outbox,
    packs,
    policy_trial,
    profiles,
    publication,
    questions,
    read,
    recalls,
    record,
    requests,
    spectra,
    statement,
    submit,
    substances,
    timeliness,
    trends,
    verify,
    witness,
)
from sarhad.cli.output import EXIT_CODES, complain, exit_code
from sarhad.cli.words import translate
from sarhad.errors import SarhadError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=f"Sign, submit, read back and verify drug-seizure records.\n\n{EXIT_CODES}",
)
app.add_typer(keys.app, name="keys")
app.command("submit")(submit.submit)
app.add_typer(analysis.app, name="analysis")
app.add_typer(attach.app, name="attach")
app.add_typer(spectra.app, name="spectra")
app.command("correct")(submit.correct)
app.command("retract")(submit.retract)
app.command("import")(imports.import_)
app.add_typer(outbox.app, name="outbox")
app.command("search")(read.search)
app.command("show")(read.show)
app.command("trends")(trends.trends)
app.command("flows")(flows.flows)
app.command("hotspots")(flows.hotspots)
app.command("gateway")(gateway.gateway)
app.add_typer(exports.app, name="export")
app.add_typer(questions.app, name="questions")
app.command("prices")(figures.prices)
app.command("timeline")(figures.timeline)
app.add_typer(packs.app, name="packs")
app.add_typer(bulletin.app, name="bulletin")
app.command("verify")(verify.verify)
app.add_typer(publication.app, name="publication")
app.command("aggregates")(aggregates.aggregates)
app.command("statement")(statement.statement)
app.command("timeliness")(timeliness.timeliness)
app.add_typer(requests.app, name="request")
app.add_typer(record.app, name="record")
app.add_typer(recalls.app, name="recall")
app.add_typer(links.app, name="links")
app.add_typer(profiles.app, name="profiles")
app.command("inbox")(inbox.inbox)
app.add_typer(policy_trial.app, name="policy")
app.add_typer(alerts.app, name="alerts")
app.add_typer(substances.app, name="substances")
app.add_typer(listings.app, name="listings")
app.add_typer(witness.app, name="witness")


def add_server_commands(arguments: list[str]) -> None:
    """Load the commands of an installed server: the one that is called, or all of them for the help text."""
    called = next((argument for argument in arguments if not argument.startswith("-")), None)
    own = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    if called in own:
        return
    for entry in sorted(entry_points(group="sarhad.commands"), key=lambda entry: entry.name):
        if called is None or called == entry.name:
            app.add_typer(entry.load(), name=entry.name)


def main() -> None:
    """Run the command line; every expected error ends in one sentence and its exit code."""
    add_server_commands(sys.argv[1:])
    try:
        command = typer.main.get_command(app)
        translate(command)
        command(prog_name="sarhad")
    except SarhadError as fault:
        complain(fault)
        sys.exit(exit_code(fault))
    except BrokenPipeError:
        sys.exit(0)
