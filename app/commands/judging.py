"""Asks the model, where one is set, about some of what a look has found: within bounds, and never instead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from app.adapters.documents import keep_judging
from app.completion import ModelFailed
from app.judge import judge, tokens_of
from app.main import model_endpoint, purse_of, utc_now
from knowledge import findings
from knowledge.health.judged import known, pairs, to_ask, with_judgements
from knowledge.judging import Judgement, Judging

if TYPE_CHECKING:
    from app.endpoint import Endpoint
    from app.settings import Settings
    from knowledge.health.finding import Finding
    from knowledge.health.judged import Pair
    from knowledge.store import Knowledge

log = logging.getLogger(__name__)


def judging(knowledge: Knowledge, settings: Settings) -> Callable[[Sequence[Finding]], Sequence[Finding]]:
    """The step of a look in which a model sharpens what was found; what it asked is kept beside it."""

    def step(found: Sequence[Finding]) -> Sequence[Finding]:
        judged, told = asyncio.run(_judged(knowledge, settings, found))
        keep_judging(knowledge, told)
        return judged

    return step


async def _judged(
    knowledge: Knowledge, settings: Settings, found: Sequence[Finding]
) -> tuple[Sequence[Finding], Judging | None]:
    from app.adapters.store import Store

    shown = pairs(found, knowledge.documents())
    before = findings.findings(knowledge.db, closed=True)
    if settings.llm_base_url is None or settings.judge_most == 0:
        return with_judgements(found, known(before, shown, None)), None
    store = await Store.open(settings.data_dir, utc_now)
    try:
        endpoint = model_endpoint(settings, purse_of(settings, store))
        if endpoint is None:  # half of it is set
            return with_judgements(found, known(before, shown, None)), None
        if await store.switched_off("models") is not None:
            told = Judging(model=endpoint.model, at=utc_now(), ended="off")
            return with_judgements(found, known(before, shown, None)), told
        had = known(before, shown, endpoint.model)
        counted = {id for id, each in had.items() if each.counts}
        decided = {f.id for f in before if f.state != "open"}
        may = shown.keys() - counted - decided
        asked = [(f.id, shown[f.id]) for f in to_ask(found, may, settings.judge_most)]
        made, told = await ask(endpoint, settings, asked)
    finally:
        await store.close()
    return with_judgements(found, {**had, **made}), told.model_copy(update={"known": len(counted)})


async def ask(
    endpoint: Endpoint, settings: Settings, asked: Sequence[tuple[str, Pair]]
) -> tuple[Mapping[str, Judgement], Judging]:
    """Verdicts by finding, as far as the budget of a look and the endpoint go."""
    made: dict[str, Judgement] = {}
    told, ended, tokens = Judging(model=endpoint.model, at=utc_now()), None, 0
    now = asyncio.get_running_loop().time
    most = now() + settings.judge_seconds
    for id, pair in asked:
        if tokens + tokens_of(pair) > settings.judge_tokens:
            ended = "budget"
            break
        if now() >= most:
            ended = "timeout"
            break
        try:
            judged, took = await judge(endpoint, pair, min(most, endpoint.deadline()))
        except ModelFailed as error:
            log.log(error.level, "the model %s judges no more findings: %s", endpoint.model, error)
            ended = error.kind
            break
        tokens += took
        made[id] = Judgement(
            verdict=judged.verdict if judged else "unsure",
            kind=judged.kind if judged else "none",
            reason=judged.reason if judged else "no_answer",
            model=endpoint.model,
            at=utc_now(),
            of=pair.digest,
        )
    unanswered = sum(each.reason == "no_answer" for each in made.values())
    return made, told.model_copy(
        update={"asked": len(made), "unanswered": unanswered, "tokens": tokens, "ended": ended}
    )
