"""Alembic migrations of `knowledge.db`; applied whenever the data folder is opened."""
