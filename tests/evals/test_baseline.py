"""The plain bot on the same index: it retrieves and answers, and says again what was done."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from evals.baseline import run_baseline
from evals.case import LabelledCase
from evals.cases_command import add_articles, fill, open_case_knowledge
from evals.run import CaseRow
from evals.scorers import pair, score
from knowledge.store import Knowledge
from tests.evals.conftest import MakeCase

NO_MODEL = Settings(_env_file=None)
ARTICLE = {
    "title": "Giraffe export",
    "text": "The giraffe export writes a spreadsheet of every giraffe on Mondays at noon.",
}


@pytest.fixture(scope="module")
def case_of_an_article(make_case: MakeCase) -> LabelledCase:
    expect: dict[str, Any] = {
        "procedure": None,
        "claims": {},
        "wants_outcome": False,
        "decision": "answer",
        "never": (),
    }
    return make_case(
        "exports", "When does the giraffe export write its spreadsheet?", article=ARTICLE, expect=expect
    )


@pytest.fixture(scope="module")
def known(
    small_pages: Path,
    encoder_folder: Path,
    case_of_an_article: LabelledCase,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Knowledge, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("knowledge")
    knowledge = open_case_knowledge(folder, encoder_folder)
    fill(knowledge, folder, small_pages, None)
    yield knowledge, add_articles(knowledge, folder / "articles", [case_of_an_article])
    knowledge.close()


Run = Callable[..., Any]


@pytest.fixture
def run(known: tuple[Knowledge, dict[str, str]]) -> Run:
    async def ask(case: LabelledCase, settings: Settings = NO_MODEL) -> CaseRow:
        knowledge, articles = known
        [row] = await run_baseline([case], knowledge, articles, settings)
        return row

    return ask


async def test_without_a_model_the_passages_are_the_answer_and_say_again_what_was_done(
    run: Run, make_case: MakeCase, known: tuple[Knowledge, dict[str, str]]
) -> None:
    case = make_case("done", "My certificate is in front of the branded link already, so switch HTTPS on.")
    row = await run(case)
    knowledge, _ = known
    first = knowledge.passage(row.passages[0])
    assert first is not None
    assert first.text.splitlines()[-1] in row.reply
    scores = score(pair([case], [row], knowledge.procedures()))
    assert scores.forbidden_repeats == 1
    assert scores.missed_actions == 1
    assert scores.wrongful_actions == 0
    assert row.blind is not None
    assert (row.blind.decision, row.blind.step) == (row.decision, row.step)


async def test_what_is_asked_about_one_step_is_guided_to_that_step(run: Run, make_case: MakeCase) -> None:
    row = await run(make_case("how", "How do I switch on click tracking?"))
    assert (row.decision, row.step) == ("guide", "link-tracking")
    assert row.procedure == "https-tracking-links"


async def test_an_article_is_seen_in_its_own_case_only(
    run: Run, make_case: MakeCase, case_of_an_article: LabelledCase
) -> None:
    own = await run(case_of_an_article)
    assert own.decision == "answer"
    assert "giraffe" in own.reply
    other = await run(make_case("other", case_of_an_article.messages[-1].text))
    assert "giraffe" not in other.reply


class Endpoint:
    """An OpenAI-compatible server on loopback that answers what it is told to."""

    def __init__(self) -> None:
        self.reply = ""
        self.status = 200
        self.asked: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked.append(json.loads(body))
                text = json.dumps(outer.completion()).encode()
                self.send_response(outer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def completion(self) -> dict[str, Any]:
        message = {"role": "assistant", "content": self.reply}
        return {
            "id": "c1",
            "object": "chat.completion",
            "created": 0,
            "model": "tiny",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100},
        }

    @property
    def settings(self) -> Settings:
        url = f"http://127.0.0.1:{self.server.server_port}/v1"
        return Settings(_env_file=None, llm_base_url=url, llm_model="tiny", llm_seconds=5)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    there = Endpoint()
    yield there
    there.close()


async def test_a_model_reads_the_conversation_and_the_passages(
    run: Run, make_case: MakeCase, endpoint: Endpoint
) -> None:
    endpoint.reply = "Switch click tracking on in the settings [1]."
    messages = [
        {"role": "customer", "text": "Hello, it is about our links."},
        {"role": "agent", "text": "Gladly, what about them?"},
        {"role": "customer", "text": "How do I switch on click tracking?"},
    ]
    row = await run(make_case("model", messages=messages), endpoint.settings)
    assert row.reply == endpoint.reply
    assert row.reader == "rag tiny"
    assert (row.tokens_in, row.tokens_out) == (90, 10)
    assert len(row.cited) == 1, "only what it names is sent"
    [sent] = endpoint.asked
    assert [message["role"] for message in sent["messages"]] == ["system", "user", "assistant", "user"]
    assert "click tracking" in sent["messages"][0]["content"].lower()


async def test_a_model_without_an_answer_hands_over(
    run: Run, make_case: MakeCase, endpoint: Endpoint
) -> None:
    endpoint.reply = "NO ANSWER"
    row = await run(make_case("none"), endpoint.settings)
    assert (row.decision, row.step, row.reply, row.cited) == ("hand_off", None, "", ())


async def test_a_model_that_is_down_leaves_the_passages_and_says_so(
    run: Run, make_case: MakeCase, endpoint: Endpoint
) -> None:
    endpoint.status = 503
    row = await run(make_case("down"), endpoint.settings)
    assert row.reader == "rag tiny (model down)"
    assert row.reply
