"""Pictures of answers about places."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mlaoi_graph import countries
from mlaoi_graph.errors import MissingExtra, UnknownFormat
from mlaoi_graph.files import whole
from mlaoi_graph.geo.shapes import Shapes, flat

__all__ = ["Layer", "Picture", "write"]

_WIDTH: Final = 960
_MARGIN: Final = 44
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
_SEA, _LAND, _BORDER, _INK, _FAINT = "#eef3f7", "#fbfaf6", "#c4c0b4", "#22303c", "#8a949d"
_STEPS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60)
_MOST_SHAPES: Final = 3_000
"""Geometries of a layer that are drawn one by one; more are drawn as what they cover together."""

_MOST_NAMES: Final = 8
_LEGEND_STEP, _LEGEND_LINE, _LEGEND_CHARACTERS = 24, 17, 120


@dataclass(frozen=True, slots=True)
class Layer:
    """Geometries of one look."""

    label: str
    shapes: Sequence[BaseGeometry]
    fill: str | None
    edge: str
    width: float = 1.0
    dashed: bool = False
    names: Sequence[str] = ()
    """What its geometries are of; the legend names the first few."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A map: what is to be seen of which part of the world, in longitude and latitude."""

    title: str
    lines: Sequence[str]
    """Said below the title."""
    focus: BaseGeometry
    """What has to be in view."""
    layers: Sequence[Layer]

    def view(self) -> tuple[float, float, float, float]:
        """Return west, south, east, north of the map; east is beyond 180 where it lies across the antimeridian."""
        parts = shapely.get_parts(self.focus)
        boxes = shapely.bounds(parts)
        w, s, e, n = boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()
        # Across the antimeridian it may be narrower, as of Fiji, or of the United States with the Aleutians.
        shifted = np.where(boxes[:, 2] <= 0, 360, 0)
        west, east = (boxes[:, 0] + shifted).min(), (boxes[:, 2] + shifted).max()
        if east - west < e - w - 1e-6:  # and not by rounding
            w, e = west, east
        pad = max(0.18 * max(e - w, n - s), 0.02)
        s, n = max(s - pad, -90), min(n + pad, 90)
        w, e = w - pad, e + pad
        if e - w >= 360:
            w, e = -180.0, 180.0
        elif e <= 180 or w >= -180:
            w, e = (w, e) if w >= -180 else (w + 360, e + 360)
        return float(w), float(s), float(e), float(n)


def write(picture: Picture, path: Path, table: str = "") -> None:
    """Draw a picture to a ``.svg``, ``.html`` (with a table below it) or ``.png`` file; the last needs ``maps``.

    Raises UnknownFormat, StoreError.
    """
    kind = path.suffix.lower()
    if kind not in (".svg", ".html", ".htm", ".png"):
        raise UnknownFormat("kind of picture", kind or path.name, [".html", ".png", ".svg"])
    with whole(path) as file:
        if kind == ".png":
            _png(picture, file)
        else:
            file.write_text(svg(picture) if kind == ".svg" else page(picture, table), encoding="utf-8")


# -- what is in view --------------------------------------------------------------------------------------------------


def _land(view: tuple[float, float, float, float]) -> Shapes:
    outlines = [shapely.from_wkt(countries.outline([code])) for code in sorted(countries.codes())]
    return _in_view(outlines, view)


def _in_view(shapes: Sequence[BaseGeometry], view: tuple[float, float, float, float]) -> Shapes:
    """Return what of shapes is in view, also where that lies beyond 180 degrees."""
    w, s, e, n = view
    some = np.asarray(shapes, dtype=object)
    if e > 180:
        beyond = shapely.transform(some, lambda lonlat: lonlat + np.array([360, 0]))
        touched = ~shapely.is_valid(beyond)  # rounding may let sides meet
        beyond[touched] = shapely.make_valid(beyond[touched])
        some = shapely.union(some, beyond) if len(some) <= _MOST_SHAPES else np.concatenate((some, beyond))
    if not len(some):
        return some
    box = shapely.box(w, s, e, n)
    shapely.prepare(box)
    some = some[shapely.intersects(box, some)]
    across = ~shapely.covers(box, some)
    some[across] = shapely.intersection(some[across], box)
    if len(some) > _MOST_SHAPES:
        some = np.array([shapely.union_all(some)], dtype=object)
    # Nothing finer than half a pixel can be seen.
    pixel = (e - w) / _WIDTH
    many = shapely.get_num_coordinates(some) > 200
    some[many] = shapely.simplify(some[many], pixel / 2)
    return some


def _step(span: float) -> float:
    return next((step for step in _STEPS if span / step <= 8), 60)


def _ticks(low: float, high: float) -> list[float]:
    step = _step(high - low)
    first = np.ceil(low / step - 1e-9)
    return [round(float(i) * step, 6) for i in np.arange(first, np.floor(high / step + 1e-9) + 1)]


