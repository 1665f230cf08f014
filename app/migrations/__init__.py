"""Alembic migrations of the service's tables, applied when the store is opened."""
