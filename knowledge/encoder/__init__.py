"""The encoders that come inside a Python package; `knowledge.embedding` chooses between them."""
