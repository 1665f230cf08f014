"""The words of knowledge: frozen values, no I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Language = Literal["en", "pt", "es"]
Audience = Literal["public", "customer", "internal"]


class Value(BaseModel):
    """Base of every value: frozen, and a field that nobody declared is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Value):
    """Where documents come from. Only a source marked `procedures` yields procedures."""

    id: str
    location: str
    procedures: bool = False
    audience: Audience = "public"
    kind: str = "folder"
    options: tuple[tuple[str, str], ...] = ()
    """What its kind goes by, beside the location."""
    every: int | None = None
    """Minutes between two syncs while the service runs; None: only when somebody asks."""


class Document(Value):
    """One article as it stands now; its text lives in versions."""

    id: str
    source: str
    path: str
    """Place inside the source, with forward slashes: what a citation names."""
    title: str
    lang: str
    audience: Audience
    version: str
    """Content hash (SHA-256) of the current version."""
    updated_at: datetime
    group: str = ""
    """The same for a page and its translations."""
    url: str = ""
    """Where people read it; empty where nobody said."""


class Address(Value):
    """Where a page of a company's own site is read."""

    url: str
    """In one form, without an anchor; empty where it is read with us alone."""
    anchors: frozenset[str] = frozenset()
    """Of its headings."""


class Passage(Value):
    """A citable piece of one version of a document."""

    id: str
    document: str
    version: str
    ord: int
    title: str
    path: str
    lang: str
    heading_path: tuple[str, ...]
    """Headings above the passage, outermost first, without the document's title."""
    anchor: str | None
    text: str
    updated_at: datetime


class Citation(Value):
    """A passage and the words quoted from it; the quote stands in that passage version verbatim."""

    passage: str
    document: str
    version: str
    title: str
    path: str
    anchor: str | None
    quote: str
    updated_at: datetime
    lang: str
    shown: str = ""
    """How a reply shows the quote where that is not as it stands: rows of a table in words, with the names of
    their columns."""
    section: str = ""
    """Heading of the section that the anchor leads to, for people."""
    place: str = ""
    """The section by a name that is the same in every language; empty where nobody needs to know."""
    doubt: Literal["", "contradicted", "outdated"] = ""
    """What was known to speak against the page when it was cited."""


Became = Literal["changed", "moved", "gone", "erased"]
"""What became of a page since it was cited. `moved`: it says the same at another place."""


class Fate(Value):
    """What became of a page since it was cited, and where it is by now."""

    became: Became
    now_at: str | None = None
    """Its path, where that is another one."""


class Cited(Value):
    """What a surface keeps of a citation, to ask what became of its page."""

    path: str
    quote: str
    updated_at: datetime
    """Of the page in the version that was cited."""


class Piece(Value):
    """A part of a page's text that will be a passage."""

    heading_path: tuple[str, ...]
    anchor: str | None
    text: str


def cite(passage: Passage, quote: str, shown: str = "") -> Citation:
    """`quote` must be verbatim words of the passage."""
    return Citation(
        passage=passage.id,
        document=passage.document,
        version=passage.version,
        title=passage.title,
        path=passage.path,
        anchor=passage.anchor,
        quote=quote,
        shown=shown,
        updated_at=passage.updated_at,
        lang=passage.lang,
    )


class Place(Value):
    """A line of a page that something is said about."""

    document: str
    """Empty where the point is that there is no page; `quote` then holds the question."""
    quote: str
    """Verbatim words of the page."""
    version: str = ""
    path: str = ""
    line: int = 0
    """Of the page's text, from 1; 0 where it is not known."""
    anchor: str | None = None
    whole: bool = False
    """The whole page is meant; `quote` is where a reader sees it."""


class Mark(Value):
    """What speaks against citing a passage as it stands."""

    finding: str
    kind: str
    confidence: float
    place: Place
    """The line of the passage that it is about."""
    other: Place | None = None
    """What says otherwise, where there is such a page."""


class Hit(Value):
    """A passage that search found."""

    passage: Passage
    score: float
    """Fused score; comparable within one search only."""
    relevance: float
    """Calibrated 0..1: how likely the passage answers the query. Comparable across searches."""
    quotes: tuple[str, ...] = ()
    """The sentences or lines of the passage that speak to the query, best first, verbatim."""
    asked: frozenset[str] = frozenset()
    """Stems of what is asked last, and what means the same, in the passage's language."""
    fits: bool = True
    """Its first quote is of the kind that the query waits for: a way, a price, a reason ..."""
    mark: Mark | None = None
    """What speaks against it: another page contradicts it, or it is out of date."""
    twins: tuple[str, ...] = ()
    """Paths of other documents that say the same; this one stands for them."""
    titled: float = 0.0
    """How near the title of its page is to the query, as a cosine; 0 where it could not be compared."""


