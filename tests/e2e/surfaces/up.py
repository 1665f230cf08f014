"""`stepfour up` in a closed world: no setting lets its platform be on this machine, only code does."""

from __future__ import annotations

from dataclasses import replace

from app.main import public_net
from app.serve import serve
from app.settings import load

if __name__ == "__main__":
    settings = load()
    serve(settings, replace(public_net(settings), loopback=True))
