"""Turn one STAC document into statements: what it is about, where, and what its links say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from mlaoi_graph import geo, times
from mlaoi_graph import iri as iris
from mlaoi_graph.lineage_fields import HOLDS, PART_OF
from mlaoi_graph.model import (
    AreaOfInterest,
    Dataset,
    Evidence,
    Model,
    ModelFamily,
    Precision,
    Severity,
    SourceDocument,
    SplitPolicy,
    Statement,
)
from mlaoi_graph.plural import many
from mlaoi_graph.readers import Context, Kind, Target
from mlaoi_graph.readers.stac import content, lineage, links
from mlaoi_graph.readers.stac.content import Form, Json, text, texts
from mlaoi_graph.readers.stac.resolve import Resolver, is_object
from mlaoi_graph.readers.stac.walk import NO_COLLECTION, Raw

_JSON_NAMES: Final = {dict: "an object", list: "a list"}
_FROM_SCRATCH: Final = frozenset(
    {"none", "null", "no", "n/a", "random", "scratch", "from scratch", "random initialization"}
)
_PLACE_AND_TIME: Final = frozenset(
    {"type", "stac_version", "id", "geometry", "bbox", "collection", "datetime", "start_datetime", "end_datetime"}
    | {"extent", "links", "assets", "stac_extensions"}
)
"""What the graph has terms of its own for, and what is kept otherwise."""
_COMMON: Final[tuple[tuple[str, type, str], ...]] = (
    *((name, str, "text") for name in ("title", "description", "license", "version", "datetime", "start_datetime")),
    *((name, str, "text") for name in ("end_datetime", "created", "updated")),
    ("keywords", list, "a list of text"),
    ("providers", list, "a list of objects, each with a name"),
)
"""Fields that items and collections have in common, and what they are."""
_OF_MODEL: Final[tuple[tuple[str, type, str], ...]] = (
    *((name, str, "text") for name in ("mlm:architecture", "mlm:framework")),
    ("mlm:total_parameters", int, "a whole number"),
)
"""Fields of a model."""
_TREE_RELS: Final = frozenset({"self", "root", "parent", "collection", "child", "item", "items", "next", "prev"})
_NO_IMAGE: Final = "a link needs an href that is text; what it was made from is not known"
_INTERVAL: Final = "/extent/temporal/interval"
_SPLITS: Final = frozenset({"train", "validate", "test"})


class _MissingId(Exception):
    """A document has no id to make an IRI of."""


class DocumentReader:
    """Reads documents of one source, given what resolves their references."""

    def __init__(self, context: Context, resolver: Resolver) -> None:
        self._base = context.base
        self._policy: SplitPolicy = context.policy
        self._resolver = resolver

    def statements(self, raw: Raw) -> list[Statement] | None:
        """Return what a STAC or TrainingDML document says; None if it cannot stand, with a finding that says why."""
        self._resolver.note_tree(raw)
        identifier = raw.data.get("id")
        if not isinstance(identifier, str) or not identifier.strip():
            taken = content.identifier_of(raw.data)
            if taken is not None:
                raw.note("/id", "wrong-type", f"an id is text, and not only blanks; taken as {taken!r}")
        try:
            if content.lineage_kind(raw.data) is not None:
                found, about = self._written(raw)
            elif raw.form is Form.ITEM:
                found, about = self._item(raw)
            elif raw.form is Form.COLLECTION:
                found, about = self._collection(raw)
            elif raw.form is Form.TRAINING_DML:
                found, about = self._training_dml(raw)
            else:
                found, about = [], None
        except _MissingId:
            raw.note("/id", "missing-id", "an id that is text is required; the document is not read", Severity.ERROR)
            return None
        if not any(isinstance(s, Model) and s.iri == about for s in found):
            lineage.refuse_disclosure(raw)
        sources = lineage.evidence(raw)
        told = {source.iri for source in sources}
        found = [*(s for s in found if not (isinstance(s, Evidence) and s.iri in told)), *sources]
        properties = is_object(raw.data.get("properties")) or raw.data
        stated = text(properties.get("updated")) or text(properties.get("created"))
        whole = self._as_published(raw) if any(isinstance(s, Model) and s.iri == about for s in found) else None
        found.append(
            SourceDocument(
                iri=raw.iri,
                describes=about,
                stated_at=stated,
                content_hash=raw.hash,
                links_hash=raw.links_hash,
                as_published=whole,
            )
        )
        return found

    def _as_published(self, raw: Raw) -> str | None:
        """Return what a model's document holds besides place, time and lineage; addresses absolute if that is known."""
        data = raw.data
        own = data.get("properties") if raw.form is Form.ITEM else data
        properties = {
            key: value
            for key, value in (is_object(own) or {}).items()
            if key not in _PLACE_AND_TIME and not key.startswith("lineage:")
        }
        found: Json = {"properties": properties}
        if raw.form is Form.ITEM:
            found |= {key: value for key, value in data.items() if key not in {*_PLACE_AND_TIME, "properties"}}
        found["stac_extensions"] = list(content.extensions_of(data))
        assets = is_object(data.get("assets")) or {}
        found["assets"] = {key: self._absolute(asset, raw) for key, asset in assets.items()}
        found["links"] = [
            self._absolute(link, raw)
            for _, link in content.links_of(data)
            if (rel := text(link.get("rel"))) is not None  # of which :func:`.links.unread` tells
            and rel not in {*_TREE_RELS, *links.USE_RELS, *links.VERSION_RELS, PART_OF}
        ]
        return content.dumps(found)

    def _absolute(self, value: Any, raw: Raw) -> Any:
        """Return a link or asset with its href as an address, if the document's own is known."""
        href = text(value.get("href")) if isinstance(value, dict) else None
        address = self._resolver.against_self(href, raw) if href is not None and not iris.is_absolute(href) else None
        return value if address is None else {**value, "href": address}

    def _written(self, raw: Raw) -> tuple[list[Statement], str | None]:
        """A document that says all there is to know of a node in our own fields, as the STAC writer writes it."""
        nodes, iri = lineage.nodes(raw)
        if not nodes:
            return [], None
        if isinstance(nodes[0], Model | ModelFamily):
            nodes.extend(_family_of(nodes[0]))
            nodes.extend(self._model_links(raw, iri))
            nodes.extend(self._pretrained_on_what(raw, iri, is_object(raw.data.get("properties")) or raw.data, nodes))
        elif isinstance(nodes[0], Dataset):
            nodes.extend(self._data_links(raw, iri))
        elif isinstance(nodes[0], AreaOfInterest):
            nodes.extend(Dataset(iri=whole, footprints=(iri,)) for whole in lineage.footprint_of(raw))
        return nodes, iri

    # -- items ------------------------------------------------------------------------------------------------

    def _item(self, raw: Raw) -> tuple[list[Statement], str | None]:
        data = raw.data
        for name, wanted in (("assets", dict), ("links", list), ("stac_extensions", list)):
            if not isinstance(data.get(name, wanted()), wanted):
                raw.note(f"/{name}", "wrong-type", f"{name} of an item is {_JSON_NAMES[wanted]}; not used")
        for name, kind, wanted_kind in (("links", dict, "an object"), ("stac_extensions", str, "text")):
            entries = data.get(name)
            for index, entry in enumerate(entries if isinstance(entries, list) else ()):
                if not isinstance(entry, kind):
                    raw.note(f"/{name}/{index}", "wrong-type", f"an entry of {name} is {wanted_kind}; not used")
        if not isinstance(data.get("collection", ""), str | None):
            raw.note("/collection", "wrong-type", "the id of a collection is text; taken as if it named none")
        for name, asset in (data.get("assets") or {}).items() if isinstance(data.get("assets"), dict) else ():
            if not isinstance(asset, dict) or not isinstance(asset.get("href", ""), str):
                raw.note(f"/assets/{_escaped(name)}", "wrong-type", "an asset is an object with an href; not used")
            elif not isinstance(asset.get("roles", []), list):
                raw.note(f"/assets/{_escaped(name)}/roles", "wrong-type", "the roles of an asset are a list; not used")
        properties = is_object(data.get("properties"))
        if properties is None:
            raw.note("/properties", "wrong-type", "properties of an item are an object; read as empty")
            properties = {}
        _note_wrong_types(raw, properties, "/properties")
        collection = self._resolver.collection_of(raw)
        iri = self._resolver.item_iri(raw)
        if iri is None:
            raise _MissingId
        if content.link_href(data, "collection") == iri:
            raw.note("/links", "self-reference", "names itself as its collection; read as an item of none")
        if content.is_model_item(data):
            return self._model(raw, iri, properties), iri
        if collection is None:
            return self._lone_item(raw, iri, properties), iri
        if text(data.get("collection")) is None and content.link_href(data, "collection") is None:
            raw.note("/collection", "no-collection", NO_COLLECTION, Severity.INFO)
        return self._sample(raw, iri, properties, collection), iri

    def _sample(self, raw: Raw, iri: str, properties: Json, collection: Target) -> list[Statement]:
        """One item of a collection: an area of that dataset, or of its split."""
        split = self._split(raw, properties)
        areas = self._areas(raw, iris.sub(iri, "area"), Precision.SAMPLES, properties, split)
        raw.findings.extend(links.split_findings(split, collection, raw.shown))
        statements: list[Statement] = [*areas]
        # Of a box it is known that the item is somewhere in there: it is no sample that tells where the collection is.
        is_box = areas[0].precision is Precision.DECLARED_BOX
        for area in areas:
            statements.extend(links.membership(None if is_box else area.iri, split, collection))
        statements.extend(
            self._item_as_data(raw, iri, properties, links.holder(collection, split), areas, alone=is_box)
        )
        return statements

    def _item_as_data(
        self, raw: Raw, iri: str, properties: Json, whole: str, areas: list[AreaOfInterest], *, alone: bool
    ) -> list[Statement]:
        """A sample that was made from something other than an image, or by a model, is data of its own.

        So is one of which not all of the place is known: whoever uses it alone is to know that. And one that has only a
        box, ``alone``. Of any other is kept what it says of itself beside its place: it is data if something uses it.
        """
        found = self._lost_links(raw, iri, False)
        for index, link in content.links_of(raw.data):
            _note_foreign(raw, index, link)
            if link.get("rel") == links.DERIVED_FROM and not _is_image_link(link):
                target = self._target(raw, index, link)
                found.extend(self._edge(raw, iri, False, f"/links/{index}", link, target))
        own = self._own_data(raw, iri, properties, areas)
        if found or alone or len(areas) > 1:
            found.append(replace(own, part_of=(whole,)))
        elif not content.is_ml_aoi(raw.data):  # whose chips repeat what their collection says, a million times
            said = Dataset(
                iri=iri,
                latent=True,
                description=own.description,
                version=own.version,
                license=own.license,
                publisher=own.publisher,
                doi=own.doi,
            )
            if said != Dataset(iri=iri, latent=True):
                found.append(said)
        return found

    def _own_data(self, raw: Raw, iri: str, properties: Json, areas: list[AreaOfInterest]) -> Dataset:
        """Return what an item says of itself as data."""
        return Dataset(
            iri=iri,
            label=text(properties.get("title")) or text(raw.data.get("title")) or content.identifier_of(raw.data),
            identifier=content.identifier_of(raw.data),
            description=text(properties.get("description")),
            footprints=tuple(area.iri for area in areas),
            version=text(properties.get("version")),
            license=text(properties.get("license")),
            publisher=_producer(properties.get("providers")),
            sensors=_sensors(properties),
            doi=_doi(properties.get("sci:doi")),
            checksums=_checksums(_assets(raw.data).values()),
            aliases=self._canonical(raw, iri),
            resolved=True,
        )

    def _lone_item(self, raw: Raw, iri: str, properties: Json) -> list[Statement]:
        """An item that belongs to no collection: a dataset by itself."""
        split = self._split(raw, properties)
        precision = Precision.SAMPLES if content.is_ml_aoi(raw.data) else Precision.DECLARED_BOX
        areas = self._areas(raw, iris.sub(iri, "area"), precision, properties, split)
        dataset = replace(self._own_data(raw, iri, properties, areas), split=split)
        statements: list[Statement] = [dataset, *areas]
        statements.extend(self._data_links(raw, iri, told=precision is Precision.SAMPLES))
        return statements

    def _model(self, raw: Raw, iri: str, properties: Json) -> list[Statement]:
        data = raw.data
        area = self._areas(raw, iris.sub(iri, "declared-area"), Precision.DECLARED_BOX, properties, None)[0]
        identifier = content.identifier_of(data)
        prefix = "/properties" if raw.form is Form.ITEM else ""
        _note_wrong_types(raw, properties, prefix, _OF_MODEL)
        for name, is_list in (("mlm:name", False), ("mlm:tasks", True)):
            said = properties.get(name)
            is_right = isinstance(said, list) is is_list and all(map(text, said if isinstance(said, list) else [said]))
            if said is not None and not is_right:
                used = f"taken as {', '.join(map(repr, texts(said)))}" if texts(said) else "not used"
                raw.note(f"{prefix}/{name}", "wrong-type", f"{name} is {'a list of ' if is_list else ''}text; {used}")
        title = text(properties.get("title")) or text(data.get("title")) or identifier
        tasks = texts(properties.get("mlm:tasks")) or texts(properties.get("ml-model:prediction_type"))
        parameters = properties.get("mlm:total_parameters")
        model = Model(
            iri=iri,
            label=title,
            identifier=identifier,
            description=text(properties.get("description")),
            version=text(properties.get("version")),
            architecture=text(properties.get("mlm:architecture")) or text(properties.get("ml-model:architecture")),
            parameters=str(parameters) if isinstance(parameters, int) and not isinstance(parameters, bool) else None,
            tasks=tuple(sorted(tasks)),
            framework=text(properties.get("mlm:framework")),
            license=text(properties.get("license")),
            publisher=_producer(properties.get("providers")),
            released=text(properties.get("published")),
            doi=_doi(properties.get("sci:doi")),
            checksums=_weights(raw),
            aliases=(
                *(name for name in texts(properties.get("mlm:name")) if name not in (title, identifier)),
                *self._canonical(raw, iri),
            ),
            declared_area=area.iri,
            disclosure=lineage.disclosure(raw),
            family=lineage.family(raw),
            resolved=True,
        )
        statements: list[Statement] = [model, area, *_family_of(model)]
        statements.extend(self._model_links(raw, iri))
        statements.extend(self._pretrained_source(raw, iri, properties, statements))
        return statements

    def _model_links(self, raw: Raw, iri: str) -> list[Statement]:
        statements = self._lost_links(raw, iri, True)
        stated = {content.lineage_iri(link) for _, link in content.links_of(raw.data) if "lineage:stage" in link}
        for index, link in content.links_of(raw.data):
            rel = text(link.get("rel"))
            if links.repeats(link, stated):
                continue
            if rel in links.USE_RELS:
                target = self._target(raw, index, link)
                statements.extend(self._edge(raw, iri, True, f"/links/{index}", link, target))
            elif rel in links.VERSION_RELS:
                statements.extend(self._association(raw, iri, True, index, link))
        return [*statements, *self._unlinked(raw, iri, True, statements)]

    def _unlinked(self, raw: Raw, iri: str, of_model: bool, said: list[Statement]) -> list[Statement]:
        """What the document says in fields only and in no link."""
        found: list[Statement] = []
        nowhere = (f"{self._base}unresolved/", f"{self._base}files/")

        def address(href: str, pointer: str) -> Target:
            return self._resolver.link(href, raw, pointer)

        for pointer, link, target in lineage.unlinked(raw, said, address, nowhere, of_model=of_model):
            there = target or self._unsaid(raw, pointer, link)
            found.extend(self._edge(raw, iri, of_model, pointer, link, there))
        return found

    def _pretrained_source(self, raw: Raw, iri: str, properties: Json, said: list[Statement]) -> list[Statement]:
        pretrained = properties.get("mlm:pretrained")
        if pretrained is not None and not isinstance(pretrained, bool):
            message = "mlm:pretrained is true or false, and another word may mean true"
            raw.note(links.PRETRAINED, "wrong-type", message)
        if "mlm:pretrained_source" not in properties:
            return self._pretrained_on_what(raw, iri, properties, said)
        pointer = f"{'/properties' if raw.form is Form.ITEM else ''}/mlm:pretrained_source"
        source = properties.get("mlm:pretrained_source")
        if source is None:  # trained from scratch, by the field's definition
            return []
        if isinstance(source, str) and source.strip().casefold() in _FROM_SCRATCH:
            raw.note(pointer, "from-scratch", f"{source!r} is read as null: trained from scratch", Severity.INFO)
            return []
        if pretrained is False:
            message = "mlm:pretrained is false, and mlm:pretrained_source says on what; the latter counts"
            raw.note(links.PRETRAINED, "pretrained-against-source", message)
        published = {"mlm:pretrained_source": source}
        if not isinstance(source, str) or not source.strip():
            raw.note(pointer, "wrong-type", "mlm:pretrained_source is text or null; it is not known what it is")
            return self._edge(raw, iri, True, pointer, published, self._unsaid(raw, pointer, {}))
        return self._edge(raw, iri, True, pointer, published, self._resolver.name(source, raw, pointer))

    def _pretrained_on_what(self, raw: Raw, iri: str, properties: Json, said: list[Statement]) -> list[Statement]:
        if not links.pretrained_only(properties):
            return []
        statements, findings = links.pretrained_on_what(raw.iri, raw.shown, iri, said)
        raw.findings.extend(findings)
        return statements

    # -- collections ------------------------------------------------------------------------------------------

    def _collection(self, raw: Raw) -> tuple[list[Statement], str | None]:
        data = raw.data
        target = self._resolver.describe(raw)
        if target is None:
            raise _MissingId
        _note_wrong_types(raw, data, "")
        if HOLDS in data and content.held_by(data) is None:
            raw.note(f"/{HOLDS}", "wrong-type", f"{data[HOLDS]!r} is none of things, views; not used")
        if target.kind is Kind.CONTAINER:
            return [], None
        if target.kind is Kind.MODEL:
            return self._model(raw, target.iri, data), target.iri
        summaries = is_object(data.get("summaries"))
        if summaries is None:
            if data.get("summaries") is not None:
                raw.note("/summaries", "wrong-type", "summaries are an object; not used")
            summaries = {}
        area = None
        said = data.get("lineage:footprint")
        if said not in (None, "unknown", "global"):
            message = f"lineage:footprint is one of unknown, global; {repr(said)[:40]} is not used"
            raw.note("/lineage:footprint", "wrong-type", message)
        if said != "unknown":  # then its box is there because STAC wants one
            area = self._extent(raw, target.iri, is_object(data.get("extent")), archive=target.kind is Kind.ARCHIVE)
        dois = texts(data.get("sci:doi")) or texts(summaries.get("sci:doi"))
        dataset = Dataset(
            iri=target.iri,
            label=target.label,
            identifier=content.identifier_of(data),
            description=text(data.get("description")),
            archive=target.kind is Kind.ARCHIVE,
            split=target.split,
            footprints=(area.iri,) if area is not None else (),
            sensors=_sensors(summaries),
            version=text(data.get("version")),
            license=text(data.get("license")),
            publisher=_producer(data.get("providers")),
            doi=_doi(dois[0]) if dois else None,
            checksums=_checksums(_assets(data).values()),
            aliases=self._canonical(raw, target.iri),
            resolved=True,
        )
        statements: list[Statement] = [dataset]
        if area is not None:
            statements.append(area)
        statements.extend(self._data_links(raw, target.iri))
        return statements, target.iri

    def _canonical(self, raw: Raw, iri: str) -> tuple[str, ...]:
        """Return the address that a document says its thing is to be known by, unless it is its own already.

        Told from the document alone, so that it is the same whatever else is read. A page for people is no name.
        """
        found: list[str] = []
        for _, link in content.links_of(raw.data):
            href, media = text(link.get("href")), text(link.get("type"))
            if link.get("rel") == "canonical" and href is not None and (media is None or "json" in media):
                address = iris.safe_iri(href) if iris.is_absolute(href) else self._resolver.against_self(href, raw)
                if address is not None and address.startswith(("http://", "https://")) and address != iri:
                    found.append(address)
        return tuple(dict.fromkeys(found))

    def _extent(self, raw: Raw, iri: str, extent: Json | None, *, archive: bool) -> AreaOfInterest | None:
        if extent is None:
            raw.note("/extent", "no-footprint", "a collection needs an extent; its footprint is unknown")
            return None
        spatial = is_object(extent.get("spatial")) or {}
        found = geo.from_extent(spatial.get("bbox"))
        self._geometry_findings(raw, "/extent/spatial/bbox", found)
        temporal = is_object(extent.get("temporal")) or {}
        intervals = temporal.get("interval")
        start = end = None
        if intervals is not None and not isinstance(intervals, list):
            raw.note(_INTERVAL, "wrong-type", "interval is a list of pairs of times; not used")
        elif intervals is not None:
            start, end = self._interval(raw, [pair for one in enumerate(intervals) if (pair := _pair(raw, *one))])
        unbounded = found.unbounded or archive
        return AreaOfInterest(
            iri=iris.sub(iri, "extent"),
            precision=Precision.GLOBAL if unbounded else Precision.DECLARED_BOX,
            wkt=None if unbounded else found.wkt,
            start=lineage.bounded(start),
            end=lineage.bounded(end),
        )

    def _interval(self, raw: Raw, said: list[tuple[str | None, str | None]]) -> tuple[str | None, str | None]:
        """Return the first interval, which is the whole one; the longest of all where it does not hold the others."""
        for start, end in said:
            self._time_findings(raw, _INTERVAL, start, end)
        if not said:
            return None, None
        # The hull, open where one of them is.
        starts, ends = ([one[side] for one in said] for side in (0, 1))
        start = None if None in starts else min(filter(None, starts), key=lambda word: (times.edge(word, 0), word))
        end = None if None in ends else max(filter(None, ends), key=lambda word: (times.edge(word, 1), word))
        first = said[0]
        if (_edge(start, 0), _edge(end, 1)) == (_edge(first[0], 0), _edge(first[1], 1)):
            return first
        raw.note(_INTERVAL, "interval-mismatch", "the first interval does not hold the others; that of all is used")
        return start, end

    def _time_findings(self, raw: Raw, pointer: str, start: str | None, end: str | None) -> None:
        if _edge(start, 0) > _edge(end, 1):
            raw.note(pointer, "reversed-times", f"{start} is after {end}; taken as not known")

    def _data_links(self, raw: Raw, iri: str, *, told: bool = False) -> list[Statement]:
        """What data came from; ``told`` if what is wrong with links to images is noted with its area."""
        statements = self._lost_links(raw, iri, False)
        images: list[str] = []
        for index, link in content.links_of(raw.data):
            rel = text(link.get("rel"))
            _note_foreign(raw, index, link)
            if rel == "source" or (rel == links.DERIVED_FROM and _is_image_link(link)):
                image = text(link.get("href"))
                if image is not None:
                    images.append(self._resolver.address(image, raw, None if told else f"/links/{index}"))
                elif not told:
                    raw.note(f"/links/{index}", "broken-link", _NO_IMAGE)
            elif rel == links.DERIVED_FROM:
                target = self._target(raw, index, link)
                statements.extend(self._edge(raw, iri, False, f"/links/{index}", link, target))
            elif rel in links.VERSION_RELS or rel == PART_OF:
                statements.extend(self._association(raw, iri, False, index, link))
        statements.extend(self._unlinked(raw, iri, False, statements))
        listed = texts(content.lineage_fields_of(raw.data).get("lineage:source_images"))
        images += [image for one in listed if (image := iris.safe_iri(one)) is not None]
        if images:
            statements.append(Dataset(iri=iri, source_images=tuple(sorted(set(images)))))
        return statements

    # -- shared -----------------------------------------------------------------------------------------------

    def _target(self, raw: Raw, index: int, link: Json) -> Target:
        href = link.get("href")
        pointer = f"/links/{index}"
        if not isinstance(href, str) or not href.strip():
            raw.note(pointer, "broken-link", "a link needs an href that is text; it is not known what it leads to")
            return self._unsaid(raw, pointer, link)
        return links.stated_target(link) or self._resolver.link(href, raw, pointer)

    def _unsaid(self, raw: Raw, pointer: str, link: Json) -> Target:
        return links.unsaid(raw.iri, pointer, text(link.get("title")) or text(link.get("mlm:name")))

    def _lost_links(self, raw: Raw, iri: str, of_model: bool) -> list[Statement]:
        """What links that are none, or say not what they are, may say of what a document is about."""
        if not content.lost_links(raw.data):
            return []
        return links.unread(raw.iri, iri, of_model=of_model)

    def _edge(self, raw: Raw, iri: str, of_model: bool, pointer: str, link: Json, target: Target) -> list[Statement]:
        reference = links.Reference(raw.iri, raw.shown, iri, of_model, pointer, link)
        statements, findings = links.type_reference(reference, target, self._policy)
        raw.findings.extend(findings)
        return statements

    def _association(self, raw: Raw, iri: str, of_model: bool, index: int, link: Json) -> list[Statement]:
        target = self._target(raw, index, link)
        if text(link.get("href")) is None:
            return []  # a version shares nothing by itself, so nothing is in doubt
        reference = links.Reference(raw.iri, raw.shown, iri, of_model, f"/links/{index}", link)
        statements, findings = links.association(reference, target)
        raw.findings.extend(findings)
        return statements

    def _split(self, raw: Raw, properties: Json) -> str | None:
        split, pointer = content.split_of(properties), "/properties/ml-aoi:split"
        if properties.get("ml-aoi:split") not in (split, None):
            used = "not used" if split is None else f"taken as {split!r}"
            raw.note(pointer, "wrong-type", f"ml-aoi:split is text; {used}")
        if split is None:
            return None
        if split not in _SPLITS:
            raw.note(
                pointer,
                "unknown-split",
                f"ml-aoi:split {split!r} is not train|test|validate; kept as it stands, and it may be any of these",
            )
        return split

    def _areas(
        self, raw: Raw, iri: str, precision: Precision, properties: Json, split: str | None
    ) -> list[AreaOfInterest]:
        """Return where an item is, and one area without a place for the parts of its geometry that are left out."""
        data, is_box = raw.data, False
        if "geometry" in data or "bbox" in data:
            found = geo.from_geojson(data.get("geometry"), bbox=data.get("bbox"))
            self._geometry_findings(raw, "/geometry", found)
            is_box = any(problem.rule == "swapped-axes" for problem in found.problems)  # which is a guess
            if data.get("geometry") is None and data.get("bbox") is not None:
                # STAC forbids a bbox without a geometry; whoever writes one all the same says where, and no nearer.
                found, is_box = geo.from_bbox(data["bbox"]), True
                self._geometry_findings(raw, "/bbox", found)
        else:  # a collection that describes a model
            spatial = is_object((is_object(data.get("extent")) or {}).get("spatial")) or {}
            found = geo.from_extent(spatial.get("bbox"))
        when = text(properties.get("datetime"))
        spans = "start_datetime" in properties or "end_datetime" in properties
        for name in ("start_datetime", "end_datetime") if spans else ("datetime",):
            said = text(properties.get(name))
            if said is not None and not times.is_time(said):
                raw.note(f"/properties/{name}", "wrong-type", f"{said[:40]!r} is no time; taken as not known")
        if spans:
            start, end = (text(properties.get(name)) for name in ("start_datetime", "end_datetime"))
            self._time_findings(raw, "/properties/start_datetime", start, end)
        images: list[str] = []
        labels: list[str] = []
        if precision is Precision.SAMPLES:
            for index, link in content.links_of(data):
                rel = text(link.get("rel"))
                if rel != "source" and rel != links.DERIVED_FROM:
                    continue
                role = link.get("ml-aoi:role")
                if role is None and link.get("role") in ("ml-aoi:label", "ml-aoi:feature"):
                    role = link["role"][7:]
                    raw.note(
                        f"/links/{index}/role",
                        "swapped-role",
                        f"ml-aoi:role written as role; taken as {role!r}",
                    )
                href = text(link.get("href"))
                if href is None and (rel == "source" or role is not None):
                    raw.note(f"/links/{index}", "broken-link", _NO_IMAGE)
                if href is not None and (rel == "source" or role is not None or _is_image_link(link)):
                    address = self._resolver.address(href, raw, f"/links/{index}")
                    # ML-AOI decision record 0002: `source` of a label is imagery, whatever role is written beside it.
                    (labels if role == "label" and rel != "source" else images).append(address)
        nearest = Precision.DECLARED_BOX if is_box and found.wkt is not None else precision
        area = AreaOfInterest(
            iri=iri,
            precision=Precision.GLOBAL if found.unbounded else nearest,
            wkt=found.wkt,
            identifier=content.identifier_of(data) if precision is Precision.SAMPLES else None,
            label=text(data.get("title")) or text(properties.get("title")) if precision is Precision.SAMPLES else None,
            start=lineage.bounded(text(properties.get("start_datetime")) if spans else when),
            end=lineage.bounded(text(properties.get("end_datetime")) if spans else when),
            split=split,
            source_images=tuple(sorted(set(images))),
            label_sources=tuple(sorted(set(labels))),
            sensors=_sensors_of_sample(properties) if precision is Precision.SAMPLES else (),
        )
        if not found.partial:
            return [area]
        rest = AreaOfInterest(
            iri=f"{iri}-rest",
            precision=Precision.SAMPLES,
            start=area.start,
            end=area.end,
            split=split,
            note="parts of its geometry that are left out",
        )
        return [area, rest]

    def _geometry_findings(self, raw: Raw, pointer: str, found: geo.Footprint) -> None:
        for problem in found.problems:
            # Common, harmless, and told by the area's precision.
            severity = Severity.INFO if problem.rule == "unbounded" else Severity.WARNING
            raw.note(pointer, problem.rule, problem.message, severity)

    # -- TrainingDML-AI (OGC 23-008r3) --------------------------------------------------------------------------

    def _training_dml(self, raw: Raw) -> tuple[list[Statement], str | None]:
        data = raw.data
        iri = content.node_iri(data, Form.TRAINING_DML, self._base)
        if iri is None:
            raise _MissingId
        label = text(data.get("name")) or content.identifier_of(data)
        area: AreaOfInterest | None = None
        if data.get("extent") is not None:
            found = geo.from_bbox(data["extent"])
            self._geometry_findings(raw, "/extent", found)
            precision = Precision.GLOBAL if found.unbounded else Precision.DECLARED_BOX
            area = AreaOfInterest(iri=iris.sub(iri, "extent"), precision=precision, wkt=found.wkt)
        statements: list[Statement] = [
            Dataset(
                iri=iri,
                label=label,
                identifier=content.identifier_of(data),
                description=text(data.get("description")),
                version=text(data.get("version")),
                license=text(data.get("license")),
                doi=_doi(data.get("doi")),
                publisher=next(iter(texts(data.get("providers"))), None),
                released=text(data.get("createdTime")),
                footprints=(area.iri,) if area is not None else (),
                resolved=True,
            )
        ]
        if area is not None:
            statements.append(area)
        samples = data.get("data")
        whole = Target(iri, Kind.DATASET, label)
        words = (
            {text(s.get("trainingType")) for s in samples if isinstance(s, dict)}
            if isinstance(samples, list)
            else set()
        )
        statements.extend(links.split_part(whole, word) for word in sorted(w for w in words if w is not None))
        return statements, iri


