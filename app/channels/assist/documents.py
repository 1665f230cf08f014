"""The documents beside the agents: procedures that wait for a yes, and what is wrong with the pages."""

from __future__ import annotations

from html import escape
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from app import health_page, procedures_page
from app.channels.assist.core import Core, Documents
from app.channels.assist.session import NO, Agent, Here, Lang, Proof, Signed, note_access, of_cookie
from app.channels.assist.wire import (
    ApprovedOut,
    ApproveIn,
    FindingOut,
    FindingsOut,
    LookedOut,
    ProceduresOut,
    RowOut,
    SettleIn,
    WaitingOut,
)
from app.channels.edge import Edge, Refusal, sentence
from app.channels.limits import spend
from app.channels.wire import NothingIn
from app.errors import NotAuthentic, NotFound
from app.identity import Proven, approver, nobody_approves, not_approver
from app.models.people import Principal
from app.phrases import change, worded
from app.procedures_page import WhyNot
from app.texts import say
from knowledge.approvals import Compared
from knowledge.differences import Row, of_procedures, side_by_side

routes = APIRouter(prefix="/v1/agent", route_class=Edge, responses=NO, tags=["Documents"])
pages = APIRouter(route_class=Edge, include_in_schema=False)

PLACES = {"/assist": "cases", "/assist/procedures": "procedures", "/assist/health": "health"}
"""What the head of our pages leads to, by the keys of their names."""


def _documents(request: Request) -> Documents:
    documents: Documents | None = request.state.documents
    if documents is None:
        raise NotFound
    return documents


Kept = Annotated[Documents, Depends(_documents)]
FindingId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]
Named = Annotated[str, Query(max_length=200)]


# --- procedures ---------------------------------------------------------------------------------


@routes.get("/procedures")
async def list_procedures(core: Here, signed: Proof, documents: Kept, lang: Lang) -> ProceduresOut:
    """Procedures that wait for approval, with what it would change. Every agent may read them."""
    waiting = tuple(_wire(each, lang) for each in await documents.procedures() if each.waiting)
    return ProceduresOut(may_approve=_refused(core, signed) is None, waiting=waiting)


@routes.post("/procedures/approve")
async def approve_procedure(
    core: Here, signed: Proof, documents: Kept, request: Request, body: ApproveIn
) -> ApprovedOut:
    """A person's yes to exactly the version that was shown. Who may is asked of the settings now."""
    agent, refused = signed.agent, _refused(core, signed)
    if refused is not None:
        note_access(request, agent, "may not approve procedures")
        raise Refusal(403, "not_approver", sentence(refused[0]), refused[1])
    if not await documents.approve(body.procedure, agent.id, source=body.source, version=body.version):
        raise Refusal(
            409,
            "changed",
            "The page does not say any more what you were shown. Nothing was approved.",
            "Look at the difference as it is now: GET /v1/agent/procedures",
        )
    note_access(request, agent, f"approved procedure {body.procedure!r} in version {body.version[:10]}")
    return ApprovedOut(procedure=body.procedure, version=body.version, approved_by=agent.id)


def _refused(core: Core, who: Signed | Proven) -> tuple[str, str] | None:
    name = who.agent.id if isinstance(who, Signed) else who.principal.id
    return not_approver(name, core.settings.approvers, who.rights)


def _wire(each: Compared, lang: str) -> WaitingOut:
    new, followed = each.newest.procedure, each.followed
    old = followed.procedure if followed else None
    return WaitingOut(
        procedure=new.id,
        source=each.newest.source,
        path=new.path,
        title=new.title,
        version=new.version,
        followed=old.version if old else None,
        approved_by=followed.approved_by if followed else None,
        changes=tuple(change(one, lang) for one in of_procedures(old, new)),
        rows=tuple(_row(row, lang) for row in side_by_side(old, new)),
    )


def _row(row: Row, lang: str) -> RowOut:
    before, after = (tuple(worded(line, lang) for line in side) for side in (row.before, row.after))
    return RowOut(what=worded(row.what, lang), before=before, after=after)


# --- health -------------------------------------------------------------------------------------


