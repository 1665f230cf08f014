"""A strict local double of Chatwoot: API, webhooks, and a page like its dashboard."""

from evals.world.chatwoot.double import Delivery as Delivery
from evals.world.chatwoot.double import FakeChatwoot as FakeChatwoot
