"""Every node of a catalog has an address, and what is served there is what documents say of it."""

import html.parser
from urllib.parse import quote

import pyoxigraph as ox
import pytest
import requests
from conftest import collection, link, model, sample
from serving import serve

from mlaoi_graph.catalog import Catalog

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

BASE = "https://w3id.org/mlaoi/families/"
FORMATS = {"text/turtle": ox.RdfFormat.TURTLE, "application/ld+json": ox.RdfFormat.JSON_LD}


def said(response, iri):
    media_type = response.headers["content-type"].partition(";")[0]
    return {q.triple for q in ox.parse(response.content, format=FORMATS[media_type]) if q.subject.value == iri}


def test_every_node_dereferences(served, families_catalog):
    """Some of each kind: models, datasets, areas, sources, documents, edges' twins."""
    with Catalog.open(families_catalog) as catalog:
        of_kind = {}
        for quad in catalog.store.match(None, "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"):
            of_kind.setdefault(quad.object.value, set()).add(quad.subject.value)
        chosen = [iri for found in of_kind.values() for iri in sorted(found)[:3]]
        chosen += [iri for found in of_kind.values() for iri in sorted(found) if "%" in iri or "," in iri][:5]
        facts = {iri: {q.triple for q in catalog.store.match(iri)} for iri in chosen}
    assert len(of_kind) > 8
    for iri in chosen:
        at = f"nodes/{quote(iri, safe='')}"
        assert said(served.get(at, headers={"Accept": "text/turtle"}), iri) == facts[iri], iri
        assert said(served.get(f"{at}.json"), iri) == facts[iri], iri
        page = served.get(at, headers={"Accept": "text/html,*/*;q=0.1"})
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        if iri.startswith(BASE) and "#" not in iri:
            assert said(served.get(iri.removeprefix(BASE), headers={"Accept": "text/turtle"}), iri) == facts[iri], iri


def test_edges_say_who_says_so(served):
    found = ox.parse(served.get("models/geochat-7b.ttl").content, format=ox.RdfFormat.TURTLE)
    triples = [q.triple for q in found]
    uses = {
        t.subject.value
        for t in triples
        if t.predicate.value.endswith("#ofModel") and t.object.value.endswith("geochat-7b")
    }
    documents = {t.object.value for t in triples if t.subject.value in uses and t.predicate.value.endswith("#statedIn")}
    assert f"{BASE}documents/families/geochat.yaml" in documents


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.tags, self.text = [], set(), ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name == "href"]

    def handle_data(self, data):
        self.text += data


def test_links_of_a_page_lead_somewhere(served):
    page = Page(served.get("models/geochat-7b.html").text)
    inner = [href for href in page.links if href.startswith(served.url)]
    assert len(inner) > 20
    for href in inner[:12]:
        assert requests.get(href, timeout=30).status_code == 200
    for header in served.get("models/geochat-7b").headers["link"].split(", "):
        assert requests.get(header[1:].partition(">")[0], timeout=30).status_code == 200


def test_a_page_shows_text_and_runs_none(write, tmp_path):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    with Catalog.create(tmp_path / "catalog", base="https://example.org/") as catalog:
        catalog.ingest(
            write(
                m=model("m", link("derived_from", "javascript:alert(1)"), **{"mlm:name": evil, "description": evil}),
                c=collection("c", title=evil), s=sample("s"),
            )
        )  # fmt: skip
        nodes = [n.iri for n in (*catalog.models(), *catalog.datasets(), *catalog.unresolved())]
    with serve(tmp_path / "catalog", tmp_path / "server") as server:
        seen = ""
        for iri in nodes:
            found = server.get(f"nodes/{quote(iri, safe='')}.html")
            assert found.status_code == 200
            assert "script-src" not in found.headers["content-security-policy"]
            assert found.headers["content-security-policy"].startswith("default-src 'none'")
            page = Page(found.text)
            assert not page.tags & {"script", "img"}
            assert all(href.startswith(("http://", "https://")) for href in page.links)
            seen += page.text
        assert evil in seen


def test_an_area_comes_with_its_item(write, tmp_path):
    with Catalog.create(tmp_path / "catalog", base="https://example.org/") as catalog:
        catalog.ingest(write(m=model("m"), c=collection("c"), s=sample("s")))
        wkt = {a.wkt for a in catalog.areas() if a.wkt}
    with serve(tmp_path / "catalog", tmp_path / "server") as server:
        found = server.get("collections/c.ttl")
        literals = {
            q.object.value
            for q in ox.parse(found.content, format=ox.RdfFormat.TURTLE)
            if isinstance(q.object, ox.Literal)
        }
        assert literals & wkt


@pytest.mark.parametrize(
    "path",
    [
        "nodes/", "nodes/x", "nodes/urn:nothing", "../../etc/passwd", "nodes/..%2f..%2f..%2fetc%2fpasswd", "%00", "nodes/%00",
        "nodes/file%3A%2F%2F%2Fetc%2Fpasswd", "models/geochat-7b.exe", "models/geochat-7b/", "nodes/%ff%fe", "a" * 5000,
        "nodes/https%3A%2F%2Fw3id.org%2Fmlaoi%2Ffamilies%2Fmodels%2Fgeochat-7b%3E%20%7D%20DROP", "models/geochat-7b%0d%0aX-Evil:%201",
    ],
)  # fmt: skip
def test_what_is_no_node_is_not_found(served, path):
    found = requests.get(f"{served.url}{path}", timeout=30)
    assert found.status_code == 404
    assert found.headers["content-type"] == "application/json"
    assert "x-evil" not in found.headers
    assert "root:" not in found.text


def test_formats_nobody_has_are_refused(served):
    assert served.get("models/geochat-7b", headers={"Accept": "image/png"}).status_code == 406
    assert requests.post(f"{served.url}models/geochat-7b", timeout=30).status_code == 405
