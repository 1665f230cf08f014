"""`stepfour eval ...`: what is measured, as commands."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import BadInput
from evals.crash.command import crash
from evals.retrieval.commands import mount
from evals.security.command import security

if TYPE_CHECKING:
    from app.ports import Reader
    from app.settings import Settings
    from evals.cases_command import Measured
    from evals.report import Report as CaseReport

app = typer.Typer(help="Measure: labelled conversations, speed, and both with a file of results.")
mount(app)

ROOT = Path(__file__).parents[1]
OURS = ROOT / "knowledge" / "pages"
CASES = ROOT / "evals" / "cases"
RESULTS = ROOT / "evals" / "results"


class ReaderName(StrEnum):
    builtin = "builtin"
    llm = "llm"


class BenchPart(StrEnum):
    messages = "messages"
    sync = "sync"
    cold = "cold"
    growth = "growth"
    embedding = "embedding"
    load = "load"


class BaselineName(StrEnum):
    rag = "rag"


Files = Annotated[list[Path], typer.Argument(help="Case files, one JSON object a line.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PagesFolder = Annotated[
    Path | None, typer.Option("--pages", help="Folder of more help pages; its procedures replace ours.")
]
SyncFolder = Annotated[
    Path | None, typer.Option("--pages", help="Folder of documents to sync, beside generated ones.")
]
Texts = Annotated[
    list[Path] | None,
    typer.Option(
        "--texts", help="Folder of documents that growing search is measured on, else our own; repeatable."
    ),
]
Passages = Annotated[
    int, typer.Option("--passages", help="Search grows from 1,000 to so many passages.", min=8)
]
ColdPages = Annotated[
    int, typer.Option("--cold", help="So many of --pages are synced with embedding; 0: all.", min=0)
]
WhichReader = Annotated[ReaderName, typer.Option("--reader", help="Who reads the conversations.")]
WhichBaseline = Annotated[
    BaselineName | None, typer.Option("--baseline", help="Run a plain retrieve-and-answer bot beside it.")
]
Rows = Annotated[Path | None, typer.Option("--rows", help="Write one JSON line a case to this file.")]


app.command()(crash)
app.command()(security)


@app.command()
def cases(
    files: Files,
    *,
    pages: PagesFolder = None,
    reader: WhichReader = ReaderName.builtin,
    baseline: WhichBaseline = None,
    as_json: AsJson = False,
    rows: Rows = None,
) -> None:
    """Run labelled conversations through the real path, and score what it decides."""
    from app.settings import load
    from evals.case import read_all

    settings = load()
    read_all(files)  # bad input is told before anything heavy is loaded
    if rows is not None and not rows.parent.is_dir():
        raise BadInput(f"--rows {rows}: there is no folder {rows.parent}. Make it first.")
    measured = _measured(files, settings, pages=pages, reader=reader, baseline=baseline is not None)
    if rows is not None:
        _write_rows(measured, rows)
    _print(_reported(measured, settings), as_json=as_json)


@app.command()
def flodial(
    *,
    flowcharts: Annotated[Path, typer.Option("--flowcharts", help="Folder of the flowcharts (*.json).")],
    dialogs: Annotated[Path, typer.Option("--dialogs", help="Whole dialogues (JSON).")],
    first: Annotated[Path, typer.Option("--first", help="Openings and the first step asked (JSON lines).")],
    upfront: Annotated[
        Path, typer.Option("--upfront", help="Reports of several steps at once (JSON lines).")
    ],
    offprocedure: Annotated[
        Path, typer.Option("--offprocedure", help="Turns that the procedure does not cover (JSONL).")
    ],
    reader: WhichReader = ReaderName.builtin,
    sample: Annotated[
        int | None, typer.Option("--sample", help="At most so many turns of each kind.", min=1)
    ] = None,
    as_json: AsJson = False,
    rows: Rows = None,
) -> None:
    """Branching procedures: FloDial's flowcharts as pages, its dialogues as customers."""
    from app.commands.progress import counting
    from app.settings import load
    from evals.flodial import command

    chosen = _settings_of(load(), reader)
    charts, turns = command.load(flowcharts, dialogs=dialogs, first=first, upfront=upfront, off=offprocedure)
    turns = command.sampled(turns, sample)
    if rows is not None and not rows.parent.is_dir():
        raise BadInput(f"--rows {rows}: there is no folder {rows.parent}. Make it first.")
    with _reading(chosen) as read, counting("turns") as progress:
        measured = command.measure(charts, turns, read, progress)
    if rows is not None:
        command.write_rows(measured, rows)
    name = chosen.llm_model if reader == ReaderName.llm and chosen.llm_model else "builtin"
    made = command.report(measured, charts, name, turns)
    if as_json:
        print(command.as_json(made))
        return
    command.shown(made, _console())


