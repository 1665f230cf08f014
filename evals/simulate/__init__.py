"""Simulated customers: half-finished work, answers, impatience, and a world that says how it ended."""
