"""Small pages, as the detectors see them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from app.phrases import sentences
from ingest.chunk import pieces
from knowledge.health.duplicates import alike
from knowledge.health.finding import Finding
from knowledge.health.pages import PageText, statements
from knowledge.languages import translation_key
from knowledge.model import Document, Passage


def page(
    path: str, text: str, *, lang: str = "en", at: str = "2024-01-01", title: str | None = None
) -> PageText:
    """The title is the first heading, as sources have it."""
    name = title or next((row[2:] for row in text.split("\n") if row.startswith("# ")), path)
    version = hashlib.sha256(text.encode()).hexdigest()
    when = datetime.fromisoformat(at).replace(tzinfo=UTC)
    document = Document(
        id=f"docs:{path}",
        source="docs",
        path=path,
        title=name,
        lang=lang,
        audience="public",
        version=version,
        updated_at=when,
        group=translation_key(path),
    )
    body = text.split("\n---\n", 1)[-1] if text.startswith("---\n") else text
    passages = tuple(
        Passage(
            id=f"docs:{path}@{version[:10]}#{n}",
            document=document.id,
            version=version,
            ord=n,
            title=name,
            path=path,
            lang=lang,
            heading_path=piece.heading_path,
            anchor=piece.anchor,
            text=piece.text,
            updated_at=when,
        )
        for n, piece in enumerate(pieces(body, name))
    )
    return PageText(document, text, passages)


def contradictions_in(*pages: PageText) -> list[Finding]:
    from knowledge.health.contradictions import contradictions

    return contradictions(pages, statements(pages), alike(pages).clusters)


def quotes(finding: Finding) -> set[str]:
    return {finding.place.quote, *([finding.other.quote] if finding.other else [])}


def said(finding: Finding) -> str:
    """What is wrong, in English."""
    return sentences(finding.why, "en")
