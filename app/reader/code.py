"""Which lines of a message are program text: code, queries, records. They report nothing by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

RECORD = re.compile(
    r"^\s*(?:\{\s*$|\[\s*$|[}\]]+\s*[,;)]*\s*$|[\"'][\w.-]+[\"']\s*:\s*(?:[\"'{\[]|-?\d|true|false|null)"
    r"|\[?\{.*\w[\"']?\s*:.*\}\]?\s*[,;]?\s*$)"
)
"""A line of JSON or the like."""

_CALL = r"[\w$]+(?:(?:\.|->|::)[\w$]+)*\([^()]*\)"
PROGRAM = re.compile(
    r"^\s*(?:"
    r"(?:(?:export|public|private|static|async) )*(?:def|class|function|func|fn|interface|struct)\s+[\w$]+"
    r"\s*[({:<]"
    r"|from\s+[\w.]+\s+import\s+\w|import\s+[\w.]+\s*;|import\s.*\sfrom\s+[\"']"
    r"|(?:const|let|var|val)\s+[\w$]+(?:\s*:\s*[\w<>]+)?\s*="
    r"|(?:if|for|while|switch|elif|catch)\s*\(.*\).*[{};:]\s*$"
    r"|for\s+\w+\s+in\s+[\w.()]+:\s*$|(?:if|elif|while)\s.*(?:==|!=|<=|>=|\w\(|\w\.\w).*:\s*$"
    r"|[\w$.\[\]\"']+\s*[-+*/:]?=\s*[^=\s].*;\s*$"
    rf"|(?:[\w$]+\s*=\s*)?(?:await\s+|new\s+)?(?:{_CALL}\s*;\s*)+$"
    rf"|[\w$]+\s*=\s*(?:await\s+|new\s+)?{_CALL}\s*$"
    r"|[\w$]+(?:\.[\w$]+)+\([^()]*\)\s*$|\w+\((?:[\"'\d][^()]*)?\)\s*$"
    r"|(?:return|throw|raise|yield|await)\s+\S.*;\s*$"
    r"|//|/\*|\*/|#include\b|#!/|<\?php|<%"
    r"|\}\s*(?:else|catch|finally)\b|.*(?:\)|=>)\s*\{\s*$)"
)
_QUERY = (
    r"select\s+\*\s+from\b|insert\s+into\s+\S+[^\n]{0,200}\bvalues\s*\("
    r"|update\s+\S+\s+set\s+\S+\s*=|delete\s+from\s+\S+\s+where\b"
)
QUERY = re.compile(
    rf"^\s*(?:{_QUERY}|select\b.+\bfrom\b.+\bwhere\b.+[=<>]"
    r"|(?:select\b.+\bfrom|delete\s+from|drop\s+table|alter\s+table)\b.+;\s*$)"
)
SHOUTED = re.compile(
    r"^\s*(?:SELECT|INSERT INTO|DELETE FROM|CREATE TABLE|ALTER TABLE|DROP TABLE)\s(?=.*[a-z])"
)
"""Keywords in capitals among names in small letters; who shouts has no small letters."""
GOES_ON = re.compile(
    r"^\s*(?:FROM|WHERE|SET|VALUES|ORDER BY|GROUP BY|(?:LEFT |INNER )?JOIN|LIMIT|AND|OR)\s(?=.*[a-z_\d])"
)
INLINE = re.compile(rf"\{{\s*[\"'][\w.-]{{1,60}}[\"']\s*:[^\n]{{0,2000}}\}}|(?<!\w)(?:{_QUERY})[^\n]*")
"""Program text within a sentence."""
LANGUAGE = re.compile(
    r"^\s*(?:'{3}|~{3})\s*(?:sql|jsonc?|js|javascript|jsx|ts|typescript|python|py|java|go|rust|c|cpp|csharp|cs|php|ruby"
    r"|rb|kotlin|swift|html|xml|css|ya?ml|toml|graphql)\b"
)
"""A fence that names the language of what it holds."""


LONGEST_LINE = 300
"""Characters of a line that tell what it is; of a longer one its beginning and its end are looked at."""
_END = 100


def code_lines(lines: Sequence[str], folded: Sequence[str]) -> list[bool]:
    """`lines` as written, `folded` in small letters. What stands deeper than a line of code belongs to it."""
    found: list[bool] = []
    depth: int | None = None
    for written, line in zip(map(_shape, lines), map(_shape, folded), strict=True):
        indent = len(line) - len(line.lstrip())
        inside = depth is not None and indent > depth
        code = bool(
            RECORD.match(line)
            or PROGRAM.match(line)
            or QUERY.match(line)
            or SHOUTED.match(written)
            or (depth is not None and GOES_ON.match(written))
        )
        if code and not inside:
            depth = indent
        elif line.strip() and not inside:
            depth = None
        found.append(code or (inside and bool(line.strip())))
    return found


def _shape(line: str) -> str:
    return line if len(line) <= LONGEST_LINE + _END else line[:LONGEST_LINE] + line[-_END:]


def inline(folded: str) -> Iterator[tuple[int, int]]:
    """Places of records and queries that stand within a sentence."""
    return (match.span() for match in INLINE.finditer(folded))
