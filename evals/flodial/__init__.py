"""Branching procedures measured on troubleshooting dialogues that are grounded on flowcharts."""
