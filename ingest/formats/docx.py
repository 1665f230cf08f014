"""DOCX -> Markdown, by way of HTML. Comments, deleted and hidden text are no text."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator

from lxml import etree

from ingest.formats import Converted, Refused, moment
from ingest.formats import html as html_format

MOST_PARTS = 2_000
LARGEST_PART = 30_000_000
LARGEST = 60_000_000
"""Bytes, unpacked, of the parts that hold text."""
DEEPEST = 200

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_READ = re.compile(r"(?:\[Content_Types\]\.xml|.*\.rels|word/[^/]+\.xml|docProps/core\.xml)", re.IGNORECASE)
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='Source Code'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='Intense Quote'] => blockquote > p:fresh
p[style-name='List Bullet 2'] => ul|ol > li > ul > li:fresh
p[style-name='List Bullet 3'] => ul|ol > li > ul|ol > li > ul > li:fresh
p[style-name='List Number 2'] => ul|ol > li > ol > li:fresh
p[style-name='List Number 3'] => ul|ol > li > ul|ol > li > ol > li:fresh
"""


def convert(raw: bytes) -> Converted:
    """Raises `Refused`; on a broken file whatever the library raises."""
    import mammoth

    parts = _parts(raw)
    hiding = _hiding_styles(parts)
    hidden = sum(_without_hidden(part, hiding) for name, part in parts.items() if _is_text(name))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, part in parts.items():
            file.writestr(name, etree.tostring(part, xml_declaration=True, encoding="UTF-8"))
    packed.seek(0)
    page = mammoth.convert_to_html(
        packed, style_map=_STYLES, convert_image=mammoth.images.img_element(lambda image: {"src": ""})
    )
    written = html_format.convert(page.value.encode())
    core = parts.get("docProps/core.xml")
    said = (
        {etree.QName(e).localname: e.text or "" for e in core.iter(etree.Element)} if core is not None else {}
    )
    title = " ".join(said.get("title", "").split())
    if written.text.startswith("# "):
        title = written.title
    elif title.lower() == "word document":
        title = ""
    return Converted(
        written.text,
        title,
        said.get("language", ""),
        moment(said.get("modified", "")),
        hidden,
    )


def _parts(raw: bytes) -> dict[str, etree._Element]:
    """The parts that hold text, parsed. Looks at sizes as declared and again while it unpacks."""
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refused("the file is an old Word file or has a password", "Save it as DOCX without a password.")
    try:
        file = zipfile.ZipFile(io.BytesIO(raw))
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise Refused("the file is not a DOCX that can be read", "Save it anew as DOCX.") from error
    with file:
        entries = file.infolist()
        if len(entries) > MOST_PARTS:
            raise Refused(
                f"the DOCX holds more than {MOST_PARTS:,} files", "Save it anew from a word processor."
            )
        wanted = {entry.filename: entry for entry in entries if _READ.fullmatch(entry.filename)}
        if "word/document.xml" not in wanted:
            raise Refused("the file is not a DOCX that can be read", "Save it anew as DOCX.")
        if sum(entry.file_size for entry in wanted.values()) > LARGEST:
            raise _too_large()
        left, parts = LARGEST, {}
        for name, entry in wanted.items():
            parts[name], size = _part(file, entry, left)
            left -= size
    return parts


def _too_large() -> Refused:
    return Refused(
        f"the DOCX unpacks to more than {LARGEST:,} bytes of text", "Split it, or take pasted data out."
    )


def _part(file: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> tuple[etree._Element, int]:
    most = min(LARGEST_PART, left)
    try:
        with file.open(entry) as opened:
            data = opened.read(most + 1)
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        RuntimeError,
        NotImplementedError,
        ValueError,
        EOFError,
    ) as e:
        raise Refused("the file is not a DOCX that can be read", "Save it anew as DOCX.") from e
    if len(data) > most:
        raise _too_large()
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise Refused(f"{entry.filename} of the DOCX is not XML", "Save it anew as DOCX.") from error
    if root.getroottree().docinfo.doctype:
        raise Refused("the DOCX declares entities of its own", "Save it anew from a word processor.")
    if _depth(root) > DEEPEST:
        raise Refused(
            f"more than {DEEPEST} elements of the DOCX lie inside each other", "Take nested tables apart."
        )
    return root, len(data)


def _depth(root: etree._Element) -> int:
    deepest = depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _is_text(name: str) -> bool:
    return bool(re.fullmatch(r"word/(?:document|footnotes|endnotes|header\d*|footer\d*)\.xml", name))


def _on(properties: etree._Element | None, name: str) -> bool:
    found = properties.find(f"{_W}{name}") if properties is not None else None
    return found is not None and found.get(f"{_W}val") not in {"0", "false", "off"}


def _hiding_styles(parts: dict[str, etree._Element]) -> frozenset[str]:
    styles = parts.get("word/styles.xml")
    if styles is None:
        return frozenset()
    return frozenset(
        style.get(f"{_W}styleId") or ""
        for style in styles.iter(f"{_W}style")
        if _on(style.find(f"{_W}rPr"), "vanish")
    )


def _without_hidden(root: etree._Element, hiding: frozenset[str]) -> int:
    """Takes hidden runs out; returns how many pieces with words there were: neighbours are one."""
    count, last = 0, None
    for run in list(root.iter(f"{_W}r")):
        parent = run.getparent()
        if parent is None or not _hides(run, hiding):
            continue
        if "".join(_texts(run)).strip():
            before = run.getprevious()
            count += last is None or last != (parent, before)
        last = (parent, run.getprevious())
        parent.remove(run)
    return count


def _texts(run: etree._Element) -> Iterator[str]:
    return (text.text or "" for text in run.iter(f"{_W}t"))


def _hides(run: etree._Element, hiding: frozenset[str]) -> bool:
    properties = run.find(f"{_W}rPr")
    paragraph = run.getparent()
    while paragraph is not None and paragraph.tag != f"{_W}p":
        paragraph = paragraph.getparent()
    styles = [properties.find(f"{_W}rStyle") if properties is not None else None]
    if paragraph is not None:
        styles.append(paragraph.find(f"{_W}pPr/{_W}pStyle"))
    if any(style is not None and style.get(f"{_W}val") in hiding for style in styles):
        return properties is None or properties.find(f"{_W}vanish") is None or _on(properties, "vanish")
    if properties is None:
        return False
    if _on(properties, "vanish") or _on(properties, "webHidden"):
        return True
    size, color = properties.find(f"{_W}sz"), properties.find(f"{_W}color")
    if (
        size is not None
        and (size.get(f"{_W}val") or "").isdecimal()
        and int(size.get(f"{_W}val") or "9") <= 3
    ):
        return True
    white = color is not None and (color.get(f"{_W}val") or "").upper() == "FFFFFF"
    return white and not _on_colour(run)


def _on_colour(run: etree._Element) -> bool:
    """White letters in a shaded run, paragraph or cell are seen; a table may have its colour from a style."""
    around = [run, *run.iterancestors()]
    return any(tag.tag == f"{_W}tbl" for tag in around) or any(
        tag.find(f"{_W}{kind}/{_W}shd") is not None for tag in around for kind in ("rPr", "pPr", "tcPr")
    )
