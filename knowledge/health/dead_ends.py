"""Pages that end in "contact support" although the service can do what is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from knowledge.health.claims import asks_support
from knowledge.health.finding import Finding, finding_id
from knowledge.health.pages import PageText, Rarity, Statement, place
from knowledge.model import Procedure
from knowledge.phrases import phrase
from knowledge.stems import stems

LAST = 0.34
"""The last part of a page, or of a section, that counts as its end."""
ALIKE = 0.45
"""How much of what the sentence and its page are about the procedure must share."""


def dead_ends(
    pages: Sequence[PageText],
    said: Sequence[Statement],
    procedures: Sequence[Procedure],
    cases: Mapping[str, int] | None = None,
) -> list[Finding]:
    """`procedures`: those that end in an action. `cases`: by document, how many cases it caused."""
    rarity = Rarity(said)
    last = [_last(page) for page in pages]
    guided = {procedure.document for procedure in procedures}
    found = []
    for s in said:
        if not asks_support(s.text):
            continue
        ends = [spot for spot in s.spots if spot.passage.ord >= last[spot.page]]
        ends = [spot for spot in ends if pages[spot.page].document.id not in guided]
        best = max(
            ((_shared(s, procedure, rarity), procedure) for procedure in procedures if procedure.action),
            key=lambda pair: pair[0],
            default=None,
        )
        if not ends or best is None or best[0] < ALIKE:
            continue
        share, procedure = best
        counts = [(cases or {}).get(pages[spot.page].document.id) for spot in ends]
        told = sum(n for n in counts if n is not None) if any(n is not None for n in counts) else None
        caused = (phrase("dead_end.cases", cases=told),) if told else ()
        found.append(
            Finding(
                id=finding_id("dead_end", s.text, procedure.id),
                kind="dead_end",
                confidence=round(min(0.95, 0.4 + 0.5 * share + (0.05 if told else 0.0)), 3),
                place=place(pages, ends[0]),
                also=tuple(place(pages, spot) for spot in ends[1:13]),
                why=(phrase("dead_end", procedure=procedure.id), *caused),
                todo=phrase(
                    "dead_end.todo", title=procedure.title, procedure=procedure.id, path=procedure.path
                ),
                cases=told,
            )
        )
    return found


def _shared(s: Statement, procedure: Procedure, rarity: Rarity) -> float:
    texts = [procedure.title, procedure.when, dict(procedure.titles).get(s.lang, "")]
    wanted = frozenset(stems(" ".join(texts), s.lang))
    own = s.meant | s.about
    weight = rarity.weight(wanted & own)
    title = frozenset(stems(procedure.title_in(s.lang), s.lang)) or wanted
    return min(1.0, weight / (rarity.weight(title) or 1.0))


def _last(page: PageText) -> int:
    """Number of the passage at which its end begins."""
    return int(len(page.passages) * (1 - LAST))
