"""The dashboard that Heron Mail's customers see: its own origin, its own sign-in, and the widget embedded.

It does what a host site does: a script tag, and a route of its own server that signs for who is signed in.
Beside it the page plays the customer's DNS provider, so that the one missing step can be done by a click.

    shop = Shop(world, people, secret=...)
    async with shop.serve() as url:
        shop.bot = "http://127.0.0.1:8080"
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Any

import jwt
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from evals.world.chatwoot.running import running
from evals.world.scenarios import direct, proxied
from evals.world.spec import TRACKING_TARGET, Account, Edge, Person
from evals.world.world import World

FOLDER = Path(__file__).parent / "page"
FILES = {"shop.js": "text/javascript", "shop.css": "text/css", "heron.svg": "image/svg+xml"}
COOKIE = "heron-mail"
TOKEN_S = 300
"""A token lives so long; the widget asks for the next one."""
LOOKUP_S = 2.0

Json = dict[str, Any]


class Shop:
    """`people` are those one can sign in as; `bot` is Stepfour's origin, known once it runs."""

    def __init__(
        self, world: World, people: Sequence[Person], *, secret: str, audience: str = "stepfour"
    ) -> None:
        self.world, self.people, self.bot = world, tuple(people), ""
        self._secret, self._audience = secret, audience
        self._sessions: dict[str, Person] = {}

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Its address, until the end of the block, in the running loop."""
        async with running([self._routes()], port) as url:
            yield url

    # --- what its server does ---

    def token(self, person: Person) -> str:
        """All that a host site has to do: sign who its own session says it is."""
        claims = {
            "sub": person.user,
            "account": person.account,
            "aud": self._audience,
            "exp": int(time.time()) + TOKEN_S,
        }
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def _person(self, request: Request) -> Person | None:
        return self._sessions.get(request.cookies.get(COOKIE, ""))

    async def _account(self, person: Person) -> Account:
        return await asyncio.to_thread(self.world.account, person.account)

    async def _shown(self, person: Person) -> Json:
        account = await self._account(person)
        user = next(user for user in account.users if user.id == person.user)
        return {
            "account": account.id,
            "company": account.name,
            "plan": account.plan,
            "user": user.id,
            "name": user.name,
            "email": user.email,
            "role": user.role,
        }

    async def _dashboard(self, person: Person) -> Json:
        """The account as it is now, and what DNS says of its links."""
        account = await self._account(person)
        hosts = [link.host for link in account.branded_links]
        records = await asyncio.gather(*(self._record(host) for host in hosts))
        return {
            "settings": account.settings.model_dump(),
            "sending": account.sending.model_dump(),
            "dedicated_ip": account.dedicated_ip,
            "target": TRACKING_TARGET,
            "links": [
                {"host": link.host, "validated": link.validated, **record}
                for link, record in zip(account.branded_links, records, strict=True)
            ],
            "domains": [domain.model_dump() for domain in account.domains],
            "people": [user.model_dump() for user in account.users],
        }

    async def _record(self, host: str) -> Json:
        """`cname` where the record still points somewhere by name, `proxied` where it is an address."""
        import dns.asyncquery
        import dns.exception
        import dns.message
        import dns.rdatatype

        address, _, port = self.world.addresses.authority.rpartition(":")
        query = dns.message.make_query(host, dns.rdatatype.A)
        try:
            answer = await dns.asyncquery.udp(query, address, timeout=LOOKUP_S, port=int(port))
        except (dns.exception.DNSException, OSError):
            return {"cname": None, "proxied": None}
        first = next((found for found in answer.answer if found.name.to_text(True) == host), None)
        named = first is not None and first.rdtype == dns.rdatatype.CNAME
        cname = first[0].target.to_text(True) if named and first is not None else None
        return {"cname": cname, "proxied": first is not None and cname != TRACKING_TARGET}

    async def _put_proxy(self, person: Person, host: str, there: bool) -> None:
        """What the customer does at their DNS provider: a proxy with a certificate, or the plain record."""
        account = await self._account(person)
        if host not in {link.host for link in account.branded_links}:
            raise HTTPException(404, f"{host} is no branded link of this account")
        record = proxied(host) if there else direct(host)
        edge = Edge(host=host, kind="valid" if there else "closed")
        await asyncio.to_thread(self.world.set, records=(record,), edges=(edge,))

    # --- over HTTP ---

    def policy(self) -> str:
        """As strict as a host page can be: nothing inline, nobody but itself and Stepfour."""
        return "; ".join(
            (
                "default-src 'none'",
                f"script-src 'self' {self.bot}",
                f"connect-src 'self' {self.bot}",
                f"img-src 'self' {self.bot} data: blob:",
                "style-src 'self'",
                "base-uri 'none'",
                "form-action 'self'",
                "frame-ancestors 'none'",
            )
        )

    def _routes(self) -> APIRouter:
        router = APIRouter()

        @router.get("/")
        async def page() -> HTMLResponse:
            text = (FOLDER / "shop.html").read_text(encoding="utf-8").replace("{{bot}}", escape(self.bot))
            return HTMLResponse(text, headers={"content-security-policy": self.policy()})

        @router.get("/files/{name}")
        async def file(name: str) -> FileResponse:
            if name not in FILES:
                raise HTTPException(404)
            return FileResponse(FOLDER / name, media_type=FILES[name])

        @router.get("/favicon.ico")
        async def favicon() -> FileResponse:
            return FileResponse(FOLDER / "heron.svg", media_type="image/svg+xml")

        @router.get("/api/people")
        async def people() -> list[Json]:
            return [await self._shown(person) for person in self.people]

        @router.get("/api/me")
        async def me(request: Request) -> Json | None:
            person = self._person(request)
            return await self._shown(person) if person else None

        @router.get("/api/account")
        async def account(request: Request) -> Json:
            return await self._dashboard(self._signed_in(request))

        @router.get("/api/support-token")
        async def support_token(request: Request) -> Json:
            return {"token": self.token(self._signed_in(request))}

        @router.post("/api/{move}")
        async def move(move: str, request: Request) -> Response:
            return await self._move(move, request)

        return router

    def _signed_in(self, request: Request) -> Person:
        person = self._person(request)
        if person is None:
            raise HTTPException(401, "nobody is signed in")
        return person

    async def _move(self, move: str, request: Request) -> Response:
        # Only our page sends this type: another site's would be asked first, and is never allowed to.
        if request.headers.get("content-type") != "application/json":
            raise HTTPException(415, "send JSON")
        given: Json = json.loads(await request.body())
        response = JSONResponse({"ok": True})
        if move == "sign-in":
            wanted = Person(account=str(given.get("account")), user=str(given.get("user")))
            if wanted not in self.people:
                raise HTTPException(404, "there is no such person here")
            session = secrets.token_urlsafe(24)
            self._sessions[session] = wanted
            response.set_cookie(COOKIE, session, httponly=True, samesite="lax")
        elif move == "sign-out":
            self._sessions.pop(request.cookies.get(COOKIE, ""), None)
            response.delete_cookie(COOKIE)
        elif move == "proxy":
            await self._put_proxy(
                self._signed_in(request), str(given.get("host")), given.get("there") is True
            )
        else:
            raise HTTPException(404)
        return response
