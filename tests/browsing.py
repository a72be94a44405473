"""A browser for tests: Debian's Chromium, which may talk to the server under test and to nothing else."""

import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

AXE = Path(__file__).parents[1] / "mlaoi_graph/server/pages/web/test/axe.min.js"


@contextmanager
def chromium():
    """Run the browser; skips where there is none."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """What a page asked for and complained about."""

    def __init__(self, page, url, tolerates=None):
        self.page = page
        self.elsewhere = []
        self.complaints = []
        own = urlsplit(url).netloc
        page.on("request", lambda r: self._asked(r.url, own))
        fine = f"status of {tolerates} "
        page.on("console", lambda m: m.type == "error" and fine not in m.text and self.complaints.append(m.text))
        page.on("pageerror", lambda e: self.complaints.append(str(e)))
        page.on("requestfailed", self._failed)

    def _asked(self, address, own):
        parts = urlsplit(address)
        if parts.scheme not in ("data", "blob") and parts.netloc != own:
            self.elsewhere.append(address)

    def _failed(self, request):
        if request.failure != "net::ERR_ABORTED":  # given up by the browser itself: the page was left, or asked anew
            self.complaints.append(f"{request.url}: {request.failure}")

    def is_clean(self):
        assert not self.elsewhere, self.elsewhere
        assert not self.complaints, self.complaints


@contextmanager
def page_of(browser, url, *, width=1440, height=900, dark=False, tolerates=None):
    """Open a page that is held to stay on this machine and to complain of nothing but the ``tolerates`` status."""
    context = browser.new_context(
        base_url=url, viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    watched = Watched(page, url, tolerates)
    try:
        yield page
        watched.is_clean()
    finally:
        context.close()


def serious(page, *, but=()):
    """Return what axe finds that is serious or critical, outside of what is not ours."""
    if not AXE.is_file():
        pytest.skip("needs axe-core, which npm ci brings and a source distribution has not: remove static/ and build")
    # Run, not loaded: the page's policy lets no other script in, and a debugger is no script.
    page.evaluate(AXE.read_text("utf-8"))
    outside = [[one] for one in but]
    found = page.evaluate(
        "outside => axe.run({ exclude: outside }, { resultTypes: ['violations'] }).then(r => r.violations.map("
        "v => [v.impact, v.id, v.nodes.map(n => n.target.join(' ')).slice(0, 5)]))",
        outside,
    )
    return [one for one in found if one[0] in ("serious", "critical")]


def until(page, expression, arg=None):
    """Wait until an expression of the page is true. Playwright's own way evaluates text, which the page's policy bars."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if page.evaluate(expression, arg):
            return
        page.wait_for_timeout(30)
    raise AssertionError(f"not within 20 s: {expression}")
