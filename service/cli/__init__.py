"""The operator's commands: each module gives one Typer, found by the `sarhad` executable."""
