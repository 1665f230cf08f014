"""Everything that is kept of a customer, for that customer: one ZIP with a readable file and what they sent.

Read beside a running service, as of one moment, row by row: how much there is does not matter. Whoever of our
side had to do with them stands in it by role; their names are nobody's to ask for but their own.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from app.adapters import tables as t
from app.adapters.desk import FILES
from app.errors import BadInput
from app.texts import language, say
from app.trail import exported as lines_of
from app.trail import opened
from knowledge.model import Value

DATA, README = "data.json", "README.txt"
SHORTEST_NAME = 3
PIECE = 1 << 18
AT_ONCE = 20
"""Rows in memory."""

Row = Mapping[str, Any]
Clean = Callable[[Any], Any]


class Exported(Value):
    """What went into the file."""

    customers: tuple[str, ...]
    conversations: int
    messages: int
    cases: int
    files: int
    missing: tuple[str, ...] = ()
    """Files whose bytes are not there any more."""
    lang: str


class Count:
    """What was written so far, by kind."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}

    def each(self, kind: str, rows: Iterable[Any]) -> Iterator[Any]:
        for row in rows:
            self.of[kind] = self.of.get(kind, 0) + 1
            yield row


def export(folder: Path, who: str, out: IO[bytes], now: datetime) -> Exported:
    """Writes the ZIP. `who`: a party (customer:ACCOUNT:USER, anonymous::DIGEST), or an account's name, which
    is all of its customers. Raises `BadInput` where nothing is kept of them."""
    with opened(folder) as c, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        parties = _parties(c, who)
        lang = _language(c, parties)
        count = Count()
        whole = {
            "made_at": now.isoformat(),
            "by": "Stepfour",
            "customers": (_customer(c, folder, party, count) for party in parties),
        }
        with made.open(_entry(DATA, now), "w", force_zip64=True) as file:
            for piece in pieces(whole):
                file.write(piece.encode())
            file.write(b"\n")
        missing = []
        for id, name in _files(c, parties):
            source = folder / FILES / Path(id).name
            try:
                with source.open("rb") as kept, made.open(_entry(f"files/{id}-{name}", now), "w") as file:
                    while piece_of := kept.read(PIECE):
                        file.write(piece_of)
            except FileNotFoundError:
                missing.append(name)
        found = Exported(
            customers=tuple(parties),
            **{kind: count.of.get(kind, 0) for kind in ("conversations", "messages", "cases", "files")},
            missing=tuple(missing),
            lang=lang,
        )
        made.writestr(_entry(README, now), _readme(found, now))
    return found


