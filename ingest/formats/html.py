"""HTML -> Markdown: the main content of a page, without what surrounds it on every page of its site.

A help centre of a kind that is not found well: add the selector of its article to `ARTICLE`.
"""

from __future__ import annotations

import codecs
import re
from datetime import datetime
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag
from lxml import etree

from ingest.clean import INVISIBLE
from ingest.formats import Converted, Refused, moment
from ingest.formats.shape import BLOCKS, possible, shaped, vocabulary
from ingest.formats.unseen import take_out
from ingest.formats.writer import markdown

DEEPEST = 250
"""Elements inside each other. Pages that people write stay under 60."""

MOST_ELEMENTS = 100_000
LARGEST = 2_000_000
"""Characters of text."""

ARTICLE = (
    "[itemprop=articleBody]",  # Zendesk Guide, Read the Docs
    ".article-body, .article_body, .article__body, #article-body",  # Zendesk, Intercom, Freshdesk
    "#fullArticle",  # Help Scout
    ".d360-article-content, #articleContent, .content_block_text",  # Document360
    ".theme-doc-markdown",  # Docusaurus
    ".md-content__inner",  # MkDocs Material
    ".sl-markdown-content",  # Starlight
    ".vp-doc",  # VitePress
    ".rm-Article .rm-Markdown, .rm-Article",  # ReadMe
    "#content-area .mdx-content, .mdx-content, #content-area",  # Mintlify
    ".markdown-section",  # GitBook of before
    "#main-content.wiki-content, .kb-article, .entry-content, #mw-content-text",
    "article",
    "[role=main]",
    "main",
    "#main-content, #content, .main-content, .page-content",
)

_AROUND = (
    "nav, footer, form, button, dialog, menu, script, style, svg, iframe, canvas, object, select, textarea"
)
_ROLES = (
    "[role=navigation], [role=search], [role=banner], [role=contentinfo], [role=complementary], "
    "[role=dialog], [role=alertdialog], [role=menu], [role=menubar], [role=toolbar]"
)
_CHROME = re.compile(
    r"(?:^|[-_\s])(?:breadcrumbs?|cookies?|consent|gdpr|feedback|helpful|votes?|voting|rating|reactions?|"
    r"related|recent(?:ly)?-(?:viewed|articles)|shar(?:e|ing)|social|toc|table-of-contents|on-this-page|"
    r"paginat(?:ion|or)|pager|prev-next|next-prev|sidebar|sidenav|navbar|nav|navigation|comments|disqus|"
    r"more-questions|subscribe|newsletter|edit-this-page|edit-page|skip-link|skip-to-content|copy-button|"
    r"copy-code|promo|advert|ads|avatar|byline|back-to-top|search|footer|chat-widget|modal|popup|toast|"
    r"last-updated|read-time|linenos?|line-numbers|gutter)(?:$|[-_\s])"
)
_PERMALINK = re.compile(r"hash-?link|headerlink|anchorjs|header-anchor|heading-anchor|permalink|anchor-link")
_ASIDE = re.compile(r"admonition|callout|note|warning|tip|caution|danger|info|alert|hint|starlight-aside")
_ASKS = re.compile(
    r"(?:was this (?:article|page|helpful|information)|did this (?:answer|page|article)|is this page useful|"
    r"how did we do|est[ea] (?:artigo|página) (?:foi|ajudou)|(?:esta página|isso) (?:foi|é) útil|"
    r"¿?(?:te )?(?:fue|ha sido|resultó) útil|have more questions|ainda tem dúvidas|¿?tienes? más preguntas)",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"(?:related (?:articles|content|topics|pages|posts)|recently viewed(?: articles)?|you might also like|"
    r"(?:artigos|conteúdos|páginas) relacionad[oa]s|artículos relacionados|"
    r"more (?:articles|in this section))\W*",
    re.IGNORECASE,
)
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_WHOLE = re.compile(rb"<(?:html|body|head)\b", re.IGNORECASE)
_MODIFIED = (
    "meta[property='article:modified_time'], meta[itemprop=dateModified], meta[name='last-modified'], "
    "meta[name='dcterms.modified'], meta[property='og:updated_time']"
)


def convert(raw: bytes, url: str = "") -> Converted:
    """Raises `Refused`."""
    source = INVISIBLE.sub("", decoded(raw))
    _bounded(source)
    soup = BeautifulSoup(source, "lxml")
    title, base = _title(soup), _base(soup, url)
    modified, lang = _modified(soup), _lang(soup)
    shaped(soup)
    stood = take_out(soup)
    main = _main(soup) if _WHOLE.search(raw[:100_000]) else soup.body or soup
    heading, own = _heading(soup, main), _own_heading(main)
    hidden = sum(1 for place in stood if place is main or main in place.parents)
    _prune(main)
    if _words(main) > LARGEST:
        raise Refused(f"the text is longer than {LARGEST:,} characters", "Split it.")
    text = markdown(main, base)
    if heading and text:
        text = f"# {heading}\n\n{text}"
    return Converted(text, heading or own or title, lang, modified, hidden)


