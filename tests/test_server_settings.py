"""How a server is told what to do, what it says of itself, and how it stops."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib

import pytest
import requests
from conftest import model
from prometheus_client.parser import text_string_to_metric_families
from serving import ROOT, serve, until

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import CatalogNotFound, SettingsError
from mlaoi_graph.server.app import create_app
from mlaoi_graph.server.settings import Settings, load, shown

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith("MLAOI_") and name != "MLAOI_NOTHING_SKIPPED":
            monkeypatch.delenv(name)


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "mlaoi_graph", "serve", *map(str, arguments)],
        capture_output=True, text=True, timeout=60, env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )  # fmt: skip


def test_flags_stand_before_the_environment_and_that_before_the_file(tmp_path, monkeypatch):
    file = tmp_path / "server.toml"
    file.write_text('catalog = "from-file"\nport = 1\nrows = 10\ntimeout = 1.5\ncors_origins = ["https://a.example"]\n')
    monkeypatch.setenv("MLAOI_PORT", "2")
    monkeypatch.setenv("MLAOI_ROWS", "20")
    found = load(file, rows=30)
    assert (found.rows, found.port, found.timeout, str(found.catalog)) == (30, 2, 1.5, "from-file")
    assert found.cors_origins == ("https://a.example",)
    monkeypatch.setenv("MLAOI_CONFIG", str(file))
    monkeypatch.setenv("MLAOI_CORS_ORIGINS", "https://b.example, https://c.example")
    assert load().timeout == 1.5
    assert load().cors_origins == ("https://b.example", "https://c.example")


def test_a_list_in_the_environment_has_commas(monkeypatch):
    monkeypatch.setenv("MLAOI_CORS_ORIGINS", '["https://a.example"]')
    with pytest.raises(SettingsError, match="commas between them in the environment"):
        load(catalog="x")
    monkeypatch.setenv("MLAOI_CORS_ORIGINS", "http://[::1]:8000,moz-extension://a-b,*")
    assert load(catalog="x").cors_origins == ("http://[::1]:8000", "moz-extension://a-b", "*")


def test_the_settings_in_force_are_shown_and_read_back(tmp_path):
    done = run(tmp_path, "--port", 99, "--show-config", MLAOI_TIMEOUT="2.5", MLAOI_TOKEN="not to be shown to others")
    assert done.returncode == 0
    assert "not to be shown" not in done.stdout
    values = tomllib.loads(done.stdout)
    assert (values["port"], values["timeout"], values["catalog"]) == (99, 2.5, str(tmp_path))
    assert set(values) == set(Settings.model_fields) - {"public_url", "token"}
    (tmp_path / "again.toml").write_text(done.stdout)
    assert shown(load(tmp_path / "again.toml")) == done.stdout.strip().replace('# token = "..."', "# token is not set")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port = 70000", "port"), ('timeout = "soon"', "timeout"), ("timeout = 0", "timeout"), ("prot = 1", "prot"), ("port = ", "TOML"),
        ("nesting = 5000", "nesting"), ('public_url = "example.org"', "public_url"), ("writable = true", "MLAOI_TOKEN"),
        ('writable = true\ntoken = "short"', "16 characters"), ("", "catalog"),
        ("cors_origins = ['https://a.example/']", "cors_origins: 'https://a.example/' is no origin"), ("cors_origins = ['a.example']", "is no origin"),
        ("cors_origins = ['https://A.example']", "in lower case"), ("cors_origins = ['null']", "is no origin"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_named(tmp_path, text, said):
    file = tmp_path / "server.toml"
    file.write_text(("" if not text else 'catalog = "x"\n') + text)
    with pytest.raises(SettingsError, match=said):
        load(file)
    done = run("--config", file)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("path", ["api", "api/"])
def test_the_address_printed_says_where_everything_is(served, path):
    places = served.get(path, headers={"Accept": "application/json"}).json()["places"]
    page = served.get(path, headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    for place in places:
        assert f'href="{place}"' in page.text
        assert place.startswith(served.url)
        assert served.get(place.removeprefix(served.url)).status_code == 200


def test_a_server_is_no_catalog_to_serve():
    done = run("http://127.0.0.1:7891/query")
    assert done.returncode == 2
    assert "serve needs a catalog directory, and http://127.0.0.1:7891/query is" in done.stderr
    assert "endpoint of its own" in done.stderr


def test_what_cannot_be_served_is_said_at_once(tmp_path, families_catalog):
    with pytest.raises(CatalogNotFound):
        create_app(load(catalog=tmp_path))
    assert "mlaoi-graph build" in run(tmp_path).stderr
    assert "--config" in run(families_catalog, "--config", tmp_path / "none.toml").stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(families_catalog, "--port", taken.getsockname()[1])
        assert done.returncode == 2
        assert "Choose another --port" in done.stderr


def test_a_damaged_catalog_is_said_at_once(tmp_path, write):
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.ingest(write(one=model("one")))
    for file in (tmp_path / "catalog/snapshots/1").iterdir():
        file.unlink()
    done = run(tmp_path / "catalog", "--port", 0)
    assert done.returncode == 2
    assert "store" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("missing", ["pydantic_settings", "fastapi", "uvicorn", "mimeparse", "prometheus_client"])
def test_without_the_extra_it_says_what_to_install(families_catalog, missing):
    code = f"import sys; sys.modules[{missing!r}] = None; from mlaoi_graph.cli import main; sys.argv[1:] = ['serve', {str(families_catalog)!r}]; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 2
    assert done.stderr.strip() == "mlaoi-graph: serving a catalog needs: pip install 'mlaoi-graph[server]'"


def test_help_has_an_example_and_loads_no_framework():
    done = run("--help")
    assert "Example: mlaoi-graph serve" in done.stdout
    code = "import sys; import mlaoi_graph.cli.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"fastapi", "pydantic", "uvicorn", "starlette"} & set(loaded)


def test_health_and_metrics(served):
    found = served.get("health")
    assert found.status_code == 200
    until(lambda: served.get("health").json()["workers"] == {"queries": 4, "answers": 2})
    served.sparql("ASK {}")
    found = served.get("metrics")
    assert found.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(found.text)}
    assert {"mlaoi_requests", "mlaoi_request_seconds", "mlaoi_workers", "mlaoi_waiting", "mlaoi_workers_ended"} <= set(
        families
    )
    routes = {sample.labels["route"] for sample in families["mlaoi_requests"].samples}
    assert "sparql" in routes
    assert all(re.fullmatch(r"\w+", route) for route in routes)


def test_series_do_not_grow_with_what_clients_make_up(served):
    def lines():
        return len([v for v in served.get("metrics").text.splitlines() if v.startswith("mlaoi_requests_total")])

    served.get("made-up-0")
    requests.request("MADEUP0", f"{served.url}sparql", timeout=30)
    before = lines()
    for number in range(1, 20):
        served.get(f"made-up-{number}")
        requests.request(f"MADEUP{number}", f"{served.url}sparql", timeout=30)
    assert lines() <= before + 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_what_is_under_way_is_answered(families_catalog, tmp_path, how):
    slow = "SELECT (COUNT(*) AS ?n) { VALUES ?a { NUMBERS } VALUES ?b { NUMBERS } VALUES ?c { 1 2 3 4 5 } FILTER(?a + ?b >= 0) }"
    slow = slow.replace("NUMBERS", " ".join(map(str, range(1200))))
    with serve(families_catalog, tmp_path, "--workers", 1) as server:
        server.get("metrics")  # what answers it is imported by then
        answers = []
        asking = threading.Thread(target=lambda: answers.append(server.sparql(slow)))
        asking.start()
        until(lambda: server.metric('mlaoi_workers{pool="queries",state="busy"}') == 1)
        server.process.send_signal(how)
        time.sleep(0.2)
        asking.join()
        assert server.process.wait(30) == 0
        assert answers[0].json()["results"]["bindings"][0]["n"]["value"] == str(1200 * 1200 * 5)
        with pytest.raises(requests.exceptions.ConnectionError):
            server.get("health")
        assert "Traceback" not in server.log


@pytest.mark.parametrize("made", ["pymp-", "mlaoi-making-"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_it_starts_it_leaves_nothing(families_catalog, tmp_path, how, made):
    """It is stopped as soon as it has made a first folder, and as soon as it has made the last."""
    folder = tmp_path / "t"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "mlaoi_graph", "serve", str(families_catalog), "--port", "0"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
    )  # fmt: skip
    until(lambda: list(folder.glob(f"{made}*")), 60)
    process.send_signal(how)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 0
    assert "Traceback" not in said
    until(lambda: not list(folder.iterdir()))


def test_behind_a_proxy_addresses_are_the_public_ones(families_catalog, tmp_path):
    with serve(families_catalog, tmp_path, "--public-url", "https://data.example.org/lineage") as server:
        assert "<https://data.example.org/lineage/sparql>" in server.get("sparql").text
        found = server.get("models/geochat-7b.html")
        assert 'href="/lineage/datasets/geochat-instruct"' in found.text
        assert server.url not in found.text


def test_the_log_is_json_a_line(served):
    served.get("health")
    until(lambda: served.requests())
    assert all(("status" in line) != ("message" in line) for line in served.lines)


def test_the_documentation_shows_the_settings():
    page = (ROOT / "docs/serve.md").read_text("utf-8")
    (block,) = re.findall(r"<!-- output of: mlaoi-graph serve lineage --show-config -->\n```toml\n(.*?)```", page, re.S)
    assert shown(load(catalog="lineage")) + "\n" == block


def test_the_documentation_has_every_word_of_an_error():
    page = (ROOT / "docs/serve.md").read_text("utf-8")
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "mlaoi_graph/server").rglob("*.py"))
    words = {
        word
        for status, word in re.findall(r'\b(?:problem|Refusal|_refuse)\(\s*b?"?(\d+)[^,"]*"?, b?"([a-z-]+)"', sources)
        if status != "499"
    }
    assert len(words) > 30
    said = {*re.findall(r"`([a-z-]+)`", page)}
    assert words | {"request", "ambiguous", "wrong-kind", "method", "http"} <= said, words - said


def test_sparql_is_answered_before_the_rest_is_loaded(families_catalog, tmp_path):
    """The lineage and the footprints of a large catalog take a while: nothing of SPARQL waits for them."""
    where = tmp_path / "catalog"
    shutil.copytree(families_catalog, where)
    for made in where.glob("snapshots/*.footprints"):
        made.unlink()
    with serve(where, tmp_path, "--timeout", 20) as server:
        health = server.get("health")
        assert health.status_code == 200  # at once, be the rest "loading" or "ok"
        assert health.json()["workers"]["queries"] >= 1
        point = '"POINT (7 46)"^^geo:wktLiteral'
        found = server.sparql(f"SELECT ?w {{ ?g geo:asWKT ?w FILTER(geof:sfIntersects(?w, {point})) }}")
        assert len(found.json()["results"]["bindings"])
        until(lambda: server.get("health").json()["status"] == "ok", 60)
        assert list(where.glob("snapshots/*.footprints"))
