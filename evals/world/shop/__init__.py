"""Heron Mail's own dashboard, with the widget in it, and a desk with the agents' page in it."""

from evals.world.shop.desk import ExampleDesk as ExampleDesk
from evals.world.shop.shop import Shop as Shop
