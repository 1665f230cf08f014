"""Pages that speak of what is no longer so: days that have passed, and what a manifest of the product no
longer names.

`manifest.yaml` (optional) lists what the product has: `labels` (texts of buttons, menus and settings),
`endpoints` (`GET /v3/things/{id}` or the path alone), and `renamed` (old name: new name).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import yaml

from knowledge.errors import KnowledgeError
from knowledge.health.claims import is_example
from knowledge.health.finding import Finding, RunKind, finding_id
from knowledge.health.pages import PageText, Spot, Statement, body, dated_path, place, place_of
from knowledge.model import Value
from knowledge.phrases import Phrase, phrase

_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december",
    "janeiro|fevereiro|março|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro",
    "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre",
)
_MONTH = {name: n for row in _MONTHS for n, name in enumerate(row.split("|"), 1)}
_NAME = "|".join(sorted(_MONTH, key=len, reverse=True))
_DAY = re.compile(
    rf"\b(?:(?P<iso>20\d\d-\d\d-\d\d)|(?P<m1>{_NAME})\s+(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y1>20\d\d)"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th|º)?\s+(?:of\s+|de\s+)?(?P<m2>{_NAME})\s+(?:de\s+|del\s+)?(?P<y2>20\d\d)"
    rf"|(?P<m3>{_NAME})\s+(?:of\s+|de\s+|del\s+)?(?P<y3>20\d\d)"
    rf"|(?:in|by|until|em|até|en|hasta)\s+(?P<y4>20\d\d))\b",
    re.IGNORECASE,
)
_FUTURE = re.compile(
    r"\bwill (?:be|no longer|not|stop|end|become|have to|need|start|begin|launch|support"
    r"|require|remove|retire)\b"
    r"|\b(?:coming|upcoming|planned|scheduled|previst[oa]s?)\b"
    r"|\b(?:será|serão|deixará|deixarão|passará|terá de|serán|dejará|dejarán|pasará|tendrá que)\b",
    re.IGNORECASE,
)
_UNTIL = re.compile(r"\b(?:until|até|hasta)(?:\s+(?:o|a|el|the|dia|día))*\s+$", re.IGNORECASE)
"""What stands before a day up to which something holds."""
_LABEL = re.compile(r"\*\*([^*\n]{2,60})\*\*|“([^”\n]{2,60})”|\"([^\"\n]{2,60})\"")
_PRESS = re.compile(
    r"\b(?:click|select|choose|press|tap|toggle|open|go to|navigate to|under|menu|button|tab|page"
    r"|clique|selecione|escolha|abra|acesse|botão|aba|vá (?:para|até)"
    r"|haga clic|seleccione|elija|pulse|abra|vaya a"
    r"|botón|pestaña)\b",
    re.IGNORECASE,
)
_ENDPOINT = re.compile(
    r"(?:\b(GET|POST|PUT|PATCH|DELETE)\s+)?(?:https?://[\w.-]+)?(/(?:[\w.{}:<>-]+/)*[\w.{}:<>-]+)"
)
GRACE = 30
"""Days after a date before a page that looks forward to it is stale."""


class Manifest(Value):
    """What the product has now."""

    labels: frozenset[str] = frozenset()
    endpoints: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = {}


class _Gone(NamedTuple):
    what: str
    now: str | None
    confidence: float


def read_manifest(file: Path) -> Manifest:
    """Raises `KnowledgeError` with what to correct."""
    try:
        data = yaml.safe_load(file.read_text("utf-8")) or {}
        return Manifest.model_validate(data)
    except (OSError, ValueError, yaml.YAMLError) as error:
        fix = "It holds lists `labels` and `endpoints` and a mapping `renamed`."
        raise KnowledgeError(f"{file} cannot be used ({str(error).splitlines()[0]}). {fix}") from error


def past_dates(pages: Sequence[PageText], said: Sequence[Statement], today: date) -> list[Finding]:
    """Sentences that look forward to a day that has passed."""
    found = []
    for s in said:
        # A note of a day that is called by its day is a record of what was so then.
        spots = [spot for spot in s.spots if not dated_path(pages[spot.page].document.path)]
        if not spots or is_example(s.text) or not _looks_forward(s.text):
            continue
        days = [day for day in _days(s.text) if (today - day).days > GRACE]
        if not days or len(days) < len(list(_days(s.text))):
            continue
        when = max(days)
        found.append(
            _finding(
                pages,
                spots,
                "dated",
                0.72,
                s.text,
                why=phrase("dated", day=f"{when:%Y-%m-%d}"),
                todo=phrase("dated.todo"),
            )
        )
    return found


def _looks_forward(text: str) -> bool:
    until = any(_UNTIL.search(text[: found.start()]) for found in _DAY.finditer(text))
    return until or bool(_FUTURE.search(text))


def gone_from_product(
    pages: Sequence[PageText], said: Sequence[Statement], manifest: Manifest
) -> list[Finding]:
    """Labels and endpoints that the product does not have, or calls otherwise."""
    labels = {_folded(label) for label in manifest.labels}
    renamed = {_folded(old): new for old, new in manifest.renamed.items()}
    found = []
    for s in said:
        for gone in _labels_gone(s, labels, renamed):
            why, todo = phrase("gone.label", label=gone.what), phrase("gone.label.todo")
            if gone.now:
                why = phrase("gone.renamed", label=gone.what, now=gone.now)
                todo = phrase("gone.renamed.todo", now=gone.now)
            found.append(
                _finding(
                    pages,
                    s.spots,
                    "gone_from_product",
                    gone.confidence,
                    s.text,
                    gone.what,
                    why=why,
                    todo=todo,
                )
            )
    return found + (list(_endpoints_gone(pages, manifest)) if manifest.endpoints else [])


def _labels_gone(s: Statement, labels: set[str], renamed: Mapping[str, str]) -> Iterator[_Gone]:
    seen: set[str] = set()
    quote = s.spots[0].quote
    for old, new in renamed.items():
        if re.search(rf"(?<!\w){re.escape(old)}(?!\w)", _folded(quote)) and _folded(new) not in _folded(
            quote
        ):
            seen.add(old)
            yield _Gone(old, new, 0.9)
    if not labels or not _PRESS.search(s.text):
        return
    for match in _LABEL.finditer(quote):
        for part in re.split(r"\s*[>→›]\s*", next(filter(None, match.groups()))):
            label = _folded(part.strip(" .:,"))
            if label and label not in labels and label not in seen and label[0].isalnum():
                seen.add(label)
                yield _Gone(part.strip(" .:,"), None, 0.65)


def _endpoints_gone(pages: Sequence[PageText], manifest: Manifest) -> Iterator[Finding]:
    known = {_route(path) for endpoint in manifest.endpoints for path in endpoint.split()[-1:]}
    roots = {_root(route) for route in known if route}
    for page in pages:
        seen: set[str] = set()
        for line in body(page.text).split("\n"):
            for found in _ENDPOINT.finditer(line):
                route = _route(found.group(2))
                if _root(route) not in roots or route in known or route in seen:
                    continue
                if any(_covers(k, route) for k in known):
                    continue
                seen.add(route)
                yield Finding(
                    id=finding_id("gone_from_product", route, line),
                    kind="gone_from_product",
                    confidence=0.7,
                    place=place_of(page, line.strip()),
                    why=(phrase("gone.endpoint", endpoint=found.group(2)),),
                    todo=phrase("gone.endpoint.todo"),
                )


def _covers(known: str, route: str) -> bool:
    """`/v3/things/*` covers `/v3/things/42`; the start of an endpoint is not a wrong one."""
    one, two = known.split("/"), route.split("/")
    if len(two) > len(one):
        return False
    return all(a in {b, "*"} or b == "*" for a, b in zip(one, two, strict=False))


def _root(route: str) -> str:
    return route.lstrip("/").partition("/")[0]


def _route(path: str) -> str:
    parts = path.partition("?")[0].rstrip("/.,;:").split("/")
    return "/".join("*" if re.match(r"[{:<]", part) else part.lower() for part in parts)


def _days(text: str) -> Iterator[date]:
    for found in _DAY.finditer(text):
        g = found.groupdict()
        try:
            if g["iso"]:
                yield datetime.fromisoformat(g["iso"]).date()
                continue
            month = next((g[m] for m in ("m1", "m2", "m3") if g[m]), None)
            year = next(g[y] for y in ("y1", "y2", "y3", "y4") if g[y])
            day = g["d1"] or g["d2"] or 28
            yield date(int(year), _MONTH[month.lower()] if month else 12, int(day))
        except ValueError:
            continue


def _finding(
    pages: Sequence[PageText],
    spots: Sequence[Spot],
    kind: RunKind,
    confidence: float,
    *texts: str,
    why: Phrase,
    todo: Phrase,
) -> Finding:
    return Finding(
        id=finding_id(kind, *texts),
        kind=kind,
        confidence=confidence,
        place=place(pages, spots[0]),
        also=tuple(place(pages, spot) for spot in spots[1:13]),
        why=(why,),
        todo=todo,
    )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
