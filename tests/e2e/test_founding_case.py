"""The case that Stepfour exists for, and its second scene, through the real HTTP API in three languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from app.demo import MESSAGES
from evals.world import scenarios
from evals.world.spec import Spec
from evals.world.world import World
from tests.e2e.conftest import Answered, Site, https_switches, sentence, untouched

LANGUAGES = ("pt", "en", "es")
PAGES = Path(__file__).parents[2] / "knowledge" / "pages"

STEP_BY_STEP = {
    "pt": (
        "Oi, tudo bem?",
        "O rastreamento de cliques está ligado e os links de marca de {domain} estão validados.",
        "Os certificados também já estão no ar, nos dois. Podem ligar o HTTPS nos links de rastreamento?",
    ),
    "en": (
        "Hello there!",
        "Click tracking is on and the branded links of {domain} are validated.",
        "The certificates are installed too, on both of them. Please switch on HTTPS for our tracking links.",
    ),
    "es": (
        "¡Hola, buenos días!",
        "El seguimiento de clics está activado y los enlaces de marca de {domain} están validados.",
        "Los certificados también están instalados, en los dos. ¿Pueden activar HTTPS en los enlaces?",
    ),
}


def domain_of(spec: Spec) -> str:
    return spec.hosts[0].partition(".")[2]


def explained(text: str) -> list[str]:
    """Lines of the procedure's sections that stand in a reply."""
    lines: set[str] = set()
    for page in PAGES.glob("*/https-tracking-links.md"):
        _, _, sections = page.read_text(encoding="utf-8").partition("\n## 1.")
        lines |= {re.sub(r"^\d+\. ", "", line.strip()) for line in sections.splitlines()}
    return sorted(line for line in lines if len(line) > 30 and line in text)


def action_states(answered: Answered) -> list[str]:
    return [payload["state"] for payload in answered.payloads("action.state")]


def assert_done_once(world: World, spec: Spec, answered: Answered, lang: str) -> None:
    assert https_switches(world, spec.account) == 1
    assert len(world.effects(spec.account)) == 1
    assert world.account(spec.account).settings.https_tracking
    assert action_states(answered)[-1] == "done"
    assert answered.status == "resolved"
    assert sentence(lang, "action.enable_https.done").search(answered.text)
    assert sentence(lang, "action.read_back").search(answered.text)


def assert_nothing_is_explained_again(answered: Answered) -> None:
    assert explained(answered.text) == []
    assert "?" not in answered.text
    assert all(message["citations"] == [] for message in answered.replies)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_first_message_that_allows_it_is_answered_by_doing_it(
    lang: str, site: Site, world: World, scene: Callable[..., Spec]
) -> None:
    spec = scene(scenarios.all_ready)
    answered = site.talk(spec.owner).say(MESSAGES[lang][0].format(domain=domain_of(spec)))
    assert_done_once(world, spec, answered, lang)
    assert_nothing_is_explained_again(answered)
    assert len(answered.replies) == 1
    assert "#" not in answered.text, "no page is linked where no step is left"
    assert {step["word"] for step in answered.steps.values()} == {"verified"}
    assert untouched(world, spec.model_copy(update={"accounts": spec.accounts[1:]}))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_told_over_several_messages_it_is_done_at_the_one_that_asks(
    lang: str, site: Site, world: World, scene: Callable[..., Spec]
) -> None:
    spec = scene(scenarios.all_ready)
    talk = site.talk(spec.owner)
    hello, so_far, wish = (text.format(domain=domain_of(spec)) for text in STEP_BY_STEP[lang])
    assert talk.say(hello).decision == "acknowledge"
    assert talk.say(so_far).decision == "propose"
    assert untouched(world, spec), "nothing was asked for yet: it is offered"
    answered = talk.say(wish)
    assert_done_once(world, spec, answered, lang)
    assert_nothing_is_explained_again(answered)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_not_ready_is_watched_and_done_when_the_world_is_ready(
    lang: str, site: Site, world: World, scene: Callable[..., Spec]
) -> None:
    spec = scene(scenarios.becomes_ready, 3600.0)
    talk = site.talk(spec.owner)
    first = talk.say(MESSAGES[lang][1].format(domain=domain_of(spec)))
    seen = sentence(lang, "finding.certificate_of_platform", host=spec.hosts[1])
    assert seen.search(first.text)
    assert sentence(lang, "guide.watching").search(first.text)
    assert first.payloads("steps")[-1]["watching"]["step"] == "ssl-certificate"
    assert untouched(world, spec)
    assert "#link-tracking" not in first.text
    assert "#branded-link" not in first.text
    assert_nothing_is_explained_again(first)

    world.run_changes()
    later = talk.after(first.seq, lambda so_far: so_far.events[-1].payload.get("status") == "resolved")
    assert_done_once(world, spec, later, lang)
    assert_nothing_is_explained_again(later)
    assert len(later.replies) == 1, "looks that saw nothing new are no news"
    assert [message["role"] for message in talk.messages()] == ["customer", "bot", "bot"]
