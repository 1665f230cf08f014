"""The one place where a `Principal` is made, always from a proof: a signed token, or one we issued.

Text, headers other than Authorization, and body fields never say who somebody is.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import jwt
from pydantic import SecretStr

from app import site_keys
from app.errors import BadInput, ConfigError, NotAuthentic, Unavailable
from app.models.people import AgentRight, ApiKey, Principal, Scope, Way
from knowledge.model import Value

log = logging.getLogger(__name__)

LEEWAY_S = 30
LONGEST_S = 24 * 3600
"""A token that lives longer than a day is a password: refused."""
LONGEST_TOKEN = 8192
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}")
_VISITOR = re.compile(r"visitor_[A-Za-z0-9_-]{43}")
_API_KEY = re.compile(r"stepfour_[A-Za-z0-9_-]{43}")


class Proven(Value):
    """Who somebody is, and until when and for what that is proven."""

    principal: Principal
    until: datetime | None = None
    """When it has to be proven anew; None where it does not end by itself."""
    scopes: tuple[Scope, ...] = ()
    """What a machine's key is for; people have none."""
    way: Way | None = None
    """How an agent came in."""
    rights: frozenset[AgentRight] = frozenset()
    """What the provider's roles give an agent, beside the lists of the settings."""


class IdentitySettings(Protocol):
    @property
    def site_secret(self) -> SecretStr | None: ...
    @property
    def site_keys(self) -> Path | None: ...
    @property
    def audience(self) -> str: ...
    @property
    def agent_audience(self) -> str: ...


class AgentSettings(Protocol):
    @property
    def oidc_agents(self) -> tuple[str, ...]: ...
    @property
    def oidc_roles(self) -> Mapping[str, tuple[AgentRight, ...]]: ...


class Issued(Protocol):
    """Digests of the tokens we issued to anonymous visitors, and of API keys."""

    async def remember_visitor(self, digest: str) -> None: ...
    async def knows_visitor(self, digest: str) -> bool: ...
    async def api_key(self, digest: str) -> ApiKey | None: ...


class AgentSessions(Protocol):
    """Digests of the session tokens that signed-in agents hold."""

    async def session(self, digest: str, now: datetime) -> tuple[str, Way] | None:
        """The agent whose session it is, while it lasts, and how they signed in."""
        ...

    async def roles_of(self, agent: str, now: datetime) -> frozenset[str]:
        """What the provider said of them when they signed in last, while that counts."""
        ...


def new_visitor_token() -> str:
    """256 random bits for one anonymous visitor; only `digest` of it is ever stored."""
    return "visitor_" + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def issue_visitor(issued: Issued) -> str:
    token = new_visitor_token()
    await issued.remember_visitor(digest(token))
    return token


def new_api_key() -> str:
    """The key of one machine; only `digest` of it is ever stored. Its first word is one to search for."""
    return "stepfour_" + secrets.token_urlsafe(32)


async def prove(
    authorization: str | None, settings: IdentitySettings, issued: Issued, now: datetime
) -> Proven:
    """Who sent this Authorization header. Raises `NotAuthentic`, whose text says what to send instead, and
    `Unavailable` where that cannot be told now."""
    token = _bearer(authorization)
    if _VISITOR.fullmatch(token):
        if not await issued.knows_visitor(digest(token)):
            raise NotAuthentic("We do not know this visitor token. Ask for a new one: POST /v1/visitors.")
        return Proven(principal=Principal(kind="anonymous", id=digest(token)))
    if _API_KEY.fullmatch(token):
        return _machine(await issued.api_key(digest(token)), now)
    return _signed(token, settings, now)


def _machine(key: ApiKey | None, now: datetime) -> Proven:
    if key is None or key.revoked_at is not None:
        raise NotAuthentic("This API key was revoked or never was. Make a new one: stepfour keys api NAME.")
    if key.until is not None and key.until <= now:
        raise NotAuthentic("This API key has ended. Make a new one: stepfour keys api NAME.")
    return Proven(principal=Principal(kind="machine", id=key.name), until=key.until, scopes=key.scopes)


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthentic(
            "No token was sent. Send `Authorization: Bearer TOKEN`, with a token of your site or one "
            "from POST /v1/visitors."
        )
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise NotAuthentic("This is no token of ours. Ask your site for a fresh one.")
    return token.strip()