def _entry(name: str, now: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, now.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _readme(found: Exported, now: datetime) -> str:
    numbers = {kind: str(getattr(found, kind)) for kind in ("conversations", "messages", "cases", "files")}
    text = say(found.lang, "export.readme", day=f"{now:%Y-%m-%d}", data=DATA, **numbers)
    if found.missing:
        text += "\n" + say(found.lang, "export.missing", names=", ".join(found.missing)) + "\n"
    return text


def pieces(value: Any, depth: int = 0) -> Iterator[str]:
    """JSON with indentation, bit by bit: an iterator becomes a list without ever being one."""
    inner, end = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(value, Mapping):
        opening, closing_, items = "{", "}", ((f"{json.dumps(k)}: ", each) for k, each in value.items())
    elif isinstance(value, list | tuple | Iterator):
        opening, closing_, items = "[", "]", (("", each) for each in value)
    else:
        yield json.dumps(value, ensure_ascii=False)
        return
    yield opening
    last = ""
    for name, each in items:
        yield f"{last}{inner}{name}"
        yield from pieces(each, depth + 1)
        last = ","
    yield f"{end if last else ''}{closing_}"


# --- who, and in which language -----------------------------------------------------------------


def _parties(c: sa.Connection, who: str) -> list[str]:
    both = sa.union(sa.select(t.conversation.c.party), sa.select(t.case.c.party)).subquery()
    party = both.c.party
    theirs = party == who
    if ":" not in who:
        theirs = party.startswith(f"customer:{who}:", autoescape=True)
    found = list(c.scalars(sa.select(party).where(theirs).order_by(party)))
    if not found:
        raise BadInput(
            f"nothing is kept of `{who}`. Customers are named like customer:ACCOUNT:USER, visitors like "
            "anonymous::DIGEST, and an account by its name alone."
        )
    return found


def _language(c: sa.Connection, parties: Iterable[str]) -> str:
    """That of what they wrote last, as it was read."""
    theirs = sa.select(t.conversation.c.id).where(t.conversation.c.party.in_(parties))
    last = sa.select(t.turn.c.value).where(t.turn.c.conversation.in_(theirs)).order_by(t.turn.c.at.desc())
    value = c.scalar(last.limit(1))
    return language(json.loads(value)["reading"]["language"] if value else "en")


# --- one customer -------------------------------------------------------------------------------


def _customer(c: sa.Connection, folder: Path, party: str, count: Count) -> dict[str, Any]:
    _, account, id = party.split(":", 2)
    clean = _without(_names(c, party))
    mine = t.conversation.c.party == party
    return {
        "customer": party,
        "user": id,
        "account": account or None,
        "known_elsewhere_as": _links(c, party),
        "conversations": (
            _conversation(c, row, clean, count)
            for row in count.each("conversations", _rows(c, sa.select(t.conversation).where(mine)))
        ),
        "cases": (
            _case(c, value, clean)
            for value in count.each("cases", _values(c, t.case, t.case.c.party == party))
        ),
        "seen_by": _seen(folder, party),
        "audit": _trail(folder, party),
    }


def _rows(c: sa.Connection, query: sa.Select[Any]) -> Iterator[Any]:
    with closing(c.execute(query, execution_options={"yield_per": AT_ONCE})) as rows:
        yield from rows


def _values(c: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> Iterator[dict[str, Any]]:
    order = table.c.ord if "ord" in table.c else next(iter(table.primary_key))
    for row in _rows(c, sa.select(table.c.value).where(where).order_by(order)):
        yield json.loads(row.value)


def _links(c: sa.Connection, party: str) -> Iterator[dict[str, Any]]:
    for row in _rows(c, sa.select(t.link).order_by(t.link.c.external)):
        who = json.loads(row.principal)
        if f"{who['kind']}:{who['account'] or ''}:{who['id']}" == party:
            yield {"as": row.external, "proven_by": row.proof, "at": row.at}


def _conversation(c: sa.Connection, row: Any, clean: Clean, count: Count) -> dict[str, Any]:
    value = json.loads(row.value)
    here = t.turn.c.conversation == row.id
    turns = sa.select(t.turn.c.value).where(here).order_by(t.turn.c.at, t.turn.c.id)
    return {
        "id": row.id,
        "channel": value["channel"],
        "opened_at": value["opened_at"],
        "status": row.status,
        "shown_by_the_client": dict(value["context"]),
        "messages": (
            _message(each)
            for each in count.each("messages", _values(c, t.message, t.message.c.conversation == row.id))
        ),
        "files": (
            {key: each[key] for key in ("id", "name", "type", "size", "text")}
            for each in count.each("files", _values(c, t.attachment, t.attachment.c.conversation == row.id))
        ),
        "understood_and_decided": (_turn(json.loads(each.value), clean) for each in _rows(c, turns)),
        "notes_of_agents": (
            {"at": each["at"], "by": "agent", "text": clean(each["text"])}
            for each in _values(c, t.note, t.note.c.conversation == row.id)
        ),
        "replies_suggested_to_agents": (
            {"at": each["at"], "text": clean(each["text"]), "became": each["state"]}
            for each in _values(c, t.suggestion, t.suggestion.c.conversation == row.id)
        ),
        "handed_to_people": (
            {"at": each.at, "what_they_were_told": clean(json.loads(each.dossier)["summary"])}
            for each in _rows(c, sa.select(t.handoff).where(t.handoff.c.conversation == row.id))
        ),
        "said_of_our_replies": (
            {"at": each.at} | json.loads(each.payload)
            for each in _rows(
                c, sa.select(t.event).where(t.event.c.conversation == row.id, t.event.c.type == "feedback")
            )
        ),
    }


def _message(value: Row) -> dict[str, Any]:
    who = {"bot": "Stepfour"}.get(value["role"], value["role"])
    said: dict[str, Any] = {"id": value["id"], "at": value["at"], "from": who, "text": value["text"]}
    if value["context"]:
        said["shown_by_the_client"] = dict(value["context"])
    if value["attachments"]:
        said["files"] = [file["id"] for file in value["attachments"]]
    return said


_UNDERSTOOD = (
    "language",
    "speech",
    "request",
    "procedure",
    "wants_outcome",
    "wants_person",
    "danger",
    "skips_checks",
    "for_other",
)


def _turn(value: Row, clean: Clean) -> dict[str, Any]:
    reading = value["reading"]
    return {
        "at": value["at"],
        "because_of": value["trigger"],
        "case": value["case"],
        "understood": {
            **{key: reading[key] for key in _UNDERSTOOD if reading.get(key)},
            "about": [_only(each, "name", "value", "quote") for each in reading["subjects"]],
            "said_of_steps": [
                _only(each, "step", "subject", "status", "quote") for each in reading["claims"]
            ],
            "read_by": reading["reader"],
        },
        "decided": value["decision"]["kind"],
        "because": clean(value["decision"]["because"]),
        "rule": value.get("rule", ""),
        "mode": value["mode"],
        "reply": value["reply"],
    }


def _only(value: Row, *keys: str) -> dict[str, Any]:
    return {key: value[key] for key in keys if value.get(key) not in (None, "", [])}


def _case(c: sa.Connection, value: Row, clean: Clean) -> dict[str, Any]:
    id = value["id"]
    requests = sa.select(t.action_request.c.id).where(t.action_request.c.case_ == id)
    return {
        **{key: value[key] for key in ("id", "procedure", "state", "resolution", "opened_at", "updated_at")},
        "last_spoken_of_in": value["conversation"],
        "ledger": (_fact(each, clean) for each in _values(c, t.fact, t.fact.c.case_ == id)),
        "requests": (
            _request(each, clean) for each in _values(c, t.action_request, t.action_request.c.case_ == id)
        ),
        "looked_at_again": (
            _only(each, "step", "looks", "since", "next_at")
            for each in _values(c, t.watch, t.watch.c.case_ == id)
        ),
        "follow_ups": (
            _only(each, "request", "looks", "since", "next_at")
            for each in _values(c, t.follow_up, t.follow_up.c.request.in_(requests))
        ),
    }


def _fact(value: Row, clean: Clean) -> dict[str, Any]:
    line = _only(value, "at", "step", "subject", "kind")
    if value["claim"]:
        line["said"] = _only(value["claim"], "status", "quote", "message")
    if value["finding"]:
        finding = value["finding"]
        line["seen"] = {**_only(finding, "check", "code", "met"), "values": dict(finding["seen"])}
    if value["note"]:
        line["note"] = clean(value["note"])
    return line | ({"by": "agent"} if value["by"] else {})


def _request(value: Row, clean: Clean) -> dict[str, Any]:
    asked = value["approval"]
    return {
        **_only(value, "id", "action", "state", "created_at", "expires_at", "undoes"),
        "inputs": dict(value["inputs"]),
        "approval_of": asked,
        "approved_by": asked if value["approved_by"] else None,
        "detail": clean(value["detail"]),
        "seen": [_only(each, "check", "code", "met", "subject", "at") for each in value["evidence"]],
    }


def _files(c: sa.Connection, parties: Iterable[str]) -> Iterator[tuple[str, str]]:
    theirs = sa.select(t.conversation.c.id).where(t.conversation.c.party.in_(parties))
    query = sa.select(t.attachment.c.value).where(t.attachment.c.conversation.in_(theirs))
    for row in _rows(c, query.order_by(t.attachment.c.id)):
        value = json.loads(row.value)
        yield value["id"], value["name"]


# --- who had to do with them --------------------------------------------------------------------


def _trail(folder: Path, party: str) -> Iterator[dict[str, Any]]:
    """Lines of what they did and what concerns them; the words stand with the messages."""
    for line in _told(folder, party):
        told = {
            "at": line.at.isoformat(),
            "who": role(line.who, party),
            "what": line.what,
            "code": line.code,
            "conversation": line.conversation,
            "case": line.case,
            "about": line.about,
        }
        yield {key: value for key, value in told.items() if value}


def _seen(folder: Path, party: str) -> Iterator[dict[str, Any]]:
    """When somebody of ours opened a conversation of theirs: a line a day, person and conversation."""
    for line in _told(folder, party):
        if line.what == "seen":
            yield {
                "at": line.at.isoformat(),
                "who": role(line.who, party),
                "conversation": line.conversation,
            }


def _told(folder: Path, party: str) -> Iterator[Any]:
    try:
        yield from lines_of(folder, party=party)
    except BadInput:  # nothing was told of them yet
        return


def role(who: str, party: str) -> str:
    """What somebody of the trail is called in a customer's file."""
    if who == party:
        return "customer"
    kind = who.partition(":")[0]
    return {"customer": "another customer", "anonymous": "visitor", "stepfour": "Stepfour"}.get(kind, kind)


def _names(c: sa.Connection, party: str) -> frozenset[str]:
    """Names of agents as they stand in records of this customer."""
    mine = sa.select(t.conversation.c.id).where(t.conversation.c.party == party)
    cases = sa.select(t.case.c.id).where(t.case.c.party == party)
    places = (
        (t.message, t.message.c.conversation.in_(mine) & (t.message.c.role == "agent"), "name"),
        (t.note, t.note.c.conversation.in_(mine), "by"),
        (t.suggestion, t.suggestion.c.conversation.in_(mine), "by"),
        (t.fact, t.fact.c.case_.in_(cases), "by"),
        (t.action_request, t.action_request.c.case_.in_(cases), "approved_by"),
    )
    found: set[str] = set()
    for table, where, key in places:
        found |= {value[key] for value in _values(c, table, where) if value.get(key)}
    joined = sa.select(t.event.c.payload).where(t.event.c.conversation.in_(mine), t.event.c.type == "handoff")
    found |= {name for row in _rows(c, joined) if (name := json.loads(row.payload).get("name"))}
    return frozenset(found - {party.split(":", 2)[2]})


def _without(names: Iterable[str]) -> Clean:
    """Puts the role in the place of agents' names, in what we and they wrote down."""
    longest = sorted((name for name in names if len(name) >= SHORTEST_NAME), key=len, reverse=True)
    pattern = (
        re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in longest)) if longest else None
    )
    return lambda text: pattern.sub("agent", text) if pattern is not None and text else text
