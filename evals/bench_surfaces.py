"""`stepfour eval surfaces`: what the surfaces weigh, what they cost a page, and how soon one sees them move.

In a real browser, on the real service beside the fictional platform and the local Slack.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from app.demo import MESSAGES, domain_of
from app.demo_surfaces import HELP
from app.errors import BadInput
from evals.bench import Machine, Row, Tell, number, quantile, spread, this_machine
from evals.bench_stage import Stage, staged
from knowledge.model import Value

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from rich.console import Console

CHROMIUM = Path("/usr/bin/chromium")
FILE = "surfaces.json"
SLOWER = 4
"""As slow as a middling phone, so many times."""
WATCHED_MS = 1_500
"""So long after the load a page's figures are taken: what a late script does counts, too."""
TOGETHER = 10
QUESTION = "How long does an invitation for a new colleague stay valid?"
PROGRESS = ("assistant.threads.setStatus", "chat.startStream", "chat.postMessage")

VITALS = """() => {
  window.vitals = { lcp: 0, cls: 0, tbt: 0 };
  const see = (type, take) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  see('largest-contentful-paint', (one) => { vitals.lcp = one.startTime });
  see('layout-shift', (one) => { if (!one.hadRecentInput) vitals.cls += one.value });
  see('longtask', (one) => { vitals.tbt += Math.max(0, one.duration - 50) });
}"""
WATCH = """() => {
  const root = document.querySelector('stepfour-chat').shadowRoot;
  const seen = window.seen = {};
  root.addEventListener('keydown', (key) => { if (key.key === 'Enter') seen.sent = performance.now() }, true);
  const look = () => {
    if (seen.sent === undefined) return;
    const line = root.querySelector('.working');
    if (line && !line.hidden) seen.line ??= performance.now();
    if (root.querySelector('.status[data-status=bot_working]')) seen.heard ??= performance.now();
    if (root.querySelector('.message.bot')) seen.reply ??= performance.now();
  };
  new MutationObserver(look).observe(root, { subtree: true, childList: true, attributes: true });
}"""


class Other(Value):
    """Another widget, as measured from its published package."""

    name: str
    kilobytes: tuple[int, ...]
    """gzip -9 of what it ships, the smallest and the largest build."""
    live_regions: int | None
    logs: int | None
    """How often `aria-live` and `role=log` stand in it."""


OTHERS = (
    Other(name="deep-chat 2.4.2", kilobytes=(111, 150), live_regions=0, logs=0),
    Other(name="parlant-chat-react 1.0.11", kilobytes=(260, 283), live_regions=None, logs=0),
    Other(name="flowise-embed 3.1.6", kilobytes=(284,), live_regions=0, logs=0),
    Other(name="@n8n/chat 1.37.0", kilobytes=(455, 546), live_regions=1, logs=0),
)
QUOTED = "quoted from a measurement of the published npm packages with gzip -9; not measured in this run"


class Found(Value):
    date: str
    machine: Machine
    seconds: float
    browser: str
    rows: tuple[Row, ...]
    """`beside`: the same page without the widget, in the same run."""
    budgets: tuple[tuple[str, float], ...]
    others: tuple[Other, ...] = OTHERS
    others_note: str = QUOTED


BUDGETS = (
    ("loader", 3.0),
    ("until the panel is usable", 35.0),
    ("agents' page", 60.0),
    ("layout shift of a page", 0.0),
    ("Slack, acknowledged", 500.0),
)


def measure(*, loads: int = 10, sends: int = 20, posts: int = 50, tell: Tell = lambda _: None) -> Found:
    """About two minutes on two idle cores. Raises `BadInput` where there is no browser."""
    began, date, machine = time.perf_counter(), datetime.now(UTC), this_machine()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="stepfour-surfaces-") as folder, staged(Path(folder)) as stage:
        with _chromium() as browser:
            version = browser.version
            tell("sizes")
            rows += _sizes(browser, stage)
            tell("what it costs a page")
            rows += _page_effect(browser, stage, loads)
            tell("from sending to the reply")
            rows += _sending(browser, stage, sends)
        tell("Slack")
        rows += _slack(stage, posts)
    return Found(
        date=date.isoformat(timespec="seconds"),
        machine=machine,
        seconds=time.perf_counter() - began,
        browser=f"Chromium {version}, headless",
        rows=tuple(rows),
        budgets=BUDGETS,
    )


@contextmanager
def _chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        raise BadInput(f"there is no Chromium at {CHROMIUM}. Install it: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise BadInput(
            "playwright is not installed. Run: make test, which installs the test tools"
        ) from error
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()


