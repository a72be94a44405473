"""What the README shows is what happens."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(command, folder):
    arguments = [sys.executable, "-m", "mlaoi_graph", *shlex.split(command, comments=True)[1:]]
    environment = {k: v for k, v in os.environ.items() if k != "MLAOI_CATALOG"} | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, encoding="utf-8", env=environment)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "docs/example-stac", folder / "docs/example-stac")
    return folder


def test_the_demo_prints_what_is_shown(folder):
    shown = re.search(r"<!-- output of: (.*?) -->\n```text\n(.*?)```", README, re.S)
    done = run(shown[1], folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == shown[2]


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md"])
def test_families_it_names_are_shipped(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    (named,) = re.findall(r"(Clay,[\w\s,.-]*?) and\s+others", text)
    names = re.split(r",\s+", named)
    assert len(names) > 3
    for name in names:
        assert (ROOT / f"mlaoi_graph/families/{name.lower().replace(' ', '-')}.yaml").is_file(), name


def test_commands_print_what_is_shown(folder):
    blocks = re.findall(r"```console\n(.*?)```", README, re.S)
    assert blocks
    for command, output in re.findall(r"^\$ (.*?)\n(.*?)(?=^\$ |\Z)", "".join(blocks), re.M | re.S):
        done = run(command, folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout == output, command


def test_commands_that_are_only_named_work(folder):
    (commands,) = [block for block in re.findall(r"```sh\n(.*?)```", README, re.S) if block.startswith("mlaoi-graph")]
    document = "https://w3id.org/mlaoi/local/documents/example-stac/models/base.json"
    for command in commands.strip().splitlines():
        done = run(command.replace("DOCUMENT", document), folder)
        assert done.returncode == 0, command + done.stderr


def test_pages_it_links_to_are_there():
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
