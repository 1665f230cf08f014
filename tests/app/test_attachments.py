"""Files are what their bytes say; what is read of them holds no keys."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.attachments import (
    LONGEST_NAME,
    LONGEST_READ,
    REMOVED,
    Taken,
    Unfit,
    readable,
    redacted,
    safe_name,
    take_in,
)

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
HAR = {
    "log": {
        "entries": [
            {
                "request": {
                    "url": "https://app.acme.example/tracking",
                    "headers": [
                        {"name": "Accept", "value": "text/html"},
                        {"name": "authorization", "value": "Basic YW5uOnNlY3JldA=="},
                        {"value": "session=s3cr3t-in-front", "name": "Cookie"},
                    ],
                    "cookies": [{"name": "sid", "value": "s3cr3t-cookie", "path": "/"}],
                    "postData": {"text": '{"password": "hunter2-in-a-string"}', "password": "hunter2"},
                },
                "response": {"status": 502, "headers": [{"name": "Set-Cookie", "value": "sid=s3cr3t-new"}]},
            }
        ]
    }
}


def taken(content: bytes, name: str = "file") -> Taken:
    found = take_in("f_1", name, content)
    assert isinstance(found, Taken)
    return found


@pytest.mark.parametrize(
    ("content", "type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"GIF89a\x01\x00", "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7\n\xe2\xe3", "application/pdf"),
        (b"2026-09-01 NOERROR links.acme.example CNAME\n", "text/plain"),
        ("olá, não funciona — é isso".encode(), "text/plain"),
        ("olá, não funciona".encode("cp1252"), "text/plain"),
        ("log of a Windows shell".encode("utf-16"), "text/plain"),
        (b"\x1b[31merror\x1b[0m in colour\n", "text/plain"),
        (b'{"a": [1, 2]}', "application/json"),
        (b'{"a": [1, 2', "text/plain"),
        (b"[" * 100_000 + b"]" * 100_000, "text/plain"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "text/plain"),
        (b"<!doctype html><script>alert(1)</script>", "text/plain"),
    ],
)
def test_a_file_is_what_its_bytes_say(content: bytes, type: str) -> None:
    for name in ("", "x.html", "x.png", "x.exe"):
        assert taken(content, name).attachment.type == type


@pytest.mark.parametrize(
    "content",
    [
        b"MZ\x90\x00\x03\x00\x00\x00",
        b"\x7fELF\x02\x01\x01\x00",
        b"PK\x03\x04\x14\x00\x00\x00",
        b"\x1f\x8b\x08\x00\x00\x00",
        b"BM\x36\x00\x00\x00",
        b"\x00\x00\x00\x18ftypmp42",
        b"text with a zero \x00 in it",
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        bytes(range(128, 256)) * 4,
    ],
)
def test_whatever_else_is_refused_and_says_what_would_do(content: bytes) -> None:
    found = take_in("f_1", "report.txt", content)
    assert isinstance(found, Unfit)
    assert "PDF" in found.fix
    assert isinstance(take_in("f_1", "a.png", b""), Unfit)


@pytest.mark.parametrize(
    ("name", "type", "kept"),
    [
        ("shot.png", "image/png", "shot.png"),
        ("IMG.JPEG", "image/jpeg", "IMG.JPEG"),
        ("page.html", "text/plain", "page.html.txt"),
        ("logo.svg", "text/plain", "logo.svg.txt"),
        ("trace.har", "application/json", "trace.har"),
        ("trace.har", "text/plain", "trace.har.txt"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\Users\\ann\\dig.log", "text/plain", "dig.log"),
        ("gnp.\u202eexe.png", "image/png", "gnp. exe.png"),
        ('a"; filename="b.exe', "text/plain", "a_; filename=_b.exe.txt"),
        ("two\r\nlines.txt", "text/plain", "two lines.txt"),
        ("", "image/gif", "file.gif"),
        (".png", "image/png", "png.png"),
        ("...", "application/pdf", "file.pdf"),
    ],
)
def test_a_name_is_one_line_and_ends_as_the_bytes_are(name: str, type: str, kept: str) -> None:
    assert safe_name(name, type) == kept


@given(st.text(max_size=400))
def test_every_name_is_safe(name: str) -> None:
    kept = safe_name(name, "text/plain")
    assert kept.isprintable()
    assert len(kept) <= LONGEST_NAME
    assert not set(kept) & set('/\\"<>:|?*')
    ending = kept.lower().rpartition(".")[2]
    assert ending in {"txt", "log", "csv", "md", "yaml", "yml", "eml", "zone", "conf", "ini"}


# --- secrets ---

SECRETS = [
    "xoxb-" + "1" * 12 + "-abcdefghij",
    "xapp-1-A0-" + "9" * 12,
    "AKIA" + "ABCDEFGHIJ234567",
    "sk-" + "proj-abcdefghijklmnop",
    "ghp_" + "a" * 36,
    "AIza" + "b" * 35,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_keys_are_known_by_their_looks(secret: str) -> None:
    text = f"first line\nkey {secret} and `{secret}`.\nlast line"
    assert secret not in redacted(text)
    assert redacted(text).startswith("first line\nkey [removed] and")
    assert redacted(text).endswith("last line")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Authorization: Bearer abcdefgh12345", f"Authorization: {REMOVED}"),
        ("> cookie: a=b; c=d\n> accept: */*", f"> cookie: {REMOVED}\n> accept: */*"),
        ("curl -H 'Authorization: Basic YW5u' https://x", f"curl -H 'Authorization: {REMOVED}' https://x"),
        ('{"x-api-key": "abcdef12", "a": 1', f'{{"x-api-key": "{REMOVED}", "a": 1'),
        ("POST /login user=ann&password=hunter2&x=1", f"POST /login user=ann&password={REMOVED}&x=1"),
        ('{"access_token": "abcd-efgh", "n": 1', f'{{"access_token": "{REMOVED}", "n": 1'),
        ("a token is needed", "a token is needed"),
        ("bearer abcdefghijk.lmn", f"bearer {REMOVED}"),
        ("the cookie banner is fine", "the cookie banner is fine"),
        ("Bearer of good news", "Bearer of good news"),
        ("task-force sketch-book", "task-force sketch-book"),
    ],
)
def test_what_follows_the_name_of_a_secret_goes(text: str, kept: str) -> None:
    assert redacted(text) == kept


def test_a_private_key_goes_whole_even_when_it_is_cut_off() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\nDEF=\n-----END RSA PRIVATE KEY-----"
    assert redacted(f"a\n{key}\nb") == f"a\n{REMOVED}\nb"
    assert "MIIE" not in redacted(key[:50])


def test_a_har_keeps_what_helps_and_loses_what_opens_doors() -> None:
    found = taken(json.dumps(HAR).encode(), "trace.har")
    for text in (found.attachment.text, found.content.decode()):
        assert "s3cr3t" not in text
        assert "hunter2" not in text
        assert "YW5uOn" not in text
        assert "https://app.acme.example/tracking" in text
        assert "502" in text
        assert "text/html" in text
    assert found.attachment.size == len(found.content)
    assert found.attachment.name == "trace.har"


def test_a_file_without_secrets_is_kept_byte_for_byte() -> None:
    for content in (b'{"b":  1,\r\n "a": [2]}', "olá".encode("cp1252"), "shell".encode("utf-16"), PNG):
        assert taken(content).content == content


def test_a_key_is_removed_before_the_text_is_cut() -> None:
    content = ("x" * (LONGEST_READ - 10) + " " + SECRETS[0]).encode()
    text = taken(content).attachment.text
    assert "xoxb" not in text
    assert len(text) <= LONGEST_READ


@given(st.text(max_size=300))
def test_what_is_read_has_no_unseen_characters(text: str) -> None:
    assert not any(ord(c) < 32 and c not in "\n\t" for c in readable(text))
    assert "\u202e" not in readable(text + "\u202e")


@pytest.mark.parametrize(
    "part", ["Authorization: ", "eyJ" + "a" * 20 + ".", "-----BEGIN PRIVATE KEY-----", "xoxb-", "bearer "]
)
def test_a_hostile_file_takes_no_longer_than_its_size(part: str) -> None:
    begun = time.perf_counter()
    taken((part * (1_000_000 // len(part))).encode())
    assert time.perf_counter() - begun < 5
