"""The agents' page, and signing in to it: one-time codes, and the company's own accounts."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from app.channels.assist.core import AssistSettings
from app.channels.assist.oidc import BEGUN_S, Provider, Refused
from app.channels.assist.session import (
    NO,
    Agent,
    Here,
    Proof,
    cookie_name,
    from_our_page,
    new_ticket,
    note_access,
    of_cookie,
    of_session,
    over_https,
    session_for,
    set_cookie,
)
from app.channels.assist.wire import MeOut, PassOut, SessionIn, SessionOut, TicketIn, TicketOut
from app.channels.edge import Edge, Refusal, page_policy
from app.channels.limits import address, spend
from app.channels.site import built
from app.channels.wire import NothingIn
from app.errors import NotAuthentic, NotFound
from app.identity import digest

log = logging.getLogger(__name__)

OIDC_COOKIE = "stepfour-oidc"
CALLBACK = "/assist/oidc/callback"

pages = APIRouter(route_class=Edge, include_in_schema=False)
routes = APIRouter(prefix="/v1/agent", route_class=Edge, responses=NO, tags=["Agents"])


def _provider(request: Request) -> Provider:
    provider: Provider = request.state.provider
    return provider


Openid = Annotated[Provider, Depends(_provider)]


@pages.get("/assist")
@pages.get("/assist/sign-in")
async def page(core: Here, request: Request) -> Response:
    return _page("assist.html", core.settings, request)


@pages.get("/assist/chatwoot")
async def chatwoot_page(core: Here, request: Request) -> Response:
    return _page("chatwoot.html", core.settings, request)


def _page(name: str, settings: AssistSettings, request: Request) -> Response:
    """A page that the desks of `assist_hosts` may show in a frame, and that may answer who opened it."""
    hosts = settings.assist_hosts
    headers = {
        "content-security-policy": page_policy(*(("'self'", *hosts) if hosts else ())),
        "cross-origin-opener-policy": "unsafe-none",  # a pop-up that signed in hands a pass to its frame
    }
    return built(name, request, **headers)


# --- signing in ---------------------------------------------------------------------------------


@routes.get("/me")
async def who_am_i(core: Here, request: Request, openid: Openid) -> MeOut:
    """Who is signed in, and how one can sign in. Always 200."""
    try:
        name = (await of_cookie(request, core)).principal.id
    except NotAuthentic:
        name = None
    return MeOut(name=name, oidc=openid.configured, provider=openid.name, hosts=core.settings.assist_hosts)


@routes.post("/session", status_code=201)
async def sign_in(core: Here, request: Request, response: Response, body: SessionIn) -> SessionOut:
    """Signs in by a one-time code: a link's, a desk's ticket, or a pass. A GET never uses one up."""
    from_our_page(request, core.settings)  # so that no other site signs anybody in as somebody else
    spend(request, "sign_ins", address(request), core.clock())
    token, conversation = await session_for(body.code, core)
    agent = (await of_session(token, core)).principal
    set_cookie(response, core.settings, token)
    note_access(request, agent, "signed in")
    return SessionOut(name=agent.id, conversation=conversation)


@routes.delete("/session", status_code=204)
async def sign_out(core: Here, request: Request, agent: Agent, response: Response) -> None:
    """Ends the session of this browser."""
    token = request.cookies.get(cookie_name(core.settings))
    if token is not None:
        await core.store.drop_session(digest(token))
    set_cookie(response, core.settings, "", seconds=0)
    note_access(request, agent, "signed out")


@routes.post("/session/pass", status_code=201)
async def hand_on(core: Here, signed: Proof, body: NothingIn | None = None) -> PassOut:
    """A one-time code for a frame of ours that cannot see this window's cookie."""
    code, _ = await new_ticket(core, signed.agent, signed.way)
    return PassOut(code=code)


@routes.post("/tickets", status_code=201)
async def make_ticket(core: Here, signed: Proof, request: Request, body: TicketIn) -> TicketOut:
    """For the server of a desk, with its agent's token: what signs that agent in inside the desk's frame."""
    if signed.cookie:
        raise Refusal(
            403, "token_needed", "A ticket is made by a desk.", "Send the agent's token in Authorization."
        )
    ticket, until = await new_ticket(core, signed.agent, signed.way, body.conversation)
    note_access(request, signed.agent, "ticket")
    return TicketOut(ticket=ticket, expires_at=until)


@pages.get("/assist/oidc/start")
async def begin_openid(core: Here, request: Request, openid: Openid) -> Response:
    if not openid.configured:
        raise NotFound
    try:
        url, state = await openid.begin(_callback(core.settings, request))
    except Refused as refused:
        return _refused(refused)
    response = RedirectResponse(url, 303)
    _oidc_cookie(response, core.settings, state, BEGUN_S)
    return response


@pages.get(CALLBACK)
async def finish_openid(core: Here, request: Request, openid: Openid) -> Response:
    if not openid.configured:
        raise NotFound
    answer = dict(request.query_params)
    try:
        name, roles = await openid.finish(
            answer, request.cookies.get(OIDC_COOKIE), _callback(core.settings, request)
        )
    except Refused as refused:
        if refused.address is not None:  # what the provider said of them before does not count any more
            await core.store.keep_roles(refused.address, (), core.clock())
        return _refused(refused)
    token = await core.open_session(name, "oidc", roles)
    response = RedirectResponse("/assist", 303)
    set_cookie(response, core.settings, token)
    _oidc_cookie(response, core.settings, "", 0)
    note_access(request, (await of_session(token, core)).principal, "signed in")
    return response


def _refused(refused: Refused) -> Response:
    log.warning("an agent could not sign in (%s): %s", refused.code, refused)
    return RedirectResponse(f"/assist/sign-in?refused={refused.code}", 303)


def _callback(settings: AssistSettings, request: Request) -> str:
    base = settings.public_url or str(request.base_url)
    return base.rstrip("/") + CALLBACK


def _oidc_cookie(response: Response, settings: AssistSettings, state: str, seconds: int) -> None:
    """Lax, not strict: the provider's answer is a link from its site to ours."""
    secure = "; Secure" if over_https(settings) else ""
    response.headers.append(
        "set-cookie",
        f"{OIDC_COOKIE}={state}; Path=/assist/oidc; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
    )
