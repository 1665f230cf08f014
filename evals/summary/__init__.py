"""All that was measured, as one page that a support lead can read."""
