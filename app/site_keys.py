"""The keys that the host site signs with: each has a name (`kid`) and is good for one algorithm alone.

They are PEM files in a folder (`KID.pem`) or one JWKS file, and are read again when they change: a new key
counts at once, and one that is taken away counts no longer, without a restart.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from app.errors import ConfigError

Algorithm = Literal["EdDSA", "RS256", "HS256"]
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
LEAST_RSA_BITS = 2048
LEAST_SECRET_BYTES = 32
_BY_TYPE: Mapping[str, Algorithm] = {"RSA": "RS256", "OKP": "EdDSA", "oct": "HS256"}
_Stamp = tuple[tuple[str, int, int, int], ...]


class SiteKey(NamedTuple):
    """One key, pinned: a token that names it with another algorithm is refused."""

    kid: str
    algorithm: Algorithm
    key: Any


_read: dict[Path, tuple[_Stamp, Mapping[str, SiteKey]]] = {}


def current(place: Path) -> Mapping[str, SiteKey]:
    """The keys as they lie there now, by name. Raises `ConfigError` with the file and what to do."""
    try:
        files = _files(place)
        stamp = tuple((str(f), (s := f.stat()).st_mtime_ns, s.st_size, s.st_ino) for f in files)
        known = _read.get(place)
        if known is None or known[0] != stamp:
            known = _read[place] = stamp, _by_name(key for file in files for key in _keys_in(file))
    except OSError as error:
        raise ConfigError(
            f"the site's keys cannot be read at {place} ({error.strerror}). "
            "Name a folder of PEM files or a JWKS file."
        ) from error
    return known[1]


def _files(place: Path) -> list[Path]:
    return sorted(place.glob("*.pem")) if place.is_dir() else [place]


def _by_name(keys: Iterator[SiteKey]) -> Mapping[str, SiteKey]:
    found: dict[str, SiteKey] = {}
    for key in keys:
        if key.kid in found:
            raise ConfigError(f"two of the site's keys are called {key.kid}. Give each a name of its own.")
        found[key.kid] = key
    return found


def _keys_in(file: Path) -> Iterator[SiteKey]:
    content = file.read_bytes()
    if file.suffix == ".pem":
        yield _of_pem(file, content)
        return
    try:
        told = json.loads(content)
        keys = told["keys"]
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise ValueError("no list of keys")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ConfigError(f'{file} is no JWKS file. Write {{"keys": [...]}} as RFC 7517 has it.') from error
    for key in keys:
        yield _of_jwk(file, key)


def _of_pem(file: Path, content: bytes) -> SiteKey:
    _named(file, file.stem)
    if b"PRIVATE KEY" in content:
        raise _private(file)
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            f"{file} is no public key in PEM. Make one: openssl pkey -in PRIVATE.pem -pubout"
        ) from error
    return SiteKey(file.stem, _algorithm(file, key), key)


def _of_jwk(file: Path, told: Mapping[str, Any]) -> SiteKey:
    from jwt.algorithms import OKPAlgorithm, RSAAlgorithm
    from jwt.exceptions import PyJWTError

    kid, kind = told.get("kid"), told.get("kty")
    name = _named(file, kid)
    if "d" in told:
        raise _private(file)
    if not isinstance(kind, str) or kind not in _BY_TYPE:
        raise ConfigError(f"{file}: key {name} is neither RSA, OKP (Ed25519) nor oct. Make one of these.")
    if told.get("alg", _BY_TYPE[kind]) != _BY_TYPE[kind] or told.get("use", "sig") != "sig":
        raise ConfigError(
            f"{file}: key {name} is not one to sign {_BY_TYPE[kind]} with, as it says of itself. "
            f'Write "alg": "{_BY_TYPE[kind]}", "use": "sig", or leave both out.'
        )
    try:
        if kind == "oct":
            return SiteKey(name, "HS256", _secret(file, name, str(told["k"])))
        key = RSAAlgorithm.from_jwk(dict(told)) if kind == "RSA" else OKPAlgorithm.from_jwk(dict(told))
    except (PyJWTError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"{file}: key {name} is not whole. Export it anew.") from error
    return SiteKey(name, _algorithm(file, key), key)


def _secret(file: Path, name: str, text: str) -> bytes:
    secret = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(secret) < LEAST_SECRET_BYTES:
        raise ConfigError(f"{file}: secret {name} has less than {LEAST_SECRET_BYTES} bytes. Make a new one.")
    return secret


def _algorithm(file: Path, key: object) -> Algorithm:
    """What a key is pinned to is read from the key itself."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "EdDSA"
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < LEAST_RSA_BITS:
            raise ConfigError(f"{file}: an RSA key of {key.key_size} bits is too short. Make a longer one.")
        return "RS256"
    raise ConfigError(f"{file}: that is neither an Ed25519 nor an RSA key. Make one: stepfour keys new KID")


def _named(file: Path, kid: object) -> str:
    if not isinstance(kid, str) or not NAME.fullmatch(kid):
        raise ConfigError(
            f"{file}: a key has no name (kid) of letters, digits, dots, dashes and underscores. Give it one."
        )
    return kid


def _private(file: Path) -> ConfigError:
    return ConfigError(
        f"{file} holds a private key. It belongs on your site's server alone: move it there, and put the "
        "public key here."
    )


# --- a new pair -----------------------------------------------------------------------------------


def new_pair(kind: Literal["EdDSA", "RS256"]) -> tuple[bytes, bytes]:
    """(private, public) as PEM."""
    made: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey = (
        ed25519.Ed25519PrivateKey.generate()
        if kind == "EdDSA"
        else rsa.generate_private_key(public_exponent=65537, key_size=3072)
    )
    private = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private, public


PRIVATE = ".private.pem"
"""What the name of a private key's file ends with; its `kid` stands before it."""


def sign(file: Path, claims: Mapping[str, object]) -> str:
    """A token as the site signs it with the private key in `KID.private.pem`. Raises `ConfigError`."""
    import jwt

    try:
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{file} is no private key in PEM that can be read. Name its file.") from error
    return jwt.encode(
        dict(claims),
        key,  # type: ignore[arg-type]
        algorithm=_algorithm(file, key.public_key()),
        headers={"kid": file.name.removesuffix(PRIVATE).removesuffix(".pem")},
    )
