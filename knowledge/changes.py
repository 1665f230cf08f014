"""What changed between two moments, for people: by topic and sentence, with the procedures touched."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

import sqlalchemy as sa

from knowledge import catalogue, runs
from knowledge.errors import KnowledgeError, PageError
from knowledge.frontmatter import split
from knowledge.markdown import sections
from knowledge.model import Procedure, Step, Value
from knowledge.quotes import sentences
from knowledge.tables import DOCUMENT, PROCEDURE, SYNC_RUN

Kind = Literal["new", "changed", "moved", "removed"]

ALIKE = 0.5
"""From this ratio on two sentences are one that was reworded."""

MOST_PAIRED = 40
"""Sentences of one place that are paired by likeness; where more were replaced, nothing is like anything."""

LONG = 2_000
"""Sentences from which on a page is compared the fast way."""

_LANGUAGE = re.compile(r"[a-z]{2}([-_][A-Za-z]{2,4})?")
_OWN_LINE = re.compile(r"\s*(?:[-*+]\s|\d+[.)]\s|>|\||`{3}|~{3}|#)")
_MARKER = re.compile(r"^\s*(?:[-*+]|\d+[.)]|>)\s+")


class Reworded(Value):
    """One sentence before and after, word for word; one of the two is empty where it came or went."""

    heading: str
    before: str
    after: str


class PageChange(Value):
    """What became of one page."""

    kind: Kind
    document: str
    title: str
    path: str
    lang: str
    topic: str
    moved_from: str | None = None
    """Path before it moved."""
    sentences: tuple[Reworded, ...] = ()


class StepChange(Value):
    """What of a step is new: `new`, `removed`, or which of its parts read differently."""

    step: str
    title: str
    what: tuple[str, ...]


class ProcedureChange(Value):
    """A procedure whose page, or a translation of it, changed."""

    procedure: str
    title: str
    document: str
    kind: Kind
    steps: tuple[StepChange, ...] = ()
    action: tuple[str | None, str | None] | None = None
    """Before and after, where it is another one."""
    waits: bool = False
    """A person has to approve it before it is followed."""


class WhatChanged(Value):
    """All of it, oldest word before, newest after; what was undone meanwhile is not in it."""

    since: datetime
    until: datetime
    pages: tuple[PageChange, ...] = ()
    """By topic, then by path."""
    procedures: tuple[ProcedureChange, ...] = ()


class _Net(NamedTuple):
    """A document now, and what it was at the start."""

    document: str
    before: str
    """The document that it was then."""
    had: str | None
    has: str | None


# --- sentences: pure ------------------------------------------------------------------------------


def reworded(before: str, after: str) -> tuple[Reworded, ...]:
    """Two texts of a page held against each other. What only moved within the page is no change."""
    old, new = units(before), units(after)
    matcher = difflib.SequenceMatcher(
        None, [_flat(u) for _, u in old], [_flat(u) for _, u in new], autojunk=len(new) > LONG
    )
    found: list[Reworded] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            found += _paired(old[a:b], new[c:d])
    came = {_flat(r.after) for r in found if not r.before}
    went = {_flat(r.before) for r in found if not r.after}
    moved = came & went
    return tuple(r for r in found if (r.before and r.after) or _flat(r.before or r.after) not in moved)


def units(text: str) -> list[tuple[str, str]]:
    """(heading above it, text) in order: sentences, list items, table rows, lines of code, headings."""
    body = _body(text)
    rows = body.split("\n")
    found: list[tuple[str, str]] = []
    for section in sections(body):
        if section.title:
            found.append((section.title, section.title))
        found += [(section.title, unit) for unit in _units(rows[section.start : section.end])]
    return found


def _units(rows: Sequence[str]) -> Iterable[str]:
    paragraph: list[str] = []
    fenced = False
    for row in [*rows, ""]:
        fence = row.lstrip().startswith(("```", "~~~"))
        alone = fenced or fence or not row.strip() or bool(_OWN_LINE.match(row))
        if alone and paragraph:
            yield from sentences(" ".join(paragraph))
            paragraph = []
        if fence:
            fenced = not fenced
        elif fenced or row.lstrip().startswith("|"):
            if row.strip():
                yield row.strip()
        elif row.strip():
            paragraph.append(_MARKER.sub("", row).strip())


def _paired(old: Sequence[tuple[str, str]], new: Sequence[tuple[str, str]]) -> list[Reworded]:
    few = max(len(old), len(new)) <= MOST_PAIRED
    pairs = _alignment([u for _, u in old], [u for _, u in new]) if few else []
    found, a, c = [], 0, 0
    for i, j in [*pairs, (len(old), len(new))]:
        found += [Reworded(heading=h, before=u, after="") for h, u in old[a:i]]
        found += [Reworded(heading=h, before="", after=u) for h, u in new[c:j]]
        if i < len(old) and j < len(new):
            found.append(Reworded(heading=new[j][0], before=old[i][1], after=new[j][1]))
        a, c = i + 1, j + 1
    return found


def _alignment(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs in order, chosen so that what is alike in all of them is the most."""
    like = [[_likeness(a, b) for b in new] for a in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            paired = like[i][j] + best[i + 1][j + 1] if like[i][j] >= ALIKE else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], paired)
    pairs, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        if like[i][j] >= ALIKE and best[i][j] == like[i][j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _likeness(a: str, b: str) -> float:
    """By words: letters make any two sentences alike."""
    return difflib.SequenceMatcher(None, a.lower().split(), b.lower().split(), autojunk=False).ratio()


def _flat(text: str) -> str:
    return " ".join(text.split())


def _body(text: str) -> str:
    try:
        return split(text, "").body
    except PageError:
        return text


def topic_of(document: str, path: str) -> str:
    """The outermost folder that is no language; else the name of the source."""
    folders = [part for part in PurePosixPath(path).parts[:-1] if not _LANGUAGE.fullmatch(part)]
    if folders:
        return folders[0]
    source = document.removesuffix(f":{path}")
    return PurePosixPath(source.rstrip("/")).name or source


# --- procedures: pure -----------------------------------------------------------------------------

_PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("title", ("title",)),
    ("text", ("text",)),
    ("check", ("check", "must_check", "seen", "subject")),
    ("outcomes", ("outcomes", "next")),
    ("translated title", ("titles",)),
)


