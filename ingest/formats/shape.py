"""Tabs, callouts, folded parts, definition lists and tables of HTML as plain HTML that Markdown can say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

BLOCKS = [
    *("article", "aside", "blockquote", "dd", "div", "dl", "dt", "fieldset", "figure", "footer", "form"),
    *("header", "li", "main", "ol", "p", "pre", "section", "table", "td", "ul", "nav", "button"),
]
MOST_CELLS = 20_000

_HEADING = re.compile("^h[1-6]$")
_TABS = (
    ("[role=tab]", "[role=tabpanel]"),
    (".tabbed-labels > label", ".tabbed-content > .tabbed-block"),
    ("label.sd-tab-label", ".sd-tab-content"),
    (".CodeTabs-toolbar button", ".CodeTabs-inner > pre"),
    (".nav-tabs a", ".tab-content > .tab-pane"),
)
_FAMILY = re.compile(
    r"(?:^|[-_\s])(?:admonition|callout|alert|notice|infobox|hint|aside|custom-block|information-macro)(?:$|[-_\s])"
)
_MAYBE = re.compile(r"(?:^|[-_\s])(?:panel|message|notification|box|block)(?:$|[-_\s])")
_KINDS = {
    "note": "note",
    "info": "note",
    "information": "note",
    "important": "important",
    "tip": "tip",
    "hint": "tip",
    "success": "tip",
    "warning": "warning",
    "warn": "warning",
    "caution": "warning",
    "attention": "warning",
    "danger": "danger",
    "error": "danger",
}
_SAYS_SO = re.compile(
    r"\W*(?:note|info|tip|hint|important|warning|caution|danger|observaç|nota|dica|importante|atenção|aviso|"
    r"cuidado|consejo|atención|advertencia)",
    re.IGNORECASE,
)


def shaped(soup: BeautifulSoup) -> None:
    """Changes `soup`. Comes before hidden elements are taken out: a tab that is not in front is no secret."""
    words = vocabulary(soup)
    for labels, panels in _TABS:
        if possible(labels, words) and possible(panels, words):
            _name_tabs(soup, labels, panels)
    _unfold(soup)
    for box in soup.find_all(["div", "aside", "section", "blockquote", "p"]):
        if not box.decomposed:
            _name_callout(soup, box)
    for listed in soup.find_all("dl"):
        _list_terms(soup, listed)
    for table in soup.find_all("table"):
        _even_out(soup, table)
    _take_into_items(soup)
    for inline in soup.find_all(["a", "b", "strong", "em", "i", "span", "font", "u"]):
        if inline.find([*BLOCKS, _HEADING]) is not None:
            _move_link_inside(soup, inline)
    for heading in soup.find_all(_HEADING):
        if heading.find_parent(["li", "td", "th", "dt"]):
            heading.name = "p"
            _strengthen(soup, heading)
        elif not heading.get("id"):
            _name_heading(heading)


def _take_into_items(soup: BeautifulSoup) -> None:
    """A list that stands between the items of a list belongs to the item above it."""
    for nested in soup.find_all(["ul", "ol"]):
        above = nested.find_previous_sibling("li")
        if above is not None and nested.parent is not None and nested.parent.name in {"ul", "ol"}:
            above.append(nested.extract())


def vocabulary(soup: Tag) -> frozenset[str]:
    """Names of elements and attributes, and the words in these: what a selector may find here."""
    found: set[str] = set()
    for tag in soup.find_all(True):
        found.add(tag.name)
        for key, value in tag.attrs.items():
            found.add(key)
            if key in {"class", "id", "role", "itemprop"}:
                found.update([value] if isinstance(value, str) else value)
    return frozenset(found)


def possible(selector: str, words: frozenset[str]) -> bool:
    """Saves a walk over the whole page for selectors whose names it does not have."""
    return any(words.issuperset(re.findall(r"[A-Za-z][\w-]*", part)) for part in selector.split(","))


def _unfold(soup: BeautifulSoup) -> None:
    for summary in soup.find_all("summary"):
        summary.name = "p"
        if summary.get_text(strip=True):
            summary.wrap(soup.new_tag("div"))
            _strengthen(soup, summary)
    for details in soup.find_all("details"):
        details.name = "div"
        details["data-opens"] = ""


def _strengthen(soup: BeautifulSoup, tag: Tag) -> None:
    for inner in tag.find_all(["b", "strong", _HEADING]):
        inner.unwrap()
    strong = soup.new_tag("strong")
    strong.extend([child.extract() for child in list(tag.contents)])
    tag.append(strong)


def _name_tabs(soup: BeautifulSoup, labels: str, panels: str) -> None:
    tabs, shown = soup.select(labels), soup.select(panels)
    by_id = {str(tab.get("aria-controls") or tab.get("href") or "").lstrip("#"): tab for tab in tabs}
    own_id = {str(tab.get("id")): tab for tab in tabs if tab.get("id")}
    for at, panel in enumerate(shown):
        tab = by_id.get(str(panel.get("id") or "?")) or own_id.get(str(panel.get("aria-labelledby") or "?"))
        if tab is None and len(tabs) == len(shown):
            tab = tabs[at]
        if tab is None:
            continue
        for hides in ("hidden", "aria-hidden", "style"):
            if panel.has_attr(hides):
                del panel[hides]
        label = soup.new_tag("p")
        label.string = f"{' '.join(tab.get_text().split())}:"
        if panel.name == "pre":
            panel.insert_before(label)
        else:
            panel.insert(0, label)
        tab["data-named"] = ""
    for tab in soup.select("[data-named]"):
        tab.decompose()


def _name_callout(soup: BeautifulSoup, box: Tag) -> None:
    kind = _kind(box)
    if not kind or box.find_parent(attrs={"data-callout": True}) or box.find_parent(["td", "th"]):
        return
    words = box.get_text(" ", strip=True)
    if not words or len(words) > 3_000:
        return
    title = box.find(class_=re.compile(r"(?:title|heading|header)\b", re.IGNORECASE))
    label = ""
    if isinstance(title, Tag) and len(title.get_text(strip=True)) < 120:
        said = " ".join(title.get_text().split()).rstrip(":")
        label = "" if _SAYS_SO.fullmatch(said) or said.lower() in _KINDS else said
        title.decompose()
    elif _SAYS_SO.match(words):
        return
    if box.name == "p":
        inner = soup.new_tag("p")
        inner.extend([child.extract() for child in list(box.contents)])
        box.append(inner)
    box.name = "div"
    box["data-callout"] = f"{kind} {label}".strip()


def _kind(box: Tag) -> str | None:
    given = [*box.get_attribute_list("class"), *(box.get(key) for key in ("data-callout-type", "data-type"))]
    names = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", " ".join(str(name) for name in given if name)).lower()
    if not names:
        return None
    kind = next((_KINDS[word] for word in re.split(r"[-_\s]+", names) if word in _KINDS), None)
    if any(name in _KINDS for name in names.split()) and len(names.split()) <= 3:
        return kind
    if _FAMILY.search(names):
        return kind or "note"
    return kind if _MAYBE.search(names) else None


def _list_terms(soup: BeautifulSoup, listed: Tag) -> None:
    """`- **Term**: what it is`."""
    listed.name = "ul"
    item: Tag | None = None
    for child in listed.find_all(["dt", "dd"]):
        if child.find_parent(["dl", "ul"]) is not listed:
            continue
        if child.name == "dt" or item is None:
            item = soup.new_tag("li")
            child.insert_before(item)
        if child.name == "dt":
            _strengthen(soup, child)
            if child.get("id"):
                del child["id"]
        else:
            item.append(": " if len(item.contents) == 1 else "; ")
        parts = child.find_all(BLOCKS, recursive=False)
        item.append(child.extract())
        if len(parts) == 1 and parts[0].name == "p":
            parts[0].unwrap()
        if len(parts) > 1 or (parts and parts[0].name != "p"):
            child.name = "div"
        else:
            child.unwrap()
    for wrapper in listed.find_all("div", recursive=False):
        wrapper.unwrap()


def _even_out(soup: BeautifulSoup, table: Tag) -> None:
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
    cells = [row.find_all(["td", "th"], recursive=False) for row in rows]
    if _is_layout(table, cells):
        for row in rows:
            for cell in row.find_all(["td", "th"], recursive=False):
                cell.name = "div"
            row.name = "div"
        for part in table.find_all(["thead", "tbody", "tfoot", "colgroup"], recursive=False):
            part.name = "div"
        table.name = "div"
        return
    caption = table.find("caption")
    if isinstance(caption, Tag):
        caption.name = "p"
        table.insert_before(caption.extract())
    for row_cells in cells:
        for cell in row_cells:
            for item in cell.find_all(["li", "br", "p", "div"]):
                item.insert_after("; " if item.name in {"li", "br"} else " ")
                item.unwrap()
            for block in cell.find_all(["ul", "ol", "blockquote", "section"]):
                block.unwrap()
    _span_rows(rows)


def _is_layout(table: Tag, cells: Sequence[Sequence[Tag]]) -> bool:
    if not cells or sum(len(row) for row in cells) > MOST_CELLS:
        return True
    if max(len(row) for row in cells) == 1 or table.get("role") in {"presentation", "none"}:
        return True
    return table.find(["table", "pre", _HEADING]) is not None


def _span_rows(rows: list[Tag]) -> None:
    """A cell that goes over several rows says the same in each."""
    for at, row in enumerate(rows):
        for place, cell in enumerate(row.find_all(["td", "th"], recursive=False)):
            span = str(cell.get("rowspan") or "1")
            if not span.isdecimal() or not 1 < int(span[:4]) <= 200:
                continue
            del cell["rowspan"]
            for below in rows[at + 1 : at + int(span)]:
                below.insert(_child_index(below, place), copy(cell))


def _child_index(row: Tag, place: int) -> int:
    cells = row.find_all(["td", "th"], recursive=False)
    return row.index(cells[place]) if place < len(cells) else len(row.contents)


def _move_link_inside(soup: BeautifulSoup, inline: Tag) -> None:
    """A card is a link around a heading and a text: the heading becomes the link."""
    if inline.name == "a" and inline.get("href"):
        first = inline.find([_HEADING, "p", "strong", "div"])
        while isinstance(first, Tag) and first.find([*BLOCKS, _HEADING], recursive=False):
            first = first.find([*BLOCKS, _HEADING], recursive=False)
        if isinstance(first, Tag):
            link = soup.new_tag("a", href=str(inline["href"]))
            link.extend([child.extract() for child in list(first.contents)])
            first.append(link)
    inline.unwrap()


def _name_heading(heading: Tag) -> None:
    """Its anchor may stand in it, or on the section that it opens."""
    inner = heading.find(lambda tag: bool(tag.get("id") or tag.get("name")))
    if isinstance(inner, Tag):
        heading["id"] = str(inner.get("id") or inner.get("name"))
        return
    before = heading.previous_sibling
    while isinstance(before, NavigableString) and not before.strip():
        before = before.previous_sibling
    if isinstance(before, Tag) and before.name == "a" and not before.get_text(strip=True):
        heading["id"] = str(before.get("id") or before.get("name") or "")
    elif before is None and isinstance(heading.parent, Tag) and heading.parent.name in {"section", "div"}:
        heading["id"] = str(heading.parent.get("id") or "")
