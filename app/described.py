"""Values whose fields are described by the docstring below each, in the description of the API.

Pydantic can take them over itself, but reads every class's source when the class is made: a third of a start.
Here the sources are read when somebody asks for the description.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from knowledge.model import Value

Docstrings = Mapping[str, str]


class Described(Value):
    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        made = handler(core)
        fields = handler.resolve_ref_schema(made).get("properties", {})
        for name, text in docstrings(cls).items():
            if name in fields:
                fields[name].setdefault("description", text)
        return made


def docstrings(kind: type) -> Docstrings:
    """Of a class and of those that it builds on; its own word is the one that counts."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        module = inspect.getmodule(base)
        if issubclass(base, Described) and module is not None:
            found |= _written(module).get(base.__name__, {})
    return found


@cache
def _written(module: ModuleType) -> Mapping[str, Docstrings]:
    """The docstrings of fields of every class at the top of a module."""
    body = ast.parse(inspect.getsource(module)).body
    return {node.name: _of_fields(node) for node in body if isinstance(node, ast.ClassDef)}


def _of_fields(node: ast.ClassDef) -> Docstrings:
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in zip(node.body, node.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
