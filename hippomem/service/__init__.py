"""One store for many callers: what servers stand on."""

from hippomem.service.tenants import Tenants

__all__ = ["Tenants"]
