"""The gateway: GDAL and the OGC suite read through it in plain HTTP; web pages and other machines do not."""

import http.client
import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from sarhad import Client
from sarhad.errors import ConfigurationError
from sarhad.gateway import LONGEST, Gateway, Refusal

from tests.exchange import Exchange

YEAR = 1997


def asked(gateway: Gateway, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.server_port, timeout=60)
    connection.putrequest(method, path, skip_host=True)
    given = {"host": f"127.0.0.1:{gateway.server_port}"} | {n.replace("_", "-"): v for n, v in headers.items()}
    for name, value in given.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def test_links_stay_within_the_gateway(gateway: Gateway, exchange: Exchange) -> None:
    for path in ("/", "/collections", "/collections/seizures/items?limit=1", "/api"):
        status, headers, body = asked(gateway, path)
        assert status == 200, body
        assert exchange.settings.origin.encode() not in body
        assert gateway.origin.encode() in body
        assert "access-control-allow-origin" not in headers
    assert asked(gateway, "/collections/cells/tiles/WebMercatorQuad/3/2/5")[1]["content-type"].endswith(
        "mapbox-vector-tile"
    )


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"host": "evil.example"}, 421, "wrong-host"),
        ({"host": "127.0.0.1"}, 421, "wrong-host"),
        ({"host": "rebound.example:80"}, 421, "wrong-host"),
        ({"origin": "https://evil.example"}, 403, "another-origin"),
        ({"origin": "null"}, 403, "another-origin"),
        ({"sec_fetch_site": "cross-site"}, 403, "another-origin"),
        ({"sec_fetch_site": "same-site"}, 403, "another-origin"),
    ],
)
def test_a_web_page_reads_nothing(gateway: Gateway, headers: dict[str, str], status: int, kind: str) -> None:
    answered, told, body = asked(gateway, "/collections/seizures/items", **headers)
    assert (answered, json.loads(body)["type"]) == (status, f"/problems/{kind}")
    assert told["content-type"] == "application/problem+json"


def test_it_reads_the_tree_of_the_interface_and_nothing_else(gateway: Gateway) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert asked(gateway, "/collections", method)[0] == 405
    for path in ("/../v1/seizures", "/v1/seizures", "//evil.example/", "http://evil.example/"):
        assert asked(gateway, path)[0] == 404, path
    assert asked(gateway, "/collections/seizures/items?ooga=booga")[0] == 400
    assert asked(gateway, "/collections", "HEAD")[2] == b""


def test_a_polygon_with_a_million_vertices_goes_nowhere(gateway: Gateway) -> None:
    polygon = "POLYGON((" + "1%201," * (LONGEST // 6) + "1%201))"
    status, _, body = asked(gateway, f"/collections/seizures/items?filter=S_INTERSECTS(geometry,{polygon})")
    assert (status, json.loads(body)["type"]) == (414, "/problems/request-too-long")
    with suppress(BrokenPipeError, ConnectionResetError):  # it hangs up before it has read it all
        assert asked(gateway, f"/collections/seizures/items?filter={polygon * 180}")[0] == 414


def test_it_listens_on_loopback_only(exchange: Exchange) -> None:
    key = exchange.region.profiles["KG-CUS"].load_request_key()
    with (
        Client(service=exchange.settings.origin, key=key) as client,
        pytest.raises(ConfigurationError, match="loopback"),
    ):
        Gateway(client, host="0.0.0.0")


def test_without_the_service_it_says_so(exchange: Exchange) -> None:
    key, known = exchange.region.profiles["KG-CUS"].load_request_key(), exchange.client("KG-CUS").service_key
    with (
        Client(service="http://127.0.0.1:9", key=key, service_key=known) as client,
        Gateway(client) as gateway,
        pytest.raises(Refusal) as refused,
    ):
        gateway.fetch("/collections")
    assert (refused.value.status, refused.value.name) == (502, "service-unreachable")


def _run(*command: str) -> str:
    environment = os.environ | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "GDAL_HTTP_TIMEOUT": "60"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_gdal_reads_a_collection(gateway: Gateway, filed: list[str], tmp_path: Path) -> None:
    source = f"OAPIF:{gateway.origin}"
    assert "seizures" in _run("ogrinfo", "-ro", source)
    told = _run("ogrinfo", "-ro", "-so", source, "seizures", "-where", "owner = 'TM'")
    assert "Geometry: Point" in told
    assert "WGS 84" in told
    assert "owner: String" in told
    made = tmp_path / "seizures.geojson"
    _run(
        "ogr2ogr", "-f", "GeoJSON", str(made), source, "seizures", "-spat", "58", "38", "59", "39", "-oo", "PAGE_SIZE=2"
    )
    features = json.loads(made.read_text())["features"]
    found = {f["properties"].get("id", f.get("id")) for f in features}
    assert found & set(filed) == {id_ for n, id_ in enumerate(filed) if n % 3 < 2}


def test_the_suite_of_ogc_api_features_passes(gateway: Gateway) -> None:
    """All of its core. What it has for filtering cannot pass anywhere: it hands over a dict as `filter-lang`."""
    python = os.environ.get("SARHAD_OGCTESTS_PYTHON")
    if python is None:
        pytest.fail("SARHAD_OGCTESTS_PYTHON is not set: tests/run installs the suite and says where it is")
    suite = _run(python, "-c", "import pathlib, ogctests; print(pathlib.Path(ogctests.__file__).parent)").strip()
    os.environ["INSTANCE_URL"] = gateway.origin
    told = _run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{suite}/features/core", "--tb=short")
    assert " passed" in told
    assert "29 passed" in told, told[-2000:]
