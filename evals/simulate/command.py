"""`stepfour simulate`: simulated customers against Stepfour and plain retrieval, or any bot by HTTP."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.errors import BadInput
from evals.simulate.phrases import LANGUAGES, SHIPPED, Half, Phrases, load
from evals.simulate.report import BotReport, Report, report_of, shown
from evals.simulate.score import Row
from knowledge.model import Procedure

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "knowledge" / "pages"
FILE = "simulation.json"


def simulate(
    *,
    n: Annotated[int, typer.Option("--n", help="Conversations a bot.", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="The same seed makes the same customers.")] = 1,
    k: Annotated[int, typer.Option("--k", help="Runs of each customer; pass^k wants all of them.")] = 4,
    lang: Annotated[
        list[str] | None, typer.Option("--lang", help="Language of customers: en, pt or es; repeatable.")
    ] = None,
    phrases: Annotated[Path, typer.Option(help="What they say: a file, or a folder of them.")] = SHIPPED,
    half: Annotated[str, typer.Option(help="Which half of the phrases: score, train or all.")] = "score",
    pages: Annotated[Path, typer.Option(help="Folder of help pages whose procedures are tried.")] = PAGES,
    baselines: Annotated[bool, typer.Option(help="Run plain retrieval beside it.")] = True,
    workers: Annotated[int, typer.Option(help="Processes.", min=1, max=64)] = 2,
    url: Annotated[str | None, typer.Option(help="A bot to try over HTTP, instead of ours.")] = None,
    world: Annotated[
        Path | None,
        typer.Option(help="With --url: addresses of its world, as `python -m evals.world` prints."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    rows: Annotated[
        Path | None, typer.Option(help="Write one JSON line a conversation to this file.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help=f"Also write {FILE} into this folder.")] = None,
) -> None:
    """Customers who start half-way talk to the bot; what the world says afterwards is scored."""
    from rich.console import Console

    languages = _languages(lang)
    known = load(phrases).in_half(_half(half))
    _all_spoken(known, languages)
    if rows is not None and not rows.parent.is_dir():
        raise BadInput(f"--rows {rows}: there is no folder {rows.parent}. Make it first.")
    if url is not None and world is None:
        raise BadInput(
            "--url needs the bot's world: --world FILE, with the line that `python -m evals.world "
            "--state-dir DIR` prints. See docs/simulation.md."
        )
    started = time.perf_counter()
    if url is not None and world is not None:
        found, left_out = _over_http(
            url, world, n=n, seed=seed, k=k, languages=languages, pages=pages, known=known
        )
    else:
        found, left_out = _in_process(
            n=n,
            seed=seed,
            k=k,
            languages=languages,
            pages=pages,
            phrases=phrases,
            half=_half(half),
            baselines=baselines,
            workers=workers,
        )
    report = Report(
        seed=seed,
        n=n,
        k=k,
        half=half,
        phrases=len(known.all),
        seconds=round(time.perf_counter() - started, 1),
        left_out=left_out,
        bots=reports(found, k),
    )
    if rows is not None:
        _write(rows, "".join(f"{row.model_dump_json()}\n" for row in found))
    text = json.dumps(report.model_dump(mode="json"), indent=2, ensure_ascii=False)
    if out is not None:
        _write_results(out, report)
    if as_json:
        print(text)
        return
    shown(report, Console() if sys.stdout.isatty() else Console(width=130))


def played(*, n: int, seed: int, k: int, pages: Path = PAGES) -> tuple[Report, list[Row]]:
    """Ours and both baselines in this process's children, with the phrases that only scoring sees."""
    started = time.perf_counter()
    rows, left_out = _in_process(
        n=n,
        seed=seed,
        k=k,
        languages=LANGUAGES,
        pages=pages,
        phrases=SHIPPED,
        half="score",
        baselines=True,
        workers=2,
    )
    report = Report(
        seed=seed,
        n=n,
        k=k,
        half="score",
        phrases=len(load(SHIPPED).in_half("score").all),
        seconds=round(time.perf_counter() - started, 1),
        left_out=left_out,
        bots=reports(rows, k),
    )
    return report, rows


