"""The words of the service: frozen values, no I/O; one file a topic.

Those of documents stand in `knowledge/model.py`.
"""
