"""Who somebody is, by what only they can have: a sign-in, a one-time code, a session."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from app import conversation as path
from app.errors import NotAuthentic
from app.identity import digest, one_time_link
from app.matter import Matter
from app.models.people import Principal, Way

CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without those that are taken for another."""
SESSION_HOURS = 12


class Proofs(Matter):
    """Proofs are used once or end by themselves; nothing here rests on what somebody writes."""

    async def join(self, conversation_id: str, principal: Principal) -> None:
        """A conversation becomes that of whoever was proven to hold it; two ledgers become one."""
        conversation = await self._conversation(conversation_id)
        async with path.party_lock(self.services, conversation):
            conversation = await self._conversation(conversation_id)
            if conversation.principal.party == principal.party:
                return
            mine = await self.services.store.open_cases(principal.party)
            theirs = await self.services.store.cases_of(conversation_id)
            same = [
                (case.id, other.id)
                for case in theirs
                for other in mine
                if case.procedure is not None and case.procedure == other.procedure
            ]
            await self.services.store.join(conversation, principal, same)

    async def link_code(self, principal: Principal) -> tuple[str, datetime]:
        """A code that a proven customer enters in another place, once; and until when it holds."""
        if principal.kind != "customer":
            raise NotAuthentic("A code is for signed-in customers. Sign in on the site first.")
        code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(8))
        until = self.services.clock() + timedelta(minutes=self.services.settings.link_minutes)
        await self.services.store.keep_one_time(digest(code), "link", principal, until)
        return code, until

    async def redeem(self, code: str, external: str) -> Principal | None:
        """Who a person of another service is, by a code that only they have; None where it does not hold."""
        clean = code.strip().upper().replace("-", "")
        found = await self.services.store.take_one_time(digest(clean), "link", self.services.clock())
        if found is not None:
            await self.services.store.link(external, found, "code")
        return found

    async def agent_link(self, name: str) -> str:
        """A token with which an agent signs in once."""
        minutes = self.services.settings.link_minutes
        return await one_time_link(name, self.services.store, self.services.clock(), minutes)

    async def sign_in(self, token: str) -> str:
        """A session for the one-time token. Raises `NotAuthentic` for one that does not hold."""
        agent = await self.services.store.take_one_time(digest(token), "sign-in", self.services.clock())
        if agent is None:
            raise NotAuthentic("This link was used or is too old. Ask for a new one.")
        return await self.open_session(agent.id, "link")

    async def open_session(self, name: str, way: Way, roles: Collection[str] | None = None) -> str:
        """A session for an agent who was proven to be one, and how: what that proof rests on may end.

        `roles`: what the provider says of them; None where it was not asked just now.
        """
        session = secrets.token_urlsafe(32)
        until = self.services.clock() + timedelta(hours=SESSION_HOURS)
        if roles is not None:
            await self.services.store.keep_roles(name, roles, until)
        await self.services.store.keep_session(digest(session), name, way, until)
        return session
