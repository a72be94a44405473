"""The pages, in a browser: lineage beside the map, and everything else people look at."""

import csv
import html
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode

import pytest
import rdflib
import requests
from browsing import chromium, page_of, serious, until
from conftest import box, collection, link, model, sample
from serving import serve
from serving import until as met

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.model import Stage
from mlaoi_graph.queries.coverage import gap

ROOT = Path(__file__).parents[1]
BASE = "https://w3id.org/mlaoi/families/"
GEOCHAT, CLAY = f"{BASE}models/geochat-7b", f"{BASE}models/clay-v1.5"
pytestmark = [pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.1"])]


@pytest.fixture(scope="session")
def bundle():
    """The bundle of these sources; made if it is not there."""
    sys.path.insert(0, str(ROOT))
    try:
        import hatch_build
    finally:
        sys.path.remove(str(ROOT))
    hatch_build.build(ROOT)


@pytest.fixture(scope="session")
def browser(bundle):
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser, served):
    with page_of(browser, served.url) as found:
        yield found


def settled(page):
    """Wait until the graph and the map are drawn."""
    page.wait_for_selector(".explorer:not([aria-busy])")
    page.wait_for_selector("#twin .pick")
    until(page, "document.querySelector('#placed').textContent.length > 0")


def pairs(page):
    """Return the edges in the table twin."""
    return page.eval_on_selector_all(
        "#twin tr[data-newer]", "rows => rows.map(r => [r.dataset.newer, r.dataset.older]).sort()"
    )


# -- looking around -------------------------------------------------------------------------------------------------


def test_search_to_model_to_dataset_to_map_and_back(page):
    page.goto("./")
    page.fill("#q", "clay 1.5")
    page.wait_for_selector("#hits li")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/models/clay-v1.5")
    settled(page)
    naip = f"{BASE}datasets/clay-v1-naip"
    chips = page.locator("#twin .pick", has_text="NAIP chips").first
    naip = chips.get_attribute("data-iri")
    chips.click()
    assert page.evaluate("document.querySelector('#map').footprints.chosen") == naip
    assert "NAIP" in page.inner_text("#side h2")
    # And from the map: a click on another footprint selects its dataset in the graph and the table.
    linz = page.locator("#twin .pick", has_text="LINZ chips").first.get_attribute("data-iri")
    at = page.evaluate(
        """iri => { const m = document.querySelector('#map').footprints;
        const f = m.source.getFeatures().find(f => f.get('dataset') === iri);
        const inner = f.getGeometry().getInteriorPoints ? f.getGeometry().getInteriorPoints().getFirstCoordinate()
                                                        : f.getGeometry().getInteriorPoint().getCoordinates();
        m.map.getView().setCenter(inner.slice(0, 2)); m.map.getView().setZoom(6); m.map.renderSync();
        return m.map.getPixelFromCoordinate(inner.slice(0, 2)); }""",
        linz,
    )
    page.locator("#map").scroll_into_view_if_needed()
    where = page.locator("#map").bounding_box()
    page.mouse.click(where["x"] + at[0], where["y"] + at[1])  # what is smallest there
    until(page, "document.querySelector('#side h2').textContent.includes('LINZ')")
    assert page.locator("#twin tr.chosen").count() >= 1
    assert "select=" in page.url
    page.click("#side .acts a.button")
    page.wait_for_url("**/datasets/clay-v1-chips-linz")
    settled(page)
    page.go_back()
    settled(page)
    assert "LINZ" in page.inner_text("#side h2")  # the address kept what was selected


def test_expand_collapse_expand(page):
    page.goto("models/geochat-7b")
    settled(page)
    before = pairs(page)
    page.locator("#twin .pick", has_text="GeoChat_Instruct").first.click()
    page.click("#side button[data-way=up]")
    until(page, "n => document.querySelectorAll('#twin tr[data-newer]').length > n", len(before))
    opened = pairs(page)
    assert [f"{BASE}datasets/geochat-instruct", f"{BASE}datasets/samrs-fast"] in opened
    page.click("#side button[data-way=up][aria-expanded=true]")
    page.wait_for_selector("#side button[data-way=up][aria-expanded=false]")
    assert pairs(page) == before
    page.click("#side button[data-way=up]")
    page.wait_for_selector("#side button[data-way=up][aria-expanded=true]")
    assert pairs(page) == opened
    # Within the depth, too: what the depth opens is closed, and opened, and the address is as before.
    page.locator("#twin .pick", has_text="GeoChat-7B").first.click()
    address = page.url
    page.click("#side button[data-way=up]")
    until(page, "location.search.includes('close=up')")
    page.wait_for_selector("#side button[data-way=up][aria-expanded=false]")
    assert not [pair for pair in pairs(page) if pair[0] == GEOCHAT]
    page.click("#side button[data-way=up]")
    page.wait_for_selector("#side button[data-way=up][aria-expanded=true]")
    assert pairs(page) == opened
    assert page.url == address


def test_edges_are_those_of_the_catalog(page, families_catalog):
    """Every asserted edge at the model, each once, in its direction: against the catalog's own edges."""
    with Catalog.open(families_catalog) as catalog:
        edges = {(e.subject, e.object) for e in catalog.edges() if CLAY in (e.subject, e.object)}
        edges.add((CLAY, catalog.node(CLAY).family))
    page.goto("models/clay-v1.5")
    settled(page)
    assert {tuple(pair) for pair in pairs(page)} == edges


def test_the_address_is_enough(page, browser, served):
    """Focus, depth, direction, stages, what is opened and closed, selection and chain: all of a cold load."""
    page.goto("models/geochat-7b?depth=2&direction=up")
    settled(page)
    page.select_option("#rest-sort", index=0)
    page.click("#rest .row button")
    until(page, "location.search.includes('more=')")
    until(page, "!document.querySelector('.explorer').hasAttribute('aria-busy')")
    page.locator("#twin .pick", has_text="GeoChat_Instruct").first.click()
    page.click("#side button[data-way=up][aria-expanded=true]")
    page.wait_for_selector("#side button[data-way=up][aria-expanded=false]")
    page.locator("#twin .pick", has_text="LLaVA-1.5 7B").first.click()
    page.click("#side button[data-way=down]")
    page.wait_for_selector("#side button[data-way=down][aria-expanded=true]")
    page.uncheck("#legend input[data-edge=testedOn]")
    until(page, "!document.querySelector('#twin').textContent.includes('tested on')")
    assert "edges hidden: tested on" in page.inner_text("#legend")
    page.click("#why")
    page.wait_for_selector("#proof")
    address = page.url
    for part in ("depth=2", "direction=up", "close=up", "open=down", "hide=testedOn", "more=", "select=", "to="):
        assert part in address
    shown, chosen, proof = pairs(page), page.inner_text("#side h2"), page.inner_text("#proof")
    assert len(shown) > 5
    with page_of(browser, served.url) as cold:
        cold.goto(address)
        settled(cold)
        assert pairs(cold) == shown
        assert cold.inner_text("#side h2") == chosen
        assert cold.inner_text("#proof") == proof
        assert not cold.is_checked("#legend input[data-edge=testedOn]")
        assert (cold.input_value("#depth"), cold.input_value("#direction")) == ("2", "up")
        assert cold.url == address


def test_depth_and_direction(page):
    page.goto("models/geochat-7b?depth=7&direction=up")
    settled(page)
    assert page.input_value("#depth") == "7"
    found = {tuple(pair) for pair in pairs(page)}
    assert (f"{BASE}datasets/samrs-fast", f"{BASE}models/sam-vit-h") in found
    page.select_option("#depth", "1")
    until(page, "n => document.querySelectorAll('#twin tr[data-newer]').length < n", len(found))
    assert all(newer == GEOCHAT for newer, _ in pairs(page))


def test_a_chain_is_highlighted_with_its_proof(page, families_catalog):
    page.goto("models/geochat-7b")
    settled(page)
    row = page.locator("tr", has=page.locator("a[data-to]"), has_text="DOTA (v1.0/v1.5/v2.0) (trainval)").first
    row.locator("a[data-to]").click()
    page.wait_for_selector("#proof li")
    with Catalog.open(families_catalog) as catalog:
        steps = catalog.lineage.explain(GEOCHAT, catalog.find(f"{BASE}datasets/dota/trainval")).steps
    said = page.locator("#proof li").all_inner_texts()
    assert len(said) == len(steps) == 3
    for text, step in zip(said, steps, strict=True):
        assert step.subject_label in text
        assert step.object_label in text
        assert step.evidence[0].label in text
    assert "to=" in page.url
    thick = page.evaluate(
        "document.querySelector('#graph')._cyreg.cy.edges('.path').map(e => [e.source().id(), e.target().id()])"
    )
    assert sorted(map(tuple, thick)) == sorted((s.subject, s.object) for s in steps)


IN_VIEW = """nodes => { const cy = document.querySelector('#graph')._cyreg.cy;
    return cy.$(nodes).map(n => n.renderedBoundingBox({ includeOverlays: false, includeUnderlays: false }))
        .every(b => b.x1 >= 0 && b.y1 >= 0 && b.x2 <= cy.width() && b.y2 <= cy.height()); }"""
"""Whether nodes are in the picture whole."""


@pytest.mark.parametrize("width", [390, 1280])
def test_a_chain_is_in_the_picture_whole(browser, served, width):
    """From its link in the table, and of a cold load."""
    resisc = f"{BASE}datasets/resisc45"
    with page_of(browser, served.url, width=width) as page:
        page.goto("models/geochat-7b")
        settled(page)
        page.locator(f"a[data-to='{resisc}']").click()
        page.wait_for_selector("#proof li")
        for _ in range(2):
            until(page, "document.querySelector('#graph')._cyreg.cy.edges('.path').length === 3")
            chain = ", ".join(
                f"node[id='{BASE}{name}']"
                for name in ("models/geochat-7b", "datasets/geochat-instruct", "datasets/resisc45")
            )
            assert page.evaluate(IN_VIEW, chain)
            page.goto("models/geochat-7b?select=datasets%2Fresisc45&to=datasets%2Fresisc45")
            settled(page)


