"""A command takes every filter that its route takes, and hands it on."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel
from sarhad.cli import app
from typer.core import TyperGroup
from typer.testing import CliRunner

from service.seizures.query import Conditions, Search
from service.trends.places import Flows, HotSpots
from service.trends.question import Trend
from tests.exchange import Exchange
from tests.trends.conftest import seizure

ROUTES: dict[str, type[BaseModel]] = {
    "search": Search, "export new": Conditions, "trends": Trend, "questions save": Trend, "flows": Flows,
    "hotspots": HotSpots,
}  # fmt: skip
PAGES = {"cursor"}  # followed by the command itself
YEAR = ("--from", "1992-01", "--to", "1993-01")
Sarhad = Callable[..., str]


@pytest.mark.parametrize(("name", "route"), ROUTES.items(), ids=ROUTES)
def test_every_filter_of_the_route_is_an_option(name: str, route: type[BaseModel]) -> None:
    command = typer.main.get_command(app)
    for word in name.split():
        assert isinstance(command, TyperGroup)
        command = command.commands[word]
    options = {option.removeprefix("--").replace("-", "_") for one in command.params for option in one.opts}
    assert {field.alias or own for own, field in route.model_fields.items()} - PAGES <= options


@pytest.fixture(scope="module")
def sarhad(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Sarhad:
    """The command line of an analyst of Turkmenistan, which has a seizure at a point and on a route."""
    home: Path = tmp_path_factory.mktemp("home") / "TM-CUS"
    kept = exchange.region.profiles["TM-CUS"]
    shutil.copytree(kept.directory, home)
    replace(kept, directory=home, service=exchange.settings.origin).save()
    route = [
        {"role": "DEPARTURE", "country": "AF", "certainty": "KNOWN"},
        {"role": "TRANSIT", "country": "TM", "certainty": "SUSPECTED"},
    ]
    point = {"lat": "37.95", "lon": "58.38", "accuracy_m": 50, "method": "GPS"}
    record = seizure("TM-CUS", "1992-03-14", ("heroin", "2", "kg", "PRES"), route=route, where_point=point)
    exchange.client("TM-CUS").submit(exchange.sign(record))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments, "--purpose", "analysis", "--as", str(home)])
        if done.exception:
            raise done.exception
        return done.stdout

    return run


def test_routes_and_hot_spots_are_shown(sarhad: Sarhad) -> None:
    head, way, *_ = sarhad("flows", *YEAR).splitlines()
    assert dict(zip(head.split("\t"), way.split("\t"), strict=True)) == {
        "origin": "AF", "transit": "TM", "destination": "(not stated)", "certainty": "SUSPECTED", "seizures": "1",
        "items": "1", "kg": "2",
    }  # fmt: skip
    assert json.loads(sarhad("flows", *YEAR, "--certainty", "KNOWN", "--json"))["flows"] == []
    assert "are given: 1; others: 0." in sarhad("hotspots", *YEAR, "--resolution", "3", "--place-type", "ROAD")


def test_a_question_of_coarse_cells_is_asked_and_saved(sarhad: Sarhad, exchange: Exchange) -> None:
    coarse = ("--by", "cell,substance", "--resolution", "3", "--level", "0")
    asked = (*YEAR, *coarse, "--admin1", "TM-A", "--concealment", "LUG")
    question = json.loads(sarhad("trends", *asked, "--json"))["question"]
    saved = sarhad("questions", "save", "Cells", *asked).strip()
    asks = json.loads(sarhad("questions", "ask", saved))["question"]
    exchange.client("TM-CUS").drop_question(saved)
    assert asks == question
    assert (question["resolution"], question["level"], question["admin1"]) == (3, 0, "TM-A")


def test_an_export_has_the_filters_of_a_search(sarhad: Sarhad, exchange: Exchange) -> None:
    narrow = ("--from", "1992-01-01", "--to", "1993-01-01", "--min-kg", "1.5", "--transport", "3")
    assert [item["owner"] for item in json.loads(sarhad("search", *narrow, "--json"))] == ["TM"]
    assert json.loads(sarhad("search", *narrow, "--retracted", "--json")) == []
    export = sarhad("export", "new", "--no-wait", *narrow, "--retracted").strip()
    asked = exchange.client("TM-CUS", "analysis").export(export)["question"]
    sarhad("export", "delete", export)
    assert asked["retracted"] is True
    assert (asked["min_kg"], asked["transport"]) == ("1.5", "3")
