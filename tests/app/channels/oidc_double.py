"""A local OpenID provider that is strict where real ones are, and lies only where a test tells it to.

Held: client, exact redirect address, `response_type=code`, scope `openid`, S256 challenge and its verifier,
each code once, the client's secret by HTTP Basic (OpenID Connect Core 3.1.2.1 and 3.1.3, RFC 7636, RFC 9207).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlencode

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "stepfour-desk", "s3cret/with:signs"


class Double:
    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.stranger = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.url = ""
        self.redirect_uri = ""
        self.now = time.time
        self.truthful()

    def truthful(self) -> None:
        """As it is before a test tells it otherwise."""
        self.email: str | None = "zoe@desk.example"
        self.verified: Any = True
        self.lie: str | None = None
        """What is wrong with the next answer: see `_identity` and `authorize`."""
        self.at_userinfo = False
        """The address is told at the userinfo endpoint alone."""
        self.groups: Any = None
        """In which groups they are, under `groups_claim`; None: it says nothing of them."""
        self.groups_claim = "groups"
        self.groups_at_userinfo = False
        self.codes: dict[str, Mapping[str, str]] = {}
        self.refused: list[str] = []
        self.discoveries = 0

    def metadata(self) -> dict[str, Any]:
        self.discoveries += 1
        issuer = "https://other.example" if self.lie == "metadata of another" else self.url
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "authorization_response_iss_parameter_supported": True,
        }

    def authorize(self, asked: Mapping[str, str]) -> Response:
        """A person who is signed in there and says yes at once."""
        wrong = [
            name
            for name, so in {
                "client_id": asked.get("client_id") == CLIENT,
                "redirect_uri": asked.get("redirect_uri") == self.redirect_uri,
                "response_type": asked.get("response_type") == "code",
                "scope": {"openid", "email"} <= set(asked.get("scope", "").split()),
                "state": len(asked.get("state", "")) >= 32,
                "nonce": len(asked.get("nonce", "")) >= 32,
                "code_challenge": len(asked.get("code_challenge", "")) == 43,
                "code_challenge_method": asked.get("code_challenge_method") == "S256",
            }.items()
            if not so
        ]
        if wrong:
            self.refused += wrong
            return JSONResponse({"error": "invalid_request", "wrong": wrong}, 400)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.url}
        match self.lie:
            case "denied":
                back = {"error": "access_denied", "state": asked["state"], "iss": self.url}
            case "another state":
                back["state"] = secrets.token_urlsafe(32)
            case "answer of another":
                back["iss"] = "https://other.example"
            case "answer of nobody":
                del back["iss"]
        return RedirectResponse(f"{self.redirect_uri}?{urlencode(back)}", 303)

    def token(self, authorization: str, form: Mapping[str, str]) -> Response:
        user, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote(user), unquote(password)) != (CLIENT, SECRET):
            return self._no("invalid_client", 401)
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or base64.urlsafe_b64encode(challenge).decode().rstrip("=") != asked["code_challenge"]
        ):
            return self._no("invalid_grant", 400)
        access = secrets.token_urlsafe(16)
        body = {"access_token": access, "token_type": "Bearer", "expires_in": 300}
        if self.lie != "no identity":
            body["id_token"] = self._identity(asked, access)
        return JSONResponse(body, headers={"cache-control": "no-store"})

    def _no(self, error: str, status: int) -> Response:
        self.refused.append(error)
        return JSONResponse({"error": error}, status)

    def _identity(self, asked: Mapping[str, str], access: str) -> str:
        now = int(self.now())
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims: dict[str, Any] = {
            "iss": self.url,
            "sub": "u-1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
        }
        if not self.at_userinfo:
            claims |= self.person()
        if not self.groups_at_userinfo:
            claims |= self.in_groups()
        lies: dict[str, dict[str, Any]] = {
            "another nonce": {"nonce": "n" * 43},
            "another audience": {"aud": "somebody-else"},
            "several audiences": {"aud": ["somebody-else", CLIENT], "azp": "somebody-else"},
            "another issuer": {"iss": "https://other.example"},
            "expired": {"iat": now - 900, "exp": now - 600},
            "from the future": {"iat": now + 900, "nbf": now + 900, "exp": now + 1200},
            "another access token": {"at_hash": "A" * 22},
        }
        claims |= lies.get(self.lie or "", {})
        if self.lie == "no nonce":
            del claims["nonce"]
        header = {"alg": "RS256", "kid": "one"}
        match self.lie:
            case "another key":
                return jwt.encode(header, claims, self.stranger)
            case "our own secret":
                return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET), algorithms=["HS256"])
            case "unsigned":
                return jwt.encode({"alg": "none"}, claims, OctKey.import_key(SECRET), algorithms=["none"])
        return jwt.encode(header, claims, self.key)

    def in_groups(self) -> dict[str, Any]:
        if self.groups is None:
            return {}
        outer, dot, inner = self.groups_claim.partition(".")
        return {outer: {inner: self.groups} if dot else self.groups}

    def person(self) -> dict[str, Any]:
        told: dict[str, Any] = {} if self.email is None else {"email": self.email}
        return told if self.verified is None else {**told, "email_verified": self.verified}

    def app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)

        @app.get("/.well-known/openid-configuration")
        async def metadata() -> Response:
            return JSONResponse(self.metadata())

        @app.get("/authorize")
        async def authorize(request: Request) -> Response:
            return self.authorize(dict(request.query_params))

        @app.post("/token")
        async def token(request: Request) -> Response:
            form = {key: str(value) for key, value in (await request.form()).items()}
            return self.token(request.headers.get("authorization", ""), form)

        @app.get("/jwks")
        async def jwks() -> Response:
            return JSONResponse({"keys": [self.key.as_dict(private=False)]})

        @app.get("/userinfo")
        async def userinfo(request: Request) -> Response:
            if not request.headers.get("authorization", "").startswith("Bearer "):
                return self._no("invalid_token", 401)
            sub = "u-2" if self.lie == "userinfo of another" else "u-1"
            groups = self.in_groups() if self.groups_at_userinfo else {}
            return JSONResponse({"sub": sub, **self.person(), **groups})

        return app


@contextmanager
def serving() -> Iterator[Double]:
    """A running double on a port of loopback."""
    double = Double()
    listening = socket.create_server(("127.0.0.1", 0))
    double.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(double.app(), log_level="warning", ws="none", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield double
    finally:
        server.should_exit = True
        thread.join(5)