def _family_of(model: Model | ModelFamily) -> list[Statement]:
    """Return that what a model is of is a family, which need be said nowhere else."""
    return [ModelFamily(iri=model.family)] if isinstance(model, Model) and model.family is not None else []


def _note_wrong_types(
    raw: Raw, fields: Json, prefix: str, wanted_of: tuple[tuple[str, type, str], ...] = _COMMON
) -> None:
    for name, wanted, what in wanted_of:
        value = fields.get(name)
        if value is None:
            continue
        if not isinstance(value, wanted) or isinstance(value, bool):
            raw.note(f"{prefix}/{name}", "wrong-type", f"{name} is {what}; not used")
        elif isinstance(value, list):
            for index, entry in enumerate(value):
                if not isinstance(entry, str if name == "keywords" else dict):
                    raw.note(f"{prefix}/{name}/{index}", "wrong-type", f"{name} is {what}; not used")
                elif isinstance(entry, dict) and text(entry.get("name")) is None:
                    raw.note(f"{prefix}/{name}/{index}/name", "wrong-type", "the name of a provider is text; not used")


def _note_foreign(raw: Raw, index: int, link: Json) -> None:
    """Note what a link of data says that is said of models, or in words of nobody."""
    rel, role = link.get("rel"), link.get("ml-aoi:role")
    if isinstance(rel, str) and rel in links.USE_RELS and rel != links.DERIVED_FROM:
        raw.note(f"/links/{index}", "role-on-data", f"{rel} belongs in the document of a model; not used")
    if role is not None and role != "label" and role != "feature":
        message = f"ml-aoi:role is label or feature; {repr(role)[:40]} is taken as the latter"
        raw.note(f"/links/{index}/ml-aoi:role", "unknown-role", message)


