"""What anyone may fetch: the chat page, the widget's files for other sites, and whether we are well."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from app.channels.edge import Edge, Refusal, page_policy, sentence
from app.channels.proof import Here
from app.channels.wire import ErrorOut, Health
from app.errors import NotFound

DIST = Path(__file__).parent.parent / "web" / "dist"
_HASHED = re.compile(r"[-.][0-9A-Za-z]{8,}\.(js|css|svg|json)$")
SQUEEZED = {"text/javascript", "text/css", "text/html", "image/svg+xml", "application/json"}

routes = APIRouter(route_class=Edge)


@routes.get("/healthz", tags=["Operation"])
async def healthy() -> Health:
    """The process answers."""
    return Health()


@routes.get("/readyz", tags=["Operation"], responses={503: {"model": ErrorOut}})
async def ready(core: Here) -> Health:
    """Messages can be handled."""
    why_not = await core.not_ready()
    if why_not is not None:
        raise Refusal(503, "not_ready", sentence(why_not), "Run `stepfour doctor`.")
    return Health()


@routes.get("/", include_in_schema=False)
async def chat_page(core: Here, request: Request) -> Response:
    sites = core.settings.sites
    policy = page_policy(*(("'self'", *sites) if sites else ()))
    return built("index.html", request, **{"content-security-policy": policy})


@routes.get("/docs", include_in_schema=False)
async def docs_page(request: Request) -> Response:
    return built("docs.html", request)


@routes.get("/assets/{name}", include_in_schema=False)
async def asset(name: str, request: Request) -> Response:
    return built(name, request)


@routes.get("/widget/{name}", include_in_schema=False)
async def widget_file(name: str, request: Request) -> Response:
    """The same built files, for pages of other sites."""
    if name.endswith(".html"):
        raise NotFound
    return built(name, request, **{"cross-origin-resource-policy": "cross-origin"})


def built(name: str, request: Request, **headers: str) -> Response:
    """A built file. Only names that are there: nothing is joined to a path."""
    found = next((path for path in DIST.iterdir() if path.name == name and path.is_file()), None)
    if found is None:
        raise NotFound
    content, squeezed, tag = _read(found, found.stat().st_mtime_ns)
    headers |= {"etag": tag, "vary": "Accept-Encoding", "cache-control": _caching(name)}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    media = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if media in SQUEEZED and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(squeezed, media_type=media, headers=headers | {"content-encoding": "gzip"})
    return Response(content, media_type=media, headers=headers)


def _caching(name: str) -> str:
    """A name with a hash of its content never changes; any other is asked about again, and seldom sent."""
    return "public, max-age=31536000, immutable" if _HASHED.search(name) else "public, no-cache"


@lru_cache(maxsize=64)
def _read(path: Path, _: int) -> tuple[bytes, bytes, str]:
    content = path.read_bytes()
    return content, gzip.compress(content, 9, mtime=0), f'"{hashlib.sha256(content).hexdigest()[:32]}"'
