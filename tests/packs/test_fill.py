"""Sheets from records, as values: words, tables of the form, totals, what does not convert, order."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.packs.fill import Filling
from service.packs.forms import FOLDER, Form, form_of, forms
from service.packs.say import Registers, holds, values
from service.places.atlas import Atlas
from service.records.codes import list_names
from service.records.registry import KINDS
from service.substances.catalogue import Catalogue
from service.substances.load import SCHEMAS


@pytest.fixture(scope="module")
def registers() -> Registers:
    return Registers(Catalogue.from_files(SCHEMAS), Atlas.from_files())


def context(number: int, **members: Any) -> dict[str, Any]:
    return {"record": {"id": f"r{number}", "kind": "seizure"}, "where.country": "KZ", **members}


def form(*columns: dict[str, Any], **codes: dict[str, str]) -> Form:
    sheet = {"name": "S", "records": ["seizure"], "each": "item", "columns": list(columns)}
    return Form.model_validate(
        {"form": "test", "title": "T", "sources": ["s"], "status": "", "sheets": [sheet], "codes": codes}
    )


def filled(form: Form, registers: Registers, *contexts: dict[str, Any]) -> list[list[str]]:
    filling = Filling(form.sheets[0], form, registers)
    for one in contexts:
        filling.add(one)
    rows: list[list[str]] = filling.done()["rows"]
    return rows


def test_every_form_is_whole_and_names_its_sources() -> None:
    assert {"unodc-ids", "unodc-arq", "incb-form-d", "incb-pics", "unodc-ewa", "wco-cen"} <= set(forms())
    for made in forms().values():
        assert made.sources
        assert "ot certified" in made.status
        for sheet in made.sheets:
            assert set(sheet.records) <= set(KINDS)
            assert len({column.name for column in sheet.columns}) == len(sheet.columns)
            for column in sheet.columns:
                assert column.label is None or column.label in list_names()


def test_no_form_shows_a_person_or_a_text_that_may_name_one() -> None:
    for path in FOLDER.glob("*.toml"):
        assert "narrative" not in path.read_text(encoding="utf-8").replace("no narrative", "")


@pytest.mark.parametrize("change", [('each = "item"', 'each = "person"'), ('codes = "region"', 'codes = "none"'),
                                    ("title =", "titel =")])  # fmt: skip
def test_a_file_that_is_no_form_is_refused(change: tuple[str, str]) -> None:
    text = (FOLDER / "unodc-ids.toml").read_text(encoding="utf-8")
    with pytest.raises(ValidationError):
        form_of(text.replace(*change, 1).encode())


def test_a_path_goes_through_lists_and_says_nothing_of_what_is_absent() -> None:
    given = {"transport": {"concealment": ["LUG", "VFT"]}, "when.day": "2025-05-14"}
    assert [*values(given, "transport/concealment")] == ["LUG", "VFT"]
    assert [*values(given, "when.day")] == ["2025-05-14"]
    assert [*values(given, "transport/mode")] == [*values(given, "route/country")] == []
    assert holds(given, {"transport/mode": [""]})
    assert not holds(given, {"transport/mode": ["3"]})


def test_words_of_registers_and_of_the_form(registers: Registers) -> None:
    made = form(
        {"name": "drug", "path": "line/substance", "name_of": "substance", "codes": "drug"},
        {"name": "cas", "path": "line/substance", "name_of": "cas"},
        {"name": "iso3", "path": "where.country", "name_of": "alpha3"},
        {"name": "date", "path": ["when.day", "when.month"]},
        {"name": "hidden", "path": "transport/concealment", "label": "concealments"},
        {"name": "mode", "path": "transport/mode", "codes": "mode", "strict": True},
        drug={"Heroin": "Heroin (as the form says)"},
        mode={"4": "Airplane"},
    )
    seen = context(1, line={"substance": "SAR-000608"}, transport={"mode": "3", "concealment": ["LUG", "LUG"]},
                   **{"when.month": "2025-05"})  # fmt: skip
    (row,) = filled(made, registers, seen)
    assert row[:4] == ["Heroin (as the form says)", "561-27-3", "KAZ", "2025-05"]
    assert row[4:] == ["Luggage", ""]


def test_totals_add_what_converts_and_count_what_does_not(registers: Registers) -> None:
    made = form(
        {"name": "group", "path": "group"},
        {"name": "seizures", "measure": "records"},
        {"name": "kg", "measure": "sum", "path": "line/kg"},
        {"name": "none", "measure": "rows", "where": {"line/kg": [""]}},
        {"name": "median", "measure": "median", "path": "line/kg"},
        {"name": "first", "measure": "min", "path": "when.month"},
    )
    month = {"when.month": "2025-05"}
    rows = filled(
        made, registers,
        context(1, group="b", line={"kg": "0.10"}, **month), context(1, group="b", line={"kg": "0.2"}, **month),
        context(2, group="b", line={"kg": None}, **{"when.month": "2025-04"}), context(3, group="a", line={}, **month),
    )  # fmt: skip
    assert rows == [["a", "1", "", "1", "", "2025-05"], ["b", "2", "0.3", "1", "0.1", "2025-04"]]
