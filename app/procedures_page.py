"""Procedures on one page: what an approval would change, before and after. All from pages is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from knowledge.approvals import Compared, Stored
from knowledge.differences import Row, of_procedures, side_by_side


def to_decide(every: Sequence[Compared], name: str, why_not: tuple[str, str] | None, notice: str) -> str:
    """`why_not`: why this agent may not approve, and what to do; None where they may."""
    waiting = [(n, each) for n, each in enumerate(every) if each.waiting]
    lead = (
        "A change of steps, outcomes, checks or action is not followed until somebody with the right has "
        "approved it; until then the version before it is. A change of words alone needs nobody."
    )
    parts = [f"<h1>Procedures</h1>{notice}<p>{lead}</p>"]
    if why_not and waiting:
        what, fix = why_not
        parts.append(
            f'<p class="notice">You can read the changes here. {escape(_sentence(what))} {escape(fix)}</p>'
        )
    parts.append(f"<h2>Waiting for approval ({len(waiting)})</h2>")
    parts += [_waiting(each, _anchor(n), name if why_not is None else None) for n, each in waiting]
    if not waiting:
        parts.append("<p>Nothing waits.</p>")
    followed = [each for each in every if each.followed]
    rows = "".join(_followed(each) for each in followed)
    parts.append(f"<h2>Followed now ({len(followed)})</h2>")
    parts.append(f"<ul>{rows}</ul>" if followed else "<p>None yet.</p>")
    return "".join(parts)


def approved(every: Sequence[Compared], id: str) -> str:
    """What is told after an approval, from what is stored; empty where it is not so."""
    for each in every:
        if each.followed and not each.waiting and each.followed.procedure.id == id:
            title, by = escape(each.followed.procedure.title), escape(each.followed.approved_by or "")
            return _notice(f"“{title}” is followed as its page says now, approved by {by}.")
    return ""


def changed(every: Sequence[Compared], id: str) -> str:
    """What is told where an approval was refused because the page says something else by now."""
    for n, each in enumerate(every):
        if each.waiting and each.newest.procedure.id == id:
            return _notice(
                f"The page of “{escape(each.newest.procedure.title)}” changed while you looked at it. "
                f'Nothing was approved. <a href="#{_anchor(n)}">See the difference as it is now.</a>',
            )
    return _notice(f"No change of “{escape(id)}” waits any more. You approved nothing.")


def _notice(words: str) -> str:
    return f'<p class="notice" role="alert" tabindex="-1" autofocus>{words}</p>'


def _anchor(n: int) -> str:
    return f"procedure-{n}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _waiting(each: Compared, anchor: str, by: str | None) -> str:
    """`by`: in whose name it can be approved here; None where it cannot."""
    new, old = each.newest.procedure, each.followed.procedure if each.followed else None
    since = f"version {new.version[:10]}, taken in {each.newest.synced_at[:10]}"
    now = (
        f"Followed until then: version {old.version[:10]} (approved: {_approval(each.followed)})."
        if old and each.followed
        else "Nothing of it is followed until then: it is new."
    )
    changes = "".join(f"<li>{escape(line.strip())}</li>" for line in of_procedures(old, new)) if old else ""
    told = f'<h4>What is different</h4><ul class="lines">{changes}</ul>' if old else ""
    form = (
        f'<form class="approve" data-procedure="{escape(new.id)}" data-source="{escape(each.newest.source)}" '
        f'data-version="{escape(new.version)}"><button aria-describedby="{anchor}-title">Approve this version'
        f'</button><span class="small">in your name: {escape(by or "")}</span>'
        '<p role="alert"></p></form>'
    )
    return (
        f'<article id="{anchor}" aria-labelledby="{anchor}-title">'
        f'<h3 id="{anchor}-title" tabindex="-1">{escape(new.title)}</h3>'
        f'<p class="small"><code>{escape(new.id)}</code> · {escape(f"{each.newest.source}: {new.path}")} · '
        f"{escape(since)}</p><p>{escape(now)}</p>{told}"
        f"{_table(side_by_side(old, new), new.title)}{form if by is not None else ''}</article>"
    )


def _table(rows: Sequence[Row], title: str) -> str:
    body = "".join(_row(row, _kind(row)) for row in rows)
    return (
        f'<table><caption class="hidden">What machines follow of {escape(title)}, before and after</caption>'
        '<thead><tr><th scope="col">What machines follow</th><th scope="col">Before</th>'
        f'<th scope="col">After</th></tr></thead><tbody>{body}</tbody></table>'
    )


def _row(row: Row, kind: str) -> str:
    """A side's name is shown where the columns do not fit beside each other."""
    first = "Before and after" if kind == "same" else "Before"
    return (
        f'<tr class="{kind}"><th scope="row">{escape(row.what)}<span class="small">{kind}</span></th>'
        f'<td data-side="{first}">{_side(row.before)}</td><td data-side="After">{_side(row.after)}</td></tr>'
    )


def _kind(row: Row) -> str:
    if row.before == row.after:
        return "same"
    return "changed" if row.before and row.after else "new" if row.after else "gone"


def _side(lines: Sequence[str]) -> str:
    return "<br>".join(escape(line) for line in lines) or '<span class="none">not there</span>'


def _followed(each: Compared) -> str:
    stored = each.followed
    assert stored is not None
    return (
        f"<li><strong>{escape(stored.procedure.title)}</strong> <code>{escape(stored.procedure.id)}</code>"
        f' <span class="small">approved: {escape(_approval(stored))}</span></li>'
    )


def _approval(stored: Stored) -> str:
    return f"{stored.approved_by}, {(stored.approved_at or '')[:10]}"
