"""The command line speaks to a person in the person's language, and to programs always the same."""

import os
import subprocess
from pathlib import Path

import pytest
from sarhad import PrivateKey, Profile, records
from sarhad.cli import words
from sarhad.cli.words import UNREVIEWED, catalogue, language
from sarhad.errors import ADVICE, InputError, ProblemError
from sarhad.evidence import Evidence

from tests.exchange import heroin


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where a profile lies, and what it keeps of a record."""
    profile = Profile(directory=tmp_path / "default", agency="KZ-CUS", service="http://127.0.0.1:1")
    issuer = PrivateKey.generate()
    for file in (profile.request_key, profile.record_key):
        PrivateKey.generate().save(profile.directory / file)
    profile.save()
    evidence = Evidence(record=records.issue(issuer, heroin()), record_key=issuer.public.jwk)
    evidence.save(tmp_path / "evidence.json")
    return tmp_path


def sarhad(home: Path, *arguments: str, **said: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    environment |= {"SARHAD_HOME": str(home), "COLUMNS": "400", **said}
    return subprocess.run(
        ["sarhad", *arguments], cwd=home, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("code", "panel", "help_"),
    [
        ("ru", "Команды", "Подписывать, отправлять, читать и проверять записи об изъятиях наркотиков."),
        (
            "uz",
            "Buyruqlar",
            "Giyohvandlik vositalarini olib qoʻyish yozuvlarini imzolash, yuborish, oʻqish va tekshirish.",
        ),
    ],
)
def test_help_is_in_the_language_and_says_once_that_nobody_reviewed_it(
    home: Path, code: str, panel: str, help_: str
) -> None:
    told = sarhad(home, "--help", SARHAD_LANGUAGE=code).stdout
    assert panel in told
    assert help_ in told
    assert told.count(catalogue(code)[UNREVIEWED]) == 1
    assert catalogue(code)["Withdraw a record. Its earlier versions stay in the log, and in your history."] in told
    below = sarhad(home, "verify", "--help", SARHAD_LANGUAGE=code).stdout
    assert f"{catalogue(code)['Example']}: sarhad verify evidence.sarhad.json --fetch" in below
    assert catalogue(code)[UNREVIEWED] not in below


def test_the_language_is_that_of_the_setting_else_of_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SARHAD_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert language() == "en"
    for name, value, expected in (
        ("LANG", "kk_KZ.UTF-8", "kk"),
        ("LC_MESSAGES", "uz_UZ", "uz"),
        ("LC_ALL", "C.UTF-8", "en"),
        ("SARHAD_LANGUAGE", "tg", "tg"),
    ):
        monkeypatch.setenv(name, value)
        assert language() == expected, name


@pytest.mark.parametrize(
    "arguments", [("verify", "evidence.json", "--json"), ("keys", "show", "--json"), ("outbox", "list")]
)
def test_what_programs_read_is_the_same_in_every_language(home: Path, arguments: tuple[str, ...]) -> None:
    told = {code: sarhad(home, *arguments, SARHAD_LANGUAGE=code) for code in words.LANGUAGES}
    assert {answer.returncode for answer in told.values()} == {0}
    assert {answer.stdout for answer in told.values()} == {told["en"].stdout}
    assert told["en"].stdout


def test_verdicts_headings_and_errors_are_in_the_language(home: Path) -> None:
    english, russian = (sarhad(home, "verify", "evidence.json", SARHAD_LANGUAGE=code).stdout for code in ("en", "ru"))
    assert "1. KZ-CUS signed version 1 of record " in english
    assert "1. KZ-CUS — подписана версия 1 записи " in russian
    table = sarhad(home, "outbox", "list", SARHAD_LANGUAGE="ru", FORCE_COLOR="1").stdout
    assert "номер сообщения" in table
    refused = sarhad(home, "show", "5f0c", "--profile", "none", SARHAD_LANGUAGE="uz")
    assert (refused.returncode, refused.stdout) == (5, "")
    assert refused.stderr.startswith("sarhad: 'none' profili yoʻq; yarating: sarhad keys new --agency KZ-CUS")


def test_an_error_reads_in_english_and_is_spoken_in_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARHAD_LANGUAGE", "kk")
    fault = InputError("{file} is empty.", file="a{b}.csv")
    assert (str(fault), words.spoken(fault)) == ("a{b}.csv is empty.", "a{b}.csv бос.")


def test_the_title_of_a_problem_is_spoken_in_the_language_and_its_detail_as_the_service_says_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SARHAD_LANGUAGE", "kk")
    title, detail = "A code that its list does not hold.", "XX is not in units"
    refusal = ProblemError({"type": "/problems/unknown-code", "title": title, "detail": detail, "pointer": "/items/0"})
    assert words.spoken(refusal) == f"Тізімінде жоқ код. {detail} (at /items/0)"
    later = ProblemError({"type": "/problems/too-many-requests", "title": "Too many requests.", "status": 429})
    assert words.spoken(later) == f"Too many requests. {catalogue('kk')[ADVICE['too-many-requests']]}"