@routes.get("/findings")
async def list_findings(agent: Agent, documents: Kept, lang: Lang) -> FindingsOut:
    """What is wrong with the pages, what matters most first, also what was dismissed."""
    found = await documents.health(lang)
    findings = tuple(FindingOut.model_validate(each) for each in found["findings"])
    return FindingsOut(findings=findings, total=found["total"], judging=found.get("judging"))


@routes.post("/findings/{id}")
async def settle_finding(
    id: FindingId, agent: Agent, documents: Kept, *, request: Request, lang: Lang, body: SettleIn
) -> FindingOut:
    """What an agent makes of a finding: accepted, dismissed, a task, or open again."""
    found = await documents.settle(id, body.state, by=agent.id, note=body.note or None, lang=lang)
    note_access(request, agent, f"finding {id} is {body.state}")
    return FindingOut.model_validate(found)


@routes.post("/findings")
async def look_again(
    core: Here, agent: Agent, documents: Kept, request: Request, body: NothingIn | None = None
) -> LookedOut:
    """Looks at all pages anew. One look at a time; many pages take minutes."""
    spend(request, "looks", agent.party, core.clock())
    changed = await documents.look()
    if changed is None:
        raise Refusal(409, "busy", "Somebody is looking at the pages already.", "Wait for it to end.")
    note_access(request, agent, "looked at all pages")
    return LookedOut(**changed.model_dump())


# --- pages --------------------------------------------------------------------------------------


@pages.get("/assist/procedures")
async def procedures_shown(
    core: Here, documents: Kept, request: Request, *, lang: Lang, approved: Named = "", changed: Named = ""
) -> Response:
    proven = await _signed_in(core, request)
    if proven is None:
        return _to_sign_in()
    agent = proven.principal
    every = await documents.procedures()
    notice = procedures_page.approved(every, approved, lang) if approved else ""
    notice = procedures_page.changed(every, changed, lang) if changed else notice
    main = procedures_page.to_decide(every, agent.id, _why_not(core, proven), notice, lang)
    return _page("/assist/procedures", agent, main, lang)


def _why_not(core: Core, who: Proven) -> WhyNot | None:
    approvers = core.settings.approvers
    if approver(who.principal.id, approvers, who.rights):
        return None
    return "nobody" if nobody_approves(approvers) else "not_named"


@pages.get("/assist/health")
async def health_shown(core: Here, documents: Kept, request: Request, lang: Lang) -> Response:
    proven = await _signed_in(core, request)
    if proven is None:
        return _to_sign_in()
    agent = proven.principal
    note_access(request, agent, "health of the pages")
    return _page("/assist/health", agent, health_page.to_decide(await documents.health(lang), lang), lang)


async def _signed_in(core: Core, request: Request) -> Proven | None:
    try:
        return await of_cookie(request, core)
    except NotAuthentic:
        return None


def _to_sign_in() -> Response:
    return RedirectResponse("/assist/sign-in", 303)


def _page(here: str, agent: Principal, main: str, lang: str) -> Response:
    """In no frame, whoever asks: what is decided on it must be seen as what it is."""

    def of(key: str, **values: str) -> str:
        return escape(say(lang, f"documents.{key}", **values))

    links = "".join(
        f'<a href="{place}"{" aria-current=page" if place == here else ""}>{of(name)}</a>'
        for place, name in PLACES.items()
    )
    return Response(
        f'<!doctype html>\n<html lang="{health_page.TAGS[lang]}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="robots" content="noindex">\n'
        f"<title>{of(PLACES[here])} · {of('for_agents')}</title>\n"
        '<link rel="icon" href="/assets/mark.svg" type="image/svg+xml">\n'
        '<link rel="stylesheet" href="/assets/documents.css">\n'
        '<script type="module" src="/assets/documents.js"></script>\n</head>\n<body>\n'
        f'<a class="skip" href="#main">{of("skip")}</a>\n'
        '<header class="bar"><img src="/assets/mark.svg" alt="" width="22" height="22">'
        f'<nav aria-label="{of("nav")}">{links}</nav>'
        f'<span class="small">{of("signed_in", name=agent.id)}</span></header>\n'
        f'<main id="main" tabindex="-1" data-words="{health_page.words_of_script(lang)}">{main}</main>\n'
        "</body>\n</html>\n",
        media_type="text/html; charset=utf-8",
    )
