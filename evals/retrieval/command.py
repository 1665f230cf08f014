"""`stepfour eval retrieval` and `stepfour eval decisions`: our search on other people's sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.asking import asked_of_documents
from app.errors import BadInput
from app.models.decision import Answer, Ask
from app.models.facts import Facts
from app.models.reading import Reading
from app.policy import decide
from app.quotable import citations_of, unclear_of
from evals.retrieval import beside, data, metrics
from evals.retrieval.beside import Ranking
from evals.retrieval.data import DECISIONS, Asked, Decision, Entry, Task
from evals.retrieval.library import Library, Report, filled
from knowledge.languages import detected
from knowledge.model import Hit

if TYPE_CHECKING:
    from rich.console import Console

MOST = 10
PASSAGES = 30
"""Several passages of one document are one result."""

Rows = list[dict[str, Any]]
Progress = Callable[[str], Report]


def retrieval(corpus: Path, queries: Path, kept: Path, progress: Progress) -> tuple[dict[str, Any], Rows]:
    """The report, and a row for each query."""
    entries = data.corpus(corpus)
    asked = data.queries(queries, entries)
    with filled(entries, kept, progress("documents")) as library:
        rows = _ranked(library, asked, progress("queries"))
        report = _report(library, entries, asked, rows, progress)
    return report, rows


def decisions(corpus: Path, tasks: Path, kept: Path, progress: Progress) -> tuple[dict[str, Any], Rows]:
    """The ranking is measured on tasks that name documents; the decision on all of them."""
    entries = data.corpus(corpus)
    given = data.tasks(tasks, entries)
    with filled(entries, kept, progress("documents")) as library:
        rows = _ranked(library, given, progress("tasks"))
        needing = [task for task in given if task.relevant]
        report = _report(library, entries, needing, [r for r in rows if r["relevant"]], progress)
    return {**report, **_decided(given, rows)}, rows


# --- by the product -----------------------------------------------------------------------------


def hits_of(library: Library, asked: Asked) -> list[Hit]:
    """As a turn searches: the whole conversation, the newest message counting most."""
    said = [m.text for m in asked.messages if m.role == "customer"]
    replies = [m.text for m in asked.messages if m.role != "customer"]
    if not said:
        raise BadInput(f"{asked.id}: the customer says nothing. Give a message with the role customer.")
    query = asked_of_documents(said[-1], said[:-1], replies[-1] if replies else "")
    return library.knowledge.search(query, lang=asked.lang, limit=PASSAGES)


def _decision(task: Task, hits: Sequence[Hit]) -> Decision:
    """As the policy decides where a question is asked and no procedure is at hand."""
    newest, before = task.messages[-1].text, [message.text for message in task.messages[:-1]]
    lang = task.lang or detected(newest)[0]
    facts = Facts(
        reading=Reading(language=lang, speech="question"),
        citations=citations_of(hits),
        unclear=unclear_of(newest, before, hits, lang),
    )
    match decide(facts):
        case Ask():
            return "ask"
        case Answer():
            return "answer"
        case _:
            return "no_answer"


def documents_of(library: Library, hits: Iterable[Hit]) -> list[str]:
    """A result that stands for others as well names them: they come right after it."""
    paths = (path for hit in hits for path in (hit.passage.path, *hit.twins))
    return list(dict.fromkeys(library.id_of(path) for path in paths))


def _ranked(library: Library, asked: Sequence[Asked], progress: Report) -> Rows:
    rows = []
    for number, one in enumerate(asked, 1):
        hits = hits_of(library, one)
        row: dict[str, Any] = {
            "id": one.id,
            "relevant": sorted(one.relevant),
            "ranking": documents_of(library, hits)[:MOST],
            "relevance": [round(hit.relevance, 4) for hit in hits[:MOST]],
        }
        if isinstance(one, Task):
            given = _decision(one, hits)
            sure = max((hit.relevance for hit in hits), default=0.0) if given != "ask" else 0.0
            row |= {"decision": one.decision, "given": given, "sure": round(sure, 4)}
        rows.append(row)
        progress(number, len(asked))
    return rows


def _decided(given: Sequence[Task], rows: Rows) -> dict[str, Any]:
    pairs = [(row["decision"], row["given"]) for row in rows]
    f1 = metrics.resampled(len(pairs), lambda at: metrics.macro_f1([pairs[i] for i in at], DECISIONS))
    surest = sorted(rows, key=lambda row: -row["sure"])[: len(rows) // 2]
    return {
        "decisions": len(given),
        "macro_f1": f1.value,
        "macro_f1_interval": [f1.low, f1.high],
        "f1": {kind: metrics.f1_of(pairs, kind) for kind in DECISIONS},
        "accuracy": sum(right == got for right, got in pairs) / len(pairs),
        "wrong_in_surest_half": _share(row["decision"] != "answer" for row in surest),
        "confused": metrics.confused(pairs, DECISIONS),
    }


def _share(found: Iterable[bool]) -> float:
    values = list(found)
    return round(sum(values) / len(values), 4) if values else 0.0


# --- and what others make of it -----------------------------------------------------------------


def _report(
    library: Library, entries: Sequence[Entry], asked: Sequence[Asked], rows: Rows, progress: Progress
) -> dict[str, Any]:
    if not asked:
        raise BadInput("no row names a document in `relevant`. Add what each task needs.")
    ours = metrics.figures(
        [metrics.scores(row["ranking"], one.relevant) for row, one in zip(rows, asked, strict=True)]
    )
    others = {"bm25": _figures(beside.bm25(entries), asked, progress("BM25"))}
    others["langchain_chroma"] = _figures(beside.langchain(library), asked, progress("plain LangChain"))
    return {
        "n": len(asked),
        **{name: figure.value for name, figure in ours.items()},
        "documents": len(entries),
        "refused": list(library.refused),
        "intervals": {name: [figure.low, figure.high] for name, figure in ours.items()},
        "beside": {
            way: {name: figure.model_dump() for name, figure in found.items()}
            for way, found in others.items()
        },
    }


def _figures(rank: Ranking, asked: Sequence[Asked], progress: Report) -> dict[str, metrics.Figure]:
    found = []
    for number, one in enumerate(asked, 1):
        found.append(metrics.scores(rank(one, MOST), one.relevant))
        progress(number, len(asked))
    return metrics.figures(found)


# --- for people ---------------------------------------------------------------------------------


def shown(report: dict[str, Any], console: Console) -> None:
    from rich.table import Table

    names = {"r1": "R@1", "r5": "R@5", "r10": "R@10", "ndcg10": "nDCG@10", "mrr": "MRR"}
    table = Table(
        title=f"{report['n']} queries, {report['documents']} documents; 95 % over queries",
        title_justify="left",
    )
    for column in ("", *names.values()):
        table.add_column(column, justify="right" if column else "left")
    ours = {name: (report[name], *report["intervals"][name]) for name in names}
    table.add_row("Stepfour", *(_cell(*ours[name]) for name in names))
    for way, label in (("bm25", "BM25"), ("langchain_chroma", "LangChain + Chroma")):
        found = report["beside"][way]
        table.add_row(label, *(_cell(found[n]["value"], found[n]["low"], found[n]["high"]) for n in names))
    console.print(table)
    if report["refused"]:
        console.print(f"Not taken in, so never found: {', '.join(report['refused'])}")
    if "macro_f1" in report:
        low, high = report["macro_f1_interval"]
        each = ", ".join(f"{kind} {value or 0:.2f}" for kind, value in report["f1"].items())
        f1 = f"macro-F1 {report['macro_f1']:.3f} ({low:.2f}-{high:.2f})"
        console.print(f"Decisions: n {report['decisions']}, {f1}; {each}")
        wrong = report["wrong_in_surest_half"]
        console.print(f"Of the half that it would answer most surely, {wrong:.1%} should not be answered.")


def _cell(value: float, low: float, high: float) -> str:
    return f"{value:.3f} [{low:.2f}-{high:.2f}]"


def write_rows(rows: Rows, file: Path) -> None:
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--rows {file}: {error.strerror}. Name a file that can be written.") from error
