"""Location and options of a website as people write them -> values, or an error that says what to write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ingest.sources.places import Place, place
from knowledge.addresses import AddressPolicy
from knowledge.errors import KnowledgeError
from knowledge.languages import is_language

NAMES = ("pages", "depth", "rate", "include", "exclude", "lang", "urls")
FASTEST = 20.0
"""Requests per second; more is no polite reading."""
MOST_PAGES = 100_000
DEEPEST = 50


@dataclass(frozen=True)
class Options:
    pages: int = 2_000
    depth: int | None = None
    rate: float = 2.0
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    lang: str = ""
    urls: tuple[str, ...] = ()


def start_of(location: str, policy: AddressPolicy) -> Place:
    """Raises `KnowledgeError`."""
    start = place(location if "://" in location else f"https://{location}")
    if start is None:
        raise KnowledgeError(
            f"{location!r} is not the address of a website. Write it as in https://help.acme.com/, "
            "with a host name and without a user."
        )
    if policy.host(start.host.partition(":")[0]) is None:
        raise KnowledgeError(
            f"{start.host} is not the name of a public host. Use the address that customers use, "
            "or read the pages from a folder."
        )
    return start


def options_of(given: Mapping[str, str]) -> Options:
    """Raises `KnowledgeError`."""
    for name in given:
        if name not in NAMES:
            raise KnowledgeError(f"A website has no option {name!r}. There are: {', '.join(NAMES)}.")
    depth = given.get("depth", "").strip()
    lang = given.get("lang", "").strip()
    if lang and not is_language(lang):
        raise KnowledgeError(f"lang={lang!r} is not a language. Write a code such as en or pt-BR.")
    return Options(
        pages=int(_number("pages", given.get("pages", "2000"), 1, MOST_PAGES, whole=True)),
        depth=int(_number("depth", depth, 0, DEEPEST, whole=True)) if depth else None,
        rate=_number("rate", given.get("rate", "2"), 0.01, FASTEST, whole=False),
        include=_folders("include", given.get("include", "")),
        exclude=_folders("exclude", given.get("exclude", "")),
        lang=lang,
        urls=tuple(given.get("urls", "").split()),
    )


def _number(name: str, text: str, least: float, most: float, *, whole: bool) -> float:
    try:
        number = float(int(text) if whole else float(text))
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        kind = "whole number" if whole else "number"
        raise KnowledgeError(f"{name}={text!r} is not usable. Write a {kind} from {least:g} to {most:g}.")
    return number


def _folders(name: str, text: str) -> tuple[str, ...]:
    folders = [part for part in re.split(r"[,\s]+", text) if part]
    for folder in folders:
        if not folder.startswith("/"):
            raise KnowledgeError(
                f"{name}={folder!r} is not a folder of the site. Write it as in /docs/guides."
            )
    # As places write paths, so that /guías and /gu%C3%ADas are one folder.
    found = [place(folder, "https://site.com") for folder in folders]
    return tuple(each.path for each in found if each)
