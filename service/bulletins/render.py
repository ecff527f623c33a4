"""A bulletin as PDF, by typst: vector maps and charts, embedded fonts, the time of the release inside. Pure."""

from datetime import UTC
from pathlib import Path

import orjson

from service.bulletins.figures import Source, page_of
from service.bulletins.words import Language, Words

TEMPLATE = Path(__file__).parent / "bulletin.typ"
MEDIA_TYPE = "application/pdf"


def pdf(source: Source, language: Language) -> bytes:
    """The same bytes for the same release and language. No font of the system is used."""
    import typst  # noqa: PLC0415 - large, and printed by a job, not by a worker that answers

    data = orjson.dumps(page_of(source, Words(language))).decode()
    made = source.released_at.astimezone(UTC).replace(microsecond=0)
    printed = typst.compile(
        TEMPLATE.read_bytes(), format="pdf", ignore_system_fonts=True, sys_inputs={"data": data}, timestamp=made
    )
    assert isinstance(printed, bytes)  # one PDF, not pages
    return printed
