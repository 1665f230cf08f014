"""The phrases that training may see, as a training text: `python -m evals.simulate.learned`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from evals.simulate.phrases import LANGUAGES, SHIPPED, Phrase, load

KEPT = ("mixed.", "clients.")
"""Training does not see these, not even the half that it may: they tell how it goes while building."""
TARGET = Path(str(files("app.reader.train"))) / "said.txt"


def learned() -> list[Phrase]:
    """What is said of any procedure, in the half that training may see."""
    return [
        phrase
        for file in sorted(SHIPPED.glob("*.yaml"))
        if not file.name.startswith(KEPT)
        for phrase in load(file).in_half("train").all
        if phrase.procedure is None and phrase.slots <= {"goal", "step"}
    ]


def as_text() -> str:
    """`[intent]`, then lines by language, sentences between semicolons."""
    found: dict[str, dict[str, list[str]]] = {}
    for phrase in learned():
        by_lang = found.setdefault(phrase.intent, {})
        by_lang.setdefault(phrase.lang, []).append(phrase.text.replace(";", ","))
    lines = ["# What simulated customers say, by intent: written by `python -m evals.simulate.learned`."]
    for intent, by_lang in sorted(found.items()):
        lines.append(f"[{intent}]")
        lines += [f"{lang}: {'; '.join(by_lang[lang])}" for lang in LANGUAGES if lang in by_lang]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(as_text(), encoding="utf-8")
