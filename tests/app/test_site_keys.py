"""The host site signs with keys that have names: each is for one algorithm, and comes and goes freely."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm
from pydantic import SecretStr

from app import site_keys
from app.errors import ConfigError, NotAuthentic, Unavailable
from app.identity import prove
from app.settings import Settings
from tests.app.test_identity import NOW, SECRET, Digests, claims

PAIRS = {"ed": site_keys.new_pair("EdDSA"), "other": site_keys.new_pair("EdDSA")}
PAIRS |= {"rsa": site_keys.new_pair("RS256")}
SHARED = b"a secret of thirty-two bytes, or of more"
HOW = {"ed": "EdDSA", "other": "EdDSA", "rsa": "RS256"}


def signed(name: str, kid: str | None = None, algorithm: str | None = None, **changes: object) -> str:
    key: Any = load_pem_private_key(PAIRS[name][0], None)
    headers = {"kid": kid or name}
    return jwt.encode(claims(**changes), key, algorithm=algorithm or HOW[name], headers=headers)


def forged(header: dict[str, object], key: bytes) -> str:
    """HMAC over whatever bytes: what a library that looks at the token's own `alg` would take."""
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in (header, claims())]
    proof = hmac.new(key, b".".join(parts), hashlib.sha256).digest()
    return b".".join((*parts, base64.urlsafe_b64encode(proof).rstrip(b"="))).decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ed", "rsa"):
        (tmp_path / f"{name}.pem").write_bytes(PAIRS[name][1])
    return tmp_path


def settings(place: Path, secret: str | None = SECRET) -> Settings:
    return Settings(_env_file=None, site_keys=place, site_secret=SecretStr(secret) if secret else None)


async def who(token: str, place: Path, secret: str | None = SECRET) -> str:
    return (await prove(f"Bearer {token}", settings(place, secret), Digests(), NOW)).principal.party


@pytest.mark.parametrize("name", ["ed", "rsa"])
async def test_a_token_of_either_live_key_proves_its_customer(name: str, folder: Path) -> None:
    assert await who(signed(name), folder) == "customer:acme:ann"


async def test_the_secret_goes_on_to_work_beside_keys(folder: Path) -> None:
    assert await who(jwt.encode(claims(), SECRET, "HS256"), folder) == "customer:acme:ann"


async def test_without_keys_a_secrets_token_may_say_any_kid() -> None:
    alone = Settings(_env_file=None, site_secret=SecretStr(SECRET))
    token = jwt.encode(claims(), SECRET, "HS256", headers={"kid": "whatever"})
    assert (await prove(f"Bearer {token}", alone, Digests(), NOW)).principal.id == "ann"


async def test_a_key_comes_and_goes_without_a_restart(folder: Path) -> None:
    with pytest.raises(NotAuthentic, match="kid"):
        await who(signed("other"), folder)
    (folder / "other.pem").write_bytes(PAIRS["other"][1])
    assert await who(signed("other"), folder) == "customer:acme:ann"
    assert await who(signed("ed"), folder) == "customer:acme:ann", "both are live"
    (folder / "ed.pem").unlink()
    with pytest.raises(NotAuthentic, match="kid"):
        await who(signed("ed"), folder)
    assert await who(signed("other"), folder) == "customer:acme:ann"


async def test_a_key_that_is_replaced_under_its_name_counts_no_longer(folder: Path) -> None:
    assert await who(signed("ed"), folder) == "customer:acme:ann"
    fresh = folder / ".fresh"
    fresh.write_bytes(PAIRS["other"][1])
    os.replace(fresh, folder / "ed.pem")
    with pytest.raises(NotAuthentic, match="signature"):
        await who(signed("ed"), folder)
    assert await who(signed("other", kid="ed"), folder) == "customer:acme:ann"


