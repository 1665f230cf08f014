"""Which names and addresses a probe or a source may go near: public ones, and nothing else.

`PUBLIC` is the policy of every installation. No setting and no environment variable weakens it; a
composition root of a closed world (tests, the demo) passes a policy of its own in code.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from typing import Protocol

IP = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressPolicy(Protocol):
    """What is asked before a name is looked up and before an address is connected to."""

    def host(self, name: str) -> str | None:
        """The name in the form that DNS takes (lower case, punycode), or None: do not look it up."""
        ...

    def address(self, address: str) -> bool: ...


# `is_global` alone lets through addresses that carry or translate to private ones, and some that clouds
# use for themselves.
_NEVER = tuple(
    ipaddress.ip_network(net)
    for net in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "168.63.129.16/32",
        "fec0::/10",
        "3fff::/20",
        "5f00::/16",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/23",
        "::/96",
        "::ffff:0:0/96",
    )
)


def is_public(address: str | IP) -> bool:
    """Whether a probe may connect there."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if getattr(ip, "scope_id", None):
        return False
    special = (
        ip.is_multicast
        or ip.is_reserved
        or ip.is_private
        or ip.is_loopback
        or ip.is_link_local
        or ip.is_unspecified
    )
    return ip.is_global and not special and not any(ip in net for net in _NEVER if net.version == ip.version)


_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_RECORD_LABEL = re.compile(r"_?(?!-)[a-z0-9-]{1,62}(?<!-)")
_TOP = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,58}[a-z0-9]")

_SPECIAL_TOPS = re.compile(
    "alt|arpa|corp|domain|example|home|host|internal|intranet|invalid|lan|local|localdomain|localhost|mail"
    "|onion|private|svc|test|workgroup"
)

# Names under which strangers register, so none of them is a customer's domain. Not complete, and need not
# be: whoever is not the owner is refused by the account system.
_REGISTRY = re.compile(r"(ac|com?|edu|go|go[bv]|gub|ltd|mil|net|nom|org?|ne|gen)\.[a-z]{2}|(us|uk|eu)\.com")
_SHARED = re.compile(
    r"(github|gitlab|ngrok|readthedocs)\.io|(netlify|vercel)\.app|(pages|workers|fly)\.dev|web\.app"
    r"|(herokuapp|firebaseapp|appspot|blogspot|onrender|s3\.amazonaws)\.com"
    r"|(azurewebsites|cloudfront|cloudapp|trafficmanager|azureedge)\.net"
)

# Scripts that people do write together inside one word.
_TOGETHER = (
    {"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"},
    {"LATIN", "CJK", "HANGUL"},
    {"LATIN", "CJK", "BOPOMOFO"},
)


def hostname(name: str, *, record: bool = False) -> str | None:
    """The name as DNS takes it, or None where it is not a host name of at least two labels.

    `record` allows labels that start with an underscore, as in `_dmarc.acme.com`.
    """
    import idna

    if not name or len(name) > 1024 or any(char.isspace() or ord(char) < 32 for char in name):
        return None
    try:
        folded = name.lower() if name.isascii() else idna.encode(name, uts46=True, std3_rules=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None
    folded = folded.removesuffix(".")
    labels = folded.split(".")
    label = _RECORD_LABEL if record else _LABEL
    if len(labels) < 2 or len(folded) > 253 or not _TOP.fullmatch(labels[-1]):
        return None
    if not all(label.fullmatch(part) and _one_script(part) for part in labels):
        return None
    return folded


def _one_script(label: str) -> bool:
    """False for a label that mixes alphabets to look like another name, also where punycode hides it."""
    import idna

    if not label.startswith("xn--"):
        return True
    try:
        shown = idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return False
    scripts = {unicodedata.name(char, "?").split()[0] for char in shown if char.isalpha()}
    return len(scripts) <= 1 or any(scripts <= allowed for allowed in _TOGETHER)


def is_probeable_host(name: str, *, record: bool = False) -> str | None:
    """The name as DNS takes it where a probe may look it up, else None."""
    folded = hostname(name, record=record)
    if folded is None:
        return None
    if _SPECIAL_TOPS.fullmatch(folded.rpartition(".")[2]):
        return None
    return None if _REGISTRY.fullmatch(folded) or _SHARED.fullmatch(folded) else folded


@dataclass(frozen=True)
class Public:
    """The policy of production."""

    def host(self, name: str) -> str | None:
        # Records such as `_dmarc` are looked up but never connected to; one gate serves both.
        return is_probeable_host(name, record=True)

    def address(self, address: str) -> bool:
        return is_public(address)


PUBLIC = Public()
