"""Media types: what a document is by its name or by what a server says, and the format it is read as."""

from __future__ import annotations

from pathlib import PurePosixPath

MARKDOWN, TEXT, HTML, PDF = "text/markdown", "text/plain", "text/html", "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

BY_SUFFIX = {
    **dict.fromkeys((".md", ".mdx", ".markdown"), MARKDOWN),
    ".txt": TEXT,
    **dict.fromkeys((".html", ".htm"), HTML),
    ".pdf": PDF,
    ".docx": DOCX,
}
"""Ends of the names of documents; files with another one are none."""

FORMATS = {MARKDOWN: "md", "text/mdx": "mdx", TEXT: "md", HTML: "html", PDF: "pdf", DOCX: "docx"}
"""What each is read as."""

_SAME = {"text/x-markdown": MARKDOWN, "application/xhtml+xml": HTML, "application/x-pdf": PDF}

UNSAID = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/zip"})
"""What servers say of files that they do not know: a DOCX looks like an archive to some."""


def media_type(header: str) -> str:
    """Without parameters, and one name for those that have several."""
    said = header.partition(";")[0].strip().lower()
    return _SAME.get(said, said)


def by_name(path: str) -> str | None:
    return BY_SUFFIX.get(PurePosixPath(path).suffix.lower())
