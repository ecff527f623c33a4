"""Country names as registers write them → ISO 3166-1 alpha-2. `XX` is for what says that it does not know."""

import csv
from functools import cache
from importlib import resources


@cache
def country_codes() -> dict[str, str]:
    """Every name of `profiles/countries.csv`, and the codes themselves, to the alpha-2 code."""
    table = resources.files("sarhad") / "profiles" / "countries.csv"
    codes: dict[str, str] = {}
    with table.open(encoding="utf-8") as file:
        for entry in csv.DictReader(file):
            codes[entry["name"]] = entry["alpha_2"]
            codes[entry["alpha_2"]] = entry["alpha_2"]
    return codes
