"""Which other sites' pages may talk to us: exactly the configured ones, and never with cookies."""

from __future__ import annotations

from typing import Protocol

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

OPEN = ("/v1/", "/widget/")
"""What a site's page may call."""
CLOSED = "/v1/agent/"
HEADERS = ("authorization", "content-type", "last-event-id", "stepfour-visitor")


class _Settings(Protocol):
    @property
    def sites(self) -> tuple[str, ...]: ...


class _Core(Protocol):
    @property
    def settings(self) -> _Settings: ...


class Sites:
    """Answers pages of the configured origins; others get no answer that their browser would show them."""

    def __init__(self, app: ASGIApp, core: _Core) -> None:
        self._app = app
        self._core = core
        self._shared: CORSMiddleware | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(OPEN) or path.startswith(CLOSED):
            await self._app(scope, receive, send)
            return
        if self._shared is None:  # settings may not be there before the start
            self._shared = CORSMiddleware(
                self._app,
                allow_origins=self._core.settings.sites,
                allow_methods=("GET", "POST"),
                allow_headers=HEADERS,
                allow_credentials=False,
                expose_headers=("retry-after",),
                max_age=600,
            )
        await self._shared(scope, receive, send)
