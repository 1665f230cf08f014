"""What we know: sources, documents, passages and procedures; one source of truth."""
