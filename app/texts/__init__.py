"""The sentences we say, per language, and how values from outside are put into them safely.

To add one: the same key with the same placeholders in each `*.yaml` here; a test compares them.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from math import ceil
from pathlib import Path
from zoneinfo import ZoneInfo

from knowledge.model import Language

LANGUAGES: tuple[Language, ...] = ("en", "pt", "es")
LONGEST_VALUE = 120
MOST_VALUES = 5

_PLAIN_VALUE = re.compile(r"\d{1,6}(?:\.\d{1,2})?%?|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?: ?UTC|Z)?)?")
_NAME = re.compile(r"[\w.*:-]{1,253}")


def language(tag: str) -> Language:
    """The catalogue for a language tag (`pt-BR` -> `pt`); English where we have none."""
    short = tag.lower().replace("_", "-").split("-", 1)[0]
    return next((lang for lang in LANGUAGES if lang == short), "en")


def accepted(header: str) -> Language:
    """The first language of an `Accept-Language` that we have; English where there is none."""
    tags = (each.partition(";")[0].strip().lower()[:2] for each in header.split(","))
    return next((lang for tag in tags for lang in LANGUAGES if lang == tag), "en")


@cache
def catalogue(lang: Language) -> Mapping[str, str]:
    """Every sentence of one language by its dotted key."""
    import yaml

    found: dict[str, str] = {}
    for path in sorted(Path(__file__).parent.glob(f"{lang}*.yaml")):  # `en.yaml`, `en.assist.yaml`
        found |= _flat(yaml.safe_load(path.read_text(encoding="utf-8")), "")
    return found


def _flat(node: Mapping[str, object], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, inner in node.items():
        found += (
            _flat(inner, f"{prefix}{key}.") if isinstance(inner, Mapping) else [(prefix + key, str(inner))]
        )
    return found


def has(lang: str, key: str) -> bool:
    return key in catalogue(language(lang))


def say(lang: str, key: str, **values: str) -> str:
    """The sentence of a key. Values go in as they are: pass what comes from outside through `shown`."""
    return catalogue(language(lang))[key].format_map(values)


def placeholders(sentence: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(sentence) if name)


def clean(text: str, longest: int = LONGEST_VALUE) -> str:
    """One line without control or direction characters, cut to `longest` characters."""
    kept = "".join(" " if char in "\n\r\t" else char for char in text)
    kept = "".join(char for char in kept if unicodedata.category(char)[0] != "C")
    kept = " ".join(kept.split())
    return kept if len(kept) <= longest else kept[: longest - 1].rstrip() + "…"


def shown(value: str, lang: str) -> str:
    """A value from outside as a code span, where Markdown means nothing; numbers and dates stay bare."""
    parts = value.split(", ")
    if len(parts) > 1 and all(_NAME.fullmatch(part) for part in parts):
        more = ("…",) if len(parts) > MOST_VALUES else ()
        return listed((*(shown(part, lang) for part in parts[:MOST_VALUES]), *more), lang)
    text = clean(value).replace("`", "'")
    if not text:
        return say(lang, "general.nothing")
    return text if _PLAIN_VALUE.fullmatch(text) else f"`{text}`"


def label(text: str) -> str:
    """A title as one line that can stand inside bold or a link: what Markdown would act on is left out."""
    return re.sub(r"[\\`*\[\]<>|~]|(?<!\w)_|_(?!\w)", "", clean(text))


def listed(items: Sequence[str], lang: str) -> str:
    """`a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {say(lang, 'general.and')} {items[-1]}"


def past(at: datetime, now: datetime, lang: str) -> str:
    """When we looked: `just now`, `5 min ago`, `at 10:40 UTC`."""
    age = now - at
    if age < timedelta(seconds=90):
        return say(lang, "when.just_now")
    if age < timedelta(hours=1):
        return say(lang, "when.minutes_ago", n=str(round(age.total_seconds() / 60)))
    return clock(at, now, lang)


def future(at: datetime, now: datetime, lang: str) -> str:
    """When we look next: `in 2 minutes`, `at 10:40 UTC`."""
    ahead = at - now
    if ahead < timedelta(seconds=90):
        return say(lang, "when.in_a_minute")
    if ahead < timedelta(hours=1):
        return say(lang, "when.in_minutes", n=str(round(ahead.total_seconds() / 60)))
    return clock(at, now, lang)


def clock(at: datetime, now: datetime, lang: str) -> str:
    key = "when.at" if at.date() == now.date() else "when.on_day"
    return say(lang, key, time=f"{at:%H:%M}", day=f"{at:%Y-%m-%d}")


def since(at: datetime, now: datetime, lang: str) -> str:
    """How long ago something began: `5 min ago`, `3 h ago`, `on 24 November`. No hour of a day, as nobody
    knows the customer's time zone."""
    age = now - at
    if age < timedelta(hours=1):
        return past(at, now, lang)
    if age < timedelta(hours=24):
        return say(lang, "when.hours_ago", n=str(int(age.total_seconds() // 3600)))
    key = "when.date" if at.year == now.year else "when.date_of_year"
    return say(lang, key, **_date(at, lang), year=str(at.year))


def back_at(at: datetime, zone: str, lang: str, now: datetime | None = None) -> str:
    """When somebody is there again, by the clock of a zone: `on Monday at 09:00 (Sao Paulo time)`."""
    local = at.astimezone(ZoneInfo(zone))
    days = (local.date() - now.astimezone(local.tzinfo).date()).days if now else 2
    near = {0: "when.today_at", 1: "when.tomorrow_at"}
    key = near.get(days, "when.weekday_at" if days < 7 else "when.date_at")
    weekday = say(lang, f"when.weekday.d{local.weekday()}")
    words = say(lang, key, time=f"{local:%H:%M}", weekday=weekday, **_date(local, lang))
    return f"{words} ({_zone(local, zone, lang)})"


def _date(at: datetime, lang: str) -> dict[str, str]:
    return {"day": str(at.day), "month": say(lang, f"when.month.m{at.month}")}


def _zone(local: datetime, zone: str, lang: str) -> str:
    """A zone as people call it; those without a city in their name by their distance from UTC."""
    area, _, city = zone.rpartition("/")
    if area and area != "Etc":
        return say(lang, "when.city", city=label(city.replace("_", " ")))
    ahead = f"{local:%z}"
    return "UTC" if ahead == "+0000" else f"UTC{ahead[:3]}:{ahead[3:]}"


def wait(seconds: int, lang: str) -> str:
    """A usual wait as an estimate: `about 15 minutes`, `about an hour and a half`."""
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return say(lang, "wait.minute" if minutes == 1 else "wait.minutes", n=str(minutes))
    if minutes == 90:
        return say(lang, "wait.hour_and_half")
    if minutes < 1440:
        hours = ceil(minutes / 60)
        return say(lang, "wait.hour" if hours == 1 else "wait.hours", n=str(hours))
    days = ceil(minutes / 1440)
    return say(lang, "wait.day" if days == 1 else "wait.days", n=str(days))


def place(channel: str, lang: str) -> str:
    """Where something was said: `in Slack`."""
    key = f"place.{channel}"
    return say(lang, key if has(lang, key) else "place.other")
