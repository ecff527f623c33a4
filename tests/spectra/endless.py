"""Parsers that never come to an end, say too much, or take their process with them."""

import os
import signal


def read(data: bytes) -> None:
    while data:
        pass


def talk(data: bytes) -> str:
    return "x" * int(data)


def crash(data: bytes) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def write(data: bytes) -> None:
    with open(data, "w") as file:
        file.write("kept")
