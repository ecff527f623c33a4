"""Feeds the parsers with bytes that Atheris makes up, guided by what they reach: a process of its own, which ends.

`python -m tests.faults.fuzz PARSERS CORPUS… [libFuzzer's options]`: the first byte of an input chooses one of the
PARSERS, whose names are separated by commas.
"""

import sys

import atheris

with atheris.instrument_imports(include=["service", "http_sf", "tests.faults.parsers"]):
    from tests.faults.parsers import feed

NAMES = sys.argv.pop(1).split(",")


def one(data: bytes) -> None:
    if data:
        feed(NAMES[data[0] % len(NAMES)], data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
