"""The house of DESIGN section 5: imports point down, names are declared, errors do not leak."""

import ast
import subprocess
import sys
from inspect import isclass, ismodule
from pathlib import Path

import pytest

import mlaoi_graph
from mlaoi_graph import errors

PACKAGE = Path(mlaoi_graph.__file__).parent
# Ground floor first; a module imports its own storey and those below.
STOREYS = [
    {"errors", "vocab", "model", "geo", "iri", "times", "ontology_files", "countries", "countries_build"}
    | {"lineage_fields", "tokens", "files", "features", "kinds", "plural"},
    {"rdf", "stores", "results", "statements", "update"},
    {"readers", "writers", "samples"},
    {"reasoning", "queries", "geosparql", "validation", "footprints", "footprint_arrays", "uses", "use_arrays"},
    {
        "manifest",
        "snapshots",
        "items",
        "reading_log",
        "known",
        "changes",
        "identity",
        "linking",
        "ingest",
        "annotate",
        "catalog",
        "findings",
    },
    {"cli", "server", "testing", "__main__", "__init__"},
]
SIDEWAYS = {
    ("readers", "writers"),
    ("writers", "readers"),
    ("reasoning", "queries"),
    ("geosparql", "queries"),
    ("queries", "geosparql"),
    ("rdf", "stores"),
    ("stores", "rdf"),
    ("server", "cli"),
}


def storey(name):
    return next(number for number, names in enumerate(STOREYS) if name in names)


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            pieces = name.split(".")
            if (
                pieces[0] == "mlaoi_graph"
                and len(pieces) > 1
                and (PACKAGE / f"{pieces[1]}.py").exists() | (PACKAGE / pieces[1]).is_dir()
            ):
                yield pieces[1]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own == "__init__":
        return  # the front door: says where the public names live
    for other in set(imports(path)) - {own}:
        assert storey(other) <= storey(own), f"{own} imports {other}, which is above it"
        assert (own, other) not in SIDEWAYS, f"{own} imports {other}, its neighbour"


def test_readers_never_see_a_store_and_stores_never_see_a_model():
    for path in (PACKAGE / "readers").rglob("*.py"):
        assert not {"stores", "rdf"} & set(imports(path)), path
    for path in (PACKAGE / "stores").rglob("*.py"):
        assert "model" not in set(imports(path)), path


def test_public_names_are_declared():
    public = {n for n, v in vars(mlaoi_graph).items() if n[0] != "_" and not ismodule(v)}
    public -= {"annotations", "Any", "TYPE_CHECKING"}
    assert public | {"__version__"} <= set(mlaoi_graph.__all__)
    for name in mlaoi_graph.__all__:
        assert getattr(mlaoi_graph, name)


def test_the_tree_of_errors_is_the_one_drawn():
    drawn = {line.split()[-1] if "──" in line and "  " not in line.split("── ")[1] else line.split("── ")[1].split()[0]
             for line in errors.__doc__.splitlines() if "── " in line}  # fmt: skip
    defined = {n for n, v in vars(errors).items() if isclass(v) and v.__module__ == errors.__name__}
    assert drawn == defined - {"MlaoiError"}
    assert all(issubclass(getattr(errors, name), errors.MlaoiError) for name in defined)


def test_help_loads_no_store_and_no_geometry():
    code = "import sys; import mlaoi_graph.cli.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pyoxigraph", "shapely", "pystac", "rdflib", "networkx", "numpy"} & set(loaded)


def test_asking_a_catalog_loads_no_reader():
    """Each of these would keep a command waiting for longer than its answer takes."""
    code = "import sys; import mlaoi_graph.catalog, mlaoi_graph.queries; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pystac", "shapely", "rdflib", "networkx", "yaml", "owlrl"} & set(loaded)
