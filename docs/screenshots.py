"""Makes the pictures of docs/page.md from the shipped catalog: python docs/screenshots.py [CHROMIUM]."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
PICTURES = {
    "page-lineage.png": ("models/galileo-base?select=datasets/pastis", "light", 880),
    "page-area.png": ("area?aoi=-5,41,16,52", "dark", 1080),
}


def main(chromium: str) -> None:
    """Build the catalog, serve it, and look at it."""
    from playwright.sync_api import sync_playwright

    run = [sys.executable, "-m", "mlaoi_graph"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*run, "demo", "--to", f"{folder}/demo"], check=True, stdout=subprocess.DEVNULL)
        server = subprocess.Popen(
            [*run, "serve", f"{folder}/demo", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                for name, (path, scheme, height) in PICTURES.items():
                    page = browser.new_page(viewport={"width": 1440, "height": height}, color_scheme=scheme)
                    page.goto(url + path, wait_until="networkidle")
                    page.wait_for_timeout(1000)
                    page.screenshot(path=DOCS / name)
                browser.close()
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else shutil.which("chromium") or "chromium")
