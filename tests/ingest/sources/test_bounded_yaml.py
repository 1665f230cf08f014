"""YAML of strangers."""

from __future__ import annotations

import time

import pytest

from ingest.sources import bounded_yaml
from ingest.sources.bounded_yaml import YamlRefused, load


def test_what_json_has_too_is_understood_and_the_rest_stays_text() -> None:
    text = """
    200: {ok: true, none: ~, off: no, day: 2024-05-01, half: 0.5, n: -3, version: 3.1.0, quoted: "3", empty: }
    list: [1, two, 'true', 1:30]
    text: |
      two
      lines
    """
    assert load(text) == {
        "200": {
            "ok": True, "none": None, "off": "no", "day": "2024-05-01", "half": 0.5, "n": -3,
            "version": "3.1.0", "quoted": "3", "empty": None,
        },
        "list": [1, "two", "true", "1:30"],
        "text": "two\nlines\n",
    }  # fmt: skip


def test_aliases_and_merged_keys_mean_what_they_mean_in_yaml() -> None:
    text = "base: &b {a: 1, b: 2}\nother: &o {c: 3}\nmine:\n  <<: [*b, *o]\n  b: 5\nsame: *b\n"
    value = load(text)
    assert value["mine"] == {"a": 1, "b": 5, "c": 3}
    assert value["same"] is value["base"]


def test_only_the_first_document_is_read() -> None:
    assert load("a: 1\n---\nb: [") == {"a": 1}
    assert load("") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1, 2\n", "line 2"),
        ("a: 1\n b: 2", "line 2"),
        ("a: *nowhere", "names nothing"),
        ("a: &a [*a]", "names nothing"),
        ("? [1]\n: x", "a key that is no text"),
        ("a: {<<: 3}", "no keys"),
        ("[" * 200 + "]" * 200, "too deep"),
        ("\x00", "line"),
    ],
)
def test_what_is_none_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(YamlRefused, match=says):
        load(text)


def test_a_bomb_of_aliases_takes_no_room() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    began = time.monotonic()
    value = load("\n".join(lines))
    assert time.monotonic() - began < 2
    assert value["a29"][0] is value["a29"][8]


def test_a_bomb_of_merges_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_yaml, "MOST_MERGED", 1_000)
    base = ", ".join(f"k{n}: 1" for n in range(100))
    with pytest.raises(YamlRefused, match="merged"):
        load(f"a: &a {{{base}}}\nb: [" + ", ".join(["{<<: *a}"] * 50) + "]")


def test_tags_make_nothing() -> None:
    text = "a: !!python/object/apply:os.system ['true']\nb: !custom {x: 1}\nc: !!str 3"
    assert load(text) == {"a": ["true"], "b": {"x": 1}, "c": "3"}
