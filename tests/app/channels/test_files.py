"""Files over HTTP: who may send and fetch them, what is taken, and how they are given back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.channels.calls import bearer, code, opened, visitor
from tests.app.channels.conftest import client
from tests.app.conftest import played_service

Sign = Callable[..., str]
PNG = b"\x89PNG\r\n\x1a\n" + b"CANARY" * 10


async def upload(
    web: httpx.AsyncClient,
    token: str,
    id: str,
    content: bytes = PNG,
    name: str = "shot.png",
    field: str = "file",
) -> httpx.Response:
    return await web.post(
        f"/v1/conversations/{id}/attachments",
        files={field: (name, content, "application/x-claimed")},
        headers=bearer(token),
    )


async def write(
    web: httpx.AsyncClient, token: str, id: str, *files: str, text: str = "", n: int = 1
) -> httpx.Response:
    body = {"client_message_id": f"n{n}", "text": text, "attachments": list(files)}
    return await web.post(f"/v1/conversations/{id}/messages", json=body, headers=bearer(token))


async def test_a_file_is_sent_named_by_a_message_and_fetched(
    web: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    ann = sign()
    id = await opened(web, ann)
    sent = await upload(web, ann, id)
    assert sent.status_code == 201
    file = sent.json()
    assert file == {
        "id": file["id"],
        "name": "shot.png",
        "type": "image/png",
        "size": len(PNG),
        "image": True,
    }
    said = await write(web, ann, id, file["id"])
    assert said.status_code == 202
    assert said.json()["message"]["attachments"] == [file]
    (message,) = await service.store.messages(id)
    assert [a.id for a in message.attachments] == [file["id"]]
    (event,) = await service.store.events(id, 0)
    assert event.payload["message"]["attachments"] == [file]
    for token in (ann, sign("kim", None, aud="stepfour-agents")):
        got = await web.get(f"/v1/attachments/{file['id']}", headers=bearer(token))
        assert got.content == PNG
        assert got.headers["content-type"] == "image/png"
        assert got.headers["content-disposition"] == 'inline; filename="shot.png"'


async def test_all_but_pictures_are_saved_and_never_shown(web: httpx.AsyncClient, sign: Sign) -> None:
    ann = sign()
    id = await opened(web, ann)
    hostile = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
    for content, name, kept in (
        (hostile, "logo.svg", "logo.svg.txt"),
        (b"<script>alert(1)</script>", "page.html", "page.html.txt"),
        (b"%PDF-1.7", "bill.pdf", "bill.pdf"),
    ):
        file = (await upload(web, ann, id, content, name)).json()
        assert file["name"] == kept
        got = await web.get(f"/v1/attachments/{file['id']}", headers=bearer(ann))
        assert got.content == content
        assert got.headers["content-disposition"].startswith("attachment;")
        assert got.headers["content-type"].split(";")[0] in ("text/plain", "application/pdf")
        assert got.headers["x-content-type-options"] == "nosniff"
        policy = got.headers["content-security-policy"]
        assert policy == "default-src 'none'; sandbox; frame-ancestors 'none'"
        assert got.headers["cache-control"] == "no-store"


async def test_a_name_from_outside_stays_inside_its_header(web: httpx.AsyncClient, sign: Sign) -> None:
    ann = sign()
    id = await opened(web, ann)
    file = (await upload(web, ann, id, name='ñ"\r\nSet-Cookie: a=b.png')).json()
    got = await web.get(f"/v1/attachments/{file['id']}", headers=bearer(ann))
    assert "set-cookie" not in got.headers
    assert got.headers["content-disposition"].startswith("inline; filename*=utf-8''")


async def test_files_of_others_are_like_files_that_are_not_there(
    web: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    ann = sign()
    id = await opened(web, ann)
    file = (await upload(web, ann, id)).json()["id"]
    others = [sign("bob"), sign("ann", "other"), await visitor(web)]
    for token in others:
        for there in (file, "f_unknown"):
            got = await web.get(f"/v1/attachments/{there}", headers=bearer(token))
            assert code(got) == (404, "not_found")
        assert code(await upload(web, token, id)) == (404, "not_found")
        own = await opened(web, token)
        assert code(await write(web, token, own, file, text="look")) == (422, "no_such_attachment")
        assert await service.store.messages(own) == []
    got = await web.get(f"/v1/attachments/{file}")
    assert code(got) == (401, "not_authentic")
    assert code(await upload(web, sign("kim", None, aud="stepfour-agents"), id)) == (403, "agents_elsewhere")
    assert len(list((service.folder / "attachments").iterdir())) == 1


async def test_a_file_of_another_conversation_of_ones_own_cannot_be_named(
    web: httpx.AsyncClient, sign: Sign
) -> None:
    ann = sign()
    first, second = await opened(web, ann), await opened(web, ann)
    file = (await upload(web, ann, first)).json()["id"]
    assert code(await write(web, ann, second, file)) == (422, "no_such_attachment")


async def test_a_message_names_ten_files_at_most_and_says_something(
    web: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    ann = sign()
    id = await opened(web, ann)
    files = [(await upload(web, ann, id)).json()["id"] for _ in range(10)]
    assert (await write(web, ann, id, *files)).status_code == 202
    assert code(await write(web, ann, id, *files, "f_one_more", n=2)) == (422, "bad_field")
    assert code(await write(web, ann, id, n=3)) == (422, "empty")
    assert (await write(web, ann, id, *files)).json()["seen_before"] is True
    assert code(await write(web, ann, id, files[0])) == (409, "client_message_id_used")
    assert code(await upload(web, ann, id)) == (429, "rate_limited")
    assert len(await service.store.messages(id)) == 1


# --- what is not taken ---


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    async with played_service(tmp_path / "small", attachment_bytes=20_000) as played, client(played) as web:
        yield web, played


async def test_a_file_over_the_limit_is_refused_while_it_comes(
    small: tuple[httpx.AsyncClient, Any], sign: Sign
) -> None:
    web, service = small
    ann = sign()
    id = await opened(web, ann)
    assert (await upload(web, ann, id, b"x" * 20_000)).status_code == 201
    assert code(await upload(web, ann, id, b"x" * 20_001)) == (413, "too_long")
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        while sent < 10_000_000:
            sent += 1000
            yield b"x" * 1000

    form = bearer(ann) | {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await web.post(f"/v1/conversations/{id}/attachments", content=endless(), headers=form)
    assert code(answer) == (413, "too_long")
    assert "20,000" in answer.json()["error"]["fix"]
    assert len(list((service.folder / "attachments").iterdir())) == 1


def test_whoever_sends_too_much_still_hears_why(site: Any) -> None:
    """Over a real connection: a cut line would look like a broken network, and be tried again for good."""
    site.start()
    with httpx.Client(base_url=site.url, timeout=20) as http:
        headers = bearer(http.post("/v1/visitors", json={}).json()["token"])
        id = http.post("/v1/conversations", json={}, headers=headers).json()["id"]
        here = f"/v1/conversations/{id}/attachments"
        for content, status in ((b"x" * 9_999_999, 201), (b"x" * 25_000_000, 413), (b"MZ\x00" * 10, 415)):
            answer = http.post(here, files={"file": ("a.log", content)}, headers=headers)
            assert answer.status_code == status
        for form in (
            {"data": {"a": "b"}},
            {"files": {"other": ("a", b"x")}},
            {"files": {"file": ("a", b"")}},
        ):
            answer = http.post(here, headers=headers, **form)
            assert code(answer)[0] in (400, 422), "and the line is not left waiting"


async def test_nothing_is_read_of_whoever_may_not_send(
    small: tuple[httpx.AsyncClient, Any], sign: Sign
) -> None:
    web, _ = small
    id = await opened(web, sign())
    sent = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1_000_000:
            sent += 1000
            yield b"x" * 1000

    for headers in ({}, bearer(sign("eve"))):
        form = headers | {"Content-Type": "multipart/form-data; boundary=b"}
        answer = await web.post(f"/v1/conversations/{id}/attachments", content=counted(), headers=form)
        assert answer.status_code in (401, 404)
    assert sent < 100_000


@pytest.mark.parametrize(
    ("content", "status", "name"),
    [
        (b"", 422, "empty_file"),
        (b"MZ\x00\x90", 415, "unknown_file"),
        (b"PK\x03\x04\x00", 415, "unknown_file"),
    ],
)
async def test_no_other_kind_is_taken(
    web: httpx.AsyncClient, service: Any, sign: Sign, content: bytes, status: int, name: str
) -> None:
    ann = sign()
    id = await opened(web, ann)
    assert code(await upload(web, ann, id, content)) == (status, name)
    assert not (service.folder / "attachments").exists() or not list(
        (service.folder / "attachments").iterdir()
    )


async def test_what_is_no_form_with_one_file_is_refused(web: httpx.AsyncClient, sign: Sign) -> None:
    ann = sign()
    id = await opened(web, ann)
    here = f"/v1/conversations/{id}/attachments"
    assert code(await upload(web, ann, id, field="other")) == (422, "missing_field")
    assert code(await web.post(here, json={"file": "x"}, headers=bearer(ann)))[0] in (400, 422)
    assert code(await web.post(here, data={"file": "x"}, headers=bearer(ann)))[0] in (400, 422)
    two = [("file", ("a.png", PNG)), ("file", ("b.png", PNG))]
    assert code(await web.post(here, files=two, headers=bearer(ann))) == (400, "bad_request")
    broken = bearer(ann) | {"Content-Type": "multipart/form-data"}
    assert code(await web.post(here, content=b"--x", headers=broken))[0] in (400, 422)


async def test_secrets_in_a_text_file_are_kept_nowhere(
    web: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    ann = sign()
    id = await opened(web, ann)
    log = b"GET /tracking\nAuthorization: Bearer abcdef-s3cr3t\nHTTP/1.1 502\n"
    file = (await upload(web, ann, id, log, "trace.log")).json()
    _, kept = await service.store.attachment(file["id"])
    assert kept.text == "GET /tracking\nAuthorization: [removed]\nHTTP/1.1 502\n"
    got = await web.get(f"/v1/attachments/{file['id']}", headers=bearer(ann))
    assert got.text == kept.text
    for path in service.folder.rglob("*"):
        if path.is_file():
            assert b"s3cr3t" not in path.read_bytes(), path