def steps_changed(before: Procedure | None, after: Procedure | None) -> tuple[StepChange, ...]:
    """In the order of the page as it is now, what is gone at the end."""
    old = {step.id: step for step in before.steps} if before else {}
    new = {step.id: step for step in after.steps} if after else {}
    found = []
    for id, step in new.items():
        what = ("new",) if id not in old else _different(old[id], step)
        if what:
            found.append(StepChange(step=id, title=step.title, what=what))
    found += [StepChange(step=id, title=s.title, what=("removed",)) for id, s in old.items() if id not in new]
    shared = [id for id in old if id in new]
    if shared != [id for id in new if id in old]:
        ids = {change.step for change in found}
        found += [StepChange(step=id, title=new[id].title, what=("order",)) for id in shared if id not in ids]
    return tuple(found)


def _different(old: Step, new: Step) -> tuple[str, ...]:
    return tuple(name for name, fields in _PARTS if any(getattr(old, f) != getattr(new, f) for f in fields))


# --- reading --------------------------------------------------------------------------------------


def since_of(db: sa.Engine, text: str, now: datetime) -> datetime:
    """`2026-05-01`, `7d`, `12h`, or the number of a sync: then from before that sync on."""
    if span := re.fullmatch(r"(\d{1,5})([dh])", text):
        number = int(span.group(1))
        return now - (timedelta(days=number) if span.group(2) == "d" else timedelta(hours=number))
    if text.isdecimal() and len(text) < 8:
        with db.connect() as c:
            began: str | None = c.scalar(sa.select(SYNC_RUN.c.started_at).where(SYNC_RUN.c.id == int(text)))
        if began is None:
            raise KnowledgeError(f"there is no sync {text}. Give a date (2026-05-01) or a time back (7d).")
        return datetime.fromisoformat(began)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        fix = "Give a date (2026-05-01), a time back (7d, 12h), or the number of a sync."
        raise KnowledgeError(f"`{text}` is no moment. {fix}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def what_changed(
    db: sa.Engine, *, since: datetime | None = None, run: int | None = None, now: datetime
) -> WhatChanged:
    """Since a moment, or in one sync."""
    listed = runs.changes(db, since=since, run=run)
    began = since or (listed[0].at if listed else now)
    pages, procedures = [], []
    for net in _net(listed):
        page = _page(db, net)
        if page is None:
            continue
        pages.append(page)
        procedures += _procedures(db, net, page)
    pages.sort(key=lambda page: (page.topic, page.path))
    return WhatChanged(since=began, until=now, pages=tuple(pages), procedures=tuple(_once_each(procedures)))


def _net(listed: Sequence[runs.Change]) -> list[_Net]:
    """Many changes of a document are one, from its first word to its last."""
    start: dict[str, tuple[str, str | None]] = {}
    now: dict[str, str | None] = {}
    for change in listed:
        if change.moved_from is not None:
            start[change.document] = start.pop(change.moved_from, (change.moved_from, change.before))
            now.pop(change.moved_from, None)
        start.setdefault(change.document, (change.document, change.before))
        now[change.document] = change.after
    found = [_Net(document, *start[document], has) for document, has in now.items()]
    return [n for n in found if (n.had or n.has) and (n.had != n.has or n.before != n.document)]


