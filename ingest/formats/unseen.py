"""Elements of an HTML page that its readers do not see: taken out."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup, Comment, Tag

from ingest.styles import concealed, declarations, folded

_CLICK = re.compile(r"accordion|collaps|toggle|expand|faq|disclosure", re.IGNORECASE)
_AT_BLOCK = re.compile(r"@[^{}]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SIMPLE = re.compile(r"[.#][\w-]+")
_NEVER_SHOWN = frozenset({"template", "noscript", "noframes"})
_WHOLE_PAGE = frozenset({"html", "body", "main"})
"""Sites hide these until their program has started."""


def take_out(soup: BeautifulSoup) -> list[Tag]:
    """Takes out what is not seen; returns where each piece with words stood."""
    by_sheet = _style_rules(soup)
    opened = _opened_by_click(soup)
    stood: list[Tag] = []
    for element in soup.find_all(True):
        if element.decomposed or not isinstance(element.parent, Tag):
            continue
        if element.name in _NEVER_SHOWN or (
            element.name not in _WHOLE_PAGE and _is_unseen(element, by_sheet, opened)
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


def _is_unseen(element: Tag, by_sheet: dict[str, dict[str, str]], opened: frozenset[str]) -> bool:
    classes = [name for name in element.get_attribute_list("class") if name]
    style = declarations(str(element["style"])) if element.has_attr("style") else {}
    for selector in [f"#{element.get('id')}", *(f".{name}" for name in classes)]:
        style = {**by_sheet.get(selector, {}), **style}
    if style and concealed(style, on_colour=_on_colour(element)):
        return True
    return folded(element.attrs, classes, style) and not _opens(element, opened)


def _on_colour(element: Tag) -> bool:
    """Headings of tables and buttons are white on a colour that a style sheet gives them."""
    return any(
        "background" in str(tag.get("style") or "")
        or tag.has_attr("bgcolor")
        or tag.name in {"a", "button", "th", "thead", "header"}
        for tag in [element, *element.parents]
    )


def _opens(element: Tag, opened: frozenset[str]) -> bool:
    """It is the answer below a question, a tab, a part that a click shows."""
    if element.get("id") in opened or element.find_parent(attrs={"data-opens": True}):
        return True
    before = element.find_previous_sibling()
    if before is None and isinstance(element.parent, Tag):
        before = element.parent.find_previous_sibling()
    if not isinstance(before, Tag):
        return False
    return (
        before.name in {"button", "summary"}
        or before.get("role") == "button"
        or before.has_attr("aria-expanded")
        or before.select_one(":scope > button, :scope > [aria-expanded]") is not None
        or bool(_CLICK.search(" ".join(str(value) for value in before.attrs.values())))
    )


def _opened_by_click(soup: BeautifulSoup) -> frozenset[str]:
    names = ("aria-controls", "data-target", "data-bs-target", "data-toggle-target")
    given = (tag.get(name) for tag in soup.find_all(True) for name in names)
    found = {str(value).lstrip("#") for value in given if value}
    tabs = soup.select("[role=tab][href], [data-toggle][href]")
    return frozenset((found | {str(tab["href"]).lstrip("#") for tab in tabs}) - {""})


def _style_rules(soup: BeautifulSoup) -> dict[str, dict[str, str]]:
    """What the page's own style sheets say of a single class or id, on every screen."""
    sheet = " ".join(style.get_text() for style in soup.find_all("style"))[:200_000]
    sheet = _AT_BLOCK.sub(" ", re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL))
    rules: dict[str, dict[str, str]] = {}
    for selectors, body in _RULE.findall(sheet):
        for selector in selectors.split(","):
            if _SIMPLE.fullmatch(selector.strip()):
                rules[selector.strip()] = {**rules.get(selector.strip(), {}), **declarations(body)}
    return rules
