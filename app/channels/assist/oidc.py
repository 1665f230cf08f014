"""Agents sign in with the company's own accounts: OpenID Connect, authorization code with PKCE.

Every "no" is one of four codes that the sign-in page has words for; the log has the reason.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any, Literal
from urllib.parse import urlsplit

from app.channels.assist.core import AssistSettings
from app.identity import listed, rights_of
from app.ports import Clock
from knowledge.model import Value

log = logging.getLogger(__name__)

BEGUN_S = 600
"""How long somebody may take at the provider."""
MOST_BEGUN = 1000
METADATA_S = 3600
LEEWAY_S = 60
SECONDS = 10.0
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "RS384", "RS512", "ES384", "ES512")
"""Signatures that only the provider can make: none that our own secret could."""

Code = Literal["not_listed", "not_verified", "expired", "failed"]
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Refused(Exception):
    """Signing in stops here; `code` is for the person, the message for the log."""

    def __init__(self, code: Code, why: str, address: str | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.address = address
        """Whom the provider proved, where they are no agent (any more)."""


class Begun(Value):
    """A sign-in under way, by its state."""

    nonce: str
    verifier: str
    until: datetime


class Provider:
    """One OpenID provider: its metadata, and the sign-ins under way. They are forgotten with the process."""

    def __init__(self, settings: AssistSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._begun: dict[str, Begun] = {}
        self._metadata: tuple[datetime, Mapping[str, Any]] | None = None

    @property
    def configured(self) -> bool:
        return bool(self._settings.oidc_issuer and self._settings.oidc_client_id)

    @property
    def name(self) -> str | None:
        return urlsplit(self._settings.oidc_issuer or "").hostname if self.configured else None

    async def begin(self, redirect_uri: str) -> tuple[str, str]:
        """(address at the provider, state). Raises `Refused`."""
        now = self._clock()
        self._begun = {state: each for state, each in self._begun.items() if each.until > now}
        if len(self._begun) >= MOST_BEGUN:
            self._begun.pop(next(iter(self._begun)))
        state, begun = secrets.token_urlsafe(32), _begin(now)
        async with self._client(redirect_uri) as client:
            metadata = await self._discover(client)
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
            )
        self._begun[state] = begun
        return str(url), state

    async def finish(
        self, answer: Mapping[str, str], browser_state: str | None, redirect_uri: str
    ) -> tuple[str, frozenset[str]]:
        """The verified address of an agent and those roles that count here, for what the provider sent back.

        Raises `Refused`.
        """
        begun = self._taken(answer.get("state", ""), browser_state)
        async with self._client(redirect_uri) as client:
            metadata = await self._discover(client)
            _held(answer, metadata)
            token = await self._token(client, metadata, answer["code"], begun.verifier)
            claims = await self._claims(client, metadata, token, begun.nonce)
            told = await self._told(client, metadata, token, claims)
        address, granted = _address(told), self._settings.oidc_roles
        roles = frozenset(roles_in(told, self._settings.oidc_roles_claim)) & granted.keys()
        if not listed(address, self._settings.oidc_agents) and "agent" not in rights_of(roles, granted):
            why = "neither in STEPFOUR_OIDC_AGENTS nor in a group of STEPFOUR_OIDC_ROLES"
            raise Refused("not_listed", why, address)
        return address, roles

    def _taken(self, state: str, browser_state: str | None) -> Begun:
        """A state counts once, in the browser that began it, and not for long."""
        begun = self._begun.pop(state, None)
        if begun is None or begun.until <= self._clock():
            raise Refused("expired", "the state is unknown, used or late")
        if browser_state is None or not compare_digest(state.encode(), browser_state.encode()):
            raise Refused("expired", "the state was begun in another browser")
        return begun

    def _client(self, redirect_uri: str) -> Any:
        from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]

        secret = self._settings.oidc_client_secret
        return AsyncOAuth2Client(
            client_id=self._settings.oidc_client_id,
            client_secret=secret.get_secret_value() if secret else None,
            scope=" ".join(dict.fromkeys(("openid", "email", *self._settings.oidc_scopes))),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=SECONDS,
        )

    async def _discover(self, client: Any) -> Mapping[str, Any]:
        issuer = (self._settings.oidc_issuer or "").rstrip("/")
        now = self._clock()
        if self._metadata is not None and self._metadata[0] > now:
            return self._metadata[1]
        metadata = await _json(client, f"{issuer}/.well-known/openid-configuration")
        if str(metadata.get("issuer", "")).rstrip("/") != issuer:
            raise Refused(
                "failed", f"the metadata is of {metadata.get('issuer')!r}, not of STEPFOUR_OIDC_ISSUER"
            )
        missing = [name for name in NEEDED if not metadata.get(name)]
        if missing:
            raise Refused("failed", f"the provider's metadata has no {', '.join(missing)}")
        self._metadata = now + timedelta(seconds=METADATA_S), metadata
        return metadata

    async def _token(
        self, client: Any, metadata: Mapping[str, Any], code: str, verifier: str
    ) -> dict[str, Any]:
        from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
        from httpx2 import HTTPError

        client.token_endpoint_auth_method = _method(metadata, secret=bool(client.client_secret))
        try:
            token = await client.fetch_token(
                metadata["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=verifier
            )
        except (OAuthError, HTTPError, ValueError) as error:
            raise Refused("failed", f"no token for the code: {type(error).__name__}") from error
        return dict(token)

    async def _claims(
        self, client: Any, metadata: Mapping[str, Any], token: Mapping[str, Any], nonce: str
    ) -> Mapping[str, Any]:
        """The claims of the identity token, held against issuer, audience, nonce and time."""
        from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        try:
            keys = KeySet.import_key_set(await _json(client, metadata["jwks_uri"]))  # type: ignore[arg-type]
            signed = jwt.decode(str(token.get("id_token", "")), keys, algorithms=list(ALGORITHMS))
            claims = CodeIDToken(
                signed.claims,
                signed.header,
                {
                    "iss": {"essential": True, "value": metadata["issuer"]},
                    "aud": {"essential": True, "value": self._settings.oidc_client_id},
                    "nonce": {"essential": True, "value": nonce},
                },
                {
                    "nonce": nonce,
                    "client_id": self._settings.oidc_client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(now=int(self._clock().timestamp()), leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Refused("failed", f"the identity token does not hold: {type(error).__name__}") from error
        return dict(claims)

    async def _told(
        self, client: Any, metadata: Mapping[str, Any], token: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """All that is said of the person; some providers tell address or groups at their userinfo endpoint
        alone. What the signed token says wins."""
        wanted = ["email"] + [self._settings.oidc_roles_claim.partition(".")[0]] * bool(
            self._settings.oidc_roles
        )
        if all(name in claims for name in wanted) or not metadata.get("userinfo_endpoint"):
            return claims
        bearer = {"Authorization": f"Bearer {token.get('access_token')}"}
        more = await _json(client, metadata["userinfo_endpoint"], headers=bearer)
        if more.get("sub") != claims["sub"]:
            raise Refused("failed", "the userinfo is of somebody else")
        # An address and whether it is verified are told by one of both.
        address = claims if "email" in claims else more
        apart = {"email": address.get("email"), "email_verified": address.get("email_verified")}
        return {**more, **claims, **apart}


def roles_in(told: Mapping[str, Any], claim: str) -> list[str]:
    """Groups or roles that a claim names: a list or one text, under a name or a way of names.

    A claim may have dots in its own name, as an address has: the whole name counts first.
    """
    found: Any = told.get(claim)
    if found is None:
        found = told
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    values = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return [value for value in values if isinstance(value, str) and value]


def _address(told: Mapping[str, Any]) -> str:
    address = told.get("email")
    if told.get("email_verified") not in (True, "true"):
        raise Refused("not_verified", "the provider does not say that the address is verified")
    if not isinstance(address, str) or not _plain(address):
        raise Refused("not_verified", "the provider names no address")
    return address.casefold()


def _begin(now: datetime) -> Begun:
    return Begun(
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        until=now + timedelta(seconds=BEGUN_S),
    )


def _held(answer: Mapping[str, str], metadata: Mapping[str, Any]) -> None:
    """What came back is from this provider and has a code."""
    issuer = answer.get("iss")
    needed = metadata.get("authorization_response_iss_parameter_supported") is True
    if (issuer is None and needed) or (issuer is not None and issuer != metadata["issuer"]):
        raise Refused("failed", "the answer is from another provider")
    if "error" in answer or not answer.get("code"):
        raise Refused("failed", f"the provider said no: {answer.get('error', 'no code')[:60]!r}")


def _method(metadata: Mapping[str, Any], *, secret: bool) -> str:
    """How we prove to the token endpoint who we are: the standard's default unless it names others."""
    if not secret:
        return "none"
    named = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return "client_secret_basic" if "client_secret_basic" in named else "client_secret_post"


async def _json(client: Any, url: str, **more: Any) -> dict[str, Any]:
    from httpx2 import HTTPError

    try:
        response = await client.request("GET", url, withhold_token=True, **more)
        response.raise_for_status()
        found = response.json()
    except (HTTPError, ValueError) as error:
        raise Refused("failed", f"{urlsplit(url).hostname} did not answer: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise Refused("failed", f"{urlsplit(url).hostname} answered with something else than an object")
    return found


def _plain(address: str) -> bool:
    one = address.count("@") == 1 and not address.startswith("@") and not address.endswith("@")
    return one and len(address) <= 200 and address.isprintable() and " " not in address
