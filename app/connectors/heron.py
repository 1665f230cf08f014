"""The actions of the demo's platform, as its file declares them: what evaluations and tests play with."""

from __future__ import annotations

from app.connectors.read import shipped

ACTIONS = shipped().actions