FORGED: dict[str, tuple[Callable[[], str], str]] = {
    "alg none": (lambda: forged({"alg": "none", "kid": "rsa"}, b""), "signature"),
    "HS256 with the public RSA key": (
        lambda: forged({"alg": "HS256", "kid": "rsa"}, PAIRS["rsa"][1]),
        "signature",
    ),
    "HS256 with the public Ed25519 key": (
        lambda: forged({"alg": "HS256", "kid": "ed"}, PAIRS["ed"][1]),
        "signature",
    ),
    "HS256 with a public key and no kid": (lambda: forged({"alg": "HS256"}, PAIRS["rsa"][1]), "signature"),
    "the secret under a key's name": (
        lambda: forged({"alg": "HS256", "kid": "ed"}, SECRET.encode()),
        "signature",
    ),
    "an unknown kid": (lambda: signed("ed", kid="gone"), "kid"),
    "another key's kid": (lambda: signed("other", kid="ed"), "signature"),
    "an algorithm that the key could do": (lambda: signed("rsa", algorithm="RS512"), "signature"),
    "another padding": (lambda: signed("rsa", algorithm="PS256"), "signature"),
    "a key's kid with another kind of key": (lambda: signed("rsa", kid="ed"), "signature"),
    "a kid that leads out of the folder": (lambda: signed("ed", kid="../ed"), "kid"),
    "a kid that is a number": (lambda: forged({"alg": "HS256", "kid": 1}, SECRET.encode()), "signature"),
    "a key in the token itself": (
        lambda: forged({"alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}}, b"\0\0\0"),
        "signature",
    ),
    "a header as deep as it fits": (
        lambda: base64.urlsafe_b64encode(b'{"a":' + b"[" * 5000).decode().rstrip("=") + ".e30.AAAA",
        "signature",
    ),
    "an end beyond every clock": (lambda: signed("ed", exp=10**400), "exp"),
}


@pytest.mark.parametrize("name", FORGED)
async def test_what_no_live_key_signed_as_it_is_meant_to_is_refused(name: str, folder: Path) -> None:
    make, says = FORGED[name]
    with pytest.raises(NotAuthentic, match=says):
        await who(make(), folder)


async def test_where_there_is_no_secret_a_token_has_to_name_its_key(folder: Path) -> None:
    with pytest.raises(NotAuthentic, match="kid"):
        await who(jwt.encode(claims(), SECRET, "HS256"), folder, secret=None)
    assert await who(signed("ed"), folder, secret=None) == "customer:acme:ann"


# --- JWKS ---


def public(name: str) -> Any:
    return load_pem_public_key(PAIRS[name][1])


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


def oct_key(secret: bytes = SHARED, **more: str) -> dict[str, str]:
    return {"kty": "oct", "kid": "shared", "k": base64.urlsafe_b64encode(secret).decode().rstrip("=")} | more


async def test_a_jwks_file_holds_keys_of_every_kind(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(
        jwks(
            {**OKPAlgorithm.to_jwk(public("ed"), as_dict=True), "kid": "ed", "alg": "EdDSA"},
            {**RSAAlgorithm.to_jwk(public("rsa"), as_dict=True), "kid": "rsa", "use": "sig"},
            oct_key(),
        )
    )
    for token in (signed("ed"), signed("rsa"), jwt.encode(claims(), SHARED, "HS256", {"kid": "shared"})):
        assert await who(token, file, secret=None) == "customer:acme:ann"
    crossed = forged({"alg": "HS256", "kid": "rsa"}, SHARED)
    with pytest.raises(NotAuthentic, match="signature"):
        await who(crossed, file)


def jwk_of_private() -> dict[str, Any]:
    whole: Any = load_pem_private_key(PAIRS["ed"][0], None)
    return {**OKPAlgorithm.to_jwk(whole, as_dict=True), "kid": "ed"}


def pem(key: Any) -> bytes:
    made: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return made


BROKEN: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "not JSON": ("k.json", lambda: b"{", "JWKS"),
    "a list": ("k.json", lambda: b"[]", "JWKS"),
    "JSON as deep as a well": ("k.json", lambda: b"[" * 100_000, "JWKS"),
    "no kid": ("k.json", lambda: jwks({"kty": "oct", "k": "A" * 50}), "kid"),
    "two of a name": ("k.json", lambda: jwks(oct_key(), oct_key(b"x" * 40)), "shared"),
    "a short secret": ("k.json", lambda: jwks(oct_key(b"short")), "32 bytes"),
    "another algorithm": ("k.json", lambda: jwks(oct_key(alg="HS512")), "HS256"),
    "a key to encrypt with": ("k.json", lambda: jwks(oct_key(use="enc")), "sign"),
    "an unknown kind": ("k.json", lambda: jwks({"kty": "EC", "kid": "ec"}), "Ed25519"),
    "half a key": ("k.json", lambda: jwks({"kty": "RSA", "kid": "r", "n": "AQAB"}), "whole"),
    "a private key in it": ("k.json", lambda: jwks(jwk_of_private()), "private key"),
    "a private key": ("ed.pem", lambda: PAIRS["ed"][0], "private key"),
    "no PEM": ("ed.pem", lambda: b"hello", "PEM"),
    "another curve": ("ec.pem", lambda: pem(ec.generate_private_key(ec.SECP256R1())), "Ed25519"),
    "a longer curve": ("ed.pem", lambda: pem(ed448.Ed448PrivateKey.generate()), "Ed25519"),
    "a short RSA key": ("r.pem", lambda: pem(rsa.generate_private_key(65537, 1024)), "1024"),
    "a strange name": ("a b.pem", lambda: PAIRS["ed"][1], "name"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_keys_that_are_not_what_they_should_be_stop_the_start_and_no_request(
    name: str, tmp_path: Path
) -> None:
    """With the file and what to do. While it runs nothing is believed, and clients try again: 503."""
    file, content, says = BROKEN[name]
    (tmp_path / file).write_bytes(content())
    place = tmp_path / file if file.endswith(".json") else tmp_path
    with pytest.raises(ConfigError, match=says) as stopped:
        site_keys.current(place)
    assert file in str(stopped.value) or "shared" in str(stopped.value)
    assert "AAAA" not in str(stopped.value), "no part of a key is printed"
    with pytest.raises(Unavailable):
        await who(signed("ed"), place)
    assert await who(jwt.encode(claims(), SECRET, "HS256"), place) == "customer:acme:ann"


def test_a_place_where_nothing_is_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        site_keys.current(tmp_path / "nowhere")
