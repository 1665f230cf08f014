"""Two readings of one conversation made one: where they differ about a step, neither of them wins."""

from __future__ import annotations

from collections.abc import Sequence

from app.models.reading import Claim, Input, Reading

OPEN = frozenset({"not_done", "failed", "planned"})


def settled(model: Reading, own: Reading, *, for_action: bool) -> Reading:
    """The model's reading, checked against that of the built-in reader.

    Careful flags hold if either reader raises them. `for_action`: an action of ours follows the steps, so a
    step that one reader takes for done and the other does not is disputed: a look, a question or a person
    settles it. What only one of them has read is no dispute. The outcome is wanted if both say so; a reader
    who sees another procedure has no say about this one, and the wish then rests on the model alone.
    """
    same = own.procedure is not None and own.procedure == model.procedure
    wanted = model.wants_outcome and (own.wants_outcome or not same)
    return model.model_copy(
        update={
            "claims": _claims(model.claims, own.claims) if same and for_action else model.claims,
            "subjects": _subjects(model.subjects, own.subjects),
            "wants_outcome": wanted,
            "faint": wanted and (own.faint or not same),
            "wants_person": model.wants_person or own.wants_person,
            "danger": model.danger or own.danger,
            "skips_checks": model.skips_checks or own.skips_checks,
            "for_other": model.for_other or own.for_other,
            "perhaps": _perhaps(model, own),
            "asks_on": own.asks_on and same,
            "told_before": own.told_before,
        }
    )


def _perhaps(model: Reading, own: Reading) -> str | None:
    """Where the model sees no procedure, what the other sees is worth a question and no more."""
    if model.procedure is not None:
        return None
    return (own.procedure if own.wants_outcome else None) or own.perhaps


def _subjects(inputs: Sequence[Input], others: Sequence[Input]) -> tuple[Input, ...]:
    """What either has read: whose thing it is depends on what was named, and a model may leave it out."""
    known = {(each.name, each.value) for each in inputs}
    return (*inputs, *(each for each in others if (each.name, each.value) not in known))


def _claims(claims: Sequence[Claim], others: Sequence[Claim]) -> tuple[Claim, ...]:
    return tuple(
        claim.model_copy(update={"disputed": True}) if _differ(claim, others) else claim for claim in claims
    )


def _differ(claim: Claim, others: Sequence[Claim]) -> bool:
    about = [
        other
        for other in others
        if other.step == claim.step
        and (None in (other.subject, claim.subject) or other.subject == claim.subject)
    ]
    return any((other.status in OPEN) != (claim.status in OPEN) for other in about)
