"""What a company's platform can be read and told, declared in one YAML file each: docs/actions.md.

`read.py` turns files into values and names what is wrong with file and line, `openapi.py` holds them against
the platform's own description, `fill.py` puts values into their places, `answers.py` finds what an answer
says. `adapters/platform.py` speaks.
"""
