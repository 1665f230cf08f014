"""The command line: what each command asks of a data folder, and what it prints. Nothing imports these."""