def _degrees(value: float, positive: str, negative: str) -> str:
    if positive == "E" and value > 180:
        value -= 360
    side = "" if value == 0 or abs(value) == 180 else positive if value > 0 else negative
    return f"{abs(value):g}°{side}"


# -- SVG --------------------------------------------------------------------------------------------------------------


def svg(picture: Picture) -> str:
    """Return a picture as SVG: plate carrée, true to scale in the middle latitude of the view; nothing is loaded."""
    view = picture.view()
    w, s, e, n = view
    squeeze = max(np.cos(np.radians((s + n) / 2)), 0.15)
    inner = _WIDTH - 2 * _MARGIN
    scale = inner / (e - w)
    tall = (n - s) * scale / squeeze
    if tall > 1.1 * inner:  # a tall area: height decides
        scale *= 1.1 * inner / tall
        tall = 1.1 * inner
    wide = (e - w) * scale
    lines = [line for line in picture.lines if line]
    top = 40 + 19 * len(lines)
    legends = [_wrapped(layer) for layer in picture.layers]
    legend = sum(_LEGEND_STEP + _LEGEND_LINE * (len(lines) - 1) for lines in legends) + 14
    height = top + tall + 26 + legend + 10

    def points(lonlat: Any) -> str:
        x, y = _MARGIN + (lonlat[:, 0] - w) * scale, top + (n - lonlat[:, 1]) * scale / squeeze
        return "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))

    def drawn(shape: BaseGeometry, look: str) -> str:
        parts, _ = flat([shape])
        kinds = shapely.get_type_id(parts)
        rings = shapely.get_rings(parts[kinds == shapely.GeometryType.POLYGON])
        lines = parts[kinds == shapely.GeometryType.LINESTRING]
        found = "".join(f"M{points(shapely.get_coordinates(ring))}Z" for ring in rings)
        found += "".join(f"M{points(shapely.get_coordinates(line))}" for line in lines)
        dots = [points(lonlat[None]).split() for lonlat in shapely.get_coordinates(parts[kinds == 0])]
        return (f'<path d="{found}" {look}/>' if found else "") + "".join(
            f'<circle cx="{x}" cy="{y}" r="3" {look}/>' for x, y in dots
        )

    def path(shapes: Shapes, look: str) -> str:
        return "\n".join(drawn(shape, look) for shape in shapes)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" role="img"'
        f' font-family="{_FONT}" font-size="13" fill="{_INK}">',
        f"<title>{html.escape(picture.title)}</title>",
        f'<rect width="{_WIDTH}" height="{height:.0f}" fill="#fff"/>',
        f'<text x="{_MARGIN}" y="28" font-size="19" font-weight="600">{html.escape(picture.title)}</text>',
    ]
    out += [
        f'<text x="{_MARGIN}" y="{48 + 19 * i}" fill="{_FAINT}">{html.escape(line)}</text>'
        for i, line in enumerate(lines)
    ]
    frame = f'x="{_MARGIN}" y="{top}" width="{wide:.1f}" height="{tall:.1f}"'
    grid = f'stroke="{_FAINT}" stroke-width="0.4" opacity="0.5"'
    small = f'font-size="11" fill="{_FAINT}"'
    out += [
        f'<clipPath id="map"><rect {frame}/></clipPath>',
        f'<rect {frame} fill="{_SEA}"/>',
        '<g clip-path="url(#map)">',
    ]
    out.append(path(_land(view), f'fill="{_LAND}" stroke="{_BORDER}" stroke-width="0.8" stroke-linejoin="round"'))
    for lon in _ticks(w, e):
        x = _MARGIN + (lon - w) * scale
        out.append(f'<path d="M{x:.1f} {top}V{top + tall:.1f}" {grid}/>')
    for lat in _ticks(s, n):
        y = top + (n - lat) * scale / squeeze
        out.append(
            f'<path d="M{_MARGIN} {y:.1f}H{_MARGIN + wide:.1f}" stroke="{_FAINT}" stroke-width="0.4" opacity="0.5"/>'
        )
    for layer in picture.layers:
        out.append(path(_in_view(layer.shapes, view), _look(layer)))
    out += ["</g>", f'<rect {frame} fill="none" stroke="{_FAINT}"/>']
    for lon in _ticks(w, e):
        x = _MARGIN + (lon - w) * scale
        label = _degrees(lon, "E", "W")
        out.append(f'<text x="{x:.1f}" y="{top + tall + 17:.1f}" text-anchor="middle" {small}>{label}</text>')
    for lat in _ticks(s, n):
        y = top + (n - lat) * scale / squeeze + 4
        label = _degrees(lat, "N", "S")
        out.append(f'<text x="{_MARGIN - 5}" y="{y:.1f}" text-anchor="end" {small}>{label}</text>')
    y = top + tall + 32
    for layer, texts in zip(picture.layers, legends, strict=True):
        out.append(f'<rect x="{_MARGIN}" y="{y:.1f}" width="22" height="14" {_look(layer)}/>')
        for i, text in enumerate(texts):
            out.append(f'<text x="{_MARGIN + 30}" y="{y + 12 + _LEGEND_LINE * i:.1f}">{html.escape(text)}</text>')
        y += _LEGEND_STEP + _LEGEND_LINE * (len(texts) - 1)
    out.append("</svg>")
    return "\n".join(out)


