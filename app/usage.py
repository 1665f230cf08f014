"""What reading by a language model has cost: tokens and money a message and a resolved case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from app.models.record import Turn
from app.spending import ANSWERED, Call
from knowledge.model import Value


class Usage(Value):
    """Costs are in the currency of the configured prices; None where no price is configured."""

    messages: int
    """Read, by whichever reader."""
    readers: dict[str, int]
    tokens_in: int
    tokens_out: int
    tokens_a_message: float
    resolved: int
    """Cases."""
    tokens_a_resolved_case: float | None
    """All tokens of these cases, also those of messages before the one that resolved them."""
    cost: float | None = None
    cost_a_message: float | None = None
    cost_a_resolved_case: float | None = None


def by_role(calls: Sequence[Call]) -> dict[str, dict[str, object]]:
    """Of each role of a model: calls, their tokens, and how those ended that gave no answer."""
    return {
        role: {
            "calls": len(of_role),
            "tokens_in": sum(call.tokens_in for call in of_role),
            "tokens_out": sum(call.tokens_out for call in of_role),
            "failed": dict(Counter(call.ended for call in of_role if call.ended != ANSWERED)),
        }
        for role in sorted({call.role for call in calls})
        if (of_role := [call for call in calls if call.role == role])
    }


def usage(
    turns: Sequence[Turn], resolved: frozenset[str], *, price_in: float | None, price_out: float | None
) -> Usage:
    """`resolved`: ids of cases; prices are for a million tokens. A price of one kind alone is no price."""
    read = [turn for turn in turns if turn.reading.tokens_in or not turn.facts.resumed]
    tokens_in = sum(turn.reading.tokens_in for turn in read)
    tokens_out = sum(turn.reading.tokens_out for turn in read)
    of_resolved = [turn for turn in read if turn.case in resolved]
    tokens = tokens_in + tokens_out
    theirs = sum(turn.reading.tokens_in + turn.reading.tokens_out for turn in of_resolved)

    def cost(chosen: Sequence[Turn]) -> float | None:
        if price_in is None or price_out is None:
            return None
        return sum(t.reading.tokens_in * price_in + t.reading.tokens_out * price_out for t in chosen) / 1e6

    whole, for_resolved = cost(read), cost(of_resolved)
    return Usage(
        messages=len(read),
        readers=dict(Counter(turn.reading.reader for turn in read)),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        tokens_a_message=tokens / len(read) if read else 0.0,
        resolved=len(resolved),
        tokens_a_resolved_case=theirs / len(resolved) if resolved else None,
        cost=whole,
        cost_a_message=whole / len(read) if whole is not None and read else None,
        cost_a_resolved_case=for_resolved / len(resolved) if for_resolved is not None and resolved else None,
    )
