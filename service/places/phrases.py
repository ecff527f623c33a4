"""Reads the text of a place as reporters write it into phrases: a name and what kind of thing it is said
to be.

'Жамбылская область с.Мерке таможенный пост "Сыпатай батыр"' becomes (Жамбылская, REGION), (Мерке,
SETTLEMENT), (Сыпатай батыр, POST). Words that name a kind are recognised before or after the name, as each
language puts them.
"""

import re
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What the text says a name is; ANY when it does not say."""

    ANY = "any"
    REGION = "region"
    REPUBLIC = "republic"
    DISTRICT = "district"
    CITY = "city"
    SETTLEMENT = "settlement"
    POST = "post"
    ROAD = "road"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A name as written, and the kind it is given."""

    text: str
    kind: Kind


_KINDS = {
    word: kind
    for kind, words in {
        Kind.REGION: """обл область областю области oblast oblysy region province territory viloyat
            viloyati вилоят вилояти велаят велаята велаяты welayat welayaty velayat velayaty край края kray
            krai округ okrug area ао ostan vilayet облысы облусу облысынын governorate""",
        Kind.REPUBLIC: "республика республики респ republic respublika respublikasi",
        Kind.DISTRICT: """район района районе р-н рн district distr raion rayon tuman tumani туман тумани
            этрап etrap etraby nohiya ноҳия ауданы audany району county tehsil""",
        Kind.CITY: """г гор город города городе city town шаары shaary shahri шаҳри шаҳар shahar қаласы
            qalasy sh ш г-д""",
        Kind.SETTLEMENT: """п пос поселок посёлок поселка поселке пгт с село села селе аул аула аулы
            village vill нп ж-м settlement кишлак кишлака а-о aul мкр шаҳарча д дер деревня ст-ца станица""",
        Kind.POST: """кпп кп bcp cp bp пункт пропуска застава пост поста post т-п тп т-ж ж-д жд railway
            railroad station станция станции ст комплекс complex customs таможенный таможня таможенного
            point дпс patrol checkpoint авто-кпп контрольно-пропускной аэропорт аэропорта airport вокзал
            автовокзал терминал terminal порт port border пограничный пограничная пограничного отдел
                контроля отделение мапп жпп рпп авп""",
        Kind.ROAD: "трасса трассе автотрасса автодорога дорога highway road motorway шоссе",
    }.items()
    for word in words.split()
}
_NOISE = frozenset(
    re.findall(
        r"\S+",
        """the of and или in near at from to на в во из от до у около близ по авто avto автодорожный
        автомобильный железнодорожный железнодорожная автодорожного передвижной международный международная
        international имени им service пассаж поезд train no ii iii iv street str улица ул дом кв central
        center центр vil река river расположенный""",
    )
)
_PARTS = re.compile(r"[,;:/()\[\]\n–—|]+")
_WORD = re.compile(r"[\w'’ʻ‘`-]+")
_SHORTENED = [
    (re.compile(r"\b[нn]\.\s?(?=новгород)", re.I), "Нижний "),
    (re.compile(r"\bn\.\s?(?=novgorod)", re.I), "Nizhny "),
    (re.compile(r"\bкр\.", re.I), "край"),
    (re.compile(r"\bт\.\s?п\b\.?", re.I), "пост"),
    (re.compile(r"\bж\s?[/.]\s?д\b\.?", re.I), "станция"),
    (re.compile(r"\bа\s?/\s?д\b\.?", re.I), "автодорога"),
    (re.compile(r"\b(?:road patrol service|border crossing(?: point)?|check ?point)\b", re.I), "post"),
    (
        re.compile(r"\b(?:autonomous|автономн\w+) (?=(?:okrug|area|region|province|oblast|округ|область))", re.I),
        "",
    ),
    (re.compile(r"\b(?:автоном\w*|autonomous)\b", re.I), ""),
    (re.compile(r"\bst\.?\s+(?=p[ei])", re.I), "Saint "),
    (re.compile(r"\b(k)\.\s?(p)\.", re.I), "KP"),
    (re.compile(r"\b([bб])\.\s?(?=[A-ZА-Я])"), r"\1 "),
    (re.compile(r"(?<=\w)\s*[-–]\s+|\s+[-–]\s*(?=\w)"), ", "),
]


def phrases(text: str) -> list[Phrase]:
    """The phrases of one text, in order; pure numbers and filler words are dropped."""
    for pattern, replacement in _SHORTENED:
        text = pattern.sub(replacement, text)
    found: list[Phrase] = []
    for part in _PARTS.split(text):
        found += _read_part(part)
    return found


def _read_part(part: str) -> list[Phrase]:
    found: list[Phrase] = []
    words: list[str] = []
    announced = Kind.ANY  # by a word before the name
    quoted = part.replace("«", '"').replace("»", '"').replace("“", '"').replace("”", '"')
    for chunk_index, chunk in enumerate(quoted.split('"')):
        if chunk_index % 2 and words:  # a quoted name is a name of its own
            _close(found, words, announced)
            announced = Kind.ANY
        read = _WORD.findall(chunk)
        for word in read:
            kind = None if chunk_index % 2 and len(read) == 1 else _KINDS.get(word.lower())  # "Аул" is a name
            if kind is None:
                if word.lower() not in _NOISE and not word.isdigit():
                    words.append(word)
            elif not words:
                announced = kind if announced in (Kind.ANY, Kind.POST) or kind is not Kind.POST else announced
            elif announced is Kind.ANY or kind in (Kind.REGION, Kind.DISTRICT, Kind.REPUBLIC):
                after = _stands_after(kind, word)
                if announced is not Kind.ANY and len(words) > 1 and _stands_after(kind, word):
                    _close(found, words[:-1], announced)  # "г. Атбасар Акмолинская обл": the last word is the region
                    del words[:-1]
                _close(found, words, kind if after else announced)
                announced = Kind.ANY if after else kind
            else:
                _close(found, words, announced)
                announced = kind if not _stands_after(kind, word) else Kind.ANY
        if chunk_index % 2:
            _close(found, words, announced if announced is not Kind.ANY else Kind.POST)
            announced = Kind.ANY
    _close(found, words, announced)
    return found


def _stands_after(kind: Kind, word: str) -> bool:
    """Russian puts "город", "село", "пост" before the name; every other word of a kind may follow it."""
    cyrillic = any("\u0400" <= c <= "\u04ff" for c in word)
    return not (cyrillic and kind in (Kind.CITY, Kind.SETTLEMENT, Kind.POST, Kind.ROAD))


def _close(found: list[Phrase], words: list[str], kind: Kind) -> None:
    if words:
        found.append(Phrase(" ".join(words), kind))
        words.clear()
