"""A parser that never comes to an end."""


def read(data: bytes) -> None:
    while data:
        pass