def _wrapped(layer: Layer) -> list[str]:
    """Return what the legend says of a layer, in lines."""
    names = [*layer.names[:_MOST_NAMES]]
    if len(layer.names) > _MOST_NAMES:
        names.append(f"and {len(layer.names) - _MOST_NAMES} more")
    return [layer.label, *textwrap.wrap("; ".join(names), _LEGEND_CHARACTERS)]


def _look(layer: Layer) -> str:
    fill = f'fill="{layer.fill}" fill-opacity="0.35" fill-rule="evenodd"' if layer.fill else 'fill="none"'
    dash = ' stroke-dasharray="7 4"' if layer.dashed else ""
    return f'{fill} stroke="{layer.edge}" stroke-width="{layer.width:g}" stroke-linejoin="round"{dash}'


def page(picture: Picture, table: str = "") -> str:
    """Return a picture as an HTML page that loads nothing."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(picture.title)}</title>
<style>
body {{ font: 14px/1.5 {_FONT}; color: {_INK}; max-width: 1200px; margin: 1.5rem auto; padding: 0 1rem }}
svg {{ width: 100%; height: auto; max-height: 90vh }}
div {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-size: 12px }}
caption {{ text-align: left; font-weight: 600; padding: .5rem 0 }}
th, td {{ text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #e3e6e8; white-space: nowrap }}
</style></head>
<body>
{svg(picture)}
<div>{table}</div>
</body></html>
"""


# -- PNG --------------------------------------------------------------------------------------------------------------


def _png(picture: Picture, path: Path) -> None:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch, PathPatch
        from matplotlib.path import Path as Outline
    except ImportError:
        raise MissingExtra("maps", needed_for="a PNG picture") from None
    view = picture.view()
    w, s, e, n = view
    squeeze = max(float(np.cos(np.radians((s + n) / 2))), 0.15)
    wide = 9.6
    tall = min(wide * (n - s) / (e - w) / squeeze, 1.1 * wide)
    figure = Figure(figsize=(wide, tall + 1.4), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.06, 0.75 / (tall + 1.4), 0.92, tall * 0.92 / (tall + 1.4)))
    axes.set_facecolor(_SEA)

    def draw(shapes: Shapes, **look: Any) -> None:
        for shape in shapes:
            parts, _ = flat([shape])
            kinds = shapely.get_type_id(parts)
            rings = shapely.get_rings(parts[kinds == shapely.GeometryType.POLYGON])
            outlines = [Outline(shapely.get_coordinates(ring), closed=True) for ring in rings]
            if outlines:
                axes.add_patch(PathPatch(Outline.make_compound_path(*outlines), **look))
            for line in parts[kinds == shapely.GeometryType.LINESTRING]:
                axes.plot(*shapely.get_coordinates(line).T, color=look["edgecolor"], linewidth=look["linewidth"])
            dots = shapely.get_coordinates(parts[kinds == shapely.GeometryType.POINT])
            axes.plot(*dots.T, "o", markersize=4, color=look["edgecolor"], linestyle="none")

    draw(_land(view), facecolor=_LAND, edgecolor=_BORDER, linewidth=0.6)
    handles = []
    for layer in picture.layers:
        look: dict[str, Any] = {
            "facecolor": (*_rgb(layer.fill), 0.35) if layer.fill else "none",
            "edgecolor": layer.edge,
            "linewidth": layer.width,
            "linestyle": "--" if layer.dashed else "-",
        }
        draw(_in_view(layer.shapes, view), **look)
        handles.append(Patch(label="\n".join(_wrapped(layer)), **look))
    axes.set_xlim(w, e)
    axes.set_ylim(s, n)
    axes.set_aspect(1 / squeeze)
    axes.set_xticks(_ticks(w, e), [_degrees(lon, "E", "W") for lon in _ticks(w, e)])
    axes.set_yticks(_ticks(s, n), [_degrees(lat, "N", "S") for lat in _ticks(s, n)])
    axes.tick_params(labelsize=8, colors=_FAINT, length=0)
    axes.grid(color=_FAINT, linewidth=0.3, alpha=0.5)
    axes.set_title("\n".join([picture.title, *picture.lines]), loc="left", fontsize=11, color=_INK)
    figure.legend(
        handles=handles, loc="upper left", fontsize=8, frameon=False, bbox_to_anchor=(0.05, 0.5 / (tall + 1.4))
    )
    figure.savefig(path, bbox_inches="tight", pad_inches=0.15)


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