def test_a_dataset_says_why_a_model_learned_from_it(page):
    page.goto("datasets/resisc45")
    settled(page)
    page.locator(f"a[data-to='{GEOCHAT}']").first.click()
    page.wait_for_selector("#proof li")
    assert page.locator("#proof li").count() == 3


@pytest.mark.parametrize("path", ["models/sam-vit-h?depth=4", "models/geochat-7b?depth=2", "models/geochat-7b"])
def test_fit_shows_all_there_is(browser, served, path):
    with page_of(browser, served.url, width=1280) as page:
        page.goto(path)
        settled(page)
        assert "?" in path or page.evaluate(IN_VIEW, "node")  # the first look at a node has all of it
        page.locator("#acts button", has_text="Fit").click()
        assert page.evaluate(IN_VIEW, "node")


def test_the_keyboard_walks_the_graph(page):
    page.goto("models/clay-v1.5")
    settled(page)
    page.focus("#graph")
    page.keyboard.press("ArrowLeft")
    until(page, "!document.querySelector('#side h2').textContent.includes('Clay v1.5')")
    page.keyboard.press("ArrowRight")
    until(page, "document.querySelector('#side h2').textContent === 'Clay v1.5'")
    page.keyboard.press("u")
    page.wait_for_selector("#side button[data-way=up][aria-expanded=false]")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"


HELD = "(() => { const e = document.activeElement; return e.id || JSON.stringify(e.dataset); })()"
"""What has the keyboard."""


def test_the_keyboard_stays_where_it_was(page):
    page.goto("models/geochat-7b")
    settled(page)
    page.locator("#twin .pick", has_text="GeoChat_Instruct").first.click()
    for at, key in (
        ("#legend input[data-edge=testedOn]", "Space"),
        ("#legend input[data-edge=testedOn]", "Space"),
        ("#side button[data-way=up]", "Enter"),
        ("#side button[data-way=up]", "Enter"),
        ("#why", "Enter"),
        ("#reset", "Enter"),
    ):
        page.wait_for_selector(at)
        page.focus(at)
        before, address = page.evaluate(HELD), page.url
        page.keyboard.press(key)
        until(page, "url => location.href !== url", address)
        page.wait_for_selector(".explorer:not([aria-busy])")
        assert page.evaluate(HELD) == before, at


def test_a_node_that_stands_for_many_is_told(page):
    page.goto("models/geochat-7b")
    settled(page)
    assert re.match(r"15 of 16 nodes shown", page.inner_text("#shown"))  # one in the group is drawn for another edge
    page.focus("#graph")
    graph = "document.querySelector('#graph')._cyreg.cy"
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowDown")
        if page.evaluate(f"{graph}.nodes('.chosen').hasClass('group')"):
            break
    assert "not drawn" in page.inner_text("#side h2")
    page.keyboard.press("u")  # has no side of its own to open
    before = len(pairs(page))
    page.keyboard.press("Enter")
    until(page, "n => document.querySelectorAll('#twin tr[data-newer]').length > n", before)


def test_the_legend_hides_no_chain(page):
    page.goto("models/geochat-7b?hide=instructionTunedOn&to=datasets/dota/trainval")
    settled(page)
    assert [GEOCHAT, f"{BASE}datasets/geochat-instruct"] in pairs(page)
    assert "hidden" not in page.inner_text("#legend .says")


def test_the_graph_can_be_read_and_leaves_the_wheel_to_the_page(page):
    page.goto("models/geochat-7b?depth=2")
    settled(page)
    graph = "document.querySelector('#graph')._cyreg.cy"
    zoom = page.evaluate(f"{graph}.zoom()")
    assert zoom * page.evaluate(f"parseFloat({graph}.nodes()[0].style('font-size'))") >= 11
    # A name that is cut is there whole.
    page.locator("#graph").scroll_into_view_if_needed()
    where = page.locator("#graph").bounding_box()
    whole, x, y = page.evaluate(
        f"(() => {{ const n = {graph}.nodes('.focus'); const p = n.renderedPosition();"
        " return [n.data('whole'), p.x, p.y]; })()"
    )
    page.mouse.move(where["x"] + x, where["y"] + y - 5)
    page.mouse.move(where["x"] + x, where["y"] + y)
    until(page, "!document.querySelector('.tip').hidden")
    assert page.inner_text(".tip") == whole == "GeoChat-7B"
    page.mouse.move(where["x"] + 30, where["y"] + 30)
    before = page.evaluate("window.scrollY")
    page.mouse.wheel(0, 120)
    until(page, "before => window.scrollY > before", before)
    assert page.evaluate(f"{graph}.zoom()") == zoom
    page.wait_for_timeout(600)  # a wheel that still turns the page zooms nothing
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    until(page, f"{graph}.zoom() > {zoom}")


def test_edges_pass_between_nodes(page):
    page.goto("models/geochat-7b?depth=2")
    settled(page)
    through = page.evaluate(
        """() => { const cy = document.querySelector('#graph')._cyreg.cy; const met = [];
        cy.edges().forEach(edge => {
            const at = [edge.sourceEndpoint(), ...edge.controlPoints(), edge.targetEndpoint()];
            for (let n = 1; n < at.length; n += 1) {
                const [a, b] = [at[n - 1], at[n]];
                if (Math.abs(a.y - b.y) > 1) continue;
                cy.nodes().forEach(node => { const { x, y } = node.position(); const half = node.width() / 2;
                    const between = Math.min(a.x, b.x) < x - half && x + half < Math.max(a.x, b.x);
                    if (between && Math.abs(a.y - y) < node.height() / 2) met.push([edge.id(), node.data('label')]); });
            } });
        return met; }"""
    )
    assert through == []


def test_a_map_with_nothing_on_it_is_folded(page):
    page.goto("datasets/dota")
    settled(page)
    assert not page.is_visible("#map")
    assert page.inner_text("#placed").startswith("0 of ")
    page.goto("leakage?node=clay-v1.5-biomassters")
    page.wait_for_selector("#map[data-ready]", state="attached")
    features = page.evaluate("document.querySelector('#map').footprints.source.getFeatures().length")
    assert page.is_visible("#map") == (features > 0)
    page.goto("leakage?node=geochat-7b")
    page.wait_for_selector("#map[data-ready]", state="attached")
    assert page.evaluate("document.querySelector('#map').footprints.source.getFeatures().length") == 0
    assert not page.is_visible("#map")


def test_the_table_twin_is_there_as_csv(page):
    page.goto("models/geochat-7b")
    settled(page)
    with page.expect_download() as got:
        page.click("#csv")
    lines = Path(got.value.path()).read_text("utf-8").strip().splitlines()
    assert lines[0] == "edge,newer,newer_iri,older,older_iri,confidence,document"
    assert len(lines) == 1 + len(pairs(page))


def test_going_back_undoes_what_was_done(page):
    """Each thing people do is a step: opening, selecting, hiding, following, a chain; walking by keys is one."""
    page.goto("about")
    page.goto("models/geochat-7b")
    settled(page)
    steps = []

    def state():
        page.wait_for_selector(".explorer:not([aria-busy])")
        hidden = page.locator("#legend input:not(:checked)").count()
        return page.url, pairs(page), page.inner_text("#side h2"), page.input_value("#depth"), hidden

    def after(act):
        before = page.url
        act()
        until(page, "url => location.href !== url", before)
        steps.append(state())

    steps.append(state())
    after(lambda: page.locator("#twin .pick", has_text="GeoChat_Instruct").first.click())
    after(lambda: page.click("#side button[data-way=up]"))
    after(lambda: page.uncheck("#legend input[data-edge=testedOn]"))
    after(lambda: page.select_option("#depth", "2"))
    after(lambda: page.click("#why"))
    page.focus("#graph")
    after(lambda: page.keyboard.press("ArrowLeft"))
    last = steps.pop()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    walked = state()
    assert walked[2] != last[2]
    assert len({tuple(map(str, one)) for one in steps}) == 6
    for wanted in reversed(steps):
        page.go_back()
        until(page, "url => location.href === url", wanted[0])
        until(page, "depth => document.querySelector('#depth').value === depth", wanted[3])
        assert state() == wanted
    page.go_forward()
    until(page, "url => location.href === url", steps[1][0])
    assert state() == steps[1]
    page.go_back()
    page.go_back()
    page.wait_for_url("**/about")