class Check(Value):
    """What a machine looks at: a probe's name and its parameters (`{domain}` is the subject)."""

    name: str
    params: tuple[tuple[str, str | bool | int | float], ...] = ()

    def param(self, key: str) -> str | bool | int | float | None:
        return dict(self.params).get(key)


class Step(Value):
    """What the customer does. Linear unless it names outcomes."""

    id: str
    title: str
    text: str
    """The section of the page that explains the step, Markdown."""
    anchor: str
    subject: str
    """Kind of subject the step is about, e.g. `domain`."""
    check: Check | None = None
    must_check: bool = False
    outcomes: tuple[tuple[str, str], ...] = ()
    """For a branching step: named outcome and where it leads: a step, a section of the page, or an end."""
    next: str | None = None
    """Where it leads once done, where that is not the step written below it."""
    seen: tuple[tuple[str, str], ...] = ()
    """For a branching step with a check: the outcome that `met` and `not_met` stand for."""
    titles: tuple[tuple[str, str], ...] = ()
    """Translated titles by language."""
    says_done: tuple[str, ...] = ()
    says_not_done: tuple[str, ...] = ()
    says: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """For a branching step: examples of how each outcome is told."""
    labels: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """For a branching step: what people see for an outcome, by language."""

    def title_in(self, lang: str) -> str:
        return dict(self.titles).get(lang, self.title)

    def label_of(self, outcome: str, lang: str) -> str | None:
        return dict(dict(self.labels).get(outcome, ())).get(lang)


class Advice(Value):
    """A section of the page at which a way through a branching procedure ends."""

    id: str
    """Its anchor."""
    title: str
    text: str


class Procedure(Value):
    """How one kind of request is resolved: a help page that machines can follow."""

    id: str
    document: str
    version: str
    path: str
    lang: str
    title: str
    when: str
    intro: str
    """The text of the page before its first step."""
    subjects: tuple[str, ...]
    """Kinds of subject, the first is the main one."""
    steps: tuple[Step, ...]
    action: str | None = None
    advice: tuple[Advice, ...] = ()
    """Sections that outcomes lead to."""
    titles: tuple[tuple[str, str], ...] = ()
    """Translated titles of the page by language."""

    @property
    def branches(self) -> bool:
        """False where the steps are simply done in their order."""
        return any(step.outcomes or step.next for step in self.steps)

    def title_in(self, lang: str) -> str:
        return dict(self.titles).get(lang, self.title)

    def step(self, id: str) -> Step:
        return next(step for step in self.steps if step.id == id)

    def advised(self, id: str) -> Advice | None:
        return next((advice for advice in self.advice if advice.id == id), None)

    def title_of(self, id: str, lang: str) -> str | None:
        """Title of a step, of a section that a way leads to, or of the page; None where nothing is it."""
        if id == self.id:
            return self.title_in(lang)
        step = next((step for step in self.steps if step.id == id), None)
        advice = self.advised(id)
        return step.title_in(lang) if step else advice.title if advice else None

    def anchor_of(self, id: str) -> str:
        return next((step.anchor for step in self.steps if step.id == id), id)

    def after(self, step: Step) -> str:
        """Where a step without outcomes leads: a step, a section, or one of the ends."""
        if step.next is not None:
            return step.next
        place = self.steps.index(step) + 1
        return self.steps[place].id if place < len(self.steps) else "action" if self.action else "done"


class Page(Value):
    """A document as ingest hands it over: read, cleaned and cut."""

    path: str
    title: str
    lang: str
    updated_at: datetime
    version: str
    """Content hash (SHA-256)."""
    group: str
    audience: Audience
    text: str
    metadata: str = "{}"
    """Whatever else the front matter held, as JSON."""
    pieces: tuple[Piece, ...]
    procedure: Procedure | None = None
    url: str = ""
    """Where people read it; empty where the source does not say."""
    hidden: int = 0
    """How many pieces of text that its readers do not see were taken out."""
