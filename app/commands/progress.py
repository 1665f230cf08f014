"""Progress for people: bars on a terminal's standard error, nothing where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def showing(title: str) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Two bars of a sync: documents, and passages with their rate and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        documents = bars.add_task(f"{title}: documents", total=None, rate="")
        passages = bars.add_task(f"{title}: passages", total=None, rate="")

        def show(done: dict[str, Any]) -> None:
            if "note" in done:
                bars.console.print(done["note"])
                return
            read = f"{done['document_rate']:.0f}/s" if done["document_rate"] else ""
            bars.update(documents, completed=done["done"], total=done["total"], rate=read)
            rate = f"{done['rate']:.0f}/s" if done["rate"] else ""
            bars.update(passages, completed=done["passages"], total=done["passages_total"], rate=rate)

        yield show


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """One bar: so many of so many."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bars:
        bar = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)


@contextmanager
def stages(what: str) -> Iterator[Callable[[dict[str, Any]], None]]:
    """One line that says what is being done."""
    from rich.console import Console

    with Console(stderr=True).status(what) as status:
        yield lambda done: status.update(f"{what}: {done['stage']}")
