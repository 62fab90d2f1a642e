"""The official document as text → a draft of the plan, with every doubt. `read` is the door."""

from domain.document.reading import read

__all__ = ["read"]
