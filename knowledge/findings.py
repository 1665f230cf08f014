"""What is wrong with the pages: kept with what people made of it, and held against what search finds.

A run of `knowledge.health` hands in all it sees with `replace`; what comes up in conversations is
handed in one by one with `report`. A finding is the same finding as long as its lines stay the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from knowledge import stored
from knowledge.errors import KnowledgeError
from knowledge.health.finding import (
    MARKING,
    ONE_SIDED,
    SECOND,
    SURE,
    TOLD,
    Evidence,
    Finding,
    State,
    TalkKind,
    finding_id,
)
from knowledge.judging import Judgement
from knowledge.model import Mark, Passage, Place, Value
from knowledge.phrases import Phrase, phrase
from knowledge.tables import META


class Event(Value):
    """Something that happened to a finding."""

    finding: str
    at: datetime
    what: str
    by: str | None
    note: str | None


class Replaced(Value):
    """What a run changed."""

    new: int
    kept: int
    closed: int


_FINDING = sa.Table(
    "finding",
    META,
    *(sa.Column(c, primary_key=c == "id") for c in ("id", "kind", "source", "confidence", "body", "state")),
    *(sa.Column(c) for c in ("by", "note", "found_at", "closed_at")),
)

_PLACE = sa.Table(
    "finding_place",
    META,
    *(sa.Column(c, primary_key=c in {"finding", "ord"}) for c in ("finding", "ord", "document", "quote")),
)

_EVIDENCE = sa.Table(
    "finding_evidence",
    META,
    *(sa.Column(c, primary_key=True) for c in ("finding", "conversation", "message")),
    sa.Column("quote"),
    sa.Column("at"),
)

_EVENT = sa.Table(
    "finding_event",
    META,
    sa.Column("num", sa.Integer, primary_key=True),
    *(sa.Column(c) for c in ("finding", "at", "what", "by", "note")),
)

# Built once: every search reads it.
_SPEAKING = (
    sa.select(_FINDING, _PLACE.c.ord, _PLACE.c.document, _PLACE.c.quote)
    .join(_PLACE, _PLACE.c.finding == _FINDING.c.id)
    .where(_PLACE.c.document.in_(sa.bindparam("documents", expanding=True)))
    .where(_FINDING.c.kind.in_(sorted(MARKING)), _FINDING.c.closed_at.is_(None))
    .where(_FINDING.c.state != "dismissed")
    .where(sa.or_(_FINDING.c.state.in_(["accepted", "task"]), _FINDING.c.confidence >= SURE))
    .order_by(_FINDING.c.confidence)
)

_STATED = {"id", "source", "evidence", "state", "by", "note", "found_at", "closed_at"}
"""Fields that have a column or table of their own."""


def report(db: sa.Engine, *, kind: TalkKind, place: Place, why: Phrase, evidence: Evidence) -> Finding:
    """Something that came up in a conversation. Told again it is the same finding with more evidence;
    a dismissed one stays dismissed."""
    confidence = TOLD[kind]
    found = Finding(
        id=finding_id(kind, place.document, place.quote),
        kind=kind,
        confidence=confidence,
        place=place,
        why=(why,),
        todo=phrase(f"{kind}.todo"),
        source="conversation",
    )
    now = _now()
    with db.begin() as c:
        _put(c, found, now)
        row = {"finding": found.id, **evidence.model_dump(), "at": now}
        if c.execute(sa.insert(_EVIDENCE).prefix_with("OR IGNORE"), row).rowcount:
            _note(c, found.id, "evidence", now)
        told = c.scalar(
            sa.select(sa.func.count(_EVIDENCE.c.conversation.distinct())).where(
                _EVIDENCE.c.finding == found.id
            )
        )
        # Every further conversation halves what doubt is left.
        sure = 1 - (1 - confidence) * 0.5 ** max(0, (told or 1) - 1)
        c.execute(sa.update(_FINDING).where(_FINDING.c.id == found.id).values(confidence=round(sure, 3)))
    return get(db, found.id)


def replace(db: sa.Engine, found: Iterable[Finding]) -> Replaced:
    """All that a run sees. What it no longer sees is closed; what people made of the rest stays."""
    now = _now()
    by_id = {f.id: f for f in found}
    with db.begin() as c:
        open_before = set(
            c.scalars(
                sa.select(_FINDING.c.id).where(_FINDING.c.source == "run", _FINDING.c.closed_at.is_(None))
            )
        )
        new = sum(_put(c, f, now) for f in by_id.values())
        gone = (open_before - by_id.keys()) | _lines_gone(c)
        for id in sorted(gone):
            c.execute(sa.update(_FINDING).where(_FINDING.c.id == id).values(closed_at=now))
            _note(c, id, "closed", now)
    return Replaced(new=new, kept=len(by_id) - new, closed=len(gone))


def settle(db: sa.Engine, id: str, state: State, *, by: str, note: str | None = None) -> Finding:
    """What a person makes of a finding. `id` may be shortened while it is clear which one is meant."""
    with db.begin() as c:
        full = _whole(c, id)
        c.execute(sa.update(_FINDING).where(_FINDING.c.id == full).values(state=state, by=by, note=note))
        _note(c, full, state, _now(), (by, note))
    return get(db, full)


def forget(db: sa.Engine, *, document: str | None = None, conversation: str | None = None) -> int:
    """Every word of an erased page or conversation; returns how many findings are gone."""
    with db.begin() as c:
        ids: set[str] = set()
        if document is not None:
            ids |= set(c.scalars(sa.select(_PLACE.c.finding).where(_PLACE.c.document == document)))
        if conversation is not None:
            touched = set(
                c.scalars(sa.select(_EVIDENCE.c.finding).where(_EVIDENCE.c.conversation == conversation))
            )
            c.execute(sa.delete(_EVIDENCE).where(_EVIDENCE.c.conversation == conversation))
            left = set(c.scalars(sa.select(_EVIDENCE.c.finding).distinct()))
            # A question without a page is the customer's own words: whoever else asked it, it goes.
            asked = set(c.scalars(sa.select(_PLACE.c.finding).where(_PLACE.c.document == "")))
            ids |= (touched - left) | (touched & asked)
        for id in ids:
            c.execute(sa.delete(_FINDING).where(_FINDING.c.id == id))
            for table in (_PLACE, _EVIDENCE, _EVENT):
                c.execute(sa.delete(table).where(table.c.finding == id))
    return len(ids)


def get(db: sa.Engine, id: str) -> Finding:
    """Raises `KnowledgeError` where there is none."""
    with db.connect() as c:
        return _values(c, sa.select(_FINDING).where(_FINDING.c.id == _whole(c, id)))[0]


def findings(
    db: sa.Engine,
    *,
    kinds: Collection[str] | None = None,
    states: Collection[str] | None = None,
    min_confidence: float = 0.0,
    closed: bool = False,
) -> list[Finding]:
    """Strongest first."""
    query = sa.select(_FINDING)
    if kinds is not None:
        query = query.where(_FINDING.c.kind.in_(sorted(kinds)))
    if states is not None:
        query = query.where(_FINDING.c.state.in_(sorted(states)))
    if not closed:
        query = query.where(_FINDING.c.closed_at.is_(None))
    with db.connect() as c:
        found = _values(c, query.order_by(_FINDING.c.id))
    return sorted((f for f in found if f.sure >= min_confidence), key=lambda f: -f.strength)


def history(db: sa.Engine, id: str) -> list[Event]:
    """All that happened to a finding, oldest first."""
    with db.connect() as c:
        query = sa.select(_EVENT).where(_EVENT.c.finding == _whole(c, id)).order_by(_EVENT.c.num)
        rows = c.execute(query).mappings().all()
    return [Event(**{k: v for k, v in row.items() if k != "num"}) for row in rows]


def marks(db: sa.Engine, passages: Iterable[Passage]) -> Mapping[str, Mark]:
    """What speaks against current passages, the strongest for each; a dismissed finding speaks no more."""
    by_document: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for passage in passages:
        by_document[passage.document].append((passage.id, passage.text))
    if not by_document:
        return {}
    marked: dict[str, Mark] = {}
    with db.connect() as c:
        for row in c.execute(_SPEAKING, {"documents": sorted(by_document)}).mappings():
            if row["ord"] == SECOND and row["kind"] in ONE_SIDED:
                continue
            for id, text in by_document[row["document"]]:
                if row["quote"] in text:
                    marked[id] = _mark(row)
    return marked


def _put(c: sa.Connection, found: Finding, now: str) -> bool:
    """True where it was not there before."""
    body = found.model_dump_json(exclude=_STATED)
    values = {"kind": found.kind, "confidence": found.confidence, "body": body}
    before = c.execute(sa.select(_FINDING).where(_FINDING.c.id == found.id)).mappings().first()
    if before is None:
        c.execute(
            sa.insert(_FINDING).values(id=found.id, source=found.source, state="open", found_at=now, **values)
        )
        _note(c, found.id, "found", now)
    else:
        c.execute(sa.update(_FINDING).where(_FINDING.c.id == found.id).values(closed_at=None, **values))
        if before["closed_at"] is not None:
            _note(c, found.id, "found again", now)
    if found.judged is not None and (before is None or found.judged.at != _judged_at(before["body"])):
        _note(c, found.id, "judged", now, (found.judged.model, found.judged.verdict))
    c.execute(sa.delete(_PLACE).where(_PLACE.c.finding == found.id))
    for at, place in enumerate(_places(found)):
        row = {"finding": found.id, "ord": at, "document": place.document}
        row["quote"] = "" if place.whole else place.quote
        c.execute(sa.insert(_PLACE), row)
    for evidence in found.evidence:
        told = {"finding": found.id, **evidence.model_dump(), "at": now}
        c.execute(sa.insert(_EVIDENCE).prefix_with("OR IGNORE"), told)
    return before is None


def _judged_at(body: str) -> datetime | None:
    judged = json.loads(body).get("judged")
    return Judgement.model_validate(judged).at if judged else None


def _places(found: Finding) -> list[Place]:
    return [found.place, *([found.other] if found.other else []), *found.also]


def _lines_gone(c: sa.Connection) -> set[str]:
    """Findings from conversations about lines that no page holds any more."""
    query = (
        sa.select(_PLACE.c.finding, _PLACE.c.document, _PLACE.c.quote)
        .join(_FINDING, _FINDING.c.id == _PLACE.c.finding)
        .where(_FINDING.c.source == "conversation", _FINDING.c.closed_at.is_(None), _PLACE.c.document != "")
    )
    gone = set()
    for row in c.execute(query):
        texts = stored.texts_now(c, row.document)
        if not texts or not any(row.quote in text for text in texts):
            gone.add(row.finding)
    return gone


def _values(c: sa.Connection, query: sa.Select[tuple[object, ...]]) -> list[Finding]:
    rows = c.execute(query).mappings().all()
    told: dict[str, list[Evidence]] = defaultdict(list)
    wanted = query.with_only_columns(_FINDING.c.id)
    for row in c.execute(
        sa.select(_EVIDENCE).where(_EVIDENCE.c.finding.in_(wanted)).order_by(_EVIDENCE.c.at)
    ):
        told[row.finding].append(
            Evidence(conversation=row.conversation, message=row.message, quote=row.quote)
        )
    return [_value(row, told[row["id"]]) for row in rows]


def _value(row: sa.RowMapping, evidence: Sequence[Evidence]) -> Finding:
    stated = {key: row[key] for key in _STATED - {"evidence"}}
    return Finding.model_validate(
        {**json.loads(row["body"]), **stated, "confidence": row["confidence"], "evidence": tuple(evidence)}
    )


def _mark(row: sa.RowMapping) -> Mark:
    body = json.loads(row["body"])
    here = Place(document=row["document"], quote=row["quote"])
    places = [Place(**body["place"]), *([Place(**body["other"])] if body["other"] else [])]
    others = [p for p in places if (p.document, p.quote) != (here.document, here.quote)]
    own = next((p for p in places if (p.document, p.quote) == (here.document, here.quote)), here)
    other = next((p for p in others if p.quote != here.quote), None)
    return Mark(
        finding=row["id"],
        kind=row["kind"],
        confidence=row["confidence"],
        place=own,
        other=other,
    )


def _whole(c: sa.Connection, id: str) -> str:
    if id.isalnum() and len(id) >= 4:
        ids = c.scalars(sa.select(_FINDING.c.id).where(_FINDING.c.id.startswith(id))).all()
        if len(ids) == 1:
            return str(ids[0])
        if ids:
            raise KnowledgeError(f"`{id}` is the start of {len(ids)} findings. Give more of it.")
    raise KnowledgeError(f"there is no finding `{id}`. `stepfour health` lists them with their ids.")


def _note(
    c: sa.Connection, id: str, what: str, at: str, person: tuple[str, str | None] | None = None
) -> None:
    by, note = person or (None, None)
    c.execute(sa.insert(_EVENT).values(finding=id, at=at, what=what, by=by, note=note))


def _now() -> str:
    return datetime.now(UTC).isoformat()
