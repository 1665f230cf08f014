"""Which pages of other sites may talk to us, embed our files, and show us in a frame."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest

from app.channels import site
from app.errors import ConfigError
from app.settings import load
from tests.app.channels.calls import bearer, opened, visitor
from tests.app.channels.conftest import SHOP

FOREIGN = [
    "https://evil.example",
    "null",
    "http://shop.example",
    "https://shop.example:8443",
    "https://shop.example.evil.example",
    "https://evilshop.example",
    "https://www.shop.example",
    "https://SHOP.example",
    "https://shop.example/",
    "https://shop.example@evil.example",
    "https://shop.examplé",
    "",
]
ASK = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


def from_page(origin: str, more: dict[str, str] | None = None) -> dict[bytes, bytes]:
    """Headers as a page of that origin sends them, in any bytes."""
    return {k.encode(): v.encode() for k, v in {"Origin": origin, **(more or {})}.items()}


def allowed(answer: httpx.Response) -> str | None:
    assert "access-control-allow-credentials" not in answer.headers
    origin: str | None = answer.headers.get("access-control-allow-origin")
    return origin


async def test_a_listed_site_may_ask_and_read(shop: httpx.AsyncClient) -> None:
    asked = await shop.options("/v1/conversations", headers={"Origin": SHOP, **ASK})
    assert (asked.status_code, allowed(asked)) == (200, SHOP)
    headers = asked.headers["access-control-allow-headers"].lower().replace(" ", "").split(",")
    assert {"authorization", "content-type", "last-event-id", "stepfour-visitor"} <= set(headers)
    assert asked.headers["access-control-allow-methods"] == "GET, POST"
    made = await shop.post("/v1/visitors", json={}, headers={"Origin": SHOP})
    assert (made.status_code, allowed(made)) == (201, SHOP)
    assert made.headers["access-control-expose-headers"] == "retry-after"
    assert "Origin" in made.headers["vary"]


async def test_a_refusal_can_be_read_too(shop: httpx.AsyncClient) -> None:
    answer = await shop.get("/v1/conversations/c_1", headers={"Origin": SHOP})
    assert (answer.status_code, allowed(answer)) == (401, SHOP)


@pytest.mark.parametrize("origin", FOREIGN)
async def test_no_other_origin_is_let_in_or_reflected(shop: httpx.AsyncClient, origin: str) -> None:
    asked = await shop.options("/v1/conversations", headers=from_page(origin, ASK))
    assert asked.status_code in (400, 405)
    assert allowed(asked) is None
    made = await shop.post("/v1/visitors", json={}, headers=from_page(origin))
    assert allowed(made) is None


async def test_without_configured_sites_no_origin_is_let_in(web: httpx.AsyncClient) -> None:
    for origin in (SHOP, "null", "http://here", *FOREIGN):
        answer = await web.get("/v1/conversations/c_1", headers=from_page(origin))
        assert allowed(answer) is None
        asked = await web.options("/v1/visitors", headers=from_page(origin, ASK))
        assert allowed(asked) is None


async def test_our_own_pages_need_no_leave(shop: httpx.AsyncClient) -> None:
    made = await shop.post("/v1/visitors", json={}, headers={"Origin": "http://here"})
    assert made.status_code == 201


async def test_agents_routes_are_closed_to_every_site(shop: httpx.AsyncClient) -> None:
    asked = await shop.options("/v1/agent/cases", headers={"Origin": SHOP, **ASK})
    assert allowed(asked) is None
    answer = await shop.get("/v1/agent/cases", headers={"Origin": SHOP})
    assert allowed(answer) is None


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "https://*.example.com",
        "https://shop.example/",
        "https://shop.example; script-src *",
        "https://Shop.example",
        "shop.example",
        "https://",
        "javascript:x",
    ],
)
def test_what_is_no_exact_origin_is_no_setting(origin: str) -> None:
    for name in ("sites", "assist_hosts"):
        with pytest.raises(ConfigError, match=f"STEPFOUR_{name.upper()}.*is no origin"):
            load(_env_file=None, **{name: (SHOP, origin)})
    assert load(_env_file=None, sites=("http://127.0.0.1:9001", "https://shop.example", "http://[::1]:80"))


# --- frames ---


async def test_the_chat_page_may_be_framed_by_configured_sites_alone(
    shop: httpx.AsyncClient, web: httpx.AsyncClient
) -> None:
    framed = (await shop.get("/")).headers
    assert f"frame-ancestors 'self' {SHOP};" in framed["content-security-policy"]
    assert "x-frame-options" not in framed
    alone = (await web.get("/")).headers
    assert "frame-ancestors 'none';" in alone["content-security-policy"]
    assert alone["x-frame-options"] == "DENY"
    for headers in (framed, alone):
        assert "require-trusted-types-for 'script'" in headers["content-security-policy"]
        assert "img-src 'self' data: blob:" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
    docs = (await shop.get("/docs")).headers
    assert docs["x-frame-options"] == "DENY"
    token = await visitor(shop)
    id = await opened(shop, token)
    read = (await shop.get(f"/v1/conversations/{id}", headers=bearer(token))).headers
    assert "frame-ancestors 'none'" in read["content-security-policy"]


# --- built files ---


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in ("loader.js", "widget-4F7QK2ZB.js", "index.html"):
        (folder / name).write_text(f"// {name}\n" * 40)
    (folder / "inside").mkdir()
    (folder / "inside" / "secret.js").write_text("// not to be had\n")
    monkeypatch.setattr(site, "DIST", folder)
    return folder


async def test_widget_files_are_for_other_sites_and_kept_by_their_hash(
    shop: httpx.AsyncClient, dist: Path
) -> None:
    loader = await shop.get("/widget/loader.js", headers={"Origin": SHOP})
    assert loader.text == (dist / "loader.js").read_text()
    assert loader.headers["cross-origin-resource-policy"] == "cross-origin"
    assert loader.headers["content-type"].startswith("text/javascript")
    assert loader.headers["x-content-type-options"] == "nosniff"
    assert loader.headers["cache-control"] == "public, no-cache"
    assert allowed(loader) == SHOP, "a module is fetched with CORS"
    hashed = await shop.get("/widget/widget-4F7QK2ZB.js")
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    own = await shop.get("/assets/loader.js")
    assert own.headers["cross-origin-resource-policy"] == "same-origin"
    for name in ("index.html", "nope.js", "..%2fweb.py", "inside", "inside%2fsecret.js"):
        assert (await shop.get(f"/widget/{name}")).status_code == 404, name


async def test_a_file_that_did_not_change_is_not_sent_again(shop: httpx.AsyncClient, dist: Path) -> None:
    first = await shop.get("/widget/loader.js")
    same = {"If-None-Match": first.headers["etag"]}
    again = await shop.get("/widget/loader.js", headers=same)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cross-origin-resource-policy"] == "cross-origin"
    (dist / "loader.js").write_text("// new\n")
    changed = await shop.get("/widget/loader.js", headers=same)
    assert (changed.status_code, changed.text) == (200, "// new\n")


async def test_files_go_squeezed_to_whoever_takes_them_so(shop: httpx.AsyncClient, dist: Path) -> None:
    async with shop.stream("GET", "/widget/loader.js", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["vary"]
    assert gzip.decompress(raw) == (dist / "loader.js").read_bytes()
    assert len(raw) < len((dist / "loader.js").read_bytes())
    plain = await shop.get("/widget/loader.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
