"""Prints the API's description to the file that the front end's types are made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.channels import assist
from app.channels.web import create_app

FILE = Path(__file__).parent.parent / "web" / "openapi.json"


def document() -> dict[str, Any]:
    """What a service of customers and agents serves as /openapi.json."""
    nothing: Any = None  # routes are described without what stands behind them
    return create_app(nothing, routers=[assist.create_router(nothing)]).openapi()


def text() -> str:
    return json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"wrote {FILE}")