def test_the_picture_has_the_looks_of_the_legend(page):
    """Colour, line and arrow of each edge that is drawn are those of its sample; no two sorts look the same."""
    page.goto("models/geochat-7b?depth=2")
    settled(page)
    drawn = page.evaluate(
        """() => { const cy = document.querySelector('#graph')._cyreg.cy; const found = {};
        cy.edges().forEach(e => (found[e.data('edge')] ??= new Set()).add([e.style('line-color'), e.style('line-style'),
            e.style('target-arrow-shape')].join(' ')));
        return Object.entries(found).map(([edge, looks]) => [edge, ...looks]); }"""
    )
    assert len(drawn) > 5
    assert all(len(looks) == 2 for looks in drawn)  # one look for a sort
    assert len({look for _, look in drawn}) == len(drawn)
    dashes = {"solid": None, "dashed": "5 3", "dotted": "1.5 3"}
    arrows = {}
    for edge, look in drawn:
        colour, line, arrow = re.fullmatch(r"(rgb\([^)]*\)) (\w+) (\w+)", look).groups()
        sample = page.locator(f"#legend .sample.s-{edge}")
        shown = sample.evaluate("e => getComputedStyle(e).color.replaceAll(' ', '')")
        assert shown == colour.replace(" ", ""), edge
        assert sample.locator("path").first.get_attribute("stroke-dasharray") == dashes[line], edge
        arrows.setdefault(sample.locator("path").last.get_attribute("d"), set()).add(arrow)
    assert all(len(one) == 1 for one in arrows.values())
    # What is selected has a halo, and nothing else has.
    page.locator("#twin .pick", has_text="GeoChat_Instruct").first.click()
    halos = page.evaluate(
        """() => document.querySelector('#graph')._cyreg.cy.nodes().filter(n => parseFloat(n.style('underlay-opacity')) > 0)
            .map(n => [n.id(), parseFloat(n.style('underlay-padding'))])"""
    )
    assert [iri for iri, _ in halos] == [f"{BASE}datasets/geochat-instruct"]
    assert halos[0][1] >= 5


@pytest.mark.parametrize(("width", "most"), [(1440, 100), (390, 160)])
def test_bar_and_legend_leave_the_room_to_the_picture(browser, served, width, most):
    with page_of(browser, served.url, width=width) as page:
        page.goto("models/geochat-7b")
        settled(page)
        assert page.locator(".explorer > .bar").bounding_box()["height"] <= most
        assert page.locator("#graph").bounding_box()["height"] > 350
        page.locator("#legend input").last.uncheck()
        until(page, "document.querySelector('#legend .says').textContent.includes('hidden')")
        # What is hidden is said where it is seen, without scrolling aside.
        for one in page.locator("#legend .says, #legend .entry").all():
            where = one.bounding_box()
            assert where["x"] >= 0
            assert where["x"] + where["width"] <= width


# -- documents ------------------------------------------------------------------------------------------------------


def test_a_document_says_what_it_says(page, served, families_catalog):
    """From an edge that cites nothing else to its document: what that describes, states, and when it was read."""
    document = f"{BASE}documents/families/clay.yaml"
    with Catalog.open(families_catalog) as catalog:
        stated = sorted((e.subject, e.predicate, e.object) for e in catalog.edges() if e.twin.document == document)
        named = "SELECT DISTINCT ?m { GRAPH ?g { ?m a mlaoi:Model ; rdfs:label ?label } }"
        models = {row["m"] for row in catalog.query(named.replace("?g", f"<{document}>"))}
        log = catalog.query("SELECT ?d ?t { ?r mlaoi:ofDocument ?d ; mlaoi:readAt ?t }", d=document)
        (read,) = [row["t"] for row in log]
    page.goto("about")
    page.click("summary:has-text('By name')")  # they are many, and folded
    page.locator("a", has_text="clay.yaml").first.click()
    page.wait_for_url("**/documents/families/clay.yaml")
    assert page.inner_text("h1") == "clay.yaml"
    assert page.locator("section[aria-labelledby=said-h] tbody tr").count() == len(stated) > 50
    assert page.locator("section[aria-labelledby=models-h] li").count() == len(models) == 8
    assert read[:10] in page.inner_text("dl.facts")
    sources = page.eval_on_selector_all("a.source", "all => all.map(a => a.href)")
    assert len(sources) >= len(stated)
    assert all(address.startswith("https://") for address in sources)
    about = {one["node"]: one for one in served.get("about.json").json()["documents"]}
    assert (about[document]["edges"], about[document]["models"]) == (len(stated), len(models))


# -- places ---------------------------------------------------------------------------------------------------------


def test_an_area_drawn_gives_the_models_of_the_python_call(page, families_catalog):
    page.goto("area")
    page.wait_for_selector("#map[data-ready]")
    page.click("button[data-draw=box]")
    where = page.locator("#map").bounding_box()
    corners = [(0.52, 0.35), (0.58, 0.5)]
    for x, y in corners:
        page.mouse.click(where["x"] + x * where["width"], where["y"] + y * where["height"])
    page.wait_for_url("**/area?aoi=*")
    drawn = json.loads(page.input_value("#aoi"))
    shown = {
        section.get_attribute("data-stage"): set(
            section.locator("tr[data-model]").evaluate_all("rows => rows.map(r => r.dataset.model)")
        )
        for section in page.locator("section[data-stage]").all()
    }
    with Catalog.open(families_catalog) as catalog:
        for stage in Stage:
            assert shown.get(stage.value, set()) == set(catalog.places.uses((stage,), drawn).models), stage
    assert sum(map(len, shown.values())) > 5
    page.wait_for_selector("#map[data-ready]")
    assert page.evaluate("document.querySelector('#map').footprints.areaSource.getFeatures().length") == 1


def test_an_area_pasted_is_the_area_drawn(page, families_catalog):
    page.goto("area")
    page.wait_for_selector("#map[data-ready]")
    page.fill("#aoi", "POLYGON((34 -5, 42 -5, 42 5, 34 5, 34 -5))")
    page.keyboard.press("Enter")
    page.wait_for_url("**/area?aoi=*")
    page.wait_for_selector("#map[data-ready]")
    with Catalog.open(families_catalog) as catalog:
        tested = set(catalog.models(tested_in=[34, -5, 42, 5]).models)
    shown = page.eval_on_selector_all(
        "section[data-stage=test] tr[data-model]", "rows => rows.map(r => r.dataset.model)"
    )
    assert set(shown) == tested != set()


@pytest.mark.parametrize("family", ["clay", ""])
def test_trained_here_and_never_tested_here_is_ground_on_the_map(browser, served, families_catalog, family):
    with Catalog.open(families_catalog) as catalog:
        wanted = gap(catalog.places, "USA", has="trained", lacks="tested", family=family or None)
    with page_of(browser, served.url) as page:
        page.goto("area?aoi=United States")
        page.wait_for_selector("#map[data-ready]")
        page.click("#covered summary")
        page.fill("#covered input[data-suggest]", family)
        page.keyboard.press("Escape")
        page.click("#covered button")
        page.wait_for_url("**has=trained**")
        page.wait_for_selector("#map[data-ready]")
        said = page.inner_text("#covered").replace("\u202f", "")
        assert f"\n{wanted.km2:.0f}\n" in f"\n{page.inner_text('#covered .gap')}\n".replace("\u202f", "")
        assert f"{wanted.has.covered_km2:.0f}" in said
        links = page.eval_on_selector_all("#covered p a", "all => all.map(a => a.textContent)")
        assert len(links) == len(wanted.models) > 0
        ground = page.evaluate("document.querySelector('#map').footprints.shared.getFeatures().map(f => f.get('edge'))")
        assert ground == (["gap"] if wanted.km2 else [])
        assert bool(family) == bool(wanted.km2)
        if ground:
            assert "never tested" in page.inner_text("#layers")
            page.uncheck("#layers input[data-edge=gap]")
            assert "gap" not in page.evaluate(DRAWN)
            page.go_back()
            until(page, "document.querySelector('#layers input[data-edge=gap]').checked")
            assert "gap" in page.evaluate(DRAWN)


@pytest.mark.parametrize(("first", "last"), [("", "2019"), ("2022", ""), ("2018", "2019")])
def test_one_end_of_a_time_is_no_instant(served, families_catalog, first, last):
    found = served.get("area.json", params={"aoi": "FRA", "from": first, "until": last}).json()
    with Catalog.open(families_catalog) as catalog:
        hits = catalog.places.uses(tuple(Stage), "FRA", during=(first or None, last or None))
        assert {part["stage"]: part["total"] for part in found["stages"]} == Counter(row.stage for row in hits)


def test_the_map_has_every_stage_of_every_dataset_of_the_table(served):
    """A dataset that models learned from and were tested on is there twice."""
    rows = [
        (row["dataset"], row["edge"])
        for part in served.get("area.json?aoi=FRA").json()["stages"]
        for row in part["rows"]
    ]
    drawn = [f["properties"] for f in served.get("area.geojson?aoi=FRA").json()["features"]]
    assert {(one["dataset"], one["edge"]) for one in drawn} == set(rows)
    assert len(set(rows)) > len({dataset for dataset, _ in rows})


def test_what_lies_somewhere_in_a_whole_may_be_there_and_no_more(served, families_catalog):
    """Fields of The World has Kenya in it: its splits may have; a part without Kenya, or of Austria, has not."""
    found = served.get("area.json?aoi=KEN").json()
    rows = [row for part in found["stages"] for row in part["rows"]]
    with Catalog.open(families_catalog) as catalog:
        sure = {(u.model, u.stage) for u in catalog.places.uses(tuple(Stage), "KEN") if u.how != "inherited"}
    assert {(row["model"], row["stage"]) for row in rows} > sure
    for part in found["stages"]:
        assert part["models"] == sum(stage == part["stage"] for _, stage in sure)
    taught = {model for model, stage in sure if Stage(stage).teaches}
    assert found["models"]["learned"] == len(taught)
    assert found["models"]["may"] == len({row["model"] for row in rows} - {model for model, _ in sure})
    cells = {(row["model"], stage) for row in found["matrix"] for stage, cell in row["stages"].items() if cell["did"]}
    assert cells == sure
    page = served.get("area?aoi=KEN", headers={"Accept": "text/html"}).text
    splits = [row for row in page.split("<tr ") if "data-dataset" in row and "Fields of The World (test)" in row]
    assert splits
    assert all("may be there" in row and " %" not in row for row in splits)
    assert not [row for row in rows if "without Kenya" in row["dataset_label"] or "Austria" in row["dataset_label"]]
    (austrian,) = {
        (row["how"], row["precision"])
        for part in served.get("area.json?aoi=Austria").json()["stages"]
        for row in part["rows"]
        if row["dataset_label"] == "Fields of The World (val) (Austria)"
    }
    assert austrian == ("own", "country-list")
    assert "trained on (stage not stated)" in page


