"""Elements of an HTML page that its readers do not see."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bs4 import BeautifulSoup, Comment, Tag

FADED = 0.1
TINY = {"px": 1.5, "pt": 1.5, "": 1.5, "em": 0.1, "rem": 0.1, "%": 10.0}
AWAY = -400
"""Pixels. What is moved this far to the left or up is off the screen."""

_CLASSES = frozenset(
    "visually-hidden visuallyhidden visually_hidden sr-only sr-only-focusable screen-reader-text "
    "screen-reader-only screenreader u-hidden-visually assistive-text d-none is-hidden hidden hide "
    "invisible display-none".split()
)
_SHOWN_ELSEWHERE = re.compile(r"(?:^|\s)(?:d-)?(?:xs|sm|md|lg|xl|2xl|xxl)[-:](?:block|flex|grid|inline\S*|table\S*)")
_CLICK = re.compile(r"accordion|collaps|toggle|expand|faq|disclosure", re.IGNORECASE)
_NUMBER = re.compile(r"(-?\d*\.?\d+)\s*(px|pt|em|rem|%|)")
_WHITE = re.compile(r"#fff(?:fff)?(?:ff)?|white|rgba?\(\s*255\s*,\s*255\s*,\s*255\s*(?:,\s*1(?:\.0*)?\s*)?\)")
_CLEAR = re.compile(r"transparent|#[0-9a-f]{3}0|#[0-9a-f]{6}00|rgba\([^)]*,\s*0?\.?0*\s*\)")
_AT_BLOCK = re.compile(r"@[^{}]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SIMPLE = re.compile(r"[.#][\w-]+")
_NEVER_SHOWN = frozenset({"template", "noscript", "noframes"})
_WHOLE_PAGE = frozenset({"html", "body", "main"})


def take_out(soup: BeautifulSoup) -> list[Tag]:
    """Takes out what is not seen; returns where each piece with words stood."""
    by_sheet = _style_rules(soup)
    opened = _opened_by_click(soup)
    stood: list[Tag] = []
    for element in soup.find_all(True):
        if element.decomposed or not isinstance(element.parent, Tag):
            continue
        style = _declarations(str(element.get("style") or ""))
        for selector in _selectors(element):
            style = {**by_sheet.get(selector, {}), **style}
        if element.name in _NEVER_SHOWN or (
            element.name not in _WHOLE_PAGE
            and (_concealed(element, style) or (_folded(element, style) and not _opens(element, opened)))
        ):
            if re.search(r"[^\W_]", element.get_text()):
                stood.append(element.parent)
            element.decompose()
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        # Programs leave marks of a word or two in every page.
        if comment.parent is not None and len(re.findall(r"[^\W\d_]{2,}", comment)) > 3:
            stood.append(comment.parent)
        comment.extract()
    return stood


def _folded(element: Tag, style: dict[str, str]) -> bool:
    """Not shown now; a click may open it."""
    if element.has_attr("hidden") and element["hidden"] != "until-found":
        return True
    if element.get("aria-hidden") == "true":
        return True
    classes = element.get_attribute_list("class")
    if any(name in _CLASSES for name in classes if name):
        return not _SHOWN_ELSEWHERE.search(" ".join(name for name in classes if name))
    if style.get("display") == "none" or style.get("visibility") in {"hidden", "collapse"}:
        return True
    flat = any(_size(style.get(side, "")) <= 1 for side in ("height", "width", "max-height", "max-width"))
    return flat and "hidden" in f"{style.get('overflow', '')}{style.get('overflow-y', '')}"


def _concealed(element: Tag, style: dict[str, str]) -> bool:
    """Drawn so that nobody sees it."""
    if not style:
        return False
    opacity = _NUMBER.match(style.get("opacity", ""))
    if opacity and float(opacity[1]) < FADED * (100 if opacity[2] == "%" else 1):
        return True
    font = _NUMBER.match(style.get("font-size", ""))
    if font and float(font[1]) <= TINY[font[2]]:
        return True
    sides = ("left", "top", "right", "bottom", "text-indent", "margin-left", "margin-top")
    if any(_size(style.get(side, "")) <= AWAY for side in sides):
        return True
    cut = f"{style.get('clip', '')} {style.get('clip-path', '')} {style.get('transform', '')}"
    if re.search(r"rect\(\s*[01](?:px)?\b|inset\(\s*(?:50|100)%|circle\(\s*0|scale\(\s*0\s*\)|\(\s*-\d{4,}px", cut):
        return True
    color = style.get("color", "")
    if _CLEAR.fullmatch(color):
        return "background-clip" not in style and "-webkit-background-clip" not in style
    # Headings of tables and buttons are white on a colour that a style sheet gives them.
    return bool(_WHITE.fullmatch(color)) and not _on_colour(element)


def _on_colour(element: Tag) -> bool:
    around: Iterable[Tag] = [element, *element.parents]
    return any(
        "background" in str(tag.get("style") or "")
        or tag.has_attr("bgcolor")
        or tag.name in {"a", "button", "th", "thead", "header"}
        for tag in around
    )


def _opens(element: Tag, opened: frozenset[str]) -> bool:
    """It is the answer below a question, a tab, a part that a click shows."""
    if element.get("id") in opened or element.find_parent("details"):
        return True
    before = element.find_previous_sibling()
    if before is None and isinstance(element.parent, Tag):
        before = element.parent.find_previous_sibling()
    if not isinstance(before, Tag):
        return False
    attributes = " ".join(str(value) for value in before.attrs.values())
    return (
        before.name in {"button", "summary"}
        or before.get("role") == "button"
        or before.has_attr("aria-expanded")
        or before.select_one(":scope > button, :scope > [aria-expanded]") is not None
        or bool(_CLICK.search(attributes))
    )


def _opened_by_click(soup: BeautifulSoup) -> frozenset[str]:
    names = ("aria-controls", "data-target", "data-bs-target", "data-toggle-target")
    found = {str(tag[name]).lstrip("#") for name in names for tag in soup.find_all(attrs={name: True})}
    found |= {str(tab.get("href", "")).lstrip("#") for tab in soup.select("[role=tab][href], [data-toggle][href]")}
    return frozenset(found - {""})


def _style_rules(soup: BeautifulSoup) -> dict[str, dict[str, str]]:
    """What the page's own style sheets say of a single class or id; what holds on some screens only is left."""
    sheet = " ".join(style.get_text() for style in soup.find_all("style"))[:200_000]
    sheet = _AT_BLOCK.sub(" ", re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL))
    rules: dict[str, dict[str, str]] = {}
    for selectors, body in _RULE.findall(sheet):
        for selector in selectors.split(","):
            if _SIMPLE.fullmatch(selector.strip()):
                rules[selector.strip()] = {**rules.get(selector.strip(), {}), **_declarations(body)}
    return rules


def _selectors(element: Tag) -> list[str]:
    classes = [f".{name}" for name in element.get_attribute_list("class") if name]
    return [*classes, f"#{element['id']}"] if element.has_attr("id") else classes


def _declarations(style: str) -> dict[str, str]:
    found = {}
    for declaration in re.sub(r"/\*.*?\*/", "", style.lower()).split(";"):
        name, _, value = declaration.partition(":")
        if value:
            found[name.strip()] = value.replace("!important", "").strip()
    return found


def _size(value: str) -> float:
    """Pixels; a size that is not given is large."""
    number = _NUMBER.match(value)
    if not number or number[2] == "%":
        return 1_000.0
    return float(number[1]) * (16 if number[2] in {"em", "rem"} else 1)
