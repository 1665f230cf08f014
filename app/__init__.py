"""The service: reads a conversation, checks the world, makes the one move that is left."""
