"""The one object users hold: a lineage catalog, on disk or in memory.

On disk a catalog is a directory::

    manifest.json     format, base, split policy, sources, which snapshot is the newest
    store/            the writer's store; readers never open it
    snapshots/N/      what readers open: complete, never written to again, hard links of the store
    samples/          samples of files that were added or linked to, by the files' hash
    snapshots/N.footprints   where everything in it is; made when first needed, or damaged, and followed by the writer
    snapshots/N.lineage    its edges as arrays, for questions about lineage; made again if it is missing or damaged

so readers never wait for the writer and never see half an ingest. It may also be kept by a SPARQL server, given by its
address: then the manifest is in a graph of the server, and readers see each document as soon as it is written.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from mlaoi_graph import geosparql, rdf
from mlaoi_graph import iri as iris
from mlaoi_graph.errors import (
    CatalogDamaged,
    CatalogError,
    CatalogExists,
    CatalogNotFound,
    NodeNotFound,
    QueryError,
    SourceError,
    SourceNameTaken,
    SourceNotFound,
    StoreError,
)
from mlaoi_graph.manifest import Manifest
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    Dataset,
    DataUse,
    Derivation,
    Finding,
    Model,
    ModelFamily,
    Reasoner,
    SourceDocument,
    SplitPolicy,
    Statement,
    Unknown,
)
from mlaoi_graph.results import Answer, answer, refuse_what_is_no_reading
from mlaoi_graph.snapshots import (
    Hold,
    footprints_of,
    items_of,
    lineage_file,
    open_newest,
    open_snapshot,
    prune,
    publish,
    snapshot_at,
)
from mlaoi_graph.statements import Counts, Described, Edge, Node, Statements
from mlaoi_graph.stores import Scope, Store
from mlaoi_graph.stores.endpoint import Auth
from mlaoi_graph.stores.oxigraph import OxigraphStore
from mlaoi_graph.stores.sparql import SparqlStore, is_address, open_sparql
from mlaoi_graph.update import prepare, run
from mlaoi_graph.vocab import DCTERMS, MLAOI, PREFIXES, RDF, RDFS, SKOS

if TYPE_CHECKING:
    import networkx
    import rdflib
    from pyoxigraph import NamedNode

    from mlaoi_graph.annotate import Annotated
    from mlaoi_graph.footprints import During, Footprints
    from mlaoi_graph.ingest import Ingest, IngestReport
    from mlaoi_graph.queries import LineageGraph
    from mlaoi_graph.queries.aoi import AoiLike
    from mlaoi_graph.queries.areas import AreaHits, Places
    from mlaoi_graph.queries.columns import Columns
    from mlaoi_graph.queries.leakage import Leakage, LeakageReport
    from mlaoi_graph.samples import SampleReport
    from mlaoi_graph.stores import Term

__all__ = ["Catalog", "Counts", "Described", "Edge"]

_MANIFEST, _CHANGING = "manifest", "changing"
"""What a catalog notes on a server; a directory has files for it."""
_IS_ONE = "ASK { VALUES ?kind { mlaoi:Model mlaoi:Dataset mlaoi:SourceDocument } ?node a ?kind }"
"""Whether a server has a catalog's graph, whoever keeps it."""

E = TypeVar("E", bound=Enum)


