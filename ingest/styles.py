"""Whether an element of HTML is drawn so that nobody sees it: by its attributes and style alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

FADED = 0.1
TINY = {"px": 1.5, "pt": 1.5, "": 1.5, "em": 0.1, "rem": 0.1, "%": 10.0}
AWAY = -400
"""Pixels. What is moved this far to the left or up is off the screen."""

_CLASSES = frozenset(
    {
        *("visually-hidden", "visuallyhidden", "visually_hidden", "u-hidden-visually", "assistive-text"),
        *("sr-only", "sr-only-focusable", "screen-reader-text", "screen-reader-only", "screenreader"),
        *("d-none", "display-none", "is-hidden", "hidden", "hide", "invisible"),
    }
)
_SHOWN_ELSEWHERE = re.compile(
    r"(?:^|\s)(?:d-)?(?:xs|sm|md|lg|xl|2xl|xxl)[-:](?:block|flex|grid|inline\S*|table\S*)"
)
_NUMBER = re.compile(r"(-?\d*\.?\d+)\s*(px|pt|em|rem|%|)")
_WHITE = re.compile(r"#fff(?:fff)?(?:ff)?|white|rgba?\(\s*255\s*,\s*255\s*,\s*255\s*(?:,\s*1(?:\.0*)?\s*)?\)")
_CLEAR = re.compile(r"transparent|#[0-9a-f]{3}0|#[0-9a-f]{6}00|rgba\([^)]*,\s*0?\.?0*\s*\)")
_CUT = re.compile(
    r"rect\(\s*[01](?:px)?\b|inset\(\s*(?:50|100)%|circle\(\s*0|scale\(\s*0\s*\)|\(\s*-\d{4,}px"
)


def declarations(style: str) -> dict[str, str]:
    found = {}
    for declaration in re.sub(r"/\*.*?\*/", "", style.lower()).split(";"):
        name, _, value = declaration.partition(":")
        if value:
            found[name.strip()] = value.replace("!important", "").strip()
    return found


def folded(attributes: Mapping[str, object], classes: Iterable[str], style: Mapping[str, str]) -> bool:
    """Not shown now; a click may open it."""
    if "hidden" in attributes and attributes["hidden"] != "until-found":
        return True
    if attributes.get("aria-hidden") == "true":
        return True
    names = list(classes)
    if any(name in _CLASSES for name in names) and not _SHOWN_ELSEWHERE.search(" ".join(names)):
        return True
    if style.get("display") == "none" or style.get("visibility") in {"hidden", "collapse"}:
        return True
    flat = any(_pixels(style.get(side, "")) <= 1 for side in ("height", "width", "max-height", "max-width"))
    return flat and "hidden" in f"{style.get('overflow', '')}{style.get('overflow-y', '')}"


def concealed(style: Mapping[str, str], *, on_colour: bool) -> bool:
    """Drawn so that nobody sees it. `on_colour`: white letters show."""
    if not style:
        return False
    opacity = _NUMBER.match(style.get("opacity", ""))
    if opacity and float(opacity[1]) < FADED * (100 if opacity[2] == "%" else 1):
        return True
    font = _NUMBER.match(style.get("font-size", ""))
    if font and float(font[1]) <= TINY[font[2]]:
        return True
    sides = ("left", "top", "right", "bottom", "text-indent", "margin-left", "margin-top")
    if any(_pixels(style.get(side, "")) <= AWAY for side in sides):
        return True
    if _CUT.search(f"{style.get('clip', '')} {style.get('clip-path', '')} {style.get('transform', '')}"):
        return True
    color = style.get("color", "")
    if _CLEAR.fullmatch(color):
        return "background-clip" not in style and "-webkit-background-clip" not in style
    return bool(_WHITE.fullmatch(color)) and not on_colour


def _pixels(value: str) -> float:
    """A size that is not given is large."""
    number = _NUMBER.match(value)
    if not number or number[2] == "%":
        return 1_000.0
    return float(number[1]) * (16 if number[2] in {"em", "rem"} else 1)
