"""Public help pages as HTML: where citations lead, at the line that was quoted."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Protocol

from fastapi import APIRouter, Response

from app.channels.edge import Edge
from app.errors import NotFound
from app.help_page import Published, as_html
from app.texts import say

STYLE = """
:root{color-scheme:light dark;--ink:#1c2024;--soft:#5b6470;--line:#d9dee4;--paper:#fff}
:root{--code:#f3f5f7;--link:#0b5cad}
@media (prefers-color-scheme:dark){
:root{--ink:#e7eaee;--soft:#a3adb8;--line:#363d45;--paper:#15181b;--code:#20252a;--link:#7db9ff}
}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.6 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:1.5rem 1rem 6rem}
h1,h2,h3{line-height:1.25;scroll-margin-top:1rem}a{color:var(--link)}
.when{color:var(--soft);margin-top:-.5rem}
:target{outline:2px solid var(--link);outline-offset:.4rem;border-radius:2px}
pre,code{background:var(--code);border-radius:4px;font:.9em/1.5 ui-monospace,monospace}
code{padding:.1em .3em}pre{padding:.8rem;overflow-x:auto}pre code{padding:0}
table{border-collapse:collapse;display:block;overflow-x:auto}
th,td{border:1px solid var(--line);padding:.35rem .6rem;text-align:start}
blockquote{margin-inline:0;padding-inline-start:1rem;border-inline-start:3px solid var(--line)}
img{max-width:100%}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{_HASH}'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)


class Pages(Protocol):
    """The help pages that everyone may read."""

    async def page(self, path: str) -> Published | None:
        """The newest version of the public page at a path, with or without its `.md`."""
        ...


def help_routes(pages: Pages) -> APIRouter:
    routes = APIRouter(prefix="/help", route_class=Edge, include_in_schema=False)

    @routes.get("/{path:path}")
    async def help_page(path: str) -> Response:
        page = await pages.page(path)
        if page is None:
            raise NotFound
        headers = {
            "content-security-policy": POLICY,
            "content-language": page.lang,
            "cache-control": "public, max-age=60",
        }
        return Response(document(page), media_type="text/html; charset=utf-8", headers=headers)

    return routes


def document(page: Published) -> str:
    """The whole page; what its writers wrote goes in as text, never as markup."""
    day = f"{page.updated_at:%Y-%m-%d}"
    updated = escape(say(page.lang, "help.updated", day=day))
    return (
        f'<!doctype html>\n<html lang="{escape(page.lang)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(page.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<article>\n"
        f'<h1>{escape(page.title)}</h1>\n<p class="when"><time datetime="{day}">{updated}</time></p>\n'
        f"{as_html(page.text, page.path)}</article>\n</main>\n</body>\n</html>\n"
    )
