"""Who may do what at a server, and what a request must be before the app sees it. Nothing here imports a web framework.

keys.py: API keys.    caller.py: who asks, and what they may.    limits.py: how often.    hosts.py: under which names.
guard.py: the middleware around the app (exchange.py: one request).    answers.py: errors as clients get them.
"""

from hippomem.server.access.answers import error_body, error_response
from hippomem.server.access.caller import Access, Caller, admit
from hippomem.server.access.guard import Guard
from hippomem.server.access.hosts import Hosts, check_address, is_loopback
from hippomem.server.access.keys import RIGHTS, ApiKey, Keys
from hippomem.server.access.limits import RateLimit

__all__ = [
    "RIGHTS",
    "Access",
    "ApiKey",
    "Caller",
    "Guard",
    "Hosts",
    "Keys",
    "RateLimit",
    "admit",
    "check_address",
    "error_body",
    "error_response",
    "is_loopback",
]
