"""Reading a remote STAC API: what it pages out is what is read, under the same rules as any other address."""

import contextlib
import http.server
import json
import socket
import threading
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import collection, link, model, sample
from typer.testing import CliRunner

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.cli.app import app
from mlaoi_graph.errors import NetworkNotAllowed, SourceError, SourceNotFound
from mlaoi_graph.model import Severity
from mlaoi_graph.readers.stac import api
from mlaoi_graph.vocab import MLAOI

pytestmark = pytest.mark.enable_socket
CORE = "https://api.stacspec.org/v1.0.0"
PAGE = 3


class StacApi:
    """A small STAC API on 127.0.0.1: landing page, collections, items, search by GET or by POST."""

    def __init__(self, items, *, post=False, search=True, collections=()):
        self.items, self.post, self.search = items, post, search
        self.collections = {c["id"]: c for c in collections}
        self.asked, self.failures, self.changes = [], Counter(), {}
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                owner.answer(self, None)

            def do_POST(self):
                owner.answer(self, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def log_message(self, *_):
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/stac"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, request, body):
        parts = urlsplit(request.path)
        query = {key: value[0] for key, value in parse_qs(parts.query).items()} if body is None else body
        self.asked.append((parts.path, body))
        if self.failures[parts.path] > 0:
            self.failures[parts.path] -= 1
            request.send_response(503)
            request.send_header("Retry-After", "0")
            request.end_headers()
            return
        found = self.page(parts.path.removeprefix("/stac").strip("/"), query, body is not None)
        if found is not None and parts.path in self.changes:
            found = self.changes[parts.path](found)
        request.send_response(404 if found is None else 200)
        request.end_headers()
        request.wfile.write(json.dumps(found).encode())

    def page(self, path, query, posted):
        if path == "":
            return self.landing()
        if path == "collections":
            shown, links = self.paged(list(self.collections.values()), query, f"{self.url}/collections", False)
            return {"collections": [self.described(c) for c in shown], "links": links}
        pieces = path.split("/")
        if pieces[0] == "collections" and len(pieces) == 2 and pieces[1] in self.collections:
            return self.described(self.collections[pieces[1]])
        if pieces[0] == "collections" and pieces[2:] == ["items"]:
            found = [i for i in self.items if i["collection"] == pieces[1]]
            shown, links = self.paged(found, query, f"{self.url}/{path}", False)
            return {"type": "FeatureCollection", "features": shown, "links": links}
        if path == "search" and self.search and posted is self.post:
            wanted = query["collections"] if posted else query["collections"].split(",")
            found = [i for i in self.items if i["collection"] in wanted]
            shown, links = self.paged(found, query, f"{self.url}/search", posted)
            return {"type": "FeatureCollection", "features": shown, "links": links}
        return None

    def landing(self):
        links = [link("self", self.url), link("root", self.url), link("data", f"{self.url}/collections")]
        if self.search:
            kind = {"type": "application/geo+json"}
            links += [link("search", f"{self.url}/search", **kind, **({"method": "POST"} if self.post else {}))]
        conforms = [f"{CORE}/core", f"{CORE}/collections", f"{CORE}/ogcapi-features"]
        return {
            "type": "Catalog", "stac_version": "1.0.0", "id": "small", "description": "A small API", "links": links,
            "conformsTo": conforms + ([f"{CORE}/item-search"] if self.search else []),
        }  # fmt: skip

    def described(self, found):
        return found | {"links": [*found["links"], link("self", f"{self.url}/collections/{found['id']}")]}

    def paged(self, found, query, url, posted):
        start = int(query.get("token", 0))
        links = []
        if start + PAGE < len(found):
            more = {"method": "POST", "merge": True, "body": {"token": str(start + PAGE)}} if posted else {}
            rest = "&".join(f"{k}={v}" for k, v in query.items() if k != "token")
            links.append(link("next", url if posted else f"{url}?{rest}&token={start + PAGE}", **more))
        return found[start : start + PAGE], links


def some_items(url="https://example.com"):
    """Seven samples of one collection, and a model trained on a split of it."""
    items = [sample(f"s{n}", "fields", split="train" if n % 2 else "test") for n in range(7)]
    trained = link("derived_from", "../../fields", **{"ml-aoi:split": "train"})
    return [*items, model("finder", trained) | {"collection": "models"}]


@pytest.fixture
def serve(monkeypatch):
    waits = []
    monkeypatch.setattr(api.time, "sleep", waits.append)
    with contextlib.ExitStack() as stack:

        def start(items=None, **options):
            options.setdefault(
                "collections", [collection("fields"), collection("models"), *(collection(f"c{n}") for n in range(4))]
            )
            made = stack.enter_context(contextlib.closing(StacApi(some_items() if items is None else items, **options)))
            made.waits = waits
            return made

        yield start


def ingest(catalog, served, *collections, **options):
    return catalog.ingest(served.url, allow_network=True, collections=collections, **options)


@pytest.mark.parametrize("options", [{}, {"post": True}, {"search": False}], ids=["GET", "POST", "items"])
def test_items_are_read_page_by_page(serve, catalog, options):
    served = serve(**options)
    counted = []
    report = ingest(catalog, served, "fields", "models", progress=counted.append)
    assert [str(f) for f in report.findings.kept] == []
    assert report.read == 1 + 2 + 7 + 1  # the landing page, two collections, samples, a model
    assert counted == list(range(1, 12))
    fields = f"{served.url}/collections/fields"
    parts = {d.iri.removeprefix(fields): len(d.footprints) for d in catalog.datasets() if d.iri.startswith(fields)}
    assert parts == {"": 1, "/train": 3, "/test": 4}
    (use,) = catalog.uses()
    assert use.dataset == f"{fields}/train"
    assert list(catalog.unresolved()) == []
    pages = [path for path, _ in served.asked if path.endswith(("/search", "/items"))]
    assert len(pages) == 3 + 1


def test_the_same_items_give_the_same_graph_however_they_are_paged(serve):
    said = []
    for options in ({}, {"post": True}, {"search": False}):
        served = serve(**options)
        with Catalog.create() as catalog:
            ingest(catalog, served, "fields", "models")
            said.append(
                {str(q).replace(served.url, "") for q in catalog.store.match() if "/log" not in str(q.graph_name)}
            )
    hashes = [{q for q in found if "contentHash" not in q} for found in said]
    assert hashes[0] == hashes[1] == hashes[2]
    assert len(hashes[0]) > 100


def test_reading_again_finds_nothing_new(serve, catalog):
    served = serve()
    first = ingest(catalog, served, "fields", "models")
    again = ingest(catalog, served, "fields", "models")
    assert (again.read, again.unchanged) == (0, first.read)
    served.items[0]["properties"]["title"] = "changed"
    assert ingest(catalog, served, "fields", "models").read == 1


def test_without_a_choice_only_collections_are_read(serve, catalog):
    served = serve()
    report = ingest(catalog, served)
    assert report.read == 1 + 6
    assert {d.identifier for d in catalog.datasets()} == {"fields", "models", "c0", "c1", "c2", "c3"}
    (finding,) = report.findings.kept
    # No remark, which the summary would only count.
    assert (finding.rule, finding.severity) == ("items-not-read", Severity.WARNING)
    assert finding.message == "the items of 6 collections are not read; name those that are wanted: --collection fields"


def test_a_server_that_is_busy_is_asked_again(serve, catalog):
    served = serve()
    served.failures.update({"/stac/search": 3, "/stac/collections/fields": 1})
    report = ingest(catalog, served, "fields", "models")
    assert (report.read, report.failed) == (11, 0)
    assert served.waits == [0.0] * 4


def test_a_server_that_stays_busy_is_a_finding_and_what_was_read_stays(serve, catalog):
    served = serve()
    served.failures["/stac/search"] = 5
    report = ingest(catalog, served, "fields", "models")
    assert report.failed == 1
    (finding,) = report.findings.kept
    assert finding.rule == "unreadable"
    assert "503, asked 5 times" in finding.message
    assert len(list(catalog.models())) == 1  # the other collection is read


def test_items_that_were_not_had_may_lie_anywhere(serve, catalog):
    """Some of them, until the server gives them all."""
    served = serve()
    missing = f"{served.url}/collections/fields#/unread-missing-fields"
    ingest(catalog, served, "fields")
    assert not list(catalog.store.match(missing))
    served.failures["/stac/search"] = 100
    ingest(catalog, served, "fields")
    assert list(catalog.store.match(f"{served.url}/collections/fields", MLAOI.footprint, missing))
    served.failures["/stac/search"] = 0
    ingest(catalog, served, "fields")
    assert not list(catalog.store.match(missing))


def on_page(number, change):
    """Return what changes one of the pages, told by its first item."""
    return lambda page: change(page) if page["features"][0]["id"] == f"s{number}" else page


@pytest.mark.parametrize(
    "change",
    [
        on_page(0, lambda page: page | {"features": [*page["features"], {"foo": 1}]}),
        on_page(0, lambda page: page | {"features": [None, *page["features"]]}),
        on_page(0, lambda page: page | {"features": ["x", *page["features"]]}),
        on_page(0, lambda page: page | {"features": "x"}),
        on_page(3, lambda _: {"type": "Foo"}),
        on_page(6, lambda page: page | {"numberMatched": 8}),
        lambda page: page | {"context": {"matched": 8}},
    ],
    ids=["object", "null", "text", "no list", "no page", "fewer", "fewer of old"],
)
def test_an_answer_that_is_not_all_there_is_is_told(serve, catalog, change):
    served = serve()
    missing = f"{served.url}/collections/fields#/unread-missing-fields"
    for changed in (True, False):
        served.changes["/stac/search"] = change if changed else lambda page: page | {"numberMatched": 7}
        report = ingest(catalog, served, "fields")
        assert [f.rule for f in report.findings.kept] == (["unreadable"] if changed else [])
        assert bool(list(catalog.store.match(missing))) is changed


@pytest.mark.parametrize("said", [None, "models"])
def test_an_item_that_names_no_collection_or_another(serve, catalog, said):
    """What the API answers for one is of that one, if the item does not say otherwise."""
    items = some_items()
    served = serve(items, search=False)
    changed = items[2] | {"collection": said, "links": []}
    served.changes["/stac/collections/fields/items"] = lambda page: (
        page | {"features": [changed if item["id"] == changed["id"] else item for item in page["features"]]}
    )
    missing = f"{served.url}/collections/fields#/unread-missing-fields"
    report = ingest(catalog, served, "fields")
    samples = {area.identifier for area in catalog.areas() if area.identifier}
    assert samples == {f"s{n}" for n in range(7)}
    mine = {quad.object.value for quad in catalog.store.match(catalog.find("fields (test)"), MLAOI.footprint)}
    assert any("/s2" in area for area in mine) is (said is None)
    assert bool(list(catalog.store.match(missing))) is (said is not None)
    (finding,) = [f for f in report.findings.kept if f.rule in ("no-collection", "unreadable")]
    assert (finding.rule == "no-collection") is (said is None)
    assert said is None or "1 of the items name another collection" in finding.message


def test_collections_without_an_id_are_told_and_items_that_are_not_read(serve, catalog):
    api_of = link("items", "https://example.com/fields/items", type="application/geo+json")
    served = serve(collections=[collection("fields", api_of)])
    served.changes["/stac/collections"] = lambda page: page | {"collections": [*page["collections"], {"id": None}, "x"]}
    report = ingest(catalog, served)
    assert sorted(f.rule for f in report.findings.kept) == ["items-not-read", "items-not-read", "wrong-type"]
    missing = f"{served.url}/collections/fields#/unread-missing-fields"
    assert list(catalog.store.match(missing))
    ingest(catalog, served, "fields")  # which are asked for where an API has them
    assert not list(catalog.store.match(missing))


def test_a_collection_that_is_not_there_is_said_at_once(serve, catalog):
    served = serve()
    with pytest.raises(SourceNotFound, match=r"collections/field: the server answered 404. Near it are fields\."):
        ingest(catalog, served, "fields", "field")
    with pytest.raises(
        SourceNotFound, match=r"collections/x: the server answered 404. Its collections are listed at .*/stac/coll"
    ):
        ingest(catalog, served, "x")
    assert list(catalog.documents()) == []


def test_collections_are_chosen_from_apis_only(serve, catalog, write, tmp_path):
    families = Path(__file__).parents[1] / "mlaoi_graph/families"
    for source in (write(c=collection("c")), families):
        with pytest.raises(SourceError, match="Leave out --collection"):
            catalog.ingest(source, collections=["c"])
    served = serve()
    with pytest.raises(SourceError, match="Leave out --collection"):
        catalog.ingest(f"{served.url}/items.ndjson", collections=["c"], allow_network=True)
    served.changes["/stac"] = lambda page: {k: v for k, v in page.items() if k != "conformsTo"}
    with pytest.raises(SourceError, match="not a STAC API"):
        ingest(catalog, served, "fields")


def test_the_network_is_off_unless_asked_for(serve, catalog):
    served = serve()
    with pytest.raises(NetworkNotAllowed):
        catalog.ingest(served.url, collections=["fields"])
    assert served.asked == []


@pytest.mark.parametrize("path", ["/stac/search", "/stac/collections"])
def test_pages_lead_to_no_private_machine(serve, catalog, path):
    served, secret = serve(), serve()
    places = [secret.url, secret.url.replace("127.0.0.1", "localhost"), secret.url.replace("127.0.0.1", "127.1")]
    for place in places:
        served.changes[path] = lambda page, place=place: (
            page | {"links": [link("next", f"{place}{path.removeprefix('/stac')}")]}
        )
        if path == "/stac/search":
            report = ingest(catalog, served, "fields")
            (finding,) = [f for f in report.findings.kept if f.rule == "refused-link"]
            assert "private or local" in finding.message
        else:
            with pytest.raises(NetworkNotAllowed, match="private or local"):
                ingest(catalog, served)
    assert secret.asked == []


def test_a_landing_page_leads_to_no_private_machine(serve, catalog):
    served, secret = serve(), serve()
    moved = [
        link("data", f"{secret.url}/collections"),
        link("search", f"{secret.url}/search", type="application/geo+json"),
    ]
    served.changes["/stac"] = lambda page: page | {"links": moved}
    with pytest.raises(NetworkNotAllowed, match="private or local"):
        ingest(catalog, served, "fields")
    assert secret.asked == []


@pytest.mark.parametrize("options", [{}, {"post": True}, {"search": False}], ids=["GET", "POST", "items"])
def test_pages_that_lead_round_in_a_circle_come_to_an_end(serve, catalog, options):
    served = serve(**options)
    again = {"method": "POST", "merge": True, "body": {}} if options.get("post") else {}
    where = "/stac/search" if options.get("search", True) else "/stac/collections/fields/items"
    address = f"{served.url}{where.removeprefix('/stac')}" + ("" if again else "?collections=fields&token=0")
    served.changes[where] = lambda page: page | {"links": [link("next", address, **again)]}
    report = ingest(catalog, served, "fields")
    (finding,) = report.findings.kept
    assert "circle" in finding.message
    assert report.read == 1 + 1 + 3


@pytest.mark.parametrize("odd", [[], "x", None, {"features": 7}, {"features": [7, None, {"id": None}, {}]}, {"type": "x"},
                                 {"features": [{"id": "a"}], "links": [7]}, {"features": [{"id": "a"}], "links": [{"rel": "next"}]}])  # fmt: skip
def test_odd_pages_are_findings_at_most(serve, catalog, odd):
    served = serve()
    served.changes["/stac/search"] = lambda page: odd
    report = ingest(catalog, served, "fields")
    assert report.read == 2
    assert {f.rule for f in report.findings.kept} <= {"unreadable", "not-stac"}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"links": 7}, None),
        ({"links": [7]}, None),
        ({"links": [{"rel": "data", "href": 7}]}, None),
        ({"id": None}, None),
        ({"links": [link("data", "http://[")]}, "not what a STAC API answers"),
        ({"links": [link("data", "file:///etc/passwd")]}, "only plain http and https"),
        ({"conformsTo": 7}, "not a STAC API"),
    ],
)
def test_odd_landing_pages_are_told(serve, catalog, change, error):
    """Without a data link that is one, collections are where the specification has them."""
    served = serve()
    served.changes["/stac"] = lambda page: page | change
    if error is None:
        report = ingest(catalog, served, "fields")
        assert (report.read, report.failed) == (2, 1)
        assert [f.rule for f in report.findings.kept] == ["unreadable"]
    else:
        with pytest.raises(SourceError, match=error):
            ingest(catalog, served, "fields")
        assert list(catalog.documents()) == []