class Catalog:
    """A lineage catalog.

    Open one with :meth:`open`, start one with :meth:`create`; both work in a ``with`` statement. Reading sees the
    last finished ingest. Only :meth:`ingest` and :meth:`remove` write, one process at a time.
    """

    def __init__(self, store: Store, manifest: Manifest, directory: Path | None, hold: Hold | None = None) -> None:
        self._store = store
        self._manifest = manifest
        self._directory = directory
        self._hold = hold
        self._interrupted = False
        self._read_only = False
        self._made: list[Path] = []
        self._lineage: LineageGraph | None = None
        self._footprints: Footprints | None = None
        self._footprints_file: tuple[Path, str] | None = None
        self._footprints_seen: tuple[int, int] | None = None
        self._places: Places | None = None
        self._leakage: dict[tuple[float, float, tuple[str, ...]], Leakage] = {}
        self._without_inferred: Store | None = None
        self._columns: Columns | None = None
        self.makes_index = True
        """Whether a query that the footprints could help may make them where they are not there: it may take long."""

    # -- life -------------------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        directory: str | os.PathLike[str] | None = None,
        *,
        base: str = iris.DEFAULT_BASE,
        split_policy: SplitPolicy | str = SplitPolicy.COMMON,
        verified_only: bool = False,
        update: str | None = None,
        auth: Auth | None = None,
        reasoner: Reasoner | str = Reasoner.TARGETED,
    ) -> Catalog:
        """Return a new, empty catalog in a directory that is empty or not there; in memory without one.

        ``base`` starts the IRIs of what has no address of its own; ``verified_only`` leaves out edges whose
        confidence is unverified, and ``reasoner`` infers, now and in every later ingest. Instead of a directory, the
        http(s) address of an empty SPARQL server may be given; ``update`` and ``auth`` as for :meth:`open`. Raises
        CatalogExists, CatalogDamaged if the directory cannot be made, StoreError if the server cannot be used,
        ValueError for a base that cannot start IRIs. Policy and reasoner may be given by their words.
        """
        manifest = Manifest(
            base=iris.check_base(base),
            policy=_one_of(SplitPolicy, split_policy, "split policy"),
            verified_only=verified_only,
            reasoner=_one_of(Reasoner, reasoner, "reasoner"),
        )
        if directory is None:
            return cls(OxigraphStore(), manifest, None)
        address = os.fspath(directory)
        if is_address(address):
            store = open_sparql(address, update=update, auth=auth)
            try:
                if store.noted(_MANIFEST) is not None or next(store.graphs(), None) is not None:
                    raise CatalogExists(address)
                store.note(_MANIFEST, manifest.to_json())
            except BaseException:
                store.close()
                raise
            return cls(store, manifest, None)
        path = Path(directory)
        try:
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise CatalogExists(str(path))
            made = [folder for folder in (path, *path.parents) if not folder.exists()]
            path.mkdir(parents=True, exist_ok=True)
            manifest.write(path)
        except OSError as error:
            raise CatalogDamaged(str(path), error.strerror or str(error), "Choose another directory") from error
        catalog = cls(OxigraphStore(), manifest, path)
        catalog._made = made
        return catalog

    @classmethod
    def open(cls, directory: str | os.PathLike[str], *, update: str | None = None, auth: Auth | None = None) -> Catalog:
        """Return the catalog in a directory, as of its last finished ingest; or the one a SPARQL server keeps.

        A server is given by the http(s) address that takes queries. ``update`` is where it takes updates, if that is
        another; ``auth`` a bearer token, or a user and a password. What is not given comes from the environment:
        ``MLAOI_SPARQL_UPDATE``, ``MLAOI_SPARQL_TOKEN``, ``MLAOI_SPARQL_USER`` and ``MLAOI_SPARQL_PASSWORD``.

        A snapshot's own folder, ``DIR/snapshots/3``, is that state, for reading only. So is a server that has a
        catalog's graph and keeps none itself, as ``mlaoi-graph serve`` has; its default graph has to be the merge.

        Raises CatalogNotFound, CatalogDamaged, StoreError if a server cannot be used.
        """
        address = os.fspath(directory)
        if is_address(address):
            server = open_sparql(address, update=update, auth=auth)
            noted = server.noted(_MANIFEST)
            if noted is not None:
                return cls(server, Manifest.from_json(noted, address), None)
            if not server.query(_IS_ONE, prefixes=PREFIXES):
                server.close()
                raise CatalogNotFound(address)
            served = cls(server, Manifest(base=iris.DEFAULT_BASE), None)
            served._read_only = True
            return served
        path = Path(directory)
        past = snapshot_at(path)
        if past is None:
            manifest, store, hold = open_newest(path)
            return cls(store, manifest, path, hold)
        manifest, store, hold = open_snapshot(*past)
        catalog = cls(store, manifest, past[0], hold)
        catalog._read_only = True
        return catalog

    def close(self) -> None:
        """Let go of the files; closing twice does nothing."""
        self._store.close()
        self._lineage = self._columns = self._without_inferred = None
        self._footprints = None
        self._places = None
        self._leakage.clear()
        if self._hold is not None:
            self._hold.release()

    def discard(self) -> None:
        """Close the catalog and remove its files, and the folders that :meth:`create` made for them.

        What else is in its directory stays. Raises CatalogLocked, and removes nothing, while somebody writes to it;
        CatalogError if a file cannot be removed.
        """
        self._check_writable()
        if isinstance(self._store, SparqlStore):
            self._store.clear()
            self._store.note(_MANIFEST, None)
            self._store.note(_CHANGING, None)
        self.close()
        if self._directory is None:
            return
        kept = self._directory / "store"
        try:
            if kept.exists():
                # An engine that is open goes on writing while its files are removed, and puts some back.
                with suppress(StoreError):  # one that is damaged is removed like any other
                    lock = OxigraphStore(kept)
                    (self._directory / "manifest.json").unlink(missing_ok=True)  # whoever writes next finds no catalog
                    lock.close()
            for name in ("store", "snapshots", "samples"):
                if (self._directory / name).exists():
                    shutil.rmtree(self._directory / name)
            for name in ("manifest.json", "store.changing", "store.filling"):
                (self._directory / name).unlink(missing_ok=True)
            for folder in self._made:
                if any(folder.iterdir()):  # something else
                    break
                folder.rmdir()
        except OSError as error:
            reason = f"not all of it could be removed: {error}"
            raise CatalogError(str(self._directory), reason, "Remove what is left of it") from error

    def _check_writable(self) -> None:
        if not self._read_only:
            return
        if isinstance(self._store, SparqlStore):
            reason = "it is read here: no catalog was made at this address"
            raise CatalogError(self._store.url, reason, "Write to the catalog that the server has it from")
        place = f"{self._directory}/snapshots/{self.snapshot}"
        raise CatalogError(place, "a snapshot is for reading", f"Open the catalog itself: {self._directory}")

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        place = self._store.url if isinstance(self._store, SparqlStore) else self._directory
        return f"<Catalog {place or 'in memory'}>"

    @property
    def base(self) -> str:
        """Start of the IRIs minted here."""
        return self._manifest.base

    @property
    def split_policy(self) -> SplitPolicy:
        """What ``ml-aoi:split`` words mean here."""
        return self._manifest.policy

    @property
    def verified_only(self) -> bool:
        """Whether unverified edges are left out here."""
        return self._manifest.verified_only

    @property
    def not_read(self) -> list[str]:
        """IRIs of the documents that could not be read when their sources were read last."""
        return sorted({document for some in self._manifest.not_read.values() for document in some})

    @property
    def snapshot(self) -> int:
        """Number of the state that is read: it grows with each change; 0 in memory and before the first ingest."""
        return self._manifest.snapshot

    @property
    def reasoner(self) -> Reasoner:
        """What infers here."""
        return self._manifest.reasoner

    @property
    def store(self) -> Store:
        """The quads, for what the methods here do not cover."""
        return self._store

    @property
    def statements(self) -> Statements:
        """What they say, as nodes and edges."""
        return Statements(self._store)

    # -- writing ----------------------------------------------------------------------------------------------

    def ingest(
        self,
        source: str | os.PathLike[str],
        *,
        name: str | None = None,
        reader: str | None = None,
        allow_network: bool = False,
        collections: Sequence[str] = (),
        progress: Callable[[int], None] | None = None,
    ) -> IngestReport:
        """Read a folder, file or address into the catalog and return what happened.

        Reading a source again replaces what each of its documents said; unchanged documents cost a hash.
        ``name`` is what the source goes by (its folder's name unless given) and part of its documents' IRIs.
        ``collections`` are the ids of those whose items are read from a STAC API; without, only collections are.

        Raises SourceNotFound, SourceNameTaken, NetworkNotAllowed, CatalogLocked. A bad document raises nothing:
        it is in the report.
        """
        # Readers bring STAC and geometry libraries with them; who only asks a catalog does not wait for those.
        from mlaoi_graph.readers import READING_RULES, find_reader
        from mlaoi_graph.readers.fetch import NotAnApi, check_source

        where = os.fspath(source)
        check_source(where)
        if collections and not where.startswith(("http://", "https://")):
            raise NotAnApi(where)
        found = find_reader(where, reader)
        with _Writer(self) as writer:
            # Asked under the writer's lock: another process may have added a source since this catalog was opened.
            used_name, sources = self._source_name(where, name)
            writer.note(sources=sources)
            run = writer.run(reread=self._manifest.rules.get(used_name, READING_RULES) != READING_RULES)
            try:
                report = run.run(
                    where,
                    used_name,
                    found,
                    allow_network=allow_network,
                    collections=tuple(collections),
                    progress=progress,
                )
            except SourceError:
                if used_name in self._manifest.rules:  # what is held of it is from before
                    documents = f"{self.base}documents/{iris.segment(used_name)}/"
                    writer.note(not_read={**self._manifest.not_read, used_name: [documents]})
                raise
            not_read = {name: some for name, some in self._manifest.not_read.items() if name != used_name}
            if report.not_read:
                not_read[used_name] = sorted(report.not_read)
            rules = {**self._manifest.rules, used_name: READING_RULES}
            writer.publish(run.columns, run.documents, rules=rules, not_read=not_read, removed=False)
        return report

    def update(self, sparql: str, scope: Scope | None = None, /) -> None:
        """Run a SPARQL update: all of it or nothing. What follows from what is there now is inferred anew.

        An update writes named graphs, the documents' or its own; the default graph stays the union of them. ``scope``
        names the graphs its ``WHERE`` is about. It costs a pass over the catalog; documents come in by :meth:`ingest`.
        Raises QueryError, for blank nodes, text where an IRI belongs and changes of the catalog's own graphs too;
        CatalogLocked.
        """
        scope = scope or Scope()
        prepare(sparql, scope)  # what can be refused unread is refused before anybody is kept from writing
        if isinstance(self._store, SparqlStore):
            raise StoreError("an update needs an Oxigraph store. Send it to the server that has the data")
        with _Writer(self) as writer:
            store = writer.store
            assert isinstance(store, OxigraphStore)
            try:
                writer.run().update(lambda: run(store, sparql, scope))
            except QueryError:
                writer.leave()
                raise
            writer.publish(None)

    def remove(self, document: str) -> None:
        """Remove one document and exactly what it said. Raises NodeNotFound if the catalog has no such document."""

        if not iris.is_absolute(document) or document in (rdf.LOG_GRAPH, rdf.INFERRED_GRAPH):
            raise self._no_document(document)
        with _Writer(self) as writer:
            if not writer.store.has_graph(document):
                writer.leave()
                raise self._no_document(document)
            run = writer.run()
            run.remove(document)
            writer.publish(run.columns, run.documents, removed=True)

    def add_samples(self, dataset: str, path: str | os.PathLike[str], *, name: str | None = None) -> SampleReport:
        """Add a GeoParquet file of a dataset's samples, which stay beside the graph, and return what became of them.

        The graph holds each split's outline, and the catalog a copy of the samples, so the file may go.
        ``ml-aoi:split`` of the rows says which split of the dataset (any name :meth:`find` takes) they belong to. A
        file of the same ``name`` (its own unless given) is replaced. See :func:`mlaoi_graph.samples.read`. Raises
        StoreError for a catalog in memory, NodeNotFound, SourceNotFound, GeometryError, MissingExtra, CatalogLocked.
        """
        from mlaoi_graph.geo import mapped
        from mlaoi_graph.samples import read

        if self._directory is None:
            raise StoreError("files of samples are kept in a catalog's directory. Create the catalog in one")
        iri = self.find(dataset)
        if not self._is_any(iri, (MLAOI.Dataset,)):
            raise NodeNotFound(dataset)
        found = read(Path(path))
        document = f"{self.base}documents/samples/{iris.segment(name or Path(path).name)}"
        folder = self._directory / "samples"
        with _Writer(self) as writer:
            folder.mkdir(exist_ok=True)
            mapped.write(folder / found.digest, found.arrays())
            run = writer.run()
            run.put(document, found.statements(document, iri, self.lineage.label(iri)))
            writer.publish(run.columns, run.documents)
        return found.report(document)

    def _no_document(self, name: str) -> NodeNotFound:
        like = sorted(d.iri for d in self.documents() if name in d.iri)[:5]
        return NodeNotFound(name, like, next_step=self._listing("Catalog.documents()", " --documents"))

    def _listing(self, calls: str, option: str = "") -> str:
        place = self._store.url if isinstance(self._store, SparqlStore) else self._directory
        return f"List what is there: {calls if place is None else f'mlaoi-graph show {place}{option}'}"

    def _source_name(self, source: str, name: str | None) -> tuple[str, dict[str, str]]:
        """Return the name a source goes by, and all sources with it; a folder is one source, whichever file is read."""
        remote = source.startswith(("http://", "https://"))
        place = source if remote else os.path.realpath(source)
        if not remote and not os.path.isdir(place):
            place = os.path.dirname(place)
        digest = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        sources = self._manifest.sources
        if name is None:
            name = (iris.tail(place) if remote else os.path.basename(place)) or "root"
            if sources.get(name, digest) != digest:
                raise SourceNameTaken(name, source)
        return name, {**sources, name: digest}

    # -- nodes and edges --------------------------------------------------------------------------------------

    @overload
    def models(self) -> Iterator[Model]: ...
    @overload
    def models(
        self,
        *,
        during: During | None = None,
        task: str | None = None,
        family: str | None = None,
        **where: AoiLike,
    ) -> AreaHits: ...
    def models(
        self,
        *,
        during: During | None = None,
        task: str | None = None,
        family: str | None = None,
        **where: AoiLike,
    ) -> Iterator[Model] | AreaHits:
        """Iterate over the models, those only referred to included, in no particular order; or ask which were where.

        ``where`` is one of ``pretrained_in``, ``finetuned_in``, ``instruction_tuned_in``, ``trained_in`` (any of
        these), ``validated_in``, ``tested_in``, ``evaluated_in`` (any of these), ``exposed_in`` (through ancestors and
        sources as well) and ``declared_in`` (where its publisher says it may be used: much weaker), with an area as
        :func:`mlaoi_graph.queries.aoi.area_of` takes it. ``during`` is when the data were acquired,
        ``"2018"``, ``"2018/.."`` or a pair, ``family`` a name,
        ``task`` a word as published. The answer has a row for each use of data in the area, and ``unknown`` apart::

            catalog.models(tested_in="BOL", during=("2018", "2019"))

        Raises TypeError for another word, GeometryError, SourceNotFound, NodeNotFound, ValueError for what is no time.
        """
        if not where:
            if during is not None or task is not None or family is not None:
                raise TypeError("during, task and family go with an area: models(tested_in=...)")
            return self.statements.nodes(MLAOI.Model, Model)
        (word, aoi), *more = where.items()
        stages = word.removesuffix("_in")
        if more or word == stages:
            raise TypeError(f"one area, and how it was used: not {', '.join(where)}")
        if stages == "exposed":
            return self.places.exposed(aoi, during=during, task=task, family=family)
        if stages == "declared":
            if during is not None:
                raise TypeError("a declared area has no time of acquisition: leave during out")
            return self.places.declared(aoi, task=task, family=family)
        return self.places.uses(stages, aoi, during=during, task=task, family=family)

    def families(self) -> Iterator[ModelFamily]:
        """Iterate over the model families."""
        return self.statements.nodes(MLAOI.ModelFamily, ModelFamily)

    def datasets(self) -> Iterator[Dataset]:
        """Iterate over the datasets, splits and archives included."""
        return self.statements.nodes(MLAOI.Dataset, Dataset)

    def areas(self) -> Iterator[AreaOfInterest]:
        """Iterate over the areas of interest."""
        return self.statements.nodes(MLAOI.AreaOfInterest, AreaOfInterest)

    def unresolved(self) -> Iterator[Model | Dataset | Unknown]:
        """Iterate over what is referred to and described nowhere."""
        return self.statements.undescribed()

    def uses(self) -> Iterator[DataUse]:
        """Iterate over the uses of datasets by models, one for each statement of each document."""
        return self.statements.edges(MLAOI.DataUse, DataUse)

    def derivations(self) -> Iterator[Derivation]:
        """Iterate over the derivations, one for each statement of each document."""
        return self.statements.edges(MLAOI.Derivation, Derivation)

    def associations(self) -> Iterator[Association]:
        """Iterate over the relations that are no derivation."""
        return self.statements.edges(MLAOI.Association, Association)

    def edges(self) -> Iterator[Edge]:
        """Iterate over the uses, derivations and associations as edges."""
        for twins in (self.uses(), self.derivations(), self.associations()):
            yield from map(Edge.of, twins)

    def documents(self) -> Iterator[SourceDocument]:
        """Iterate over the documents the catalog holds statements of."""
        return self.statements.nodes(MLAOI.SourceDocument, SourceDocument)

    def find(self, name: str) -> str:
        """Return the IRI of what goes by a name: an IRI, an id, a label, an alias, or the end of an IRI.

        Case does not matter. Raises NodeNotFound, with near names, for none; with the candidates for several.
        """
        from pyoxigraph import Literal

        iri = iris.safe_iri(name) if iris.is_absolute(name) else None
        # By its type first: what is said of a dataset may be a million footprints, and the store gives a union of them.
        if iri is not None and any(next(self._store.match(iri, p), None) is not None for p in (RDF.type, None)):
            return iri
        kinds = (MLAOI.Model, MLAOI.Dataset, MLAOI.ModelFamily, MLAOI.UnknownThing)
        literal = Literal(iris.doi(name) or name)
        for predicates in ((DCTERMS.identifier, RDFS.label), (SKOS.altLabel, MLAOI.doi)):
            exact = {
                cast("NamedNode", q.subject).value for p in predicates for q in self._store.match(None, p, literal)
            }
            # An item and its area share a name, and it is the item that is meant.
            found = {e for e in exact if self._is_any(e, kinds)} or {
                e for e in exact if self._is_any(e, (MLAOI.AreaOfInterest,))
            }
            if len(found) == 1:
                return found.pop()
            if found:
                raise NodeNotFound(name, sorted(found), ambiguous=True, shown=map(self._shown, sorted(found)))
        columns = self._edges_of_all()
        called = columns.called(name)
        if len(called) == 1:
            return called[0]
        if called:
            raise NodeNotFound(name, called, ambiguous=True, shown=map(self._shown, called))
        near = columns.near(name)
        raise NodeNotFound(
            name,
            near,
            shown=[self._shown(iri, end_only=True) for iri in near],
            next_step=self._listing("Catalog.models() and datasets()"),
        )

    def _shown(self, iri: str, *, end_only: bool = False) -> str:
        """Return what a node goes by: label, version where the label does not end with it, and IRI or the end of it."""
        from mlaoi_graph.queries.columns import squeeze

        def text(predicate: str) -> str:
            return min((cast("NamedNode", q.object).value for q in self._store.match(iri, predicate)), default="")

        label, version, where = text(RDFS.label), text(MLAOI.version), iris.tail(iri) if end_only else iri
        said = label if squeeze(label).endswith(squeeze(version)) else f"{label} {version}".strip()
        return f"{said} ({where})" if said not in ("", where) else where

    def _is_any(self, iri: str, classes: tuple[str, ...]) -> bool:
        return any(next(self._store.match(iri, RDF.type, class_iri), None) is not None for class_iri in classes)

    def node(self, name: str) -> Node:
        """Return a node, by any name :meth:`find` takes. Raises NodeNotFound."""
        return self.statements.node(self.find(name))

    def describe(self, name: str) -> Described:
        """Return a node and every edge at it, by any name :meth:`find` takes. Raises NodeNotFound."""
        return self.statements.describe(self.find(name))

    def said_of(self, subject: str) -> dict[str, list[Statement]]:
        """Return what each document says of one node."""
        return self.statements.said_of(subject)

    def edge(self, twin: str) -> Edge:
        """Return an edge by the IRI of its twin. Raises NodeNotFound."""
        return self.statements.edge(twin)

    def counts(self) -> Counts:
        """Return how much is in the catalog."""
        return self.statements.counts()

    # -- other shapes -----------------------------------------------------------------------------------------

    def query(self, sparql: str, scope: Scope | None = None, /, **values: str | Term) -> Answer:
        """Run a SPARQL query over everything as one graph: documents, what follows from them, and the reading log.

        The prefixes of :data:`mlaoi_graph.vocab.PREFIXES` are set. ``values`` gives variables an IRI, or
        a pyoxigraph term, before the query runs: never format input into the text. A SELECT must project such a
        variable::

            catalog.query("SELECT ?model ?data { ?model mlaoi:trainedOn ?data }", model=iri)

        ``scope`` chooses graphs, as a client of the SPARQL protocol does; one that leaves out what was inferred copies
        the rest into memory, once. Geometry is asked for by GeoSPARQL, see ``docs/geosparql.md``; ``index`` of the
        answer says whether the footprint index was used. Where nothing is inferred (``Reasoner.NONE``) a warning names
        the properties that may lack edges. Raises QueryError; MissingExtra for a function that needs pyproj.
        """
        refuse_what_is_no_reading(sparql)
        if self.reasoner is Reasoner.NONE:
            from mlaoi_graph.reasoning import inferable

            if names := inferable(sparql):
                warnings.warn(
                    f"nothing is inferred in this catalog: of {', '.join(names)} it has only what documents assert. "
                    "The lineage commands and Catalog.lineage need nothing inferred",
                    stacklevel=2,
                )
        store = self._store if scope is None or scope.inferred or scope.chooses else self._asserted
        if geosparql.concerns(sparql):
            from mlaoi_graph.geosparql import answering

            return answering.query(store, sparql, values, self._index, scope)
        return answer(store.query(sparql, substitutions=values, prefixes=PREFIXES, scope=scope))

    def _index(self) -> Footprints | None:
        """Return the footprints for a query to use: only what is there already, where making them is another's work."""
        if self.makes_index or self._footprints is not None or self._directory is None or not self._manifest.snapshot:
            return self.footprints
        if self._footprints_file is None:
            self._footprints_file = footprints_of(self._directory, self._manifest.snapshot)
        path, version = self._footprints_file
        found = None
        with suppress(FileNotFoundError):
            stat = os.stat(path)
            found = stat.st_ino, stat.st_mtime_ns
        if found != self._footprints_seen:  # opened once, and not by every query while it is none for this state
            from mlaoi_graph.footprints import Footprints

            self._footprints = Footprints.kept(path, version)
            self._footprints_seen = found
        return self._footprints

    @property
    def _asserted(self) -> Store:
        """The store without what was inferred."""
        if self._without_inferred is None:
            if not isinstance(self._store, OxigraphStore):
                raise StoreError("leaving out what was inferred needs an Oxigraph store. Name the graphs instead")
            self._without_inferred = self._store.without(rdf.INFERRED_GRAPH)
        return self._without_inferred

    def rdflib_graph(self) -> rdflib.Graph:
        """Return what queries see as an rdflib Graph: the union of all named graphs, the log and inferred ones too.

        Text is plain (``Literal("Roads")``). It reads through oxrdflib, without a copy; of what a server keeps it is a
        copy in memory. Writing to it is not supported. Only what documents assert is what :meth:`export` writes.
        """
        import pyoxigraph

        from mlaoi_graph.stores.rdflib_view import rdflib_graph

        if isinstance(self._store, OxigraphStore):
            # The store's default graph is the union already; rdflib's own would count a triple once per document.
            return rdflib_graph(self._store.engine)
        engine = pyoxigraph.Store()
        found = cast("pyoxigraph.QueryTriples", self._store.query("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }"))
        engine.bulk_extend(pyoxigraph.Quad(*triple) for triple in found)
        return rdflib_graph(engine)

    def to_networkx(self) -> networkx.MultiDiGraph[str]:
        """Return models, datasets, families and their edges as a networkx MultiDiGraph.

        Nodes are IRIs with ``kind`` (model, family, dataset, archive, unknown), ``label``, ``resolved``, ``license``
        (every one some document states, each on a line) and ``disclosure``. Edges point
        from the newer thing to what it came from or was measured on; the key is the twin's IRI, the attributes
        ``predicate`` (local name), ``rule``, ``document``, ``pointer``, ``confidence``, ``split`` and ``note``, all
        text, "" if not said. Part-of edges by construction have the key ``"partOf"``, those to a family ``"family"``.
        Areas are left out: they may be millions. ``LineageGraph.from_networkx`` takes such a graph.
        """
        import networkx as nx

        from mlaoi_graph.queries.explain import draw_edge, draw_node

        graph: networkx.MultiDiGraph[str] = nx.MultiDiGraph()
        edges = self.lineage.edges
        for node in range(len(edges.iris)):
            draw_node(edges, graph, node)
        for edge in range(len(edges.code)):
            draw_edge(edges, graph, edge)
        return graph

    @property
    def lineage(self) -> LineageGraph:
        """What can be asked about lineage: ancestors, exposure, impact, proofs; loaded at the first question.

        >>> with Catalog.create() as catalog:
        ...     len(catalog.lineage.roots())
        0
        """
        if self._lineage is None:
            from mlaoi_graph.queries import LineageGraph

            self._lineage = LineageGraph.from_store(self._store, find=self.find, columns=self._edges_of_all())
        return self._lineage

    def _edges_of_all(self) -> Columns:
        from mlaoi_graph.queries import reading
        from mlaoi_graph.queries.columns import Columns

        if self._columns is None and self._directory is not None:
            self._columns = Columns.open(lineage_file(self._directory, self._manifest.snapshot))
        if self._columns is None:
            self._columns = reading.from_store(self._store)
            if self._directory is not None:
                # Of a catalog of an older version, say. Where nothing can be written every reader reads the store.
                with suppress(StoreError):
                    self._columns.save(lineage_file(self._directory, self._manifest.snapshot))
        return self._columns

    @property
    def footprints(self) -> Footprints:
        """Where everything is: every area of the catalog in an index, opened at the first question.

        Of a catalog on disk it is a file beside the snapshot, made if it is not there, damaged, or of another state.
        """
        if self._footprints is None:
            from mlaoi_graph.footprints import Footprints

            if self._directory is None or not self._manifest.snapshot:
                self._footprints = Footprints.of(self._store)
            else:
                path, version = footprints_of(self._directory, self._manifest.snapshot)
                self._footprints = Footprints.of(self._store, path, version, self._directory / "samples")
        return self._footprints

    @property
    def items_file(self) -> tuple[Path, str] | None:
        """Where STAC documents of this state are kept, and the state itself; None for what is in memory or a server."""
        if self._directory is None or not self._manifest.snapshot:
            return None
        return items_of(self._directory, self._manifest.snapshot)

    @property
    def places(self) -> Places:
        """What can be asked about places: uses, datasets, exposure and coverage of an area."""
        if self._places is None:
            from mlaoi_graph.queries.areas import Places

            self._places = Places(self)
        return self._places

    def leakage(
        self,
        node: str | None = None,
        *,
        against: str | None = None,
        buffer_km: float = 0,
        window_days: float = 0,
        sensors: Sequence[str] = (),
    ) -> LeakageReport:
        """Return where what a model was measured on overlaps what it, or an ancestor, learned from.

        ``node`` is a model, a family, or a dataset, whose splits are held against each other; without one every
        evaluation in the catalog is checked. ``against`` is another model, what it learned from, or a dataset.
        ``buffer_km`` is room around the tested areas, ``window_days`` around their times; ``sensors`` leaves out what
        is known to be learned from others.

        Raises NodeNotFound, GeometryError for a buffer below 0, BadQuestion for such a window.
        """
        from mlaoi_graph.queries.leakage import Leakage

        key = buffer_km, window_days, tuple(sensors)
        if key not in self._leakage:
            self._leakage[key] = Leakage(self, buffer_km=buffer_km, window_days=window_days, sensors=sensors)
        return self._leakage[key].report(node, against=against)

    def export(self, format: str, path: str | os.PathLike[str]) -> list[Finding]:
        """Write the catalog to a file and return what of it the format cannot hold: in RDF/XML, control characters.

        ``turtle``, ``ntriples``, ``rdfxml`` and ``jsonld`` hold the union of what documents assert; ``trig`` and
        ``nquads`` the whole store, each document's graph by itself, with the log and what was inferred.
        The file appears only when it is complete. Raises UnknownFormat, StoreError.
        """
        from mlaoi_graph.writers import write

        return write(self._store, format, Path(path))

    def export_stac(
        self,
        folder: str | os.PathLike[str],
        *,
        root_href: str | None = None,
        relative_links: bool = False,
        mlm_links: bool = False,
    ) -> None:
        """Write the catalog as a static STAC catalog into a folder that is empty or not there.

        Links are relative, or absolute below ``root_href``, the address it will be published at; with
        ``relative_links`` only its root says that address. ``mlm_links`` adds links as MLM's best practices write them.
        Reading it back gives the same graph but for what ``docs/stac-export.md`` lists. Raises StoreError, ValueError
        for an address that is none.
        """
        from mlaoi_graph.writers.stac import write

        write(self._store, Path(folder), root_href=root_href, relative_links=relative_links, mlm_links=mlm_links)

    def annotate_stac(self, source: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Annotated:
        """Write a copy of a folder of STAC documents that says what this catalog knows in our Lineage extension.

        The folder has to be a source of this catalog, unchanged since it was read. Nothing but what is added differs
        from it; see ``docs/annotate.md``. Raises SourceNotFound, StoreError.
        """
        from mlaoi_graph.annotate import annotate

        where = os.path.realpath(source)
        digest = hashlib.sha256(where.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        name = next((name for name, known in self._manifest.sources.items() if known == digest), None)
        if name is None:
            raise SourceNotFound(os.fspath(source), "not a folder this catalog was built from")
        return annotate(self, name, Path(source), Path(folder))


class _Writer:
    """Holds the writer's store for one change of a catalog, and publishes it as the newest snapshot."""

    def __init__(self, catalog: Catalog) -> None:
        catalog._check_writable()
        self._catalog = catalog
        self._handled = sys.exception()
        directory = catalog._directory
        self.store: Store = catalog._store if directory is None else OxigraphStore(directory / "store")
        self._server = self.store if isinstance(self.store, SparqlStore) else None
        self._mark = None if directory is None else directory / "store.changing"
        if self._server is not None:
            self._server.renew()
            self.interrupted = self._server.noted(_CHANGING) is not None
        else:
            self.interrupted = catalog._interrupted if self._mark is None else self._mark.exists()
        """Whether the last change was cut short: its documents are whole, but what follows from them may be missing."""

    def __enter__(self) -> _Writer:
        catalog = self._catalog
        # Another writer may have been at it since this catalog was opened.
        if catalog._directory is not None and self._mark is not None:
            catalog._manifest = Manifest.read(catalog._directory)
            self._mark.touch()
        elif self._server is not None:
            noted = self._server.noted(_MANIFEST)
            if noted is None:
                raise CatalogNotFound(self._server.url)
            catalog._manifest = Manifest.from_json(noted, self._server.url)
            self._server.note(_CHANGING, "since this state")
        catalog._interrupted = True
        return self

    def note(self, **settings: Any) -> None:
        """Keep what the manifest says, at once: what sources go by before any of their documents is stored.

        An interruption may come at any time.
        """
        catalog = self._catalog
        manifest = catalog._manifest.with_(**settings)
        if manifest == catalog._manifest:
            return
        catalog._manifest = manifest
        catalog._leakage.clear()
        if catalog._directory is not None:
            catalog._manifest.write(catalog._directory)
        elif self._server is not None:
            self._server.note(_MANIFEST, catalog._manifest.to_json())

    def run(self, *, reread: bool = False) -> Ingest:
        """Return a run over documents, which knows the state before it as far as that is kept."""
        from mlaoi_graph.ingest import Ingest
        from mlaoi_graph.queries.columns import Columns

        catalog = self._catalog
        if catalog._directory is not None:
            columns = Columns.open(lineage_file(catalog._directory, catalog._manifest.snapshot))
        else:  # others may have been writing to a server
            columns = catalog._columns if self._server is None else None
        return Ingest(
            self.store,
            catalog.base,
            catalog.split_policy,
            catalog.reasoner,
            verified_only=catalog.verified_only,
            reread=reread,
            repair=self.interrupted,
            any_name=self.interrupted or catalog._manifest.removed,
            columns=columns,
            samples=None if catalog._directory is None else catalog._directory / "samples",
        )

    def publish(self, columns: Columns | None, documents: Collection[str] | None = None, **settings: Any) -> None:
        """Make the store as it is now what readers see; its edges are read from it unless they are given.

        ``documents`` are those it differs by from the last state; None for all.
        """
        from mlaoi_graph.queries import reading

        catalog, directory = self._catalog, self._catalog._directory
        manifest = catalog._manifest.with_(**settings)
        catalog._interrupted = False
        catalog._lineage = catalog._without_inferred = None
        catalog._columns = columns
        catalog._footprints = catalog._footprints_file = catalog._footprints_seen = None
        catalog._places = None
        catalog._leakage.clear()
        if directory is None or self._mark is None:
            catalog._manifest = manifest
            if self._server is not None:
                self._server.note(_MANIFEST, manifest.to_json())
                self._server.note(_CHANGING, None)
            return
        assert isinstance(self.store, OxigraphStore)
        publish(self.store, directory, manifest, columns or reading.from_store(self.store), documents)
        self._mark.unlink(missing_ok=True)
        catalog.close()
        catalog._manifest, catalog._store, catalog._hold = open_newest(directory)
        if prune(directory) and (directory / "samples").is_dir():
            from mlaoi_graph.samples import remove_unused

            remove_unused(directory / "samples", self._has_samples)

    def _has_samples(self, content_hash: str) -> bool:
        from pyoxigraph import Literal

        said = self._catalog._store.match(None, MLAOI.contentHash, Literal(content_hash))
        return any(cast("NamedNode", quad.graph_name).value != rdf.LOG_GRAPH for quad in said)

    def leave(self) -> None:
        """Note that nothing was changed: what was refused is no change cut short."""
        if self.interrupted:
            return
        self._catalog._interrupted = False
        if self._mark is not None:
            self._mark.unlink(missing_ok=True)
        elif self._server is not None:
            self._server.note(_CHANGING, None)

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if self._catalog._directory is not None:
            self.store.close()
            # An engine is open while anything refers to it, and an error refers to what its calls had at hand.
            while error is not None and error is not self._handled:
                traceback.clear_frames(error.__traceback__)
                error = error.__context__
        else:
            # A change that was cut short is in the store nevertheless, and what was made of it before is of another.
            self._catalog._lineage = self._catalog._footprints = self._catalog._places = None
            if kind is not None:
                self._catalog._columns = None


def _one_of(kind: type[E], value: E | str, what: str) -> E:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(one.value) for one in kind)
        raise ValueError(f"no {what} {value!r}. Known: {known}") from None
