"""What took long to make is kept for the next message: the things that were asked for last, and no more."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)
Made = TypeVar("Made")


class Kept(Generic[Name, Made]):
    """At most `most` things by name, from any thread; two that miss one at once both make it, one stays."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: OrderedDict[Name, Made] = OrderedDict()
        self._lock = Lock()

    def get(self, name: Name, make: Callable[[], Made]) -> Made:
        with self._lock:
            if name in self._made:
                self._made.move_to_end(name)
                return self._made[name]
        made = make()
        with self._lock:
            self._made[name] = made
            while len(self._made) > self._most:
                self._made.popitem(last=False)
        return made