def decoded(raw: bytes) -> str:
    """By its mark, by what it says of itself, else UTF-8, else as most old pages are."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if raw.startswith(mark):
            return raw.decode(name, errors="replace").lstrip("\ufeff")
    said = _META_CHARSET.search(raw[:4_096])
    for name in ("utf-8", said[1].decode() if said else "", "cp1252"):
        try:
            return raw.decode(name)
        except (LookupError, UnicodeError):
            continue
    return raw.decode("latin-1")


def _bounded(source: str) -> None:
    """What comes after goes from element to element and needs memory for each."""
    if not source.strip():
        raise Refused("the page holds no text", "Write it, or take it out of the source.")
    parser = etree.HTMLParser(huge_tree=True)
    root = etree.fromstring(source.encode(), parser)
    depth = count = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")) if root is not None else ():
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > DEEPEST:
            fix = "Close the elements of the page, or take it out of the source."
            raise Refused(f"more than {DEEPEST} elements lie inside each other", fix)
        if count > MOST_ELEMENTS:
            raise Refused(f"the page has more than {MOST_ELEMENTS:,} elements", "Split it.")


def _lang(soup: BeautifulSoup) -> str:
    return str(soup.html.get("lang") or "") if soup.html else ""


def _base(soup: BeautifulSoup, url: str) -> str:
    given = soup.find("base", href=True)
    return urljoin(url, str(given["href"])) if isinstance(given, Tag) else url


def _modified(soup: BeautifulSoup) -> datetime | None:
    said = soup.select_one(_MODIFIED)
    return moment(str(said.get("content") or "")) if said else None


def _title(soup: BeautifulSoup) -> str:
    """What the page calls itself, without the name of the site."""
    said = soup.select_one("meta[property='og:title']")
    if said and str(said.get("content") or "").strip():
        return " ".join(str(said["content"]).split())
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    parts = re.split(r"\s+[|·–—-]\s+", title)
    return " - ".join(parts[:-1]) if len(parts) > 1 else title


def _words(tag: Tag) -> int:
    return len(tag.get_text(" ", strip=True))


def _main(soup: BeautifulSoup) -> Tag:
    body = soup.body or soup
    words = vocabulary(body)
    for selector in ARTICLE:
        if not possible(selector, words):
            continue
        found = [tag for tag in body.select(selector) if _words(tag) > 40 or tag.find("h1")]
        found = [tag for tag in found if not any(other in tag.parents for other in found)]
        if not found:
            continue
        largest = max(found, key=_words)
        # Several of one size are the cards of an overview: what holds them all is the content.
        if _words(largest) >= 0.6 * sum(_words(tag) for tag in found):
            return largest
    return _dense(body)


def _dense(body: Tag) -> Tag:
    """The smallest element that holds nearly all of what a reader for any kind of page takes for the text."""
    from trafilatura import extract

    text = extract(str(body), favor_recall=True, include_tables=True, include_comments=False) or ""
    lines = [line for line in (_bare(line) for line in text.split("\n")) if len(line) > 20]
    wanted = sum(len(line) for line in lines)
    if not wanted:
        return body
    place = body
    while True:
        best, most = None, 0
        for tag in place.find_all(BLOCKS, recursive=False):
            text = _bare(tag.get_text(" "))
            held = sum(len(line) for line in lines if line in text)
            if held > most:
                best, most = tag, held
        if best is None or most < 0.85 * wanted:
            return place
        place = best


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def _heading(soup: BeautifulSoup, main: Tag) -> str:
    """The heading that stands outside the main content."""
    if main.find("h1"):
        return ""
    outside = [
        h for h in soup.find_all("h1") if h.get_text(strip=True) and not h.find_parent(["nav", "footer"])
    ]
    return " ".join(outside[0].get_text().split()) if len(outside) == 1 else ""


def _own_heading(main: Tag) -> str:
    first = main.find("h1")
    return " ".join(first.get_text().split()) if first else ""


def _prune(main: Tag) -> None:
    for tag in main.select(f"{_AROUND}, {_ROLES}"):
        tag.decompose()
    whole = _words(main)
    for tag in main.find_all(True):
        if tag.decomposed:
            continue
        name = _names(tag)
        if tag.name == "a" and (
            _PERMALINK.search(name) or (not re.search(r"\w", tag.get_text()) and not tag.find("img"))
        ):
            _keep_id(tag)
            tag.decompose()
        elif _is_chrome(tag, name, whole):
            tag.decompose()
    _prune_end(main)


def _is_chrome(tag: Tag, name: str, whole: int) -> bool:
    if tag.name == "header":
        return tag.find(re.compile("^h[1-6]$")) is None
    if tag.name == "aside":
        return not (_ASIDE.search(name) or tag.has_attr("data-callout"))
    # A name that holds most of the page is the name of the page.
    named = tag.name in BLOCKS and _CHROME.search(name) is not None
    return named and (tag.name == "td" or _words(tag) < 0.5 * whole)


def _prune_end(main: Tag) -> None:
    """What asks how the page was, and lists of other pages, where no class says so."""
    for text in main.find_all(string=_ASKS):
        block = text.find_parent(BLOCKS)
        if (
            block is None
            or block is main
            or block.name == "li"
            or not _ASKS.match(block.get_text(" ", strip=True))
        ):
            continue
        while block.parent is not None and block.parent is not main and _words(block.parent) < 150:
            block = block.parent
        if _words(block) < 150:
            block.decompose()
    for heading in main.find_all(re.compile("^h[2-6]$")):
        if _MORE.fullmatch(heading.get_text(" ", strip=True)):
            after = heading.find_next_sibling()
            if isinstance(after, Tag) and _mostly_links(after):
                after.decompose()
                heading.decompose()


def _mostly_links(tag: Tag) -> bool:
    return sum(_words(link) for link in tag.find_all("a")) > 0.7 * _words(tag)


def _names(tag: Tag) -> str:
    given = [*tag.get_attribute_list("class"), tag.get("id"), tag.get("data-testid")]
    words = " ".join(str(name) for name in given if name)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", words).lower()


def _keep_id(link: Tag) -> None:
    """A heading may be named by the link inside it."""
    heading = link.find_parent(re.compile("^h[1-6]$"))
    name = link.get("id") or link.get("name")
    if heading and name and not heading.get("id"):
        heading["id"] = str(name)