def test_no_two_rows_of_an_area_read_the_same(served):
    """Data that lie in two wholes are two rows, and each names its whole."""
    page = served.get("area?aoi=Kenya", headers={"Accept": "text/html"}).text
    for part in re.findall(r'<table class="uses[^"]*">(.*?)</table>', page, re.DOTALL):
        rows = [re.sub(r"<[^>]+>|\s+", " ", row) for row in re.findall(r"<tr data-dataset.*?</tr>", part, re.DOTALL)]
        twice = [row for row, number in Counter(rows).items() if number > 1]
        assert rows
        assert not twice


def test_all_that_teaches_is_one_figure(served, families_catalog):
    """The words of the command line: trained and evaluated are all stages of their sort together."""
    found = served.get("area.json?aoi=FRA").json()
    with Catalog.open(families_catalog) as catalog:
        for word, name in {"trained": "learned", "evaluated": "measured"}.items():
            hits = catalog.models(**{f"{word}_in": "FRA"})
            assert found["models"][name] == len({hit.model for hit in hits if hit.how != "inherited"}) > 0


def test_a_model_is_on_the_map_with_each_of_its_stages(page):
    page.goto("models/anysat-base")
    settled(page)
    said = page.eval_on_selector_all(
        "#twin tr[data-older]",
        "rows => rows.map(r => [r.dataset.older, r.querySelector('.stage').className.match(/s-(\\w+)/)[1]])",
    )
    drawn = page.evaluate(
        "document.querySelector('#map').footprints.source.getFeatures().map(f => [f.get('dataset'), f.get('edge')])"
    )
    placed = {dataset for dataset, _ in drawn}
    assert {tuple(one) for one in drawn} == {tuple(one) for one in said if one[0] in placed}
    assert len(set(map(tuple, drawn))) > len(placed) > 2


def test_precisions_are_drawn_differently(page):
    """Samples, a declared box, a region, countries and what is inherited: no two of them look the same."""
    page.goto("area")
    page.wait_for_selector("#map[data-ready]")
    looks = page.evaluate(
        """() => { const m = document.querySelector('#map').footprints;
        m.show(["samples", "declared-box", "region", "country-list", "inherited"].map((look, n) => ({ type: "Feature",
            properties: { look, edge: "testedOn", dataset: look },
            geometry: { type: "Polygon", coordinates: [[[n, 0], [n + 1, 0], [n + 1, 1], [n, 1], [n, 0]]] } })));
        return m.source.getFeatures().map(f => { const s = m.style(f); return [String(s.getStroke().getLineDash()),
            String(s.getFill().getColor())].join(" "); }); }"""
    )
    assert len(set(looks)) == len(looks) == 5


def test_an_area_is_no_file_of_the_server(served):
    for text in ("/etc/passwd", str(ROOT / "README.md"), "pyproject.toml"):
        assert served.get("area", params={"aoi": text}, headers={"Accept": "text/html"}).status_code == 404


def test_across_the_antimeridian(page):
    page.goto(f"area?{urlencode({'aoi': '170,-25,-170,-10'})}")
    page.wait_for_selector("#map[data-ready]")
    west, _, east, _ = page.evaluate("document.querySelector('#map').footprints.map.getView().calculateExtent()")
    assert 90 < west < 180 < east < 270  # looked at in one piece


def test_nothing_is_lined_where_the_map_is_cut(page):
    """An area across the antimeridian has its own four sides, and none where its two halves meet."""
    page.goto("area?aoi=170,-20,-170,-10")
    page.wait_for_selector("#map[data-ready]")
    lines = page.evaluate(
        """() => { const m = document.querySelector('#map').footprints; const [f] = m.areaSource.getFeatures();
        return m.map.getLayers().item(1).getStyleFunction()(f).map(s => s.getGeometry()?.getCoordinates?.() ?? null); }"""
    )
    assert lines
    for halves in lines:
        sides = [{tuple(a), tuple(b)} for line in halves for a, b in pairwise(line)]
        assert {tuple(point) for side in sides for point in side} >= {(170, -20), (-170, -10)}
        assert not [side for side in sides if all(abs(x) == 180 for x, _ in side)]


def test_the_map_looks_at_the_world_in_one_piece(page):
    """Footprints of the whole world stay between -180 and 180; what crosses 180 does not."""
    page.goto("query")
    page.wait_for_selector(".yasqe_queryButton")
    page.goto("area")
    page.wait_for_selector("#map[data-ready]")
    show = """boxes => { const m = document.querySelector('#map').footprints;
        const left = m.showWkt(boxes.map((text, row) => ({ text, row, label: text }))); const [x] = m.map.getView().getCenter();
        return [left, x, m.source.getFeatures().map(f => f.getGeometry().getExtent())]; }"""

    def around(west, south, east, north):
        return f"POLYGON(({west} {south},{east} {south},{east} {north},{west} {north},{west} {south}))"

    world = [around(-170, -50, -168, 60), around(-60, -50, 0, 60), around(100, -50, 178, 60)]
    assert abs(page.evaluate(show, world)[1]) < 90
    assert abs(page.evaluate(show, [around(170, -20, 180, -10), around(-180, -20, -170, -10)])[1] - 180) < 1
    # The system of a literal says which axis comes first; one that is not in degrees is left out, and counted.
    latitude_first = "<http://www.opengis.net/def/crs/EPSG/0/4326> POINT(46 7)"
    metres = "<http://www.opengis.net/def/crs/EPSG/0/32632> POINT(500000 5000000)"
    left, _, extents = page.evaluate(show, [latitude_first, metres, "POINT(8 47)"])
    assert left == 1
    assert extents == [[7, 46, 7, 46], [8, 47, 8, 47]]


def test_drawing_can_be_left(page):
    page.goto("area?aoi=7,46,8,47")
    page.wait_for_selector("#map[data-ready]")
    page.click("button[data-draw=box]")
    area = "document.querySelector('#map').footprints.areaSource.getFeatures().length"
    assert page.evaluate(area) == 1  # what is asked about stays until there is another
    where = page.locator("#map").bounding_box()
    page.mouse.click(where["x"] + 200, where["y"] + 200)
    page.keyboard.press("Escape")
    page.mouse.click(where["x"] + 300, where["y"] + 300)
    page.wait_for_timeout(300)
    assert page.evaluate(area) == 1
    assert page.input_value("#aoi") == "7,46,8,47"


DRAWN = """() => { const m = document.querySelector('#map').footprints;
    return [m.source, m.shared].flatMap(source => source.getFeatures().filter(f => m.style(f)).map(f => f.get('edge'))); }"""
"""The edges of what is drawn on the map, one for each footprint."""


def test_the_ground_both_sides_cover_is_a_layer_of_its_own(browser, hostile):
    with page_of(browser, hostile.url) as page:
        page.goto("leakage?node=overlapping")
        page.wait_for_selector("#map[data-ready]")
        assert "same ground, same time" in page.inner_text("main")
        before = page.evaluate(DRAWN)
        assert set(before) == {"overlap", "testedOn", "trainedOn"}
        assert "ground both cover" in page.inner_text("#layers")
        page.uncheck("#layers input[data-edge=overlap]")
        assert set(page.evaluate(DRAWN)) == {"testedOn", "trainedOn"}
        assert "Not drawn: ground both cover" in page.inner_text("#layers")
        page.uncheck("#layers input[data-edge=testedOn]")
        assert set(page.evaluate(DRAWN)) == {"trainedOn"}
        address = page.url
        page.check("#layers input[data-edge=overlap]")
        page.check("#layers input[data-edge=testedOn]")
        assert page.evaluate(DRAWN) == before
        page.goto(address)  # a cold load hides the same
        page.wait_for_selector("#map[data-ready]")
        assert set(page.evaluate(DRAWN)) == {"trainedOn"}


def test_nothing_that_lies_below_others_is_out_of_reach(browser, hostile):
    """Two datasets that cover the same ground, and three samples in the middle: by mouse, by keyboard, by address."""
    with page_of(browser, hostile.url) as page:
        page.goto("area?aoi=7,46,8,47")
        page.wait_for_selector("#map[data-ready]")
        everything = page.evaluate(
            "[...new Set(document.querySelector('#map').footprints.source.getFeatures().map(f => f.get('dataset')))].sort()"
        )
        assert len(everything) >= 2
        where = page.evaluate(
            "document.querySelector('#map').footprints.map.getPixelFromCoordinate([7.31, 46.21]).map(Math.round)"
        )
        box_ = page.locator("#map").bounding_box()
        page.mouse.click(box_["x"] + where[0], box_["y"] + where[1])
        page.wait_for_selector(".under:not([hidden])")
        listed = page.eval_on_selector_all(".under [data-iri]", "all => all.map(one => one.dataset.iri)")
        assert sorted(set(listed)) == everything
        assert page.get_attribute(".under [aria-pressed=true]", "data-iri") == listed[0]  # the smallest
        page.locator(".under [data-iri]").last.click()
        assert page.evaluate("document.querySelector('#map').footprints.chosen") == listed[-1]
        assert page.locator(f"tr.chosen[data-dataset='{listed[-1]}']").count() > 0
        address = page.url
        page.keyboard.press("Escape")
        assert page.is_hidden(".under")
        # The keyboard comes everywhere too.
        page.focus("#map")
        page.keyboard.press("Enter")
        page.wait_for_selector(".under:not([hidden])")
        assert "in view" in page.inner_text(".under p")
        assert serious(page) == []
        first = page.evaluate("document.activeElement.dataset.iri")
        page.keyboard.press("Enter")
        assert page.evaluate("document.querySelector('#map').footprints.chosen") == first
        page.goto(address)
        page.wait_for_selector("#map[data-ready]")
        assert page.evaluate("document.querySelector('#map').footprints.chosen") == listed[-1]


