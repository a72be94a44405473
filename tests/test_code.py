"""The code is typed, linted and formatted as the project says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "tool",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]],
    ids=["lint", "format", "types"],
)
def test_code_is_clean(tool):
    done = subprocess.run([sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_finding_is_explained():
    """Each rule a reader, geo or the catalog can give stands in the documentation, and nothing else does."""
    given = set()
    package = ROOT / "mlaoi_graph"
    for path in [
        *(package / "readers/stac").glob("*.py"),
        *(package / f"{name}.py" for name in ("ingest", "identity", "linking")),
    ]:
        text = path.read_text()
        given |= set(re.findall(r'\bnote\((?:[^()]|\([^()]*\))*?"([a-z]+(?:-[a-z]+)+)"', text))
        given |= set(re.findall(r'rule="([a-z-]+)"', text))
        given |= set(re.findall(r'_failure\(place, "([a-z-]+)"', text))
        given |= set(re.findall(r'\b_?finding\(\s*"([a-z-]+)"', text))
    page = (ROOT / "docs/reading-stac.md").read_text().partition("## Findings")[2]
    explained = {rule for row in re.findall(r"^\| (`.*?) \|", page, re.M) for rule in re.findall(r"`([a-z-]+)`", row)}
    assert given - explained == set()
    assert explained - given == set()