@app.command()
def bench(
    *,
    as_json: AsJson = False,
    pages: SyncFolder = None,
    texts: Texts = None,
    passages: Passages = 10_000,
    cold: ColdPages = 24,
    part: Annotated[
        list[BenchPart] | None, typer.Option("--part", help="Only this part of it; repeatable.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Write the results to files of this name, with the date.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of results.")] = RESULTS,
) -> None:
    """Measure speed, memory and disk on this machine, beside the plain LangChain way."""
    from app.settings import load
    from evals.bench import PARTS, measure, shown
    from evals.results import write

    for folder in (pages, *(texts or ())):
        if folder is not None and not folder.is_dir():
            raise BadInput(f"{folder}: there is no such folder. Name a folder of documents.")
    with _telling() as tell:
        found = measure(
            ours=OURS,
            pages=pages,
            texts=texts or (),
            parts=[each.value for each in part] if part else PARTS,
            largest=passages,
            cold=cold,
            encoder_folder=_kept(load()),
            tell=tell,
        )
    written = write(out, name, datetime.now(UTC), {}, found) if name is not None else None
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    shown(found, _console())
    if written is not None:
        print(f"Written: {written}, {written.with_suffix('.md')} and {written.with_suffix('.html')}")


@app.command()
def surfaces(
    as_json: AsJson = False,
    out: Annotated[Path, typer.Option(help="Folder of results.")] = RESULTS,
) -> None:
    """Measure widget, agents' page and Slack in a real browser, beside other widgets."""
    from evals.bench_surfaces import measure, shown, write

    with _telling() as tell:
        found = measure(tell=tell)
    path = write(out, found)
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    shown(found, _console())
    print(f"Written: {path}")