def _signed(token: str, settings: IdentitySettings, now: datetime) -> Proven:
    key, algorithm = _key_for(token, settings)
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=[settings.audience, settings.agent_audience],
            # Times are held against our own clock below, so that there is one clock.
            options={
                "require": ["sub", "aud", "exp"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.MissingRequiredClaimError as error:
        raise NotAuthentic(
            f"The token has no `{error.claim}`. Sign one with sub, account, aud, exp."
        ) from error
    except jwt.InvalidAudienceError as error:
        raise NotAuthentic("The token is for somebody else (`aud`). Ask your site for one for us.") from error
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise NotAuthentic("The token's signature does not hold. Ask your site for a fresh one.") from error
    until = _until(claims, now)
    if claims["aud"] == settings.agent_audience:
        return Proven(principal=Principal(kind="agent", id=_name(claims, "sub")), until=until, way="desk")
    if claims["aud"] == settings.audience:
        who = Principal(kind="customer", id=_name(claims, "sub"), account=_name(claims, "account"))
        return Proven(principal=who, until=until)
    raise NotAuthentic("The token names several audiences. Sign one with a single `aud`.")


def _key_for(token: str, settings: IdentitySettings) -> tuple[Any, str]:
    """The one key that may have signed a token, and the one algorithm that this key is for.

    The token says which key it is, never how to check it.
    """
    secret, place = settings.site_secret, settings.site_keys
    if secret is None and place is None:
        raise NotAuthentic(
            "Signed tokens are not set up here. Set STEPFOUR_SITE_KEYS or STEPFOUR_SITE_SECRET, or stay "
            "anonymous."
        )
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise NotAuthentic("The token's signature does not hold. Ask your site for a fresh one.") from error
    if place is None or kid is None:
        if secret is None:
            raise NotAuthentic("The token names no key (`kid`). Sign one with `kid` in its header.")
        return secret.get_secret_value(), "HS256"
    try:
        key = site_keys.current(place).get(kid)
    except ConfigError as error:
        log.error("signed tokens cannot be checked: %s", error)
        raise Unavailable("signed tokens cannot be checked now") from error
    if key is None:
        raise NotAuthentic("The token's key (`kid`) is not one of ours. Sign with a key that is listed here.")
    return key.key, key.algorithm


def _until(claims: Mapping[str, object], now: datetime) -> datetime:
    moment = now.timestamp()
    exp = _time(claims, "exp")
    if exp + LEEWAY_S <= moment:
        raise NotAuthentic("The token has expired. Ask your site for a fresh one and send this again.")
    if exp - moment > LONGEST_S + LEEWAY_S:
        raise NotAuthentic("The token lives longer than 24 hours. Sign one with a nearer `exp`.")
    for claim in ("nbf", "iat"):
        if claim in claims and _time(claims, claim) > moment + LEEWAY_S:
            raise NotAuthentic(f"The token is from the future (`{claim}`). Set the clocks of both machines.")
    return datetime.fromtimestamp(exp + LEEWAY_S, tz=now.tzinfo)


def _time(claims: Mapping[str, object], claim: str) -> float:
    value = claims[claim]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        seconds = float(value) if number else math.nan  # type: ignore[arg-type]
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        raise NotAuthentic(f"The token's `{claim}` is not a time in seconds. Sign one with a number.")
    return seconds


def _name(claims: Mapping[str, object], claim: str) -> str:
    """An id of the host site. A colon in `account` would let two parties share one key."""
    value = claims.get(claim)
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= 200
        or not value.isprintable()
        or value != value.strip()
    ):
        raise NotAuthentic(
            f"The token's `{claim}` is missing or not a plain id. Sign sub, account, aud, exp."
        )
    if claim == "account" and ":" in value:
        raise NotAuthentic("The token's `account` has a colon in it. Sign one with an id without colons.")
    return value


async def agent_session(
    token: str | None, sessions: AgentSessions, settings: AgentSettings, now: datetime
) -> Proven:
    """The agent whose session a cookie names, if they are one at this moment. Raises `NotAuthentic`."""
    if not token:
        raise NotAuthentic("You are not signed in. Open /assist/sign-in with a one-time link.")
    found = await sessions.session(digest(token), now) if _SESSION.fullmatch(token) else None
    if found is None:
        raise NotAuthentic("Your session has ended. Sign in again: /assist/sign-in")
    name, way = found
    rights: frozenset[AgentRight] = frozenset()
    if way == "oidc":  # whoever came in another way was not told of by the provider
        rights = rights_of(await sessions.roles_of(name, now), settings.oidc_roles)
        if not listed(name, settings.oidc_agents) and "agent" not in rights:
            raise NotAuthentic(
                "You are not on the list of agents any more. Ask whoever runs this installation."
            )
    return Proven(principal=Principal(kind="agent", id=name), way=way, rights=rights)


def rights_of(roles: Iterable[str], granted: Mapping[str, Sequence[AgentRight]]) -> frozenset[AgentRight]:
    """What roles of the provider may do here, by the settings of this moment; names are exact."""
    return frozenset(right for role in roles for right in granted.get(role, ()))


def account_user(account: object, user: object) -> Principal | None:
    """The customer whom the account system names for a proven address; None for what is no plain id."""
    claims = {"account": account, "sub": user}
    try:
        return Principal(kind="customer", id=_name(claims, "sub"), account=_name(claims, "account"))
    except NotAuthentic:
        return None


def invited_agent(name: str) -> Principal:
    """Whoever opens the one-time link that an operator of this installation made for this name.

    Raises `BadInput` for a name that could be taken for something else.
    """
    if not 0 < len(name) <= 200 or not name.isprintable() or name != name.strip():
        raise BadInput("the agent's name must be plain text. Use a name or an e-mail address.")
    return Principal(kind="agent", id=name)


class OneTime(Protocol):
    """Digests of codes and links that prove something once."""

    async def keep_one_time(
        self, digest: str, purpose: str, principal: Principal, until: datetime
    ) -> None: ...


async def one_time_link(name: str, codes: OneTime, now: datetime, minutes: int) -> str:
    """A token with which whoever opens its link signs in as the agent of this name, once."""
    token = secrets.token_urlsafe(32)
    until = now + timedelta(minutes=minutes)
    await codes.keep_one_time(digest(token), "sign-in", invited_agent(name), until)
    return token


def sign(
    settings: IdentitySettings,
    *,
    sub: str,
    account: str | None,
    agent: bool,
    minutes: int,
    now: datetime,
    key: Path | None = None,
) -> str:
    """A token as the host site would sign it, to try things by hand. Raises `ConfigError`.

    `key`: the file of a private key, called `KID.private.pem`; without it the site's secret signs.
    """
    claims: dict[str, object] = {
        "sub": sub,
        "aud": settings.agent_audience if agent else settings.audience,
        "exp": int(now.timestamp()) + minutes * 60,
    }
    if account is not None:
        claims["account"] = account
    if key is not None:
        return site_keys.sign(key, claims)
    if settings.site_secret is None:
        raise ConfigError("STEPFOUR_SITE_SECRET is not set. Make one: openssl rand -hex 32")
    return jwt.encode(claims, settings.site_secret.get_secret_value(), algorithm="HS256")


def slack_person(team: str, user: str) -> Principal:
    """A person of Slack about whom nothing else is proven: Slack signed that this user of this team spoke."""
    return Principal(kind="anonymous", id=f"slack:{team}:{user}")


def slack_agent(user: str, name: str) -> Principal:
    """A person on our side, as Slack was just asked; the user id keeps equal names apart."""
    return Principal(kind="agent", id=f"{name} ({user})")


def chatwoot_contact(account: int, contact: int, *, identifier: str | None, proven: bool) -> Principal:
    """Who writes in Chatwoot. `proven`: the host site signed the identifier, and unsigned ones are refused.

    A proven identifier reads `account/user`, both ids of the host site; anything else stays a visitor.
    """
    visitor = Principal(kind="anonymous", id=f"chatwoot:{account}:{contact}")
    company, slash, user = (identifier or "").partition("/")
    if not (proven and slash):
        return visitor
    claims = {"account": company, "sub": user}
    try:
        return Principal(kind="customer", id=_name(claims, "sub"), account=_name(claims, "account"))
    except NotAuthentic:
        return visitor


def chatwoot_stranger(conversation: str) -> Principal:
    """Whoever writes in a conversation whose contact was proven to be one customer and then another."""
    return Principal(kind="anonymous", id=f"{conversation}:changed")


def chatwoot_agent(id: int | None, name: str | None) -> Principal:
    """A person on our side, as Chatwoot's API named them; their number there keeps names apart."""
    if id is None:
        return Principal(kind="agent", id="Chatwoot")
    return Principal(kind="agent", id=f"{name or 'Agent'} (Chatwoot {id})")


# --- lists of people ----------------------------------------------------------------------------


def listed(name: str, people: Sequence[str]) -> bool:
    """Exactly a name or address of the list, or an address of a domain of it; nobody where it is empty."""
    _, at, domain = name.casefold().rpartition("@")
    wanted = {name.casefold(), *([f"@{domain}"] if at else [])}
    return any(each.strip().casefold() in wanted for each in people if each.strip())


def approver(name: str, approvers: Sequence[str], rights: Collection[AgentRight] = ()) -> bool:
    """Whether this person may do what approvers may."""
    return listed(name, approvers) or "approver" in rights


def nobody_approves(approvers: Sequence[str]) -> bool:
    """No list names anybody."""
    return not any(each.strip() for each in approvers)


def not_approver(
    name: str,
    approvers: Sequence[str],
    rights: Collection[AgentRight] = (),
    *,
    to: str = "approve procedures",
) -> tuple[str, str] | None:
    """Why this person may not do what approvers may, and what to do; None where they may."""
    if approver(name, approvers, rights):
        return None
    if nobody_approves(approvers):
        example = json.dumps([name], ensure_ascii=False)
        return (
            f"nobody may {to} yet",
            f"Set STEPFOUR_APPROVERS={example} (names or @domain); a running service reads it at its start.",
        )
    return (
        f"{name} may not {to}",
        "Ask somebody whom STEPFOUR_APPROVERS names, or add the name there; a running service reads it at "
        "its start.",
    )
