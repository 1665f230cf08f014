"""A help centre on the web as a source: its pages by sitemap, by list, by llms.txt, or by following links."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Literal

from ingest.sources import sitemap as lists
from ingest.sources.places import Place, place, within
from ingest.sources.polite import Net
from ingest.sources.site import Refused, Site
from ingest.sources.sitemap import Entry, Sitemap
from ingest.sources.source import Failed, Fetched, Found, Gone, Listing, Unchanged
from ingest.sources.spool import Spool
from ingest.sources.survey import Survey
from ingest.sources.web_options import Options, options_of, start_of
from ingest.sources.web_page import ACCEPT, WebPage, conditions, folder_of, is_page, original, same, web_page
from knowledge.addresses import PUBLIC, AddressPolicy
from knowledge.errors import SourceUnreadable

DEPTH = 8
"""Steps from the first page that links are followed, where nobody says."""
MOST_SITEMAPS = 500
SLOWEST = 60.0
"""Seconds between two requests; a site that asks for more would take days."""


Who = Literal["asked", "named", "guessed"]
"""Who says that there is a sitemap: the location, the site itself, nobody."""


class Website:
    """Where `location` leads says how its pages are found:

    - `https://help.acme.com/` or any folder of a site: by the sitemaps that its robots.txt names, else by
      /sitemap.xml, else by following links from there. Only what lies in the folder is taken.
    - `https://help.acme.com/sitemap.xml` (or .xml.gz): by this sitemap and those it names.
    - `https://help.acme.com/llms.txt`: the pages it links to.
    - `https://help.acme.com/pages.txt`, any other text file: one address a line.

    Options: `pages` (at most, 2000), `depth` (follow links that many steps far and look at no sitemap),
    `urls` (these pages and no others, separated by spaces), `include` and `exclude` (folders of the site,
    separated by commas), `rate` (requests per second, 2), `lang` (of pages that do not say their own).

    Only one host is read, and www with it where one leads to the other. A page is called by its path.
    Listing by links loads the pages; `fetch` then gives what was loaded.
    """

    def __init__(
        self,
        location: str,
        options: Mapping[str, str],
        policy: AddressPolicy = PUBLIC,
        net: Net | None = None,
    ) -> None:
        """Raises `KnowledgeError`. `policy` and `net` are code's to pass, never a setting's."""
        self._start = start_of(location, policy)
        self._options = options_of(options)
        self._new_site = partial(Site, self._start, policy, net or Net(), self._options.rate)
        self._site = self._new_site()
        self._kind = _kind(self._start.path, self._options)
        self._folder = (folder_of(self._start.path),) if self._kind in ("site", "links") else ("/",)
        """A site's page stands for the folder it lies in, a list for the whole site."""
        self._survey = Survey(self._options.pages)
        self._loaded: dict[str, WebPage] = {}
        """Without their bytes, which are in the spool."""
        self._spool = Spool()
        self._gone: set[str] = set()
        self._landed: dict[str, str] = {}
        """Where redirects ended -> which page was sent there."""

    # --- what is there --------------------------------------------------------------------------

    def listing(self, known: Mapping[str, str]) -> Listing:
        self._site = self._new_site()  # what it said of itself before may have changed
        rules = self._site.rules()
        if isinstance(rules, Failed):
            return Listing([], [("/robots.txt", rules.reason)], [])
        if rules.seconds > SLOWEST:
            raise SourceUnreadable(
                f"{self._start.url}: robots.txt asks for {rules.seconds:.0f} s between two requests. "
                "Ask the site for less for Stepfour (`User-agent: Stepfour`, `Crawl-delay: 1`)."
            )
        self._survey = Survey(self._options.pages)
        self._loaded, self._gone, self._landed = {}, set(), {}
        self._spool.clear()
        match self._kind:
            case "urls":
                self._name(Entry(url) for url in self._options.urls)
            case "sitemap":
                self._by_sitemaps([self._start.url], "asked")
            case "llms" | "text" as kind:
                text = self._text_of(self._start)
                self._name(lists.llms(text) if kind == "llms" else lists.lines(text))
            case "links":
                self._by_links(known)
            case _:
                named = rules.sitemaps
                if not (named and self._by_sitemaps(named, "named")) and not self._by_sitemaps(
                    [f"{self._site.origin}/sitemap.xml"], "guessed"
                ):
                    self._by_links(known)
        return self._survey.listing()

    def _text_of(self, there: Place) -> str:
        loaded = self._site.load(there)
        if isinstance(loaded, Failed):
            self._survey.unreadable.append((there.path, loaded.reason))
            return ""
        if isinstance(loaded, Refused):
            raise SourceUnreadable(f"{loaded.reason} Check the address.")
        text = loaded.answer.body.decode("utf-8", "replace")
        if loaded.answer.status != 200 or text.lstrip().startswith("<"):
            raise SourceUnreadable(f"{there.url}: no list of pages is there. Check the address.")
        return text

    def _by_sitemaps(self, urls: list[str], who: Who) -> bool:
        """Whether they named pages, or would have if they could be read."""
        survey = self._survey
        before = len(survey.unreadable)
        queue, seen = deque((url, who) for url in urls), set(urls)
        while queue and not survey.full:
            url, who = queue.popleft()
            found = self._sitemap(url, who)
            self._name(found.entries)
            fresh = [other for other in dict.fromkeys(found.others) if other not in seen]
            if len(seen) + len(fresh) > MOST_SITEMAPS:
                why = f"{url}: more than {MOST_SITEMAPS} sitemaps. Give the address of one of them."
                survey.unreadable.append((url, why))
                fresh = fresh[: max(0, MOST_SITEMAPS - len(seen))]
            seen.update(fresh)
            queue.extend((other, "named") for other in fresh)
        return bool(survey.pages) or len(survey.unreadable) > before

    def _sitemap(self, url: str, who: Who) -> Sitemap:
        """What can be had of it; what cannot is noted."""
        survey, there = self._survey, place(url, self._start.url)
        loaded = (
            self._site.load(there, largest=lists.LARGEST)
            if there
            else Refused(f"{url[:200]}: not the address of a sitemap. Mend or remove it.")
        )
        path = there.path if there and self._site.belongs(there) else url
        if isinstance(loaded, Failed) or (isinstance(loaded, Refused) and loaded.perhaps and who == "named"):
            survey.unreadable.append((path, loaded.reason))
            return Sitemap()
        if isinstance(loaded, Refused):
            if who == "asked":
                raise SourceUnreadable(f"{loaded.reason} Check the address.")
            if who == "named":
                survey.refuse(path, loaded.reason)
            return Sitemap()
        (status, headers, body), at = loaded
        plain = headers.get("content-type", "").startswith("text/plain") or at.path.endswith(".txt")
        found = lists.unpacked_sitemap(body, plain=plain) if status == 200 else Sitemap()
        if not found.kind and who == "asked":
            raise SourceUnreadable(f"{url}: no sitemap is there. Check the address.")
        if found.broken and (found.kind or who == "named"):
            why = f"{url}: a broken sitemap ({found.broken}), read up to there. Mend it."
            survey.unreadable.append((path, why))
        elif not found.kind and who == "named":
            why = f"{url}: named as a sitemap and is none ({status}). Mend or remove the line."
            survey.unreadable.append((path, why))
        return found

    def _name(self, entries: Iterable[Entry]) -> None:
        """Takes what a list names, as far as it belongs to the source."""
        for entry in entries:
            if self._survey.full:
                return
            there = place(entry.url, self._start.url)
            if there is None:
                self._survey.refuse(
                    entry.url, f"{entry.url[:200]}: not the address of a page. Mend the list."
                )
            elif self._site.belongs(there) and not self._wanted(there.path):
                continue
            elif not is_page(there.path):
                self._survey.refuse(
                    there.path, f"{there.url}: by its name no page. Leave it out of the list."
                )
            elif reason := self._site.barred(there):
                self._survey.refuse(there.path if self._site.belongs(there) else there.url, reason)
            else:
                self._survey.add(there, entry)

    def _wanted(self, path: str) -> bool:
        options = self._options
        return (
            within(path, self._folder)
            and (not options.include or within(path, options.include))
            and not within(path, options.exclude)
        )

    # --- by links -------------------------------------------------------------------------------

    def _by_links(self, known: Mapping[str, str]) -> None:
        survey, depth = self._survey, self._options.depth
        queue = deque([(self._start, 0)])
        seen = {self._start.path}
        asked = 0
        barred: list[str] = []
        while queue:
            there, far = queue.popleft()
            if asked == survey.most:
                survey.stop(there.path)
                break
            asked += 1
            page = self._load(there)
            if isinstance(page, WebPage):
                seen.add(page.place.path)
                if there is self._start and not within(page.place.path, self._folder):
                    self._folder = (folder_of(page.place.path),)  # the help centre has moved
                self._take(page)
                if far < (DEPTH if depth is None else depth) and not page.nofollow:
                    fresh = self._followed(page, seen, barred)
                    seen.update(each.path for each in fresh)
                    queue.extend((each, far + 1) for each in fresh)
            elif isinstance(page, Gone | Refused) and there is self._start:
                why = page.reason or f"{there.url}: no page is there."
                raise SourceUnreadable(f"{why} Check the address.")
            elif isinstance(page, Gone) and there.path in known:
                self._gone.add(there.path)
                survey.add(there, Entry(there.url))
            elif isinstance(page, Refused) and not (page.perhaps and there.path in known):
                survey.refuse(there.path, page.reason)
            elif isinstance(page, Refused | Failed):
                survey.unreadable.append((there.path, page.reason))
        if barred:
            survey.refuse(
                barred[0], f"{len(barred)} linked pages are disallowed by robots.txt, this one first."
            )
        twins = [path for path, page in self._loaded.items() if path in survey.pages and self._twin(page)]
        for path in twins:
            del survey.pages[path]

    def _take(self, page: WebPage) -> None:
        path = page.place.path
        if path in self._loaded or not self._wanted(path) or page.head.leads_on:
            return
        if page.noindex:
            self._survey.refuse(path, f"{page.place.url}: asks not to be indexed (noindex). Allow it there.")
            return
        self._keep(path, page)
        self._survey.add(page.place, Entry(page.place.url))

    def _followed(self, page: WebPage, seen: set[str], barred: list[str]) -> list[Place]:
        fresh: dict[str, Place] = {}
        for href in (page.head.leads_on, *page.head.links) if page.head.leads_on else page.head.links:
            there = page.at(href)
            if there is None or there.path in seen or there.path in fresh or not is_page(there.path):
                continue
            if not self._site.belongs(there) or not self._wanted(there.path):
                continue
            if self._site.barred(there):
                seen.add(there.path)
                barred.append(there.path)
                continue
            fresh[there.path] = there
        return list(fresh.values())

    # --- one page -------------------------------------------------------------------------------

    def fetch(self, found: Found, stamp: str) -> Fetched | Unchanged | Gone | Failed:
        path = found.path
        if path in self._gone:
            return Gone()
        page = self._page(path, stamp)
        if isinstance(page, Refused):
            return Failed(page.reason)
        if not isinstance(page, WebPage):
            return page
        reason = self._not_its_own(path, page)
        if reason is not None:
            return reason
        if same(page, stamp):
            return Unchanged()
        alternates = self._alternates(path, page)
        entry = self._survey.pages.get(path)
        return Fetched(
            raw=page.raw,
            media=page.media,
            modified=page.head.modified or (entry.modified if entry else None) or page.modified,
            stamp=page.stamp,
            url=page.place.url,
            lang=next((lang for lang, there in alternates.items() if there == path), "")
            or page.lang
            or self._options.lang,
            translation_of=original(alternates, path),
        )

    def _page(self, path: str, stamp: str = "") -> WebPage | Refused | Gone | Unchanged | Failed:
        """What the listing loaded, else what is there now."""
        page, raw = self._loaded.get(path), self._spool.get(path)
        if page is not None and raw is not None:
            return page.with_raw(raw)
        return self._load(self._survey.places.get(path) or Place(self._site.origin, path, path), stamp)

    def _load(self, there: Place, stamp: str = "") -> WebPage | Refused | Gone | Unchanged | Failed:
        return web_page(self._site.load(there, {"Accept": ACCEPT, **conditions(stamp)}), there)

    def _keep(self, path: str, page: WebPage) -> None:
        self._loaded[path] = page.without_raw()
        self._spool.put(path, page.raw)

    def _not_its_own(self, path: str, page: WebPage) -> Gone | Failed | None:
        """Why a page is no document of its own, where it is none."""
        pages, at = self._survey.pages, page.place.path
        if page.noindex:
            return Gone(f"{page.place.url}: asks not to be indexed (noindex).")
        if page.head.leads_on:
            return Gone(f"{page.place.url}: only leads on to {page.head.leads_on[:200]}.")
        if at != path and at in pages:
            return Gone(f"{path}: has moved to {at}, which is listed too.")
        first = self._landed.setdefault(at, path)
        if first != path:
            return Failed(f"{path}: leads to {at} as {first} does. List the page itself, or exclude these.")
        twin = self._twin(page)
        return Gone(f"{path}: is {twin}, as it says itself (canonical).") if twin not in ("", path) else None

    def _twin(self, page: WebPage) -> str:
        """The listed page that a page says it is; believed only where that one says nothing else."""
        path = self._canonical(page)
        if not path or path not in self._survey.pages:
            return ""
        other: WebPage | Refused | Gone | Unchanged | Failed | None = self._loaded.get(path)
        if other is None:
            other = self._page(path)
            if isinstance(other, WebPage):
                self._keep(path, other)
        own = isinstance(other, WebPage) and not other.noindex and self._canonical(other) in ("", path)
        return path if own else ""

    def _canonical(self, page: WebPage) -> str:
        """Another page, that this one says it is. One that names the front page is a known mistake of site
        builders: every page says so."""
        there = page.at(page.head.canonical) if page.head.canonical else None
        if there is None or there.path in (page.place.path, "/") or not self._site.belongs(there):
            return ""
        return there.path

    def _alternates(self, path: str, page: WebPage) -> dict[str, str]:
        """Language -> path, of the listed pages that are this one in another language, and its own."""
        entry = self._survey.pages.get(path)
        said = {**(entry.alternates if entry else {}), **page.head.alternates}
        places = {lang: page.at(href) for lang, href in said.items()}
        return {
            lang: there.path
            for lang, there in places.items()
            if there
            and self._site.belongs(there)
            and (there.path == path or there.path in self._survey.pages)
        }


def _kind(path: str, options: Options) -> Literal["urls", "sitemap", "llms", "text", "links", "site"]:
    file = path.partition("?")[0].rpartition("/")[2].lower()
    if options.urls:
        return "urls"
    if file.endswith((".xml", ".xml.gz")):
        return "sitemap"
    if file.endswith(".txt"):
        return "llms" if file.startswith("llms") else "text"
    return "links" if options.depth is not None else "site"