# --- what is fetched ----------------------------------------------------------------------------


def _sizes(browser: Browser, stage: Stage) -> list[Row]:
    """From the network log: the bytes of our files' bodies as they came over the wire."""
    page = browser.new_context(locale="en-GB").new_page()
    fetched = _log_of(page, stage.url)
    page.goto(stage.host.page("/sizes", stage.snippet))
    page.locator("stepfour-chat .launcher").wait_for()
    before = _settled(page, fetched)
    page.locator("stepfour-chat .launcher").click()
    page.locator("stepfour-chat textarea").wait_for()
    widget = _settled(page, fetched)
    page.context.close()

    desk = browser.new_context(locale="en-GB").new_page()
    served = _log_of(desk, stage.url)
    desk.goto(f"{stage.url}/assist")
    desk.locator(".sign-in").wait_for()
    page_bytes = _settled(desk, served)
    desk.context.close()
    return [
        _weight("loader", before),
        _weight("until the panel is usable", widget),
        _weight("agents' page", page_bytes),
    ]


def _log_of(page: Page, origin: str) -> dict[str, int]:
    """Our files by name as they arrive; what is asked of the API is no file."""
    found: dict[str, int] = {}

    def done(request: Any) -> None:
        path = request.url.removeprefix(origin)
        if request.url.startswith(origin) and not path.startswith("/v1/"):
            found[path] = request.sizes()["responseBodySize"]

    page.on("requestfinished", done)
    return found


def _settled(page: Page, found: dict[str, int]) -> dict[str, int]:
    """All that has come: on a busy machine the log is told of a file after the page has used it."""
    known = -1
    while known != len(found):
        known = len(found)
        page.wait_for_timeout(500)
    return dict(found)


def _weight(figure: str, files: dict[str, int]) -> Row:
    names = ", ".join(f"{name} {size}" for name, size in sorted(files.items()))
    return Row(figure=figure, value=sum(files.values()) / 1024, unit="KB gzip", n=len(files), note=names)


# --- what the widget costs a page ---------------------------------------------------------------


def _page_effect(browser: Browser, stage: Stage, loads: int) -> list[Row]:
    """With and without the snippet by turns, each in a fresh profile."""
    pages = {"with": stage.host.page("/with", stage.snippet), "without": stage.host.page("/without")}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in pages}
    _vitals(browser, pages["without"], waits_for=None)  # the first load of all warms the browser up
    for _ in range(loads):
        for name, url in pages.items():
            launcher = "stepfour-chat .launcher" if name == "with" else None
            found[name].append(_vitals(browser, url, waits_for=launcher))
    note = f"median, CPU {SLOWER} times slower; beside it the same page without the snippet, by turns"
    figures = {
        "largest contentful paint": ("lcp", "ms"),
        "layout shift of a page": ("cls", ""),
        "total blocking time": ("tbt", "ms"),
    }
    return [
        Row(
            figure=figure,
            value=median(one[key] for one in found["with"]),
            p95=quantile([one[key] for one in found["with"]], 0.95),
            beside=median(one[key] for one in found["without"]),
            beside_p95=quantile([one[key] for one in found["without"]], 0.95),
            unit=unit,
            n=loads,
            note=note,
        )
        for figure, (key, unit) in figures.items()
    ]


def _vitals(browser: Browser, url: str, *, waits_for: str | None) -> dict[str, float]:
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.add_init_script(f"({VITALS})()")
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(url, wait_until="load")
    if waits_for:
        page.locator(waits_for).wait_for()
    page.wait_for_timeout(WATCHED_MS)
    vitals: dict[str, float] = page.evaluate("() => vitals")
    context.close()
    return vitals


# --- from sending to the reply ------------------------------------------------------------------


def _sending(browser: Browser, stage: Stage, count: int) -> list[Row]:
    """The founding case, by another customer each time: HTTPS is switched on before the reply is there."""
    seen = []
    for nth in range(count + 1):
        spec = stage.customer()
        context = browser.new_context(locale="en-GB", reduced_motion="reduce")
        page = context.new_page()
        page.goto(stage.signed_in(spec))
        page.locator("stepfour-chat .launcher").click()
        box = page.locator("stepfour-chat textarea")
        box.fill(MESSAGES["en"][0].format(domain=domain_of(spec)))
        page.evaluate(WATCH)
        box.press("Enter")
        page.wait_for_function("() => window.seen.reply !== undefined")
        times = page.evaluate("() => seen")
        if nth:  # the first one warms the service up
            seen.append({key: (at - times["sent"]) / 1000 for key, at in times.items()})
        context.close()
    pause = f"the pause of {stage.settings.pause_seconds} s for more messages included"
    return [
        spread("widget, first status line", [one["line"] for one in seen], note="shown by the widget itself"),
        spread(
            "widget, first news of the server",
            [one["heard"] for one in seen if "heard" in one],
            note=f"that it works on it; {pause}",
        ),
        spread(
            "widget, final reply",
            [one["reply"] for one in seen],
            note=f"checked, switched on, read back; {pause}; no language model",
        ),
    ]