@pytest.mark.parametrize("link_of", ["data", "search", "next"])
def test_no_file_of_this_machine_is_opened(serve, catalog, tmp_path, monkeypatch, link_of):
    """pystac-client opens what is no address as a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").mkdir()
    secret = json.dumps(
        {"collections": [collection("secret")], "features": [sample("secret", "fields")], **collection("secret")}
    )
    (tmp_path / "secret/fields").write_text(secret)
    (tmp_path / "secret.json").write_text(secret)
    served = serve()
    hrefs = {"data": "file:secret", "search": "file:secret.json", "next": (tmp_path / "secret.json").as_uri()}
    for href in (hrefs[link_of], "secret.json", str(tmp_path / "secret.json")):
        moved = [link(link_of, href, type="application/geo+json")]
        if link_of == "next":
            served.changes["/stac/search"] = lambda page, moved=moved: page | {"links": moved}
        else:
            served.changes["/stac"] = lambda page, moved=moved: (
                page | {"links": [*moved, *(e for e in page["links"] if e["rel"] != link_of)]}
            )
        with contextlib.suppress(SourceError):
            ingest(catalog, served, "fields")
    assert not any("secret" in str(quad.object) for quad in catalog.store.match())


def test_on_the_command_line(serve, tmp_path):
    served = serve()
    wanted = ["--collection", "fields", "--collection", "models"]
    done = CliRunner().invoke(app, ["build", served.url, "--to", str(tmp_path / "x"), "--allow-network", *wanted])
    assert done.exit_code == 0, done.output
    assert "11 documents (11 read)" in done.output


def test_without_the_extra_it_is_named(serve, catalog, monkeypatch):
    import sys

    from mlaoi_graph.errors import MissingExtra

    served = serve()
    for name in ("pystac_client", "mlaoi_graph.readers.stac.api"):
        monkeypatch.setitem(sys.modules, name, None) if name == "pystac_client" else monkeypatch.delitem(
            sys.modules, name
        )
    import mlaoi_graph.readers.stac as package

    monkeypatch.delattr(package, "api")
    with pytest.raises(MissingExtra, match=r"mlaoi-graph\[api\]"):
        ingest(catalog, served, "fields")


def test_a_name_cannot_be_looked_up(catalog, monkeypatch):
    def nowhere(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with pytest.raises(SourceNotFound, match="no answer"):
        catalog.ingest("https://stac.example/", allow_network=True, collections=["x"])