@app.command()
def health(
    folders: Annotated[list[Path], typer.Argument(help="Folders of documents, looked at together.")],
    *,
    drift: Annotated[
        Path | None, typer.Option(help="Which translations are behind (JSON list of path and status).")
    ] = None,
    most: Annotated[int, typer.Option(min=0, help="Findings that are shown, the strongest.")] = 50,
    today: Annotated[str | None, typer.Option(help="The day to look from, YYYY-MM-DD; else today.")] = None,
    judge: Annotated[int, typer.Option(min=0, help="Ask the model of the settings about so many.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Look for what is wrong with folders of pages, and score it where a file knows."""
    from evals import health_command as measured

    try:
        day = datetime.fromisoformat(today).date() if today else datetime.now(UTC).date()
    except ValueError as error:
        raise BadInput(f"--today {today}: give a day as YYYY-MM-DD") from error
    looked = measured.look(folders, day)
    scored = measured.drift(looked.findings, drift) if drift else None
    if judge:
        from app.settings import load

        looked = measured.with_model(looked, load(), judge)
    if as_json:
        print(json.dumps(measured.as_json(looked, most, scored), ensure_ascii=False, indent=2))
    else:
        print(measured.report(looked, most, scored))


@app.command(name="all")
def everything(
    *,
    more: Annotated[
        list[Path] | None, typer.Option("--cases", help="Another case file, measured by itself; repeatable.")
    ] = None,
    pages: SyncFolder = None,
    texts: Texts = None,
    passages: Passages = 10_000,
    simulate: Annotated[
        int, typer.Option(help="Simulated conversations a bot, both baselines beside them; 0: none.", min=0)
    ] = 200,
    flodial_folder: Annotated[
        Path | None, typer.Option("--flodial", help="Folder of FloDial's development part.")
    ] = None,
    reader: WhichReader = ReaderName.builtin,
    name: Annotated[str, typer.Option(help="Last part of the file's name, e.g. of the machine.")] = "local",
    out: Annotated[Path, typer.Option(help="Folder of results.")] = RESULTS,
    again: Annotated[
        Path | None, typer.Option("--from", help="Make the page anew from this JSON, and measure nothing.")
    ] = None,
) -> None:
    """Everything, into one JSON file and one HTML page: cases, simulation, branching procedures, speed."""
    from evals.summary import command

    if again is not None:
        print(f"Written: {command.page_again(again)}")
        return
    from app.settings import load
    from evals.bench import measure
    from evals.case import read_all
    from evals.results import write

    settings = load()
    chosen = _settings_of(settings, reader)
    flodial_parts = command.flodial_files(flodial_folder) if flodial_folder is not None else None
    files = sorted(CASES.glob("*.jsonl"))
    trio = [file for file in files if file.stem.startswith("trio-")]
    own = [file for file in files if file not in trio]
    sets = {"own": own, "trio": trio, **{file.stem: [file] for file in more or []}}
    for one_set in sets.values():
        read_all(one_set)
    # The bench comes first: peak memory is that of the process so far.
    with _telling() as tell:
        found = measure(
            ours=OURS,
            pages=pages,
            texts=texts or (),
            largest=passages,
            encoder_folder=_kept(settings),
            tell=tell,
        )
    measured = {
        title: _measured(one_set, settings, reader=reader, baseline=True) for title, one_set in sets.items()
    }
    reports = {title: _reported(each, settings) for title, each in measured.items()}
    for title, report in reports.items():
        _console().rule(title, align="left")
        _print(report, as_json=False)
    evidence = command.evidence(
        {title: (measured[title].items, reports[title]) for title in sets},
        machine=found.machine,
        reader=chosen.llm_model or "builtin",
        simulated=command.simulation(simulate, OURS) if simulate and reader == "builtin" else None,
        branching=_branching(flodial_parts, chosen) if flodial_parts is not None else None,
        growth=found.growth,
    )
    path = write(out, name, datetime.now(UTC), reports, found, evidence=evidence)
    print(f"Written: {path}, {path.with_suffix('.md')} and {path.with_suffix('.html')}")


def _branching(files: dict[str, Path], settings: Settings) -> dict[str, Any]:
    from app.commands.progress import counting
    from evals.flodial import command

    charts, turns = command.load(**files)
    with _reading(settings) as read, counting("turns") as progress:
        rows = command.measure(charts, turns, read, progress)
    return command.report(rows, charts, settings.llm_model or "builtin", turns)


# --- the parts ----------------------------------------------------------------------------------


def _measured(
    files: Sequence[Path],
    settings: Settings,
    *,
    pages: Path | None = None,
    reader: ReaderName,
    baseline: bool,
) -> Measured:
    chosen = _settings_of(settings, reader)

    from app import main
    from app.commands.progress import counting
    from evals.cases_command import measure
    from knowledge.errors import KnowledgeError

    with counting("cases") as progress:
        work = measure(
            files,
            pages=pages,
            ours=OURS,
            reader=lambda knowledge: main.reader(chosen, knowledge, main.model_endpoint(chosen)),
            encoder_folder=_kept(settings),
            progress=progress,
            baseline=settings if baseline else None,
        )
        try:
            return asyncio.run(work)
        except KnowledgeError as error:
            raise BadInput(str(error)) from error


def _settings_of(settings: Settings, reader: ReaderName) -> Settings:
    """With the model only where it is asked for. Raises `BadInput` where there is none."""
    if reader == "builtin":
        return settings.model_copy(update={"llm_base_url": None, "llm_model": None})
    if settings.llm_base_url is None or settings.llm_model is None:
        raise BadInput(
            "--reader llm: no model is configured. Set STEPFOUR_LLM_BASE_URL and STEPFOUR_LLM_MODEL, "
            "or measure the built-in reader: --reader builtin"
        )
    return settings


@contextmanager
def _reading(settings: Settings) -> Iterator[Reader]:
    """The reader of these settings over a store of its own, which holds nothing but the encoder."""
    import tempfile

    from app import main
    from evals.cases_command import open_case_knowledge

    with tempfile.TemporaryDirectory(prefix="stepfour-eval-") as folder:
        knowledge = open_case_knowledge(Path(folder), _kept(settings))
        try:
            yield main.reader(settings, knowledge, main.model_endpoint(settings))
        finally:
            knowledge.close()


def _kept(settings: Settings) -> Path:
    """Where the encoder and the vectors of pages are kept between runs; apart from the service's own."""
    folder = settings.data_dir.resolve() / "eval"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}. Set STEPFOUR_DATA_DIR to a folder you own.") from error
    return folder


def _reported(measured: Measured, settings: Settings) -> CaseReport:
    from evals.baseline import baseline_name
    from evals.report import baseline_report, report

    beside = baseline_report(measured.baseline, baseline_name(settings)) if measured.baseline else None
    return report(measured.items, measured.seconds, beside)


def _write_rows(measured: Measured, file: Path) -> None:
    """The baseline's rows go beside ours: `rows.jsonl` and `rows.rag.jsonl`."""
    runs = {file: measured.rows}
    if measured.baseline:
        runs[file.with_suffix(f".rag{file.suffix}")] = [item.row for item in measured.baseline]
    for path, rows in runs.items():
        try:
            path.write_text("".join(f"{row.model_dump_json()}\n" for row in rows), encoding="utf-8")
        except OSError as error:
            raise BadInput(f"--rows {path}: {error.strerror}. Name a file that can be written.") from error


def _print(report: CaseReport, *, as_json: bool) -> None:
    from evals.report import shown

    if as_json:
        print(json.dumps(report.model_dump(mode="json"), indent=2, ensure_ascii=False))
        return
    shown(report, _console())


def _console() -> Any:
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=110)


@contextmanager
def _telling() -> Iterator[Any]:
    """What is being measured, on a terminal only."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: None
        return
    with console.status("starting") as status:
        yield status.update
