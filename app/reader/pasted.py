"""What was pasted: machine output shows how far the step is whose text speaks of such things."""

from __future__ import annotations

from app.reader import words
from app.reader.book import Book
from app.reader.data import SILENT, unfenced
from app.reader.heard import Heard, best_step, place
from app.reader.status import DONE, FAILED, NOT_DONE
from app.reader.text import Piece


def note_pasted(heard: Heard, kind: str, piece: Piece, book: Book) -> None:
    """Machine output shows done or failed for the step whose text speaks of such things."""
    fail = words.SHOWN_FAIL.search(piece.folded)
    if kind in SILENT or (kind == "quote" and not fail):
        return
    done = words.SHOWN_DONE.search(piece.folded)
    left = words.SHOWN_OPEN.search(piece.folded)
    status = FAILED if fail else NOT_DONE if left and not done else DONE if done else None
    if status is None:
        return
    step = best_step(heard.scores.get(place(piece)), 0.4)
    if status == FAILED and book.focus is not None and (step is None or book.status(book.focus) == FAILED):
        # Shown right after telling of it: what is pasted belongs to what was told.
        step = book.focus
    if step is None and kind == "paste":
        step = book.pointed
    if step is None or (kind == "quote" and book.status(step) == DONE):
        return
    quote = piece._replace(text=unfenced(piece.text)[:600])
    book.note(step, status, heard, quote, 0.7, shown=True, subject=book.subject(step, piece.text))