def test_one_outline_shows_every_stage_that_has_it(page):
    """Where footprints are the same, each stage has a band of its own, and dashes of its precision; small ones lie above."""
    page.goto("area?aoi=-5,41,16,52")
    page.wait_for_selector("#map[data-ready]")
    drawn = page.evaluate(
        """() => { const m = document.querySelector('#map').footprints;
        return m.source.getFeatures().filter(f => m.style(f)).map(f => [f.get('edge'), f.place,
            m.style(f).getStroke().getWidth(), m.style(f).getStroke().getLineDash(), f.get('look'), f.turn]); }"""
    )
    places = {}
    dashes = {"region": [9, 4], "country-list": [5, 3], "inherited": [10, 4, 2, 4]}
    for edge, place, width, dash, look, turn in drawn:
        assert edge not in places.setdefault(place, {})  # and no stage twice
        assert dash in (
            dashes.get(look),
            [1.7 * length for length in dashes.get(look, ())],
            None,
        )  # what is small has none
        places[place][edge] = (turn, width)
    shared = [edges for edges in places.values() if len(edges) > 1]
    assert len(shared) > 2
    for edges in shared:
        widths = [width for _, width in sorted(edges.values())]
        assert all(wide >= narrow + 2 for wide, narrow in pairwise(widths))
    order = page.evaluate(
        "(() => { const m = document.querySelector('#map').footprints;"
        " return [...m.source.getFeatures()].sort(m.layer.getRenderOrder()).map(f => [-f.size, f.turn]); })()"
    )
    assert order == sorted(order)  # and of one outline the wide below
    # What a hidden stage leaves is drawn whole again.
    one = next(iter(shared[0]))
    for edge in {edge for _, edges in places.items() for edge in edges} - {one}:
        page.uncheck(f"#layers input[data-edge={edge}]")
    turns = page.evaluate(
        "(() => { const m = document.querySelector('#map').footprints;"
        " return m.source.getFeatures().filter(f => m.style(f)).map(f => f.turns); })()"
    )
    assert turns
    assert set(turns) == {1}


# -- SPARQL ---------------------------------------------------------------------------------------------------------


def test_the_editor_shows_rows(page):
    page.goto("query")
    page.wait_for_selector(".yasqe_queryButton")
    page.click(".yasqe_queryButton")
    page.wait_for_selector(".yasr table tbody tr")
    row = page.locator(".yasr table tbody tr").first
    assert row.is_visible()
    opacity = "e => { let all = 1; for (; e; e = e.parentElement) all *= getComputedStyle(e).opacity; return all; }"
    assert row.locator("td").last.evaluate(opacity) == 1
    assert row.bounding_box()["height"] > 10
    assert "models/" in row.inner_text()
    assert "query=" in page.url
    page.goto(page.url)  # a cold load has the query
    page.wait_for_selector(".yasqe_queryButton")
    assert "mlaoi:exposedTo" in page.evaluate("document.querySelector('.CodeMirror').CodeMirror.getValue()")
    page.goto(f"query?{urlencode({'query': 'ASK { ?x ?y ?z }'})}")
    page.wait_for_selector(".yasqe_queryButton")
    assert page.evaluate("document.querySelector('.CodeMirror').CodeMirror.getValue()") == "ASK { ?x ?y ?z }"
    # No other endpoint can be chosen.
    assert not page.is_visible(".yasgui .controlbar")


def test_every_question_runs_in_the_editor(page, served):
    page.goto("query")
    page.wait_for_selector(".yasqe_queryButton")
    questions = page.locator("#example option").count() - 1
    assert questions > 10
    for number in range(1, questions + 1):
        page.select_option("#example", index=number)
        query = page.evaluate("document.querySelector('.CodeMirror').CodeMirror.getValue()")
        answer = served.sparql(query)
        assert answer.status_code == 200, (query, answer.text[:500])
        assert answer.json()["results"]["bindings"], query


def test_the_editor_is_dark_where_the_page_is(browser, served):
    with page_of(browser, served.url, dark=True) as page:
        page.goto("query")
        page.wait_for_selector(".yasqe_queryButton")
        page.click(".yasqe_queryButton")
        page.wait_for_selector(".yasr table tbody tr")
        for part in (".yasgui", ".CodeMirror", ".CodeMirror-gutters"):
            colour = page.evaluate("s => getComputedStyle(document.querySelector(s)).backgroundColor", part)
            assert max(map(int, re.findall(r"\d+", colour)[:3])) < 60, (part, colour)
        known = {"aria-required-children", "label", "select-name"}  # and every word can be read
        assert {rule for _, rule, _ in serious(page)} <= known


def test_a_question_gives_back_what_it_replaced(page):
    page.goto("query")
    page.wait_for_selector(".yasqe_queryButton")
    value = "document.querySelector('.CodeMirror').CodeMirror.getValue()"
    page.evaluate("document.querySelector('.CodeMirror').CodeMirror.setValue('ASK { ?mine ?own ?query }')")
    for number in (2, 3):
        page.select_option("#example", index=number)
        assert "?mine" not in page.evaluate(value)
    page.click("#undo")
    assert page.evaluate(value) == "ASK { ?mine ?own ?query }"
    assert not page.is_visible("#undo")


def test_queries_that_were_run_are_steps_and_links_to_their_rows(page):
    first, second = (f"SELECT ?{name} {{ ?{name} a mlaoi:Model }} LIMIT 3" for name in ("one", "two"))
    page.goto(f"query?{urlencode({'query': first})}")
    page.wait_for_selector(".yasr table tbody tr")  # with nothing pressed
    assert "one" in page.inner_text(".yasr thead")
    editor = "document.querySelector('.CodeMirror').CodeMirror"
    page.evaluate(f"text => {editor}.setValue(text)", f"PREFIX mlaoi: <https://w3id.org/mlaoi#>\n{second}")
    page.click(".yasqe_queryButton")
    until(page, "document.querySelector('.yasr thead').textContent.includes('two')")
    page.go_back()
    until(page, f"{editor}.getValue().includes('?one')")


def test_back_brings_the_rows_and_the_question_of_the_query_that_comes_back(page):
    page.goto("query")
    page.wait_for_selector(".yasqe_queryButton")
    heads = "document.querySelector('.yasr thead')?.textContent ?? ''"
    for number, column in ((3, "archive"), (9, "who")):
        page.select_option("#example", index=number)
        page.click(".yasqe_queryButton")
        until(page, f"({heads}).includes('{column}')")
        assert page.input_value("#example") == str(number - 1)
    page.go_back()
    until(page, f"({heads}).includes('archive')")
    assert page.input_value("#example") == "2"
    assert "exposedTo" in page.evaluate("document.querySelector('.CodeMirror').CodeMirror.getValue()")
    page.go_forward()
    until(page, f"({heads}).includes('who')")
    assert page.input_value("#example") == "8"
    page.go_back()
    until(page, f"({heads}).includes('archive')")
    page.go_back()  # nothing was asked there
    until(page, "!document.querySelector('.yasr table')")
    assert page.input_value("#example") == ""


@pytest.mark.parametrize("width", [390, 1280])
def test_the_button_that_runs_a_query_covers_none_of_it(browser, served, width):
    with page_of(browser, served.url, width=width) as page:
        page.goto("query")
        page.wait_for_selector(".yasqe_queryButton")
        button = page.locator(".yasqe_queryButton").bounding_box()
        lines = page.eval_on_selector_all(
            ".CodeMirror-line > span",
            "all => all.flatMap(e => [...e.getClientRects()]).map(r => [r.right, r.top, r.bottom])",
        )
        assert lines
        for right, top, bottom in lines:
            over = top < button["y"] + button["height"] and button["y"] < bottom
            assert not over or right <= button["x"]
        assert button["x"] + button["width"] <= width


def test_geometries_of_a_result_are_on_the_map(page):
    query = "SELECT ?wkt { ?area geo:hasGeometry/geo:asWKT ?wkt } LIMIT 5"
    page.goto(f"query?{urlencode({'query': query})}")
    page.wait_for_selector("#result-map:not([hidden])")
    assert page.evaluate("document.querySelector('#result-map').footprints.source.getFeatures().length") == 5


def test_an_example_has_rows_for_the_map(page):
    page.goto("query")
    page.wait_for_selector(".yasqe_queryButton")
    page.select_option("#example", index=page.locator("#example option").count() - 1)
    page.click(".yasqe_queryButton")
    page.wait_for_selector("#result-map:not([hidden])")
    drawn = page.evaluate("document.querySelector('#result-map').footprints.source.getFeatures().length")
    assert drawn == page.locator(".yasr table tbody tr").count() > 1
    assert (
        page.title() == "On the map: where the data that models were tested on in this area lie: SPARQL · mlaoi-graph"
    )
    # A row selects its shape, and a shape its row.
    page.locator(".yasr table tbody tr").nth(2).locator("td").first.click()
    assert page.evaluate("document.querySelector('#result-map').footprints.chosen") == "3"
    page.click("#result-map .lister")
    page.locator("#result-map .under li button", has_text="2. ").click()
    assert page.locator(".yasr table tbody tr.chosen td").first.inner_text() == "2"
    # What is below the base is said without it.
    assert page.locator(".yasr table tbody tr a.iri").first.inner_text().startswith("datasets/")


