"""Chatwoot as a place where conversations are held: an agent bot, and the dashboard app's way to find one."""

from app.channels.chatwoot.channel import ChatwootChannel as ChatwootChannel
from app.channels.chatwoot.channel import chatwoot_channel as chatwoot_channel