def _page(db: sa.Engine, net: _Net) -> PageChange | None:
    with db.connect() as c:
        row = c.execute(sa.select(DOCUMENT).where(DOCUMENT.c.id == net.document)).first()
        old = c.scalar(sa.select(DOCUMENT.c.path).where(DOCUMENT.c.id == net.before))
    if row is None:  # erased since
        return None
    had = catalogue.version_text(db, net.before, net.had) if net.had else None
    has = catalogue.version_text(db, net.document, net.has) if net.has else None
    kind: Kind = "new" if net.had is None else "removed" if net.has is None else "changed"
    if kind == "changed" and net.before != net.document:
        kind = "moved"
    changed = reworded(had or "", has or "") if kind in ("changed", "moved") else ()
    if kind == "changed" and not changed and had == has:
        return None
    return PageChange(
        kind=kind,
        document=net.document,
        title=row.title,
        path=row.path,
        lang=row.lang,
        topic=topic_of(net.document, row.path),
        moved_from=old if kind == "moved" else None,
        sentences=changed,
    )


def _procedures(db: sa.Engine, net: _Net, page: PageChange) -> list[ProcedureChange]:
    before = _procedure(db, net, net.had)
    after = _procedure(db, net, net.has)
    if before is None and after is None:
        return _translated(db, page)
    shown = after or before
    assert shown is not None
    kind: Kind = "new" if before is None else "removed" if after is None else page.kind
    actions = (before.action if before else None), (after.action if after else None)
    changed = ProcedureChange(
        procedure=shown.id,
        title=shown.title,
        document=net.document,
        kind=kind,
        steps=steps_changed(before, after) if kind != "new" else (),
        action=actions if before and after and actions[0] != actions[1] else None,
        waits=after is not None and _waits(db, after),
    )
    return [changed]


def _procedure(db: sa.Engine, net: _Net, version: str | None) -> Procedure | None:
    if version is None:
        return None
    query = sa.select(PROCEDURE.c.body).where(
        PROCEDURE.c.document.in_([net.document, net.before]), PROCEDURE.c.version == version
    )
    with db.connect() as c:
        body = c.scalar(query)
    return Procedure.model_validate_json(body) if body else None


def _waits(db: sa.Engine, procedure: Procedure) -> bool:
    query = sa.select(PROCEDURE.c.approved_by).where(
        PROCEDURE.c.id == procedure.id,
        PROCEDURE.c.document == procedure.document,
        PROCEDURE.c.version == procedure.version,
    )
    with db.connect() as c:
        row = c.execute(query).first()
    return row is not None and row.approved_by is None


def _translated(db: sa.Engine, page: PageChange) -> list[ProcedureChange]:
    """The procedures that this page is a translation of."""
    mine = sa.select(DOCUMENT.c.group, DOCUMENT.c.source).where(DOCUMENT.c.id == page.document)
    with db.connect() as c:
        row = c.execute(mine).first()
        if row is None:
            return []
        query = (
            sa.select(PROCEDURE.c.body)
            .join(DOCUMENT, DOCUMENT.c.id == PROCEDURE.c.document)
            .where(DOCUMENT.c.group == row.group, DOCUMENT.c.source == row.source)
            .where(DOCUMENT.c.version == PROCEDURE.c.version, DOCUMENT.c.removed_at.is_(None))
        )
        bodies = c.scalars(query).all()
    found = [Procedure.model_validate_json(body) for body in bodies]
    return [
        ProcedureChange(procedure=p.id, title=p.title, document=page.document, kind=page.kind) for p in found
    ]


def _once_each(found: Iterable[ProcedureChange]) -> list[ProcedureChange]:
    """A page and its translations are one procedure: what its own page says comes first."""
    ordered = sorted(found, key=lambda p: (p.procedure, not p.steps, not p.waits))
    kept: dict[str, ProcedureChange] = {}
    for each in ordered:
        kept.setdefault(each.procedure, each)
    return list(kept.values())


def documents_of(changed: WhatChanged) -> frozenset[str]:
    """Documents whose words are not what they were."""
    return frozenset(page.document for page in changed.pages if page.kind != "new")


def runs_after(db: sa.Engine, run: int) -> list[int]:
    """Syncs that ended after this one and changed something, oldest first."""
    ended = sa.select(SYNC_RUN.c.id).where(SYNC_RUN.c.id > run, SYNC_RUN.c.state != "running")
    with db.connect() as c:
        ids = c.scalars(ended.order_by(SYNC_RUN.c.id)).all()
    return [id for id in ids if runs.changes(db, run=id)]


def last_run(db: sa.Engine) -> int:
    """Number of the newest sync; 0 where there was none."""
    with db.connect() as c:
        return c.scalar(sa.select(sa.func.max(SYNC_RUN.c.id))) or 0


def report_of(db: sa.Engine, run: int) -> dict[str, object]:
    """What a sync said of itself."""
    with db.connect() as c:
        row = c.execute(sa.select(SYNC_RUN).where(SYNC_RUN.c.id == run)).one()
    return {"run": row.id, "source": row.source, "state": row.state, **json.loads(row.report)}
