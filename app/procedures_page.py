"""Procedures on one page: what an approval would change, before and after. All from pages is escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Literal

from app.phrases import change, worded
from app.texts import language, say
from knowledge.approvals import FIRST_SYNC, Compared, Stored
from knowledge.differences import Row, of_procedures, side_by_side
from knowledge.phrases import Phrase

WhyNot = Literal["nobody", "not_named"]
"""Why somebody may not approve: nobody may, or others alone."""


def to_decide(every: Sequence[Compared], name: str, why_not: WhyNot | None, notice: str, lang: str) -> str:
    """`name`: who looks; `why_not`: why they may not approve, None where they may."""
    waiting = [(n, each) for n, each in enumerate(every) if each.waiting]
    parts = [f"<h1>{say(lang, 'documents.procedures')}</h1>{notice}<p>{_say(lang, 'lead')}</p>"]
    if why_not and waiting:
        parts.append(f'<p class="notice">{_say(lang, "read_only")} {_refused(why_not, name, lang)}</p>')
    parts.append(f"<h2>{_say(lang, 'waiting', n=str(len(waiting)))}</h2>")
    parts += [_waiting(each, _anchor(n), name if why_not is None else None, lang) for n, each in waiting]
    if not waiting:
        parts.append(f"<p>{_say(lang, 'nothing_waits')}</p>")
    followed = [each for each in every if each.followed]
    rows = "".join(_followed(each, lang) for each in followed)
    parts.append(f"<h2>{_say(lang, 'followed', n=str(len(followed)))}</h2>")
    parts.append(f"<ul>{rows}</ul>" if followed else f"<p>{_say(lang, 'none')}</p>")
    return "".join(parts)


def approved(every: Sequence[Compared], id: str, lang: str) -> str:
    """What is told after an approval, from what is stored; empty where it is not so."""
    for each in every:
        if each.followed and not each.waiting and each.followed.procedure.id == id:
            title, by = _title(each.followed, lang), each.followed.approved_by or ""
            return _notice(_say(lang, "approved", title=title, by=by))
    return ""


def changed(every: Sequence[Compared], id: str, lang: str) -> str:
    """What is told where an approval was refused because the page says something else by now."""
    for n, each in enumerate(every):
        if each.waiting and each.newest.procedure.id == id:
            told = _say(lang, "changed", title=_title(each.newest, lang))
            return _notice(f'{told} <a href="#{_anchor(n)}">{_say(lang, "see")}</a>')
    return _notice(_say(lang, "waits_no_more", id=id))


def _say(lang: str, key: str, **values: str) -> str:
    return say(lang, f"documents.procedure.{key}", **{name: escape(each) for name, each in values.items()})


def _refused(why_not: WhyNot, name: str, lang: str) -> str:
    if why_not == "nobody":
        return _say(lang, "nobody_may", example=json.dumps([name], ensure_ascii=False))
    return _say(lang, "may_not", name=f"{name[:1].upper()}{name[1:]}")


def _notice(words: str) -> str:
    return f'<p class="notice" role="alert" tabindex="-1" autofocus>{words}</p>'


def _anchor(n: int) -> str:
    return f"procedure-{n}"


def _waiting(each: Compared, anchor: str, by: str | None, lang: str) -> str:
    """`by`: in whose name it can be approved here; None where it cannot."""
    new, old = each.newest.procedure, each.followed.procedure if each.followed else None
    title = _title(each.newest, lang)
    since = _say(lang, "since", version=new.version[:10], day=each.newest.synced_at[:10])
    now = (
        _say(lang, "until_then", version=old.version[:10], approval=_approval(each.followed, lang))
        if old and each.followed
        else _say(lang, "new")
    )
    changes = "".join(f"<li>{escape(change(one, lang).strip())}</li>" for one in of_procedures(old, new))
    told = f'<h4>{_say(lang, "different")}</h4><ul class="lines">{changes}</ul>' if old else ""
    form = (
        f'<form class="approve" data-procedure="{escape(new.id)}" data-source="{escape(each.newest.source)}" '
        f'data-version="{escape(new.version)}"><button aria-describedby="{anchor}-title">'
        f'{_say(lang, "approve")}</button><span class="small">{_say(lang, "in_your_name", name=by or "")}'
        '</span><p role="alert"></p></form>'
    )
    return (
        f'<article id="{anchor}" aria-labelledby="{anchor}-title">'
        f'<h3 id="{anchor}-title" tabindex="-1">{escape(title)}</h3>'
        f'<p class="small"><code>{escape(new.id)}</code> · {escape(f"{each.newest.source}: {new.path}")} · '
        f"{since}</p><p>{now}</p>{told}"
        f"{_table(side_by_side(old, new), title, lang)}{form if by is not None else ''}</article>"
    )


def _table(rows: Sequence[Row], title: str, lang: str) -> str:
    body = "".join(_row(row, _kind(row), lang) for row in rows)
    return (
        f'<table><caption class="hidden">{_say(lang, "caption", title=title)}</caption>'
        f'<thead><tr><th scope="col">{_say(lang, "what")}</th><th scope="col">{_say(lang, "before")}</th>'
        f'<th scope="col">{_say(lang, "after")}</th></tr></thead><tbody>{body}</tbody></table>'
    )


def _row(row: Row, kind: str, lang: str) -> str:
    """A side's name is shown where the columns do not fit beside each other."""
    first = _say(lang, "both" if kind == "same" else "before")
    return (
        f'<tr class="{kind}"><th scope="row">{escape(worded(row.what, lang))}'
        f'<span class="small">{_say(lang, f"row.{kind}")}</span></th>'
        f'<td data-side="{first}">{_side(row.before, lang)}</td>'
        f'<td data-side="{_say(lang, "after")}">{_side(row.after, lang)}</td></tr>'
    )


def _kind(row: Row) -> str:
    if row.before == row.after:
        return "same"
    return "changed" if row.before and row.after else "new" if row.after else "gone"


def _side(lines: Sequence[str | Phrase], lang: str) -> str:
    shown = "<br>".join(escape(worded(line, lang)) for line in lines)
    return shown or f'<span class="none">{_say(lang, "not_there")}</span>'


def _followed(each: Compared, lang: str) -> str:
    stored = each.followed
    assert stored is not None
    return (
        f"<li><strong>{escape(_title(stored, lang))}</strong> <code>{escape(stored.procedure.id)}</code>"
        f' <span class="small">{_say(lang, "approved_then", approval=_approval(stored, lang))}</span></li>'
    )


def _title(stored: Stored, lang: str) -> str:
    return stored.procedure.title_in(language(lang))


def _approval(stored: Stored, lang: str) -> str:
    by = stored.approved_by or ""
    if by == FIRST_SYNC:
        by = say(lang, "documents.procedure.first_sync")
    return f"{by}, {(stored.approved_at or '')[:10]}"
