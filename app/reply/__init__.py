"""Decision -> words for the customer, in their language: pure, and nothing that was settled is said again.

To add a decision: a case in `rendering.py`, and its sentences in each catalogue under `app/texts/`.
"""
