"""The two commands of search, mounted beside the other measurements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import BadInput

if TYPE_CHECKING:
    from evals.retrieval.command import Progress, Rows

Corpus = Annotated[Path, typer.Option("--corpus", help="Documents, a JSON object a line: id, title, text.")]
Queries = Annotated[
    Path,
    typer.Option(
        "--queries",
        help="Queries, one a line: id, text (or messages of a conversation), relevant (ids of documents).",
    ),
]
Tasks = Annotated[
    Path,
    typer.Option(
        "--tasks",
        help="Conversations, one a line: id, messages, decision (answer, ask, no_answer), relevant.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RowsFile = Annotated[Path | None, typer.Option("--rows", help="Write one JSON line a query to this file.")]


def mount(app: typer.Typer) -> None:
    app.command()(retrieval)
    app.command()(decisions)


def retrieval(*, corpus: Corpus, queries: Queries, as_json: AsJson = False, rows: RowsFile = None) -> None:
    """How well search finds the documents that queries need, beside BM25 and plain LangChain."""
    from evals.retrieval import command

    _run(lambda kept, progress: command.retrieval(corpus, queries, kept, progress), as_json, rows)


def decisions(*, corpus: Corpus, tasks: Tasks, as_json: AsJson = False, rows: RowsFile = None) -> None:
    """Answer, ask back, or say that nothing is there: what it chooses in whole conversations."""
    from evals.retrieval import command

    _run(lambda kept, progress: command.decisions(corpus, tasks, kept, progress), as_json, rows)


def _run(
    measure: Callable[[Path, Progress], tuple[dict[str, Any], Rows]], as_json: bool, rows: Path | None
) -> None:
    import json
    from contextlib import ExitStack

    from app.commands.progress import counting
    from app.settings import load
    from evals.commands import _console, _kept
    from evals.retrieval import command

    if rows is not None and not rows.parent.is_dir():
        raise BadInput(f"--rows {rows}: there is no folder {rows.parent}. Make it first.")
    with ExitStack() as bars:
        report, found = measure(_kept(load()), lambda what: bars.enter_context(counting(what)))
    if rows is not None:
        command.write_rows(found, rows)
    if as_json:
        print(json.dumps(report, indent=2, ensure_ascii=False))
        return
    command.shown(report, _console())
