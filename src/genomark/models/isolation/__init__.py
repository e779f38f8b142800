"""Foreign model code in a sandbox: without network, without files but its own, within limits."""

from genomark.models.isolation.limits import PREFIX, Limits, in_spec, isolated_parts

__all__ = ["PREFIX", "Limits", "in_spec", "isolated_parts"]