def reports(rows: Sequence[Row], k: int) -> tuple[BotReport, ...]:
    bots = dict.fromkeys(row.bot for row in rows)
    return tuple(report_of([row for row in rows if row.bot == bot], k) for bot in bots)


def _languages(given: list[str] | None) -> tuple[str, ...]:
    unknown = sorted(set(given or ()) - set(LANGUAGES))
    if unknown:
        raise BadInput(f"--lang {unknown[0]}: there is {', '.join(LANGUAGES)}.")
    return tuple(dict.fromkeys(given or LANGUAGES))


def _half(half: str) -> Half:
    match half:
        case "score" | "train" | "all":
            return half
    raise BadInput(f"--half {half}: there is score, train and all.")


def _all_spoken(phrases: Phrases, languages: Sequence[str]) -> None:
    missing = [lang for lang in languages if lang not in phrases.languages]
    if missing:
        raise BadInput(f"--lang {missing[0]}: no phrase in it. Add a file for it, or leave the language out.")


def _in_process(
    *,
    n: int,
    seed: int,
    k: int,
    languages: Sequence[str],
    pages: Path,
    phrases: Path,
    half: Half,
    baselines: bool,
    workers: int,
) -> tuple[list[Row], tuple[str, ...]]:
    from app.commands.progress import counting
    from evals.simulate.run import BOTS, Work, prepare, run, simulated, tasks

    with _scratch() as folder, counting("conversations") as told:
        base = Path(folder)
        kept = _kept()
        procedures = prepare(base, pages, kept)
        main = [languages_of["en"] for languages_of in procedures.values()]
        todo = tasks(main, languages, BOTS if baselines else BOTS[:1], seed=seed, n=n, k=k)
        work = Work(base, kept, phrases, half)
        found = run(work, todo, workers=workers, told=told)
    return found, _left_out(main, simulated_ids=[p.id for p in main if simulated(p)])


def _over_http(
    url: str,
    world: Path,
    *,
    n: int,
    seed: int,
    k: int,
    languages: Sequence[str],
    pages: Path,
    known: Phrases,
) -> tuple[list[Row], tuple[str, ...]]:
    from app.commands.progress import counting
    from app.settings import load as load_settings
    from evals.simulate.remote import addresses_of, converse
    from evals.simulate.run import prepare, simulated, tasks

    addresses = addresses_of(world)
    with _scratch() as folder:
        procedures = prepare(Path(folder), pages, _kept())
    main = [languages_of["en"] for languages_of in procedures.values()]
    todo = tasks(main, languages, (url,), seed=seed, n=n, k=k)
    with counting("conversations") as told:
        found = asyncio.run(
            converse(url, addresses, load_settings(), todo, procedures=procedures, phrases=known, told=told)
        )
    return found, _left_out(main, simulated_ids=[p.id for p in main if simulated(p)])


def _left_out(procedures: Sequence[Procedure], simulated_ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(procedure.id for procedure in procedures if procedure.id not in simulated_ids)


def _scratch() -> tempfile.TemporaryDirectory[str]:
    """In memory where the system has such a folder: every conversation has tables of its own."""
    fast = Path("/dev/shm")  # noqa: S108  a folder of ours is made in it
    return tempfile.TemporaryDirectory(prefix="stepfour-simulate-", dir=fast if fast.is_dir() else None)


def _kept() -> Path:
    from app.settings import load as load_settings
    from evals.commands import _kept as kept

    return kept(load_settings())


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}. Name a file that can be written.") from error


def _write_results(folder: Path, report: Report) -> None:
    whole = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **report.model_dump(mode="json")}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out {folder}: {error.strerror}. Name a folder that can be written.") from error
    _write(folder / FILE, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    print(f"Written: {folder / FILE}", file=sys.stderr)
