"""STAC Browser, built from its npm package, against our server in Chromium.

The package has no built bundle, and building it takes minutes and a network, so this is one of the slow tests:
``pytest -m slow tests/test_stac_browser.py``. ``MLAOI_STAC_BROWSER`` names a folder with a bundle that is built.
"""

import functools
import http.server
import os
import subprocess
import threading
from pathlib import Path

import pytest
from browsing import chromium

VERSION = "4.0.1"
pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.1"])]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    if "MLAOI_STAC_BROWSER" in os.environ:
        return Path(os.environ["MLAOI_STAC_BROWSER"])
    folder = tmp_path_factory.mktemp("stac-browser")

    def run(command, where=folder):
        subprocess.run(command.split(), cwd=where, check=True, capture_output=True, timeout=1200, env=os.environ | {"SB_historyMode": "hash", "SB_pathPrefix": "./"})  # fmt: skip

    run(f"npm pack --silent @radiantearth/stac-browser@{VERSION}")
    run(f"tar xzf radiantearth-stac-browser-{VERSION}.tgz")
    run("npm install --no-audit --no-fund", folder / "package")
    # Its own range lets in a version that needs a newer OpenLayers than it has.
    run("npm install --no-audit --no-fund --no-save ol-stac@1.1.0", folder / "package")
    run("npm run build:minimal", folder / "package")
    return folder / "package/dist"


@pytest.fixture(scope="module")
def address(bundle):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(bundle)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_stac_browser_shows_collections_items_and_a_search(address, served):
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        # Background maps and the list of other catalogs are elsewhere, and not what is tried.
        page.route("**/*", lambda route: route.continue_() if "//127.0.0.1:" in route.request.url else route.abort())
        answers, broken = [], []
        page.on("response", lambda r: answers.append((r.status, r.url)) if r.url.startswith(served.url) else None)
        page.on("pageerror", lambda error: broken.append(str(error)))
        at = f"external/{served.url.replace('://', ':/')}stac"
        page.goto(f"{address}#/{at}")
        page.get_by_role("heading", name="Lineage", exact=True).first.wait_for()
        page.get_by_text("Models tested").first.wait_for()
        page.goto(f"{address}#/{at}/collections/models-tested")
        page.get_by_role("heading", name="Models tested").first.wait_for()
        page.get_by_text("AnySat base").first.wait_for()
        page.goto(f"{address}#/{at}/collections/models/items/geochat-7b")
        page.get_by_role("heading", name="GeoChat-7B").first.wait_for()
        page.get_by_text("Lineage as Turtle").first.wait_for()
        with page.expect_response(f"{served.url}stac/queryables"):
            page.goto(f"{address}#/search/{at}")
        page.get_by_role("button", name="Submit").last.wait_for()
        assert not broken
        assert {status for status, _ in answers} == {200}, answers
        asked = {url.partition("?")[0].removeprefix(f"{served.url}stac") for _, url in answers}
        items = "/collections/models-tested/items"
        assert {"", "/collections", items, "/collections/models/items/geochat-7b", "/queryables"} <= asked, asked
