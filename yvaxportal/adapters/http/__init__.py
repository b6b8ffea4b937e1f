"""The engine under every ``rest`` adapter: one shared HTTPS client for each external system.

An adapter reads its ``RestSettings``, loads its ``Protocol`` (the system's OpenAPI document, package
data), makes one ``RestClient`` of both and turns parsed answers into messages. Everything that all REST
protocols have in common is here and in docs/protocols/rest.md. Only errors of ``yvaxportal.adapters.errors``
leave it.
"""

from yvaxportal.adapters.http.client import RestClient
from yvaxportal.adapters.http.lines import Lines
from yvaxportal.adapters.http.observing import BreakerState, Observations, Observer
from yvaxportal.adapters.http.openapi import Operation, Protocol, ProtocolError
from yvaxportal.adapters.http.settings import AuthMethod, RestSettings

__all__ = [
    "AuthMethod",
    "BreakerState",
    "Lines",
    "Observations",
    "Observer",
    "Operation",
    "Protocol",
    "ProtocolError",
    "RestClient",
    "RestSettings",
]
