"""What every implementation of every system has."""

from zope.interface import Interface

from yvaxportal.adapters.messages.common import AdapterHealth


class IAdapter(Interface):
    """A connection to one external system."""

    def health() -> AdapterHealth:
        """Return how the connection stands, from what is known already; never calls the other side."""

    def close() -> None:
        """Give back connections and files; no call follows."""