# --- Slack --------------------------------------------------------------------------------------


def _slack(stage: Stage, posts: int) -> list[Row]:
    slack = stage.slack
    members = [stage.member(stage.customer()) for _ in range(TOGETHER)]
    firsts = [_first_progress(stage, user) for user in members]
    before = len(slack.acks)
    for first in range(0, posts, TOGETHER):
        for user in members[: min(TOGETHER, posts - first)]:
            slack.run(slack.post(user, HELP, QUESTION))
        slack.run(slack.settle(timeout=120), 130)
    acks = [ack.seconds for ack in slack.acks[before:]]
    if slack.violations:
        raise RuntimeError(f"a call was not as Slack wants it: {slack.violations[0]}")
    p50, p99 = (1000 * quantile(acks, q) for q in (0.5, 0.99))
    return [
        Row(
            figure="Slack, acknowledged",
            value=p50,
            p95=p99,
            unit="ms",
            n=len(acks),
            note=f"stored, then acknowledged; second figure is the 99th percentile; {posts} messages, "
            f"{TOGETHER} at once, our own posts that come back as events included",
        ),
        spread("Slack, first visible progress", firsts, note="from posting to the first call that shows any"),
    ]


def _first_progress(stage: Stage, user: str) -> float:
    slack = stage.slack
    posted = slack.run(slack.post(user, HELP, QUESTION))

    def calls() -> list[float]:
        return [
            call.at
            for call in slack.calls
            if call.method in PROGRESS and call.arguments.get("thread_ts") == posted.ts
        ]

    slack.run(slack.until(calls, 60), 70)
    slack.run(slack.settle(timeout=60), 70)
    return calls()[0] - float(posted.ts)


# --- for people ---------------------------------------------------------------------------------


def write(folder: Path, found: Found) -> Path:
    """Over the one before: its history is the repository's."""
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found.model_dump(mode="json"), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--out {folder}: {error.strerror}. Name a folder that can be written.") from error
    return path


def shown(found: Found, console: Console) -> None:
    from rich.table import Table

    machine, budgets = found.machine, dict(found.budgets)
    console.print(
        f"{machine.cores} cores, {machine.processor}, load {machine.load} at the start; {found.browser}; "
        f"{found.date}; took {found.seconds:.0f} s\n",
        highlight=False,
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False)
    for head in ("", "measured", "p95", "without", "p95", "", "n", "budget"):
        table.add_column(head, justify="left" if head == "" else "right")
    for row in found.rows:
        values = (row.value, row.p95, row.beside, row.beside_p95)
        cells = ("" if value is None else number(value) for value in values)
        budget = budgets.get(row.figure)
        kept = "" if budget is None else f"{budget:g} {'kept' if _kept(row, budget) else 'MISSED'}"
        table.add_row(row.figure, *cells, row.unit, str(row.n or ""), kept)
    console.print(table)
    for row in found.rows:
        console.print(f"{row.figure}: {row.note}", highlight=False, soft_wrap=True)
    console.print(_beside(found))
    console.print(f"Other widgets: {found.others_note}.", highlight=False, soft_wrap=True)


def _kept(row: Row, budget: float) -> bool:
    """Of the acknowledgements the slow end counts; of a page what the widget adds."""
    worst = row.p95 if row.figure.startswith("Slack") and row.p95 is not None else row.value
    return worst - (row.beside or 0.0) <= budget


def _beside(found: Found) -> Any:
    from rich.table import Table

    ours = next(row.value for row in found.rows if row.figure == "until the panel is usable")
    table = Table(box=None, pad_edge=False)
    for head in ("widget", "KB gzip", "times ours", "aria-live", "role=log"):
        table.add_column(head, justify="left" if head == "widget" else "right")
    table.add_row("Stepfour (measured here)", number(ours), "1", "yes", "yes")
    for other in found.others:
        sizes = " to ".join(map(str, other.kilobytes))
        times = " to ".join(number(size / ours) for size in other.kilobytes)
        regions = ("?" if count is None else str(count) for count in (other.live_regions, other.logs))
        table.add_row(other.name, sizes, times, *regions)
    return table
