"""From matplotlib's SVG to one that stands in a page: small, unique ids, colours by class, words to read aloud.

matplotlib writes colours into `style` attributes, a rule for every element of the page (`*{...}`), and ids that repeat
from picture to picture. Here they become attributes and classes, the rule goes, and every id gets the picture's own
beginning. It knows SVG, not charts.
"""

from __future__ import annotations

import re
from hashlib import sha256
from xml.etree import ElementTree as ET

from kubernaut_simulator.results.picture_colours import CHART_STYLE, PAPER, palette_class

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_LONG_NUMBER = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"#([A-Za-z][\w.-]*)")
_LEFT_OUT = frozenset({"font-family", "stroke-linejoin", "stroke-linecap", "stroke-miterlimit", "stroke-dashoffset"})


def page_svg(source: str, *, title: str, name: str | None, standalone: bool, size_px: tuple[float, float]) -> str:
    """Rewrite a picture.

    Parameters
    ----------
    source : str
        What matplotlib wrote.
    title : str
        What the picture shows, in words.
    name : str or None
        Beginning of its ids; None takes a digest of its content.
    standalone : bool
        Bring a style sheet and paper of its own.
    size_px : tuple of float
        Width and height.
    """
    root = ET.fromstring(source)  # noqa: S314 - matplotlib's own output
    for child in list(root):
        if child.tag == f"{_SVG}metadata" or (child.tag == f"{_SVG}defs" and child.find(f"{_SVG}style") is not None):
            root.remove(child)
    used = {
        match for element in root.iter() for value in element.attrib.values() for match in _REFERENCE.findall(value)
    }
    prefix = name or "chart-" + sha256(f"{title}\n{source}".encode()).hexdigest()[:10]
    _rewrite(root, used, prefix)
    _unwrap(root)
    width, height = size_px
    heading = ET.Element(f"{_SVG}title", {"id": f"{prefix}-title"})
    heading.text = title
    root.insert(0, heading)
    if standalone:
        style = ET.Element(f"{_SVG}style")
        style.text = CHART_STYLE
        root.insert(1, style)
        paper = {"width": "100%", "height": "100%", "fill": PAPER, "class": "chart-fill-paper"}
        root.insert(2, ET.Element(f"{_SVG}rect", paper))
    root.attrib.clear()
    root.attrib.update(
        {
            "class": "chart",
            "role": "img",
            "aria-labelledby": f"{prefix}-title",
            "width": f"{width:g}",
            "height": f"{height:g}",
            "viewBox": f"0 0 {width:g} {height:g}",
            "font-family": FONT,
            "font-size": "12",
            "stroke-linejoin": "round",
            "style": "max-width:100%;height:auto",
        }
    )
    ET.register_namespace("", "http://www.w3.org/2000/svg")
    return ET.tostring(root, encoding="unicode") + "\n"


def _rewrite(root: ET.Element, used: set[str], prefix: str) -> None:
    for element in root.iter():
        attributes = dict(element.attrib)
        element.attrib.clear()
        element.text = element.text if element.tag == f"{_SVG}text" else None
        element.tail = None
        own = attributes.pop("id", None)
        if own in used:
            element.set("id", f"{prefix}-{own}")
        for key, value in _unstyled(attributes):
            if key in {_HREF, "clip-path"}:
                element.set(key.rpartition("}")[2], _REFERENCE.sub(rf"#{prefix}-\1", value))
            elif key in {"d", "x", "y", "transform", "width", "height", "points", "stroke-dasharray"}:
                if not value.startswith("rotate(-0 "):
                    element.set(key, _LONG_NUMBER.sub(_rounded, " ".join(value.split())))
            else:
                element.set(key, value)
        classes = [palette_class(kind, element.get(kind, "")) for kind in ("fill", "stroke")]
        if named := " ".join(one for one in classes if one):
            element.set("class", named)


def _unstyled(attributes: dict[str, str]) -> list[tuple[str, str]]:
    """Give attributes with each declaration of `style` as one of its own; a page may refuse inline styles."""
    found = {key: value for key, value in attributes.items() if key != "style"}
    for declaration in attributes.get("style", "").split(";"):
        key, colon, value = (part.strip() for part in declaration.partition(":"))
        if colon and key not in _LEFT_OUT:
            found[key] = value
    if (size := found.get("font-size", "")).endswith("px"):
        found["font-size"] = size.removesuffix("px")
    return list(found.items())


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match.group()):.2f}".rstrip("0").rstrip(".")


def _unwrap(element: ET.Element) -> None:
    """Replace groups that say nothing by what is in them, and drop empty ones."""
    children: list[ET.Element] = []
    for child in element:
        _unwrap(child)
        empty_path = child.tag == f"{_SVG}path" and " L " not in child.get("d", "") and " C " not in child.get("d", "")
        if empty_path:
            continue
        if child.tag in {f"{_SVG}g", f"{_SVG}defs"} and not len(child):
            continue
        if child.tag == f"{_SVG}g" and not child.attrib:
            children += list(child)
        else:
            children.append(child)
    element[:] = children
