"""The page itself: HTML without scripts, everything that people or models wrote is safe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from evals.scorers import STATUSES
from evals.summary.evidence import Cases, Evidence, Simulated, Talk, Told
from evals.summary.pieces import as_between, as_figure, as_percent, as_table, as_value, document, safe
from evals.summary.plots import Bar, Bin, bars, calibration, confusion, histogram
from evals.summary.speed import growth_section

SHARES = (
    ("decision_accuracy", "right next move"),
    ("blind_step", "right next move when nothing can be seen"),
    ("claim_macro_f1", "what is done, not done, failed (F1)"),
)
COUNTS = (
    ("forbidden_repeats", "said twice"),
    ("wrongful_actions", "done without right"),
    ("missed_actions", "not done though due"),
)
PLAYED = (
    ("verified_resolution", "resolved, as the world shows", True),
    ("pass_k", "resolved in every run of a customer", True),
    ("turns_to_resolution", "messages until resolved (median)", False),
    ("repeats", "repeats a conversation", False),
    ("needless_questions", "needless questions a conversation", False),
    ("needless_handoffs", "handed over without need", True),
)
FLODIAL = {
    "first_skip_exact": ("opening that skips steps: exact step", 0.33),
    "first_false_skip": ("opening that skips none: false skips (low is good)", 0.06),
    "upfront_next": ("report of several steps: right next step", 0.72),
    "upfront_redundant": ("the same: asks what was said (low is good)", 0.09),
    "next_node": ("next step in mid-dialogue", 0.84),
    "offprocedure_handoff": ("page has no way on: hands over", 0.40),
    "offprocedure_false_handoff": ("page has a way on: hands over (low is good)", 0.08),
}


def as_page(found: Evidence) -> str:
    parts = [
        f"<h1>How well Stepfour does</h1><p class=small>{safe(found.at)} · version {safe(found.version)}"
        f" ({safe(found.commit)}) · read by: {safe(found.reader)} · {safe(found.machine)}</p>",
        f"<p>{_in_short(found)}</p>",
        _cases_table(found.cases),
        _states(found.cases),
        _languages(found.cases),
        _simulation(found.simulation),
        _flodial(found.flodial),
        growth_section(found.growth),
        _tokens(found),
        _talks(found.talks),
        _absent(found.absent),
    ]
    return document("How well Stepfour does", parts)


def _in_short(found: Evidence) -> str:
    said = []
    for cases in found.cases:
        report = cases.report
        harm = sum(int(report[name]) for name, _ in COUNTS)
        said.append(
            f"On {report['n']} labelled conversations ({safe(cases.title)}) the next move was right in "
            f"{as_percent(report['decision_accuracy'])}; {harm or 'no'} repeats, wrongful or missed actions."
        )
    if found.simulation is not None:
        ours = found.simulation.report["bots"][0]
        share = as_percent(ours["verified_resolution"]["value"])
        said.append(
            f"Of {ours['conversations']} simulated conversations {share} of those with a right to it were "
            f"resolved, with {ours['unsafe_actions'] or 'no'} unsafe actions, "
            f"{ours['false_done'] or 'no'} false “done” and {ours['repeats_count'] or 'no'} repeats."
        )
    return " ".join(said) or "Nothing was measured."


# --- labelled conversations ---------------------------------------------------------------------


def _cases_table(sets: Sequence[Cases]) -> str:
    if not sets:
        return ""
    rows = []
    for cases in sets:
        report, beside = cases.report, cases.report.get("baseline") or {}
        for name, words in SHARES:
            interval = report["intervals"].get(name)
            rows.append((cases.title, words, report["n"], report[name], interval, beside.get(name)))
        for name, words in COUNTS:
            rows.append((cases.title, words, report["n"], report[name], None, beside.get(name)))
    name = next((c.report["baseline"]["name"] for c in sets if c.report.get("baseline")), "beside")
    heads = ("set", "what", "n", "Stepfour", "95 %", name)
    body = [
        (safe(of), safe(what), str(n), as_value(value), as_between(interval), as_value(other))
        for of, what, n, value, interval, other in rows
    ]
    note = "n: conversations; 95 %: the interval of the figure, drawn over them. Counts should be 0."
    if any(cases.report.get("baseline") for cases in sets):
        note += f" {safe(name)}: a plain bot beside it that searches the same pages and answers."
    return f"<h2>Labelled conversations</h2>{as_table(heads, body, left=2)}<p class=small>{note}</p>"


def _states(sets: Sequence[Cases]) -> str:
    told = [each for cases in sets for each in cases.told]
    if not told:
        return ""
    counts = Counter((each.expected, each.got) for each in told)
    title = "Step states as labelled and as read"
    left = as_figure(confusion(counts, STATUSES, title), f"{title}; {len(told)} pairs of a case and a step.")
    bins = bins_of(told)
    why = "On the dashed line the reader is as often right as it is sure. Numbers: claims."
    right = as_figure(calibration(bins, "How sure, how right"), why)
    return f"<h2>What was read of the steps</h2>{left}{right}"


def bins_of(told: Iterable[Told], count: int = 5) -> list[Bin]:
    """Claims in equal steps of confidence; empty steps are left out."""
    groups: dict[int, list[tuple[float, bool]]] = {}
    for each in told:
        if each.confidence is not None:
            at = min(int(each.confidence * count), count - 1)
            groups.setdefault(at, []).append((each.confidence, each.expected == each.got))
    return [
        Bin(
            sum(sure for sure, _ in group) / len(group),
            sum(right for _, right in group) / len(group),
            len(group),
        )
        for _, group in sorted(groups.items())
    ]


def _languages(sets: Sequence[Cases]) -> str:
    parts = []
    for cases in sets:
        rows = []
        for lang, report in sorted(cases.report["by_language"].items()):
            for name, short in ((SHARES[0][0], "next move"), (SHARES[2][0], "steps (F1)")):
                if report[name] is not None:
                    low, high = report["intervals"].get(name) or (None, None)
                    rows.append(Bar(f"{lang}: {short}, n {report['n']}", report[name], low, high))
        if rows:
            parts.append(as_figure(bars(rows, f"Quality by language, {cases.title}"), safe(cases.title)))
    return f"<h2>By language</h2>{''.join(parts)}" if parts else ""


# --- simulation and branching procedures --------------------------------------------------------


def _simulation(found: Simulated | None) -> str:
    if found is None:
        return ""
    bots = found.report["bots"]
    body = []
    for name, words, share in PLAYED:
        shown = [_figured(bot[name], share=share) for bot in bots]
        body.append((words, *shown))
    for name, words in (("unsafe_actions", "unsafe actions"), ("false_done", "false “done”")):
        body.append((words, *(str(bot[name]) for bot in bots)))
    heads = ("", *(f"{safe(bot['bot'])} (n {bot['conversations']})" for bot in bots))
    turns = {name: values for name, values in found.turns.items() if values}
    plot = "<p>No bot resolved anything.</p>"
    if turns:
        title = "Messages of the customer until it was resolved"
        none = [name for name, values in found.turns.items() if not values]
        rest = f" Never: {', '.join(none)}." if none else ""
        plot = as_figure(histogram(turns, title), f"{title}; {', '.join(turns)}.{rest}")
    by = bots[0]["by"]
    groups = [(kind, name, n, share) for kind in by for name, (n, share) in by[kind].items()]
    rows = [(safe(kind), safe(name), str(n), as_percent(share)) for kind, name, n, share in groups]
    return (
        f"<h2>Simulated customers</h2><p class=small>Seed {found.report['seed']}, "
        f"{found.report['k']} runs of each customer, phrases of half "
        f"“{safe(found.report['half'])}”. Intervals are drawn over customers.</p>"
        f"{as_table(heads, body)}{plot}<details><summary>Resolved, by group</summary>"
        f"{as_table(('group', '', 'n', 'resolved'), rows, left=2)}</details>"
    )


def _figured(figure: dict[str, Any], *, share: bool) -> str:
    value, interval = figure["value"], figure.get("interval")
    if value is None:
        return "–"
    one = as_percent if share else as_value
    return one(value) + (f" ({one(interval[0])} to {one(interval[1])})" if interval else "")


def _flodial(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    rows = []
    for name, (words, floor) in FLODIAL.items():
        figure = found["figures"].get(name)
        if figure is not None:
            beside = figure.get("baseline")
            rows.append(Bar(words, figure["value"], figure["low"], figure["high"], beside, floor))
    body = [
        (safe(row.name), str(found.get(f"n_{name}", "")), as_value(row.value),
         as_between((row.low, row.high)), as_value(row.beside), as_value(row.floor))
        for name, row in zip(FLODIAL, rows, strict=False)
    ]  # fmt: skip
    heads = ("", "n", "Stepfour", "95 %", "BM25 and negation words", "wanted at least (or most)")
    plain = [row._replace(name=row.name.split(":")[0] if len(row.name) > 34 else row.name) for row in rows]
    picture = as_figure(
        bars(plain, "Branching procedures"), "Dot: BM25 and negation words. Dashed: what is wanted."
    )
    return f"<h2>Branching procedures it has never seen (FloDial)</h2>{as_table(heads, body)}{picture}"


# --- cost, conversations, what is missing -------------------------------------------------------


def _tokens(found: Evidence) -> str:
    tokens = sorted(each for cases in found.cases for each in cases.tokens)
    if not tokens or not any(tokens):
        return "<h2>Tokens</h2><p>None: no language model was used to read.</p>"
    middle, most = tokens[len(tokens) // 2], tokens[min(int(0.95 * len(tokens)), len(tokens) - 1)]
    acted = sum(int(cases.report["n"]) for cases in found.cases)
    counts = Counter(min(each // 500, 9) + 1 for each in tokens)
    plot = histogram({"tokens": [k for k, n in counts.items() for _ in range(n)]}, "Tokens a message")
    words = (
        f"{sum(tokens)} over {acted} cases: {middle} a message in the middle, {most} at the 95th percentile."
    )
    return f"<h2>Tokens</h2><p>{words}</p>{as_figure(plot, 'Columns of 500 tokens each.')}"


def _talks(talks: Sequence[Talk]) -> str:
    if not talks:
        return "<h2>Worst conversations</h2><p>None went wrong.</p>"
    return f"<h2>Worst conversations</h2>{''.join(map(_talk, talks))}"


def _talk(talk: Talk) -> str:
    lines = "".join(
        f'<p class="said {"customer" if line.role == "customer" else "other"}"><b>{safe(line.role)}</b> '
        f"{safe(line.text)}</p>"
        for line in talk.lines
    )
    read = f"<p>Read: {safe(', '.join(talk.read))}</p>" if talk.read else ""
    because = f"<p>Because: {safe(talk.because)}</p>" if talk.because else ""
    return (
        f"<details><summary>{safe(talk.id)} <span class=bad>{safe(talk.wrong)}</span></summary>{lines}{read}"
        f"<p>Decided: {safe(talk.decided)}</p>{because}"
        f"<p class=small>Read by: {safe(talk.reader)}</p></details>"
    )


def _absent(absent: Sequence[tuple[str, str]]) -> str:
    if not absent:
        return ""
    items = "".join(f"<li>{safe(part)}: {safe(why)}</li>" for part, why in absent)
    return f"<h2>Not measured here</h2><ul>{items}</ul>"
