"""How near is a sentence to each procedure: a procedure by its face, which is what it says it is for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from app.reader import heads
from app.reader.kept import Kept
from app.reader.lexical import bag, rarity
from app.reader.overlap import Places, Table, gaps, most, owners
from app.reader.relate import Array
from app.reader.text import fold
from knowledge.embedding import Encoder, centred
from knowledge.model import Procedure

FEATURES = (
    "cos_title", "cos_when", "cos_steps", "cos_gap", "lex_core", "lex_own", "lex_wide", "lex_gap",
    "same_language", "length",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Face:
    """A procedure by what it is for."""

    vectors: Array
    core: frozenset[str]
    wide: frozenset[str]
    languages: frozenset[str]


_faces: Kept[tuple[str, str, str], Face] = Kept(600)
"""Enough for 200 procedures in three languages."""


def face_of(procedure: Procedure, encoder: Encoder, mean: Array, lang: str | None = None) -> Face:
    """`lang`: what the procedure is called in that language, where its page says so."""
    tongue = next((code for code, _ in procedure.titles if code[:2] == lang), procedure.lang)
    key = (encoder.name, tongue, procedure.model_dump_json())
    return _faces.get(key, lambda: _make_face(procedure, encoder, mean, tongue))


def _make_face(procedure: Procedure, encoder: Encoder, mean: Array, tongue: str) -> Face:
    lang, title = procedure.lang[:2], procedure.title_in(tongue)
    # The questions of a branching page are asked of many troubles; what it is for says which one it is about.
    steps = () if procedure.branches else procedure.steps
    titles = [(lang, step.title) for step in steps]
    titles += [(code[:2], title) for step in steps for code, title in step.titles]
    core = bag(fold(f"{procedure.title} {procedure.when}"), lang).concepts
    if title != procedure.title:
        core = bag(fold(title), tongue[:2]).concepts | bag(fold(procedure.when), lang).concepts
    core |= bag(fold(re.sub(r"[-_]", " ", procedure.id)), "en").concepts
    wide = core.union(*(bag(fold(title), code).concepts for code, title in titles))
    texts = [title, procedure.when, *(title for _, title in titles)]
    return Face(
        centred(encoder.queries(texts), mean),
        core,
        wide,
        frozenset({lang, tongue[:2]} | {code for code, _ in titles}),
    )


class Crowd(NamedTuple):
    """All procedures made ready for comparing with a sentence at once."""

    firsts: Array
    """Two rows for each: its title, and when it is for."""
    steps: Array
    owner: Places
    """Which procedure each row of `steps` is of."""
    table: Table
    """The words of the core of each, then those of each as a whole."""
    value: dict[str, float]
    core: Array
    whole: Array
    """Per procedure what all words of its core and all its words come to."""


@lru_cache(maxsize=16)
def _crowd(faces: tuple[Face, ...]) -> Crowd:
    weight = rarity([face.wide for face in faces]) if len(faces) > 1 else {}
    value = {item: 0.3 + weight.get(item, 0.7) for face in faces for item in face.wide}
    table = Table([*(face.core for face in faces), *(face.wide for face in faces)])
    core, whole = np.split(table.weighed(value, 0.0).sum(axis=1), 2)
    return Crowd(
        np.vstack([face.vectors[:2] for face in faces]),
        np.vstack([face.vectors[2:] for face in faces]),
        owners([face.vectors[2:] for face in faces]),
        table,
        value,
        np.where(core > 0, core, 1),
        np.where(whole > 0, whole, 1),
    )


def features(own: frozenset[str], vector: Array, lang: str, faces: Sequence[Face]) -> Array:
    """One row per procedure, columns as in `FEATURES`."""
    crowd = _crowd(tuple(faces))
    rows = np.zeros((len(faces), len(FEATURES)), dtype=np.float32)
    rows[:, :2] = (crowd.firsts @ vector).reshape(-1, 2)
    rows[:, 2] = most(crowd.steps @ vector, crowd.owner, rows[:, 2])
    met = crowd.table.met(own)
    value = np.array([crowd.value.get(item, 0.0) for item in met.items], dtype=np.float32)
    in_core, has = met.had[:, : len(faces)], met.had[:, len(faces) :] == 1
    shared = value @ has
    rows[:, 4] = value @ (in_core * has) / crowd.core
    rows[:, 5] = shared / ((shared + len(own) - has.sum(axis=0)) if own else 1)
    rows[:, 6] = shared / crowd.whole
    rows[:, 8] = [lang in face.languages for face in faces]
    rows[:, 3] = gaps(rows[:, 0] + rows[:, 1] + rows[:, 2])
    rows[:, 7] = gaps(rows[:, 4] + rows[:, 5] + rows[:, 6])
    rows[:, 9] = min(len(own), 12) / 12
    return rows


def faces_for(lang: str, procedures: Sequence[Procedure], encoder: Encoder) -> list[list[Face]]:
    """As their pages are written; and once more as they are called in that language, where any says so."""
    faces = [[face_of(procedure, encoder, heads.mean()) for procedure in procedures]]
    if any(code[:2] == lang for procedure in procedures for code, _ in procedure.titles):
        faces.append([face_of(procedure, encoder, heads.mean(), lang) for procedure in procedures])
    return faces


def how_near(own: frozenset[str], vector: Array, lang: str, faces: Sequence[Sequence[Face]]) -> Array:
    """How much a sentence is about each procedure, under whichever name is nearer.

    A translated name counts where it shares a word with the sentence: `não, ainda nem existe` is near to
    every page that tells of something missing.
    """
    found = heads.choice_scores(features(own, vector, lang, faces[0]))
    said = {item for item in own if item[0] != "~"}
    for row in faces[1:]:
        shares = np.array([bool(said & face.core) for face in row])
        found = np.maximum(found, heads.choice_scores(features(own, vector, lang, row)) * shares)
    return found