def test_why_is_asked_of_a_pair_that_a_chain_joins(served, families_catalog):
    """Also where the page of a node leads here, and the node is another than the example's."""
    with Catalog.open(families_catalog) as catalog:
        for node in ("", "geochat-7b", "clay-v1.5-biomassters"):
            examples = served.get("query.json", params={"node": node}).json()["examples"]
            query = next(one["query"] for one in examples if one["name"] == "06-why")
            newer, older = (
                re.findall(rf"<({BASE}[^>]+)>", query)[:2]
                if node
                else sorted(set(re.findall(rf"<({BASE}[^>]+)>", query)), reverse=True)
            )
            assert catalog.lineage.explain(newer, older), (newer, older)
            assert served.sparql(query).json()["results"]["bindings"]


def test_two_models_are_found_by_name_and_compared(page):
    page.goto("compare")
    for name, words in {"a": "clay 1.5", "b": "geochat 7b"}.items():
        page.fill(f"input[name={name}]", words)
        page.wait_for_selector(f".suggesting:has(input[name={name}]) li")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert page.input_value(f"input[name={name}]") in (CLAY, GEOCHAT)  # what is sent; what is shown has a name
    assert page.locator("main form label input[data-suggest]").nth(1).input_value() == "GeoChat-7B"
    page.click("main form button")
    page.wait_for_url("**/compare?a=*")
    assert page.inner_text("h1") == "Clay v1.5 and GeoChat-7B compared"
    assert page.locator("td", has_text="GeoChat_Instruct").count() >= 1


@pytest.mark.parametrize(
    ("path", "field", "given"),
    [
        ("compare", "a", {"a": "clay 1.55", "b": "geochat 7b"}),
        ("area", "aoi", {"aoi": "EuroSATT", "from": "2018"}),
        ("leakage", "node", {"node": "clay 1.55"}),
    ],
)
def test_a_name_that_is_none_keeps_the_form_and_leads_on(served, path, field, given):
    answer = served.get(path, params=given, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    said = answer.text
    for name, value in given.items():
        assert re.search(rf'name="{name}" value="{value}"', said), name
    assert "mlaoi-graph show" not in said
    assert "a file" not in said
    meant = [html.unescape(one) for one in re.findall(r'href="\?([^"]+)"><bdi>', said)]
    assert meant
    query = parse_qs(meant[0])
    assert {name: query[name] for name in given if name != field} == {n: [v] for n, v in given.items() if n != field}
    again = served.get(f"{path}?{meant[0]}", headers={"Accept": "text/html"})
    assert query[field][0].startswith(BASE)
    assert f'value="{query[field][0]}"' in again.text


def test_a_place_that_cannot_be_asked_names_what_can(served):
    dataset = served.get("area", params={"aoi": f"{BASE}datasets/geochat-instruct"}, headers={"Accept": "text/html"})
    assert dataset.status_code == 400
    assert "An area is a country" in dataset.text
    assert "Give a box, WKT or a file" not in dataset.text
    by_code = served.get("area.json?aoi=FRA").json()["stages"]
    for name in ("fra", "France", "FRANCE"):
        assert served.get("area.json", params={"aoi": name}).json()["stages"] == by_code != []
    assert (
        served.get("area.json?aoi=Kenya%2Buga").json()["stages"]
        == served.get("area.json?aoi=KEN%2BUGA").json()["stages"]
    )


def test_findings_name_their_sources_and_the_question(served):
    found = served.get("index.json").json()["findings"]
    page = served.get("", headers={"Accept": "text/html"}).text
    assert len(found) == 3
    for finding in found:
        for step in finding["chain"]:
            assert step["evidence"]
            assert all(html.escape(one["url"]) in page for one in step["evidence"])
        rows = served.sparql(finding["query"]).json()["results"]["bindings"]
        assert len(rows) == finding["more"] + 1


def test_pages_with_nothing_asked_lead_on(served, families_catalog):
    """To the tests that leak, as the report of everything has them, and to models to compare."""
    with Catalog.open(families_catalog) as catalog:
        leaks = {row.test for row in catalog.leakage(None).tests if row.verdict.value == "yes"}
    page = served.get("leakage", headers={"Accept": "text/html"}).text
    assert leaks
    for test in leaks:
        assert f'href="/{test.removeprefix(BASE)}"' in page
    pairs = re.findall(r'href="/compare\?([^"]+)"', served.get("compare", headers={"Accept": "text/html"}).text)
    assert len(pairs) > 3
    for pair in pairs:
        assert served.get(f"compare.json?{html.unescape(pair)}").json()["models"]


def test_an_address_that_is_none_leads_to_names_like_it(served):
    page = served.get("models/geochat-7c", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "<bdi>No such page, and no node of the catalog has this address.</bdi>" in page.text
    assert 'href="/models/geochat-7b"' in page.text


def test_what_only_one_learned_from_is_one_table_for_one_reason(served):
    page = served.get("compare?a=clay-v1.5&b=geochat-7b", headers={"Accept": "text/html"}).text
    for number in (1, 2):
        part = page.partition(f'id="only-{number}"')[2].partition("</section>")[0]
        assert part.count("<table") == 1
        assert part.count("is disclosed") == 1


def test_a_document_has_its_statements_before_all_else(page):
    page.goto("documents/families/clay.yaml")
    assert page.locator("h2").first.inner_text().startswith("What it says of who used what")


def test_a_report_of_one_model_does_not_repeat_it(served):
    page = served.get("leakage?node=clay-v1.5-biomassters", headers={"Accept": "text/html"}).text
    tests = page.partition('id="tests-h"')[2].partition("</table>")[0]
    assert "models/clay-v1.5-biomassters" not in tests
    assert "BioMassters" in tests


@pytest.mark.parametrize("path", ["models/geochat-7b", "area?aoi=Kenya", "leakage?node=clay-v1.5-biomassters"])
def test_tables_are_cards_on_a_narrow_window(browser, served, path):
    with page_of(browser, served.url, width=390) as page:
        page.goto(path)
        if "models" in path:
            settled(page)
            assert page.evaluate(IN_VIEW, "node")  # and the picture is as high as it is long
        wide = page.eval_on_selector_all(
            ".scroll:has(.stack)", "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.ariaLabel)"
        )
        assert page.locator(".stack").count() > 0
        assert wide == []


def test_search_tells_hits_apart(served, families_catalog):
    found = {row["node"]: row for row in served.get("search.json?q=clay").json()["rows"]}
    with Catalog.open(families_catalog) as catalog:
        for iri in (CLAY, f"{BASE}models/clay-v1.5-eurosat"):
            edges = Counter(e.predicate for e in catalog.edges() if e.subject == iri and e.predicate.endswith("On"))
            assert {one["edge"]: one["number"] for one in found[iri]["stages"]} == edges
            assert found[iri]["of"]["node"] == catalog.node(iri).family
        naip = f"{BASE}datasets/clay-v1-chips-naip"
        users = Counter(e.predicate for e in catalog.edges() if e.object == naip and e.predicate.endswith("On"))
        assert {one["edge"]: one["number"] for one in found[naip]["stages"]} == users
        assert found[naip]["of"]["node"] in {
            e.object for e in catalog.edges() if (e.subject, e.predicate) == (naip, "partOf")
        }
        assert found[f"{BASE}families/clay"]["models"] == sum(
            m.family == f"{BASE}families/clay" for m in catalog.models()
        )
    assert found[CLAY]["released"] == "2024-11-19"
    models = served.get("search.json?q=clay&kind=model").json()
    assert {row["kind"] for row in models["rows"]} == {"model"}
    assert models["total"] == models["kinds"]["model"] == sum(row["kind"] == "model" for row in found.values())
    assert served.get("search.json?q=clay&kind=thing").status_code == 400


def test_models_are_compared_in_stages_tests_and_licences(served, families_catalog):
    one, two = f"{BASE}models/anysat-base", f"{BASE}models/galileo-base"
    found = served.get("compare.json", params={"a": one, "b": two}).json()
    with Catalog.open(families_catalog) as catalog:
        edges = [e for e in catalog.edges() if e.subject in (one, two) and e.predicate.endswith("On")]
        for at, model in enumerate((one, two)):
            own = Counter(e.predicate for e in edges if e.subject == model)
            assert {row["edge"]: row["numbers"][at] for row in found["stages"] if row["numbers"][at]} == own
            measured = {
                e.object
                for e in edges
                if e.subject == model and e.predicate in ("testedOn", "validatedOn", "evaluatedOn")
            }
            assert {row["dataset"] for row in found["measured"] if row["by"][at]} == measured
            licences = Counter(row.license or "" for row in catalog.lineage.licences(model))
            assert {row["license"]: row["numbers"][at] for row in found["licences"] if row["numbers"][at]} == licences
        both = [row for row in found["measured"] if all(row["by"])]
        assert found["measured"][: len(both)] == both != []  # first what both were measured on
        licence = next(row["said"] for row in found["facts"] if row["name"] == "license")
        assert licence == [catalog.node(one).license, catalog.node(two).license]


def test_tests_that_leak_come_first_and_in_words(served):
    found = served.get("leakage.json?all=1").json()["report"]
    order = ["yes", "may contain", "unknown", "no"]
    places = [order.index(row["verdict"]) for row in found["tests"]["rows"]]
    assert places == sorted(places)
    assert len(set(places)) > 2
    assert sum(one["number"] for one in found["reasons"]) == found["unchecked"]["total"]
    page = served.get("leakage?all=1", headers={"Accept": "text/html"}).text
    for slug in ("derived-dataset", "selection-on-test", "no-footprint", "footprint-inherited", "splits-not-stated"):
        assert f">{slug}<" not in page
        assert f" {slug}" not in page


def test_search_has_a_way_to_the_rest(served):
    met, path = [], "search?q=a"
    while path:
        page = served.get(path, headers={"Accept": "text/html"}).text
        met += re.findall(r'<tr data-node="([^"]+)"', page)
        following = re.search(r'href="/(search[^"]+)">Next', page)
        path = following and html.unescape(following[1])
    assert len(met) == len(set(met)) == served.get("search.json?q=a").json()["total"] > 200


def test_a_link_that_cannot_be_copied_says_so(page):
    page.goto("models/clay-v1.5")
    settled(page)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.click("#copy")
    until(page, "document.querySelector('#acts .note').textContent.includes('Not copied')")
    assert page.locator("#acts .note").bounding_box()["width"] > 50  # for those who see, too


# -- what every page has --------------------------------------------------------------------------------------------

PAGES = {
    "start": "./",
    "search": "search?q=sam",
    "model": "models/geochat-7b",
    "dataset": "datasets/dota",
    "family": "families/clay",
    "area": "area?aoi=KEN",
    "leakage": "leakage?node=clay-v1.5-biomassters",
    "compare": "compare?a=clay-v1.5&b=geochat-7b",
    "query": "query",
    "about": "about",
    "nothing searched": "search?q=",
    "nothing found": "search?q=zzzz",
    "no area": "area",
    "nothing compared": "compare",
    "covered": "area?aoi=USA&has=trained&lacks=tested&family=clay",
    "document": "documents/families/clay.yaml",
    "area record": f"nodes/{quote(f'{BASE}datasets/clay-v1-chips-naip#area', safe='')}",
    "statement": f"nodes/{quote(f'{BASE}sources/geochat', safe='')}",
    "failed": "models/no-such-model",
    "no such area": "area?aoi=EuroSATT",
}
FAILED = ("failed", "no such area")
NOT_OURS = (".yasgui",)


def ready(page, name):
    if name in ("model", "dataset", "family"):
        settled(page)
    elif name in ("area", "leakage", "covered", "area record", "no area", "no such area"):
        page.wait_for_selector("#map[data-ready]", state="attached")
    elif name == "query":
        page.wait_for_selector(".yasqe_queryButton")


@pytest.mark.parametrize("name", PAGES)
def test_nothing_serious_for_axe_and_nothing_wider_than_the_window(browser, served, name):
    """Light and wide, then as narrow and as wide as windows are; dark on a small telephone."""
    tolerates = "404" if name in FAILED else None  # the answer itself
    with page_of(browser, served.url, tolerates=tolerates) as page:
        page.goto(PAGES[name])
        ready(page, name)
        assert serious(page, but=NOT_OURS) == []
        assert page.title().endswith("· mlaoi-graph")
        for width in (2560, 768, 320):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    with page_of(browser, served.url, width=320, height=640, dark=True, tolerates=tolerates) as page:
        page.goto(PAGES[name])
        ready(page, name)
        assert serious(page, but=NOT_OURS) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_what_axe_says_of_the_editor_is_known(page):
    """Somebody else's markup: this list may only get shorter."""
    page.goto("query")
    page.wait_for_selector(".yasqe_queryButton")
    page.click(".yasqe_queryButton")
    page.wait_for_selector(".yasr table tbody tr")
    found = {rule for _, rule, _ in serious(page)}
    assert found <= {"aria-required-children", "label", "select-name"}


def test_axe_would_find_it(page):
    page.goto("about")
    page.evaluate("document.querySelector('main').innerHTML += '<button></button><input>'")
    assert {found[1] for found in serious(page)} == {"button-name", "label"}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("index", ""),
        ("search", "q=sam"),
        ("models/geochat-7b", ""),
        ("datasets/dota", ""),
        ("families/clay", ""),
        ("area", "aoi=KEN"),
        ("area", ""),
        ("leakage", "node=clay-v1.5-biomassters"),
        ("compare", "a=clay-v1.5&b=geochat-7b"),
        ("query", ""),
        ("about", ""),
    ],
)
def test_every_page_is_there_as_json_and_turtle(served, path, query):
    assert served.get(f"{path}.json?{query}").json()
    turtle = served.get(f"{path}.ttl?{query}")
    assert turtle.headers["content-type"].startswith("text/turtle")
    found = rdflib.Graph().parse(data=turtle.text, format="turtle")
    assert len(found) > 0 or (path, query) == ("area", "")  # that of no area says nothing


