"""Which countries a text names. Says nothing about where in them."""

from service.places.gazetteer import Gazetteer, Source
from service.places.phrases import Kind, Phrase
from service.places.spelling import key

_REPUBLICS = ("Республика", "Republic")
_NEVER_A_COUNTRY = (Kind.CITY, Kind.DISTRICT, Kind.POST, Kind.REGION, Kind.SETTLEMENT, Kind.ROAD)


def countries_named(gazetteer: Gazetteer, country: str, read: list[Phrase]) -> tuple[dict[str, str], list[Phrase]]:
    """Country -> the words that name it, and what is left of the phrases.

    A name that `country`, the reporting one, gives to a place of its own is that place: "Куба" is Quba in
    a report of Azerbaijan. Within a longer phrase the first or last words count ("Москва Россия"), unless
    the whole phrase is a division somewhere ("East Azerbaijan").
    """
    named: dict[str, str] = {}
    left = []
    for phrase in read:
        words = phrase.text.split()
        found = None if _is_place(gazetteer, country, phrase) else _first_or_last(gazetteer, phrase, words)
        if found is None:
            left.append(phrase)
            continue
        code, start, end = found
        named[code] = " ".join(words[start:end])
        if rest := words[:start] + words[end:]:
            left.append(Phrase(" ".join(rest), phrase.kind))
    return named, left


def _is_place(gazetteer: Gazetteer, country: str, phrase: Phrase) -> bool:
    spelled = key(phrase.text)
    listed = (Source.UNIT, Source.DISTRICT)
    if gazetteer.country_named(phrase.text) == country:
        return False
    if any(entry.source in listed for entry in gazetteer.exact(country, spelled)):
        return True
    several = len(phrase.text.split()) > 1
    return several and any(entry.source is Source.UNIT for entry in gazetteer.everywhere(spelled))


def _first_or_last(gazetteer: Gazetteer, phrase: Phrase, words: list[str]) -> tuple[str, int, int] | None:
    """The country that the longest run of first or last words names, and where the run is."""
    if phrase.kind is Kind.REPUBLIC:
        for word in _REPUBLICS:
            if code := gazetteer.country_named(f"{phrase.text} {word}"):
                return code, 0, len(words)
    for size in range(len(words), 0, -1):
        for start in sorted({0, len(words) - size}, reverse=True):
            text = " ".join(words[start : start + size])
            code = gazetteer.country_named(text)
            if code and (size < len(words) or phrase.kind not in _NEVER_A_COUNTRY):
                return code, start, start + size
    return None
