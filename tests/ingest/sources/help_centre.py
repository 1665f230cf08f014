"""A double of a Zendesk help centre, over HTTP on loopback.

What it does as the real one does: lists of articles, sections, categories and user segments with
`page[size]` (100 at most) and opaque cursors, `meta` and `links` in each answer; articles in a language only
where they are translated into it; drafts and restricted articles for agents only; 404 for a language that is
not switched on; 401 for a wrong token; user segments for agents only; the order that `sort_by` asks for.
`faults` are answers that it gives instead, in order, to the next requests for a path that holds the text.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ingest.sources.polite import Answer, Net
from ingest.sources.zendesk_api import vetted
from tests.ingest.sources.web_double import Loopback

ADDRESS = "https://acme.zendesk.com"
AGENT = "agent@acme.com/token:secret-token"

Fault = tuple[int, dict[str, str], bytes]


class HelpCentre:
    def __init__(self) -> None:
        self.locales = ["en-us", "pt-br"]
        self.categories: list[dict[str, Any]] = [{"id": 1, "name": {"en-us": "Account", "pt-br": "Conta"}}]
        self.sections: list[dict[str, Any]] = [
            {"id": 10, "name": {"en-us": "Billing", "pt-br": "Faturas"}, "category_id": 1},
            {
                "id": 11,
                "name": {"en-us": "Cards", "pt-br": "Cartões"},
                "category_id": 1,
                "parent_section_id": 10,
            },
        ]
        self.segments: list[dict[str, Any]] = []
        self.articles: dict[int, dict[str, Any]] = {}
        self.faults: dict[str, list[Fault]] = {}
        self.asked: list[str] = []
        self.authorized: list[str] = []
        centre = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                centre.asked.append(self.path)
                centre.authorized.append(self.headers.get("Authorization", ""))
                status, headers, body = centre.answer(self.path, self.headers.get("Authorization", ""))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._url = f"http://acme.zendesk.com:{self._server.server_port}"
        self._get = vetted(
            Loopback(), Net(resolve=lambda host, port: ["127.0.0.1"], sleep=lambda seconds: None)
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fetch(self, url: str, headers: Mapping[str, str]) -> Answer:
        """The product's own way to fetch, with the name of the help centre leading to loopback."""
        assert url.startswith(f"{ADDRESS}/")
        return self._get(url.replace(ADDRESS, self._url, 1), headers)

    def write(self, id: int, body: str = "<p>Text.</p>", /, lang: str = "en-us", **more: Any) -> None:
        """One more article, or one more language of it."""
        article = self.articles.setdefault(
            id,
            {
                "id": id,
                "section_id": 10,
                "source_locale": lang,
                "user_segment_id": None,
                "user_segment_ids": [],
                "outdated_locales": [],
                "created_at": f"2024-01-01T00:{id % 60:02}:00Z",
                "updated_at": "2024-05-01T10:00:00Z",
                "texts": {},
            },
        )
        shared = {"section_id", "user_segment_id", "user_segment_ids", "outdated_locales", "updated_at"}
        article.update({key: value for key, value in more.items() if key in shared})
        own = {key: value for key, value in more.items() if key not in shared}
        article["texts"][lang] = {"title": f"Article {id}", "draft": False, "body": body, **own}

    def answer(self, target: str, authorization: str) -> Fault:
        for text, faults in self.faults.items():
            if text in target and faults:
                return faults.pop(0)
        agent = authorization == "Basic " + base64.b64encode(AGENT.encode()).decode()
        if authorization and not agent:
            return _json(401, {"error": "Couldn't authenticate you"})
        parts = urlsplit(target)
        path = parts.path.removeprefix("/api/v2/help_center/").removesuffix(".json").split("/")
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        if path == ["locales"]:
            return _json(200, {"locales": self.locales, "default_locale": self.locales[0]})
        if path == ["user_segments"]:
            if not agent:
                return _json(403, {"error": "Forbidden"})
            return self._paged("user_segments", self.segments, query)
        locale, kind = path
        if locale not in self.locales:
            return _json(404, {"error": "RecordNotFound"})
        if kind == "articles":
            return self._paged(kind, self._shown(locale, agent, query.get("sort_by", "position")), query)
        rows = self.sections if kind == "sections" else self.categories
        named = [
            {**row, "name": row["name"][locale], "locale": locale} for row in rows if locale in row["name"]
        ]
        return self._paged(kind, named, query)

    def _shown(self, locale: str, agent: bool, order: str) -> list[dict[str, Any]]:
        rows = []
        for article in self.articles.values():
            text = article["texts"].get(locale)
            closed = article["user_segment_id"] is not None or article["user_segment_ids"]
            if text is None or (not agent and (text["draft"] or closed)):
                continue
            url = f"{ADDRESS}/hc/{locale}/articles/{article['id']}-{text['title'].replace(' ', '-')}"
            about = {key: value for key, value in article.items() if key != "texts"}
            rows.append(
                {"html_url": url, "edited_at": article["updated_at"], **about, **text, "locale": locale}
            )
        return sorted(rows, key=lambda row: str(row.get(order, "")))

    def _paged(self, key: str, rows: list[dict[str, Any]], query: dict[str, str]) -> Fault:
        size = min(int(query.get("page[size]", "30")), 100)
        start = int(base64.b64decode(query["page[after]"])) if "page[after]" in query else 0
        more = start + size < len(rows)
        cursor = base64.b64encode(str(start + size).encode()).decode()
        answer = {
            key: rows[start : start + size],
            "meta": {"has_more": more, "after_cursor": cursor, "before_cursor": None},
            # An address that we must not follow.
            "links": {"next": "https://elsewhere.example/steal" if more else None, "prev": None},
        }
        return _json(200, answer)


def _json(status: int, value: object) -> Fault:
    return status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(value).encode()
