"""Who is who in Slack: ours, a guest, a stranger, a bot; and which customer a person is, by proof only."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.channels.slack.limits import Api, refused
from app.channels.slack.receive import Installed
from app.errors import Unavailable
from app.identity import slack_agent, slack_person
from app.models.people import Principal
from app.texts import clean
from knowledge.model import Value

if TYPE_CHECKING:
    from app.adapters.store import Store
    from app.ports import Accounts

FRESH_S = 600.0
"""How long a person's profile is good enough to talk to them; for approvals it is asked for each time."""
BY_EMAIL = "slack_email"
LONGEST_NAME = 60


class Person(Value):
    id: str
    team: str
    """The workspace they are a member of."""
    name: str
    email: str | None = None
    language: str | None = None
    guest: bool = False
    stranger: bool = False
    bot: bool = False
    gone: bool = False

    def of(self, team: str) -> bool:
        """A full member of this workspace."""
        return self.team == team and not (self.guest or self.stranger or self.bot or self.gone)


def person(user: Mapping[str, Any]) -> Person:
    """What `users.info` says of somebody."""
    profile = user.get("profile") or {}
    unconfirmed = user.get("is_email_confirmed") is False
    name = profile.get("real_name") or user.get("real_name") or profile.get("display_name") or user["id"]
    return Person(
        id=user["id"],
        team=str(user.get("team_id") or ""),
        name=clean(str(name), LONGEST_NAME).replace("(", "").replace(")", "").strip() or user["id"],
        email=None if unconfirmed else profile.get("email"),
        language=user.get("locale"),
        guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        stranger=bool(user.get("is_stranger")),
        bot=bool(user.get("is_bot") or user.get("is_workflow_bot")),
        gone=bool(user.get("deleted")),
    )


class People:
    """The people of one workspace, and of those it shares channels with."""

    def __init__(
        self, api: Api, store: Store, accounts: Accounts, *, installed: Installed, agents: Sequence[str]
    ) -> None:
        self._api = api
        self._store = store
        self._accounts = accounts
        self._installed = installed
        self._agents = frozenset(agents)
        self._known: dict[str, tuple[float, Person]] = {}

    async def find(self, user: str, *, now: bool = False) -> Person | None:
        """`now`: as they stand at this moment. None where Slack knows nobody of that id."""
        from slack_sdk.errors import SlackApiError

        at, known = self._known.get(user, (0.0, None))
        if known is not None and not now and time.monotonic() - at < FRESH_S:
            return known
        try:
            answer = await self._api.call("users_info", user=user, include_locale=True)
        except SlackApiError as error:
            if refused(error) in ("user_not_found", "user_not_visible"):
                return None
            raise
        found = person(answer["user"])
        self._known[user] = time.monotonic(), found
        return found

    async def agent(self, user: str, *, now: bool = False) -> Principal | None:
        """The agent that a user is: on the list, and a full member of our own workspace. Else None."""
        if user not in self._agents:
            return None
        found = await self.find(user, now=now)
        return (
            slack_agent(found.id, found.name)
            if found is not None and found.of(self._installed.team)
            else None
        )

    async def principal(self, user: str, team: str) -> Principal:
        """Who a person is proven to be: linked before, else by the verified e-mail of our own workspace."""
        external = external_id(team, user)
        linked = await self._store.linked(external)
        if linked is not None:
            return linked
        found = await self.find(user)
        if found is not None and found.email and found.of(self._installed.team):
            try:
                known = await self._accounts.person_by_email(found.email)
            except Unavailable:
                known = None  # they stay anonymous for now, which may do less
            if known is not None:
                await self._store.link(external, known, BY_EMAIL)
                return known
        return slack_person(team, user)


def external_id(team: str, user: str) -> str:
    return f"slack:{team}:{user}"
