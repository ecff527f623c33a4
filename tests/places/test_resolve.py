"""Texts as reporters write them: Cyrillic, transliterated, abbreviated, damaged; ours, in the manner of
real reports."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.places.atlas import Atlas
from service.places.resolve import FLOOR, PlaceMatch

# reporting country, division, place, unit expected
AT_HOME = [
    ("KZ", "", 'Жамбылская обл., с.Кордай, КПП "Кордай-авто"', "KZ-31"),
    ("KZ", "", 'BCP "Sypatai-Batyr", Zhambyl', "KZ-31"),
    ("KZ", "", "г. Экибастуз, Павлодарская обл.", "KZ-55"),
    ("KZ", "", "автовокзал г.Караганды", "KZ-35"),
    ("KZ", "", "Temirtau city, Karagandy", "KZ-35"),
    ("KZ", "ЮКО", "г. Кентау", "KZ-61"),
    ("KZ", "", "Северо-115ская область", "KZ-59"),
    ("KZ", "", 'автотрасса "Уральск-Дарьинск"', "KZ-27"),
    ("KZ", "", 'железнодорожный пункт пропуска "Аул"', "KZ-10"),
    ("KZ", "Акмолинская область", "город Астана", "KZ-71"),
    ("KZ", "", "Shymkent, South Kazakhstan", "KZ-79"),
    ("KZ", "", "Zhezkazgan, Karagandy", "KZ-62"),
    ("KG", "Чуйская область КР", 'КПП "Ак-Жол"', "KG-C"),
    ("KG", "", "Bishkek, Chui", "KG-GB"),
    ("KG", "", "Kara-Suu district, Osh", "KG-O"),
    ("KG", "Ысык-Көл облусу", "Каракол шаары", "KG-Y"),
    ("KG", "Жалал-Абад облусу", "", "KG-J"),
    ("TJ", "", "Khatlon province, Panj district", "TJ-KT"),
    ("TJ", "", "Sogd province. Penjikent district", "TJ-SU"),
    ("TJ", "ГБАО", "Шугнанский район", "TJ-GB"),
    ("TJ", "", "Dushanbe city, Sino-1 district", "TJ-DU"),
    ("TJ", "РРП", "г. Турсунзаде", "TJ-RA"),
    ("TJ", "Ленинабадская область", "", "TJ-SU"),
    ("TM", "", "Sarahskiy district, Akhal Welayaty", "TM-A"),
    ("TM", "", "Turkmenabat, Lebap velayat", "TM-L"),
    ("TM", "Ташаузский велаят", "", "TM-D"),
    ("TM", "", "Ashgabat, Ahal Welayaty", "TM-S"),
    ("UZ", "Сурхандарьинская область", 'Таможенный комплекс "Айритом"', "UZ-SU"),
    ("UZ", "", "Ургутский р-н", "UZ-SA"),
    ("UZ", "", "Tashkent, Bekabad city", "UZ-TO"),
    ("UZ", "", "г. Ташкент, Чиланзарский район", "UZ-TK"),
    ("UZ", "", "Khorezm, Khazarasp district", "UZ-XO"),
    ("UZ", "Toshkent viloyati", "", "UZ-TO"),
    ("UZ", "", "Хатирчинский район", "UZ-NW"),
    ("UZ", "Республика Каракалпакстан", "г.Нукус", "UZ-QR"),
    ("AZ", "", "Bilasuvar", "AZ-BIL"),
    ("AZ", "", "г. Ленкорань", "AZ-LA"),
    ("AZ", "", "Куба", "AZ-QBA"),
    ("RU", "РТ", "г. Казань", "RU-TA"),
    ("IR", "", "West Azerbaijan", "IR-04"),
    ("RU", "", "Leningrad Region, St. Petersburg", "RU-SPE"),
    ("RU", "Ханты-Мансийский автономный округ", "г. Сургут", "RU-KHM"),
    ("RU", "Республика Алтай", "", "RU-AL"),
    ("RU", "Алтайский край", "", "RU-ALT"),
    ("RU", "", "Nizhny Novgorod Region, N. Novgorod city", "RU-NIZ"),
    ("AF", "", "Konduz", "AF-KDZ"),
    ("AF", "", "Nemroz", "AF-NIM"),
    ("IR", "", "Sistan and Baluchestan/Zahedan", "IR-11"),
    ("PK", "", "D.I. Khan", "PK-KP"),
    ("CN", "Xinjiang", "Urumqi", "CN-XJ"),
]

# reporting country, division, place, country named, unit expected
ABROAD = [
    ("KG", "Красноярский край РФ", "г. Красноярск", "RU", "RU-KYA"),
    ("KG", "", "Krasnoyarsk, RF", "RU", "RU-KYA"),
    ("KG", "", "Россия, г. Новосибирск", "RU", "RU-NVS"),
    ("TJ", "Российская Федерация", "Самарская область, г. Тольятти", "RU", "RU-SAM"),
    ("UZ", "", "Казахстан, г. Шымкент", "KZ", "KZ-79"),
    ("KZ", "Кыргызская Республика", "г. Ош", "KG", "KG-GO"),
    ("TJ", "Badakhshan province", "Islamic Republic of Afghanistan", "AF", "AF-BDS"),
    ("KZ", "", "г. Новосибирск", "RU", "RU-NVS"),
    ("KG", "", "Москва Россия", "RU", "RU-MOW"),
    ("UZ", "", "Кыргызская Республика, г. Ош", "KG", "KG-GO"),
    ("TJ", "", "East Azerbaijan, Iran", "IR", "IR-03"),
    ("RU", "", "Республика Узбекистан, Хорезмская область", "UZ", "UZ-XO"),
    ("PK", "", "United Kingdom", "GB", None),
    ("PK", "", "Toronto", "CA", None),
    ("UZ", "", "Турция, Стамбул", "TR", "TR-34"),
]

UNKNOWN = [
    ("KZ", "", "пассаж. поезд № 311"),
    ("KZ", "", 'трасса "Бишкек-Алматы"'),
    ("UZ", "", '"Речной порт" т.п.'),
    ("RU", "", "Unknown"),
    ("KZ", "", ""),
    ("KG", "", "#$%&"),
    ("KZ", "", "Semey, South Kazakhstan"),  # they contradict each other
    ("RU", "Свердловская область", "г. Челябинск"),
    ("KZ", "", "Абайский район"),  # there are two
    ("XX", "", "Nowhere"),
]


@pytest.mark.parametrize(("country", "division", "place", "unit"), AT_HOME)
def test_a_place_at_home_is_found(atlas: Atlas, country: str, division: str, place: str, unit: str) -> None:
    match = atlas.resolve(country, division, place)
    assert (match.country, match.admin1, match.names_other_country) == (country, unit, False)
    assert FLOOR <= match.confidence <= 1


@pytest.mark.parametrize(("country", "division", "place", "named", "unit"), ABROAD)
def test_a_place_abroad_is_abroad_and_says_so(
    atlas: Atlas, country: str, division: str, place: str, named: str, unit: str | None
) -> None:
    match = atlas.resolve(country, division, place)
    assert (match.country, match.admin1, match.names_other_country) == (named, unit, True)


@pytest.mark.parametrize(("country", "division", "place"), UNKNOWN)
def test_what_cannot_be_known_is_not_guessed(atlas: Atlas, country: str, division: str, place: str) -> None:
    match = atlas.resolve(country, division, place)
    assert match.admin1 is None
    assert match.country == country


def test_a_former_region_answers_with_all_it_became(atlas: Atlas) -> None:
    match = atlas.resolve("KZ", "", "Южно-Казахстанская область")
    assert match == PlaceMatch("KZ", "KZ-61", 0.70, "Южно-Казахстанская", "former-unit", False, ("KZ-61", "KZ-79"))


def test_a_region_that_was_split_is_less_sure_until_a_town_tells(atlas: Atlas) -> None:
    alone = atlas.resolve("KZ", "Восточно-Казахстанская область", "")
    assert (alone.admin1, alone.candidates) == ("KZ-63", ("KZ-63", "KZ-10"))
    assert alone.confidence <= 0.80
    told = atlas.resolve("KZ", "Восточно-Казахстанская область", "г. Семей")
    assert (told.admin1, told.candidates) == ("KZ-10", ())
    assert told.confidence > 0.90


def test_a_name_shared_by_city_and_region_lists_both(atlas: Atlas) -> None:
    match = atlas.resolve("KZ", "", "Almaty")
    assert (match.admin1, set(match.candidates)) == ("KZ-75", {"KZ-75", "KZ-19"})
    assert match.confidence < 0.80
    assert atlas.resolve("KZ", "", "Алматинская область").admin1 == "KZ-19"


COUNTRIES = {"RU": "Россия", "KZ": "Казахстан", "KG": "Кыргызстан", "TJ": "Таджикистан", "UZ": "Узбекистан"}
SOME_PLACES = [
    "г. Ош",
    "Чуйская область",
    "Sughd",
    'КПП "Кордай"',
    "г.Новосибирск",
    "Абайский район",
    "Xorazm",
    "qwzx",
]


@given(
    st.sampled_from(sorted(COUNTRIES)),
    st.sampled_from(sorted(COUNTRIES)),
    st.sampled_from(SOME_PLACES),
    st.booleans(),
)
def test_never_another_country_than_the_text_names(reporting: str, named: str, place: str, country_first: bool) -> None:
    country = COUNTRIES[named]
    match = _ATLAS.resolve(reporting, *((country, place) if country_first else (place, country)))
    assert match.country == named
    assert match.admin1 is None or match.admin1.startswith(named)
    assert match.names_other_country == (named != reporting)


@settings(max_examples=300)
@given(st.sampled_from(["KZ", "KG", "RU", "XX"]), st.text(max_size=60), st.text(max_size=60))
def test_any_text_gets_an_answer_that_holds_together(country: str, division: str, place: str) -> None:
    match = _ATLAS.resolve(country, division, place)
    assert match.admin1 is None or (match.admin1.startswith(match.country) and match.confidence >= FLOOR)
    assert match.names_other_country == (match.country != country)


def test_thirty_thousand_rows_take_seconds(atlas: Atlas) -> None:
    started = time.perf_counter()
    for number in range(30_000):
        country, division, place, _ = AT_HOME[number % len(AT_HOME)]
        atlas.resolve(country, division, f"{place} {number % 5_000}")
    assert time.perf_counter() - started < 15


_ATLAS = Atlas.from_files()
