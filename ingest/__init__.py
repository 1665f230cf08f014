"""How documents get in: sources, chunking, sync."""
