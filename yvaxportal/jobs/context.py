"""What a task may use: put together once by the worker, handed to each task, never in a job's arguments."""

from dataclasses import dataclass
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from procrastinate import JobContext
from sqlalchemy import Engine

from yvaxportal.services.connections import Connections
from yvaxportal.services.imports.bureau import Bureau

KEY = "tools"


@dataclass(frozen=True)
class Tools:
    """The worker's engine (the application's role), the key of the audit trail's seals, the other systems.

    ``bureau``: what files of doses need; None in a worker that takes none.
    """

    engine: Engine
    signing_key: Ed25519PrivateKey
    connections: Connections
    bureau: Bureau | None = None


def tools(context: JobContext) -> Tools:
    """Return the worker's tools from a task's context."""
    return cast("Tools", context.additional_context[KEY])