@pytest.mark.parametrize(
    ("path", "rows"),
    [("search.csv?q=sam", 41), ("area.csv?aoi=KEN", None), ("compare.csv?a=clay-v1.5&b=geochat-7b", 31)],
)
def test_tables_are_there_as_csv(served, path, rows):
    found = list(csv.DictReader(io.StringIO(served.get(path).text)))
    assert len(found) == rows if rows else found


def test_titles_say_what_was_asked(served):
    """Of an area that was drawn, where it is; of a query, its first line."""
    drawn = {"type": "Polygon", "coordinates": [[[7, 46], [8, 46], [8, 47], [7, 46]]]}
    title = served.get("area.json", params={"aoi": json.dumps(drawn)}).json()["title"]
    assert title == "Models in 46–47° N, 7–8° E"
    for given, said in {
        "-5,-41.25,16,52": "41.25° S–52° N, 5° W–16° E",
        "POLYGON((0 11,23 11,23 33,0 11))": "11–33° N, 0–23° E",
        "170,-20,-170,-10": "20–10° S, 170° E–170° W",
        "Kenya": "Kenya",
    }.items():
        assert served.get("area.json", params={"aoi": given}).json()["title"] == f"Models in {said}"
    asked = "PREFIX mlaoi: <https://w3id.org/mlaoi#>\n\n# What learned from DOTA?\nASK {}"
    title = served.get("query.json", params={"query": asked}).json()["title"]
    assert title == "What learned from DOTA?: SPARQL"
    facts = served.get("datasets/sentinel-2", headers={"Accept": "text/html"}).text
    assert "True" not in facts


def test_an_empty_table_has_its_columns(served):
    full, empty = (served.get(path).text.splitlines()[0] for path in ("search.csv?q=sam", "search.csv?q=zzzz"))
    assert full == empty != ""
    full, empty = (served.get(f"area.csv?aoi={where}").text.splitlines() for where in ("FRA", "-40,-50,-39,-49"))
    assert empty == full[:1]


@pytest.mark.parametrize("name", ["index", "about", "query", "leakage", "area", "compare"])
def test_what_has_no_table_is_no_empty_file(served, name):
    answer = served.get(f"{name}.csv")
    assert answer.status_code == 404
    assert "no table" in answer.json()["reason"]
    if name in ("leakage", "area", "compare"):  # and is not offered
        assert f"{name}.csv" not in served.get(name, headers={"Accept": "text/html"}).text


def test_json_of_families_and_documents_has_what_their_pages_show(served):
    """Members of a family, and what a document says: against the links on the page."""
    for path in ("families/clay", "documents/families/clay.yaml"):
        page = served.get(path, headers={"Accept": "text/html"}).text.partition("<main")[2].partition("</main>")[0]
        shown = {f"{BASE}{name}" for name in re.findall(r'href="/(models/[^"#?]+)"', page)}
        found = set(re.findall(r'"@id":\s*"([^"]+)"', served.get(f"{path}.json").text))
        assert len(shown) > 4
        assert shown <= found, path


def test_nothing_but_this_server(served):
    for name in ("", "search?q=a", "models/geochat-7b.html", "query"):
        policy = served.get(name).headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        assert "http" not in policy


def test_demo_opens_the_page(families_catalog, tmp_path):
    """A browser is told the address once the page is there, and it is."""
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.new && mv {opened}.new {opened}\n')
    browser.chmod(0o755)
    shutil.copytree(families_catalog, tmp_path / "demo")
    command = [sys.executable, "-m", "mlaoi_graph", "demo", "--to", "demo", "--open"]
    environment = os.environ | {"BROWSER": f"{browser} %s", "PYTHONPATH": str(ROOT)}
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=said, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + 60
        while not opened.exists() and time.monotonic() < end:
            time.sleep(0.1)
        address = opened.read_text().strip()
        assert address in (tmp_path / "said").read_text()
        assert "Which model saw what" in requests.get(address, timeout=30, headers={"Accept": "text/html"}).text
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0


# -- what people should not publish, and do -------------------------------------------------------------------------

NASTY = """<script>window.hit = 1</script><img src=x onerror="window.hit = 1">"""
RTL = "\u202eנתונים \u0645\u062c\u0645\u0648\u0639\u0629 <b>"
LONG = "a very long name " * 60 + "w" * 400


TRAIN, TEST = {"ml-aoi:split": "train"}, {"ml-aoi:split": "test"}


@contextmanager
def served_from(folder, documents, update=None):
    """Build a catalog of documents and serve it."""
    source = folder / "source"
    source.mkdir()
    for name, items in documents.items():
        (source / name).write_text("".join(json.dumps(item) + "\n" for item in items))
    with Catalog.create(folder / "catalog") as catalog:
        catalog.ingest(source)
        if update:
            catalog.update(update)
    with serve(folder / "catalog", folder / "served") as server:
        yield server