def _escaped(key: str) -> str:
    """Return a key as a step of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _is_image_link(link: Json) -> bool:
    """Return whether a data item's ``derived_from`` names the image or labels it was cut from."""
    if "ml-aoi:role" in link or link.get("role") in ("ml-aoi:label", "ml-aoi:feature"):
        return True
    href = link.get("href")
    media = link.get("type")
    if isinstance(media, str) and media.startswith("image/"):
        return True
    return isinstance(href, str) and content.kind_by_suffix(href) is Kind.DATASET


def _doi(value: object) -> str | None:
    """Return a DOI, however it is spelled; other text as it stands."""
    said = text(value)
    return None if said is None else iris.doi(said) or said


def _pair(raw: Raw, index: int, interval: object) -> tuple[str | None, str | None] | None:
    """Return the start and end of an interval of a collection, open where one is null or no time; None for no pair."""
    if not isinstance(interval, list) or len(interval) != 2:
        raw.note(f"{_INTERVAL}/{index}", "wrong-type", "an interval is a pair of times; not used")
        return None
    found: list[str | None] = []
    for side, word in enumerate(interval):
        is_time = isinstance(word, str) and times.is_time(word)
        if word is not None and not is_time:
            raw.note(f"{_INTERVAL}/{index}/{side}", "wrong-type", "not a time; taken as not known")
        found.append(word if is_time else None)
    return found[0], found[1]


