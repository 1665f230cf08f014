"""Every way through a branching procedure ends, and every step is on one: checked when the page is read."""

from __future__ import annotations

from knowledge.frontmatter import Where
from knowledge.model import Procedure
from knowledge.page_reader import PageReader


def check_ways(reader: PageReader, procedure: Procedure) -> None:
    """Every way through a branching procedure ends, and every step is on one."""
    at = {step.id: number for number, step in enumerate(procedure.steps)}
    ended: set[str] = set()

    def follow(id: str, way: tuple[str, ...]) -> None:
        step = procedure.steps[at[id]]
        leads = step.outcomes or ((None, procedure.after(step)),)
        for outcome, target in leads:
            key = ("outcomes", outcome) if outcome is not None else ("next",)
            where: Where = ("steps", at[id], *(str(part) for part in key))
            if target == "action" and procedure.action is None:
                reader.fail(where, f"step `{id}` leads to an action", "Name it: `action: NAME`.")
            if target in (*way, id):
                circle = " -> ".join((*way, id, target)[(*way, id).index(target) :])
                fix = "Let one of them lead to another step, to a section or to `handoff`."
                reader.fail(where, f"the steps go in a circle: {circle}", fix)
            if target in at and target not in ended:
                follow(target, (*way, id))
        ended.add(id)

    follow(procedure.steps[0].id, ())
    for number, step in enumerate(procedure.steps):
        if step.id not in ended:
            fix = "Name it in `outcomes:` or `next:` of another step, or leave it out."
            reader.fail(("steps", number), f"no way leads to step `{step.id}`", fix)
