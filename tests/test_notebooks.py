"""Notebooks run from top to bottom, are committed without outputs, and check what they claim."""

import ast
import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
assert NOTEBOOKS, "no notebooks found: the tests below would check nothing"

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def run_cell(source, name, namespace):
    """Run a cell and render what its last line shows, as Jupyter does: tables are made when looked at."""
    tree = ast.parse(source, name)
    shown = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)
    if shown is not None:
        value = eval(compile(ast.Expression(shown.value), name, "eval"), namespace)
        getattr(value, "_repr_html_", value.__repr__)()


@each_notebook
def test_it_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # nothing may depend on where it is started, nor be left in the repository
    namespace = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(path), start=1):
        run_cell("".join(cell["source"]), f"{path.name}, code cell {number}", namespace)


@each_notebook
def test_it_is_committed_without_outputs(path):
    for cell in code_cells(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@each_notebook
def test_its_last_cell_asserts(path):
    last = ast.parse("".join(code_cells(path)[-1]["source"]))
    assert any(isinstance(node, ast.Assert) for node in ast.walk(last))