def _edge(word: str | None, side: int) -> int:
    """Return the first or last instant of a time, open where it is none."""
    return times.edge(word or "", side)


def _producer(providers: Any) -> str | None:
    """Return the first producer's name, else the first provider's."""
    if not isinstance(providers, list):
        return None
    named = [(p.get("roles"), text(p.get("name"))) for p in providers if isinstance(p, dict)]
    for roles, name in named:
        if isinstance(roles, list) and "producer" in roles and name is not None:
            return name
    return next((name for _, name in named if name is not None), None)


def _sensors(fields: Json) -> tuple[str, ...]:
    """Return words for the sensors of data: of constellation, platform and instruments."""
    found: set[str] = set()
    for key in ("constellation", "platform", "instruments"):
        found.update(texts(fields.get(key)))
    return tuple(sorted(found))


def _sensors_of_sample(properties: Json) -> tuple[str, ...]:
    """Return the words that say most: there may be a million samples."""
    words = (tuple(texts(properties.get(key))) for key in ("platform", "constellation", "instruments"))
    return next(filter(None, words), ())


def _assets(data: Json) -> dict[str, Json]:
    found = is_object(data.get("assets")) or {}
    return {key: asset for key, asset in found.items() if isinstance(asset, dict)}


def _weights(raw: Raw) -> tuple[str, ...]:
    """Return the ``file:checksum`` of a model's weights; none unless each file of them has one."""
    found: list[Json] = []
    for asset in _assets(raw.data).values():
        roles, href = asset.get("roles"), text(asset.get("href")) or ""
        by_role = isinstance(roles, list) and any(r in ("mlm:model", "mlm:weights", "mlm:checkpoint") for r in roles)
        if by_role or content.kind_by_suffix(href) is Kind.MODEL:
            found.append(asset)
    checksums = _checksums(found)
    bare = sum(text(asset.get("file:checksum")) is None for asset in found)
    if checksums and bare:
        message = (
            f"{bare} of {many(len(found), 'file')} of the model without file:checksum; those of the others not used"
        )
        raw.note("/assets", "some-checksums", message, Severity.INFO)
        return ()
    return checksums


def _checksums(assets: Iterable[Json]) -> tuple[str, ...]:
    return tuple(sorted({checksum for asset in assets if (checksum := text(asset.get("file:checksum"))) is not None}))
