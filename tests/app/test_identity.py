"""Who speaks is proven by a token, and every way to pretend is refused."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Callable
from datetime import UTC, datetime

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from app import identity
from app.errors import NotAuthentic
from app.identity import digest, issue_visitor, prove
from app.models.people import ApiKey, Principal
from app.settings import Settings

SECRET = "a secret of the host site, for tests only, and long enough for the longer hashes"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SETTINGS = Settings(_env_file=None, site_secret=SecretStr(SECRET))


class Digests:
    def __init__(self) -> None:
        self.kept: list[str] = []

    async def remember_visitor(self, digest: str) -> None:
        self.kept.append(digest)

    async def knows_visitor(self, digest: str) -> bool:
        return digest in self.kept

    async def api_key(self, digest: str) -> ApiKey | None:
        return None


def claims(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "sub": "ann",
        "account": "acme",
        "aud": "stepfour",
        "exp": NOW.timestamp() + 600,
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def token(key: str = SECRET, algorithm: str = "HS256", **changes: object) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm)


async def proven(token: str, digests: Digests | None = None) -> Principal:
    return (await prove(f"Bearer {token}", SETTINGS, digests or Digests(), NOW)).principal


async def test_a_signed_customer_is_proven_with_account_until_the_token_ends() -> None:
    found = await prove(f"Bearer {token()}", SETTINGS, Digests(), NOW)
    principal, until = found.principal, found.until
    assert (principal.kind, principal.id, principal.account) == ("customer", "ann", "acme")
    assert until is not None
    assert until.timestamp() == NOW.timestamp() + 600 + 30


async def test_an_agent_is_proven_by_the_agents_audience() -> None:
    principal = await proven(token(aud="stepfour-agents", account=None))
    assert (principal.kind, principal.id, principal.account) == ("agent", "ann", None)


async def test_a_visitor_is_the_digest_of_a_token_that_we_do_not_keep() -> None:
    digests = Digests()
    secret = await issue_visitor(digests)
    principal = await proven(secret, digests)
    assert (principal.kind, principal.id) == ("anonymous", digest(secret))
    assert digests.kept == [principal.id]
    assert secret not in repr(vars(digests))
    assert len(base64.urlsafe_b64decode(secret.removeprefix("visitor_") + "=")) == 32


async def test_a_visitor_token_that_we_did_not_issue_is_refused() -> None:
    with pytest.raises(NotAuthentic, match="POST /v1/visitors"):
        await proven(identity.new_visitor_token())


def unsigned(header: dict[str, str]) -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims()).encode()]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def tampered() -> str:
    header, _, signature = token().split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(account="victim")).encode()).rstrip(b"=").decode()
    return f"{header}.{body}.{signature}"


REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "alg none": (lambda: unsigned({"alg": "none", "typ": "JWT"}), "signature"),
    "alg NONE": (lambda: unsigned({"alg": "NONE", "typ": "JWT"}), "signature"),
    "no alg": (lambda: unsigned({"typ": "JWT"}), "signature"),
    "another algorithm": (lambda: token(algorithm="HS512"), "signature"),
    "another key": (lambda: token("the secret of quite another site, not ours"), "signature"),
    "tampered claims": (tampered, "signature"),
    "not a token": (lambda: "hello", "signature"),
    "expired": (lambda: token(exp=NOW.timestamp() - 31), "expired"),
    "lives for a week": (lambda: token(exp=NOW.timestamp() + 7 * 86400), "24 hours"),
    "no exp": (lambda: token(exp=None), "exp"),
    "exp is a word": (lambda: token(exp="tomorrow"), "exp"),
    "exp is true": (lambda: token(exp=True), "exp"),
    "exp is infinite": (lambda: token(exp=float("inf")), "exp"),
    "not yet": (lambda: token(nbf=NOW.timestamp() + 120), "nbf"),
    "made in the future": (lambda: token(iat=NOW.timestamp() + 120), "iat"),
    "another audience": (lambda: token(aud="another-shop"), "aud"),
    "no audience": (lambda: token(aud=None), "aud"),
    "both audiences": (lambda: token(aud=["stepfour", "stepfour-agents"]), "aud"),
    "no sub": (lambda: token(sub=None), "sub"),
    "empty sub": (lambda: token(sub=""), "sub"),
    "no account": (lambda: token(account=None), "account"),
    "account is a list": (lambda: token(account=["acme"]), "account"),
    "account with a colon": (lambda: token(account="acme:ann"), "account"),
    "account with a line break": (lambda: token(account="acme\n"), "account"),
    "longer than any token": (lambda: "a" * 9000, "no token of ours"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_proves_nothing_is_refused_with_what_to_do(name: str) -> None:
    make, says = REFUSED[name]
    with pytest.raises(NotAuthentic, match=says) as refused:
        await proven(make())
    assert str(refused.value).count(". ") >= 1, "says what is wrong, then what to do"
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YW5uOmFubg==", "Bearer ümlaut"])
async def test_no_bearer_token_is_refused(header: str | None) -> None:
    with pytest.raises(NotAuthentic):
        await prove(header, SETTINGS, Digests(), NOW)


async def test_clocks_may_be_half_a_minute_apart() -> None:
    assert (await proven(token(exp=NOW.timestamp() - 29))).id == "ann"
    assert (await proven(token(iat=NOW.timestamp() + 29))).id == "ann"


async def test_without_a_secret_no_signed_token_counts() -> None:
    open_house = Settings(_env_file=None)
    with pytest.raises(NotAuthentic, match="not set up"):
        await prove(f"Bearer {token()}", open_house, Digests(), NOW)


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_two_customers_never_share_a_party(left: str, right: str) -> None:
    whole = claims(account=left, sub=right)
    try:
        names = [identity._name(whole, name) for name in ("account", "sub")]
    except NotAuthentic:
        return
    party = Principal(kind="customer", id=names[1], account=names[0]).party
    kind, account, id = party.split(":", 2)
    assert (kind, account, id) == ("customer", left, right)


def test_principals_are_made_in_one_place() -> None:
    import ast
    from pathlib import Path

    app = Path(inspect.getfile(identity)).parent
    makers = {
        path.relative_to(app).as_posix()
        for path in app.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Principal"
    }
    # Commands play whoever runs them on this machine; nothing of that came over a wire.
    assert {maker for maker in makers if not maker.startswith(("cli.py", "commands/"))} == {"identity.py"}
