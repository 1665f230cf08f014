"""The agents' channel: the page beside a conversation, and what it reads and does.

It translates and decides nothing. `create_router` is what the composition root mounts.
"""

from app.channels.assist.routes import create_router as create_router
