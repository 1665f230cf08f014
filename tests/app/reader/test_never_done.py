"""What must never be read as done: each of these once was."""

from __future__ import annotations

import pytest

from app.reader.builtin import read_conversation
from knowledge.embedding import CachedEncoder
from tests.app.reader.test_builtin import SSO, claims, said

WISH = "Please make SSO mandatory."


@pytest.mark.parametrize(
    ("turns", "step"),
    [
        (("us: Is your directory connected?", "not yet sorry"), "scim"),
        (("us: Is your directory connected?", "not yet, thanks"), "scim"),
        (("We connected the directory, but the page keeps saying that it is offline.",), "scim"),
        (("The directory is connected.", "I take back what I said about the directory."), "scim"),
    ],
)
def test_no_and_trouble_are_not_done(encoder: CachedEncoder, turns: tuple[str, ...], step: str) -> None:
    reading = read_conversation(said(WISH, *turns), [SSO], encoder)
    assert claims(reading).get(step) in {"not_done", "failed"}


def test_just_did_it_is_said_of_the_step_at_hand(encoder: CachedEncoder) -> None:
    titles = [step.title for step in SSO.steps]
    reply = f"us: “{titles[0]}” is already in place. What is still open: “{titles[1]}”."
    reading = read_conversation(said(WISH, reply, "just did it"), [SSO], encoder)
    assert claims(reading) == {SSO.steps[1].id: "done"}