@pytest.fixture(scope="session")
def hostile(bundle, tmp_path_factory):
    """A server of what nobody should publish: scripts for names and addresses, names without end."""
    own = [link("derived_from", "chips.json", **TRAIN), link("derived_from", "tests.json", **TEST)]
    nasty = model("nasty", *own, **{"mlm:name": NASTY, "description": NASTY, "title": NASTY})
    nasty["links"] += [link("derived_from", "javascript:window.hit=1"), link("about", "javascript:window.hit=1")]
    tested = [sample(f"t{n}", "tests", split="test") | {"geometry": box(7.3, 46.2, 7.32, 46.22)} for n in range(3)]
    documents = {
        "chips.json": [collection("chips", split="train", bbox=(7, 46, 8, 47))],
        "tests.json": [collection("tests", split="test", bbox=(7, 46, 8, 47))],
        "tested.ndjson": tested,
        "odd.ndjson": [
            nasty,
            model("rtl", link("derived_from", "chips.json"), **{"mlm:name": RTL, "title": RTL}),
            model("long", link("derived_from", "chips.json"), **{"mlm:name": LONG, "title": LONG}),
            model("overlapping", *own),
        ],
    }
    name = NASTY.replace('"', '\\"')
    update = f"""INSERT DATA {{ GRAPH <https://e.org/d> {{ <https://e.org/bad> a mlaoi:Model ; rdfs:label "{name}" ;
        mlaoi:homepage "javascript:window.hit=1" ; mlaoi:resolved true ; mlaoi:license "\\"onmouseover=window.hit=1 x=\\"" }} }}"""
    with served_from(tmp_path_factory.mktemp("hostile"), documents, update) as server:
        yield server


@pytest.fixture(scope="session")
def big(bundle, tmp_path_factory):
    """A server of five thousand footprints, and of a model with ten thousand datasets."""
    members = [
        sample(f"s{n}", "chips", split="train")
        | {"geometry": box(7 + n % 100 / 100, 46 + n // 100 / 100, 7.008 + n % 100 / 100, 46.008 + n // 100 / 100)}
        for n in range(5000)
    ]
    documents = {
        "chips.json": [collection("chips", split="train", bbox=(7, 46, 8, 47))],
        "members.ndjson": members,
        "models.ndjson": [
            model("small", link("derived_from", "chips.json", **TRAIN)),
            model(
                "hungry", *(link("derived_from", f"https://example.org/data/{n}.json", **TRAIN) for n in range(10_000))
            ),
        ],
    }
    with served_from(tmp_path_factory.mktemp("big"), documents) as server:
        yield server


@pytest.mark.parametrize("name", ["nasty", "rtl", "long", "https://e.org/bad"])
def test_hostile_names_are_text(browser, hostile, name):
    with page_of(browser, hostile.url) as page:
        found = hostile.get("api/lineage", params={"node": name}).json()
        iri = name if ":" in name else f"https://w3id.org/mlaoi/local/items/{name}"
        assert "rows" in found
        page.goto(f"nodes/{quote(iri, safe='')}")
        page.wait_for_selector(".explorer:not([aria-busy])")
        page.wait_for_timeout(300)
        page.mouse.move(300, 300)
        assert page.evaluate("window.hit") is None
        assert page.locator('a[href^="javascript" i]').count() == 0
        assert page.inner_text("h1").startswith({"rtl": RTL, "long": LONG[:100]}.get(name, NASTY))
        for width in (320, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert serious(page) == []
        if name == "rtl":
            label = page.evaluate("document.querySelector('#graph')._cyreg.cy.nodes('.focus').data('label')")
            assert "\u202e" not in label + page.title()
            assert re.search("\u2068[^\u2069]+\u2069", label)
            assert re.fullmatch("\u2068[^\u2069]+\u2069 · mlaoi-graph", page.title())
        page.fill("#q", "script" if name == "nasty" else name[:8])
        page.wait_for_timeout(500)
        assert page.evaluate("window.hit") is None


def test_no_page_runs_what_it_shows(browser, hostile):
    with page_of(browser, hostile.url) as page:
        for path in (
            "./",
            "search?q=script",
            "area?aoi=7,46,8,47",
            "leakage?node=nasty",
            "compare?a=nasty&b=long",
            "query?node=nasty",
            "about",
            f"search?{urlencode({'q': NASTY})}",
        ):
            page.goto(path, wait_until="load")
            page.wait_for_timeout(150)
            assert page.evaluate("window.hit") is None, path
            assert page.locator('a[href^="javascript" i]').count() == 0, path
            assert page.evaluate("document.documentElement.scrollWidth") <= 1440, path


def test_no_result_of_a_query_runs(browser, hostile):
    """Values are text in the table, in its filter and where it is sorted; nodes lead to their pages here."""
    with page_of(browser, hostile.url) as page:
        text = "SELECT ?s ?name (<javascript:window.hit=1> AS ?j) { ?s a mlaoi:Model ; rdfs:label ?name }"
        page.goto(f"query?{urlencode({'query': text})}")
        page.wait_for_selector(".yasr table tbody tr")
        page.fill(".tableFilter", "onerror")
        page.keyboard.press("End")
        until(page, "document.querySelectorAll('.yasr tbody tr').length === 2")
        page.locator(".yasr thead th").nth(2).click()
        page.wait_for_timeout(200)
        cells = page.locator(".yasr tbody td:nth-child(3)").all_inner_texts()
        assert cells == [NASTY, NASTY]
        assert page.evaluate("window.hit") is None
        for href in page.eval_on_selector_all(".yasr tbody a", "all => all.map(a => a.href)"):
            assert href.startswith(hostile.url)


def test_a_query_that_is_refused_says_why_and_where(served, browser):
    with page_of(browser, served.url, tolerates="400") as page:
        page.goto(f"query?{urlencode({'query': 'SELECT ?x {'})}")
        said = page.wait_for_selector(".yasr .refused")
        assert "expected" in said.inner_text()
        assert "{" not in said.inner_text()[:20]
        page.click(".yasr .refused button")
        assert page.evaluate("document.querySelector('.CodeMirror').CodeMirror.getCursor().line") == 0


def test_ten_thousand_siblings_are_grouped_capped_and_within_reach(browser, big):
    with page_of(browser, big.url) as page:
        at = f"nodes/{quote('https://w3id.org/mlaoi/local/items/hungry', safe='')}"
        wanted = "https://example.org/data/9876.json/train"

        def after(act):
            before = page.url
            act()
            until(page, "url => location.href !== url", before)
            page.wait_for_selector(".explorer:not([aria-busy])")
            return {older for _, older in pairs(page)}

        # Whoever still starts takes the processor from those who answer.
        met(lambda: big.metric('mlaoi_workers{pool="answers",state="idle"}') >= 2, 60)
        for _ in range(2):
            met(lambda: big.get(at, headers={"Accept": "text/html"}).elapsed.total_seconds() < 2, 90)
        page.goto(at)
        settled(page)
        assert page.inner_text("#shown").startswith("9 of 10001 nodes shown, 8 edges.")
        # Any one of them by its name: to be gone to, or to be drawn.
        page.fill("#rest-words", "9876")
        until(page, "document.querySelectorAll('#rest .found li').length === 1")
        assert "9876.json" in page.get_attribute("#rest .found a", "href")
        drawn = after(lambda: page.click("#rest .found button"))
        assert len(drawn) == 8
        assert wanted in drawn
        assert page.inner_text("#side h2") == "9876.json (train)"
        # The address has which are drawn, and which is selected.
        page.goto(f"{at}?{urlencode({'more': 'up:trainedOn:dataset:9769-9896:items/hungry', 'select': f'<{wanted}>'})}")
        settled(page)
        assert page.inner_text("#side h2") == "9876.json (train)"
        some = {older for _, older in pairs(page)}
        assert len(some) == 128
        more = after(lambda: page.click("#rest .row button"))  # as many as fit
        assert some < more
        assert page.inner_text("#shown").startswith("149 of 10001 nodes shown, 148 edges.")
        last = after(lambda: page.click("#rest .row button"))  # then the next of them
        assert len(last) == 10_000 - 9916
        assert not last & more


def test_paging_through_what_is_not_drawn_meets_everything(big):
    """The pages of the list are all there is, each once, in one order."""
    node = "https://w3id.org/mlaoi/local/items/hungry"
    asked = {"node": node, "edge": "trainedOn", "kind": "dataset", "most": 500}
    met = []
    while len(met) < 10_000:
        (group,) = big.get("api/neighbours", params=asked | {"start": len(met)}).json()["groups"]
        assert [row["place"] for row in group["rows"]] == list(range(len(met), len(met) + len(group["rows"])))
        met += [row["node"] for row in group["rows"]]
    assert len(set(met)) == group["total"] == 10_000
    (group,) = big.get("api/neighbours", params=asked | {"words": "TRAIN 99"}).json()["groups"]
    assert [row["node"] for row in group["rows"]] == [iri for iri in met if "99" in iri.split("/")[-2]]
    assert [met[row["place"]] for row in group["rows"]] == [row["node"] for row in group["rows"]]


def test_five_thousand_footprints_within_two_seconds(browser, big):
    """From when the page is asked for to the last footprint drawn: of three times the best, as others work here too."""
    with page_of(browser, big.url) as page:
        iri = "https://w3id.org/mlaoi/local/items/small"
        page.goto("about")
        # Whoever still starts takes the processor from those who answer.
        met(lambda: big.metric('mlaoi_workers{pool="answers",state="idle"}') >= 2, 60)
        took = []
        for _ in range(3):
            page.goto(f"nodes/{quote(iri, safe='')}", wait_until="commit")
            until(page, "document.querySelector('#map')?.footprints?.source.getFeatures().length >= 5000")
            took.append(
                page.evaluate(
                    "new Promise(done => { const m = document.querySelector('#map').footprints.map;"
                    " m.once('rendercomplete', () => done(performance.now())); m.render(); })"
                )
            )
            if took[-1] < 2000:
                break
        assert min(took) < 2000, took
