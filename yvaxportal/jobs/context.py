"""What a task may use: put together once by the worker, handed to each task, never in a job's arguments."""

from dataclasses import dataclass
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from procrastinate import JobContext
from sqlalchemy import Engine

from yvaxportal.outputs.workshop import Workshop
from yvaxportal.services.connections import Connections
from yvaxportal.services.extraction.working import ListRoom
from yvaxportal.services.imports.bureau import Bureau

KEY = "tools"


@dataclass(frozen=True)
class Tools:
    """Put together once by the worker.

    The engine (of the application's role), the key of the audit trail's seals, the other systems, where files
    that leave are made, where files of doses are read, and where lists of targets are made.
    """

    engine: Engine
    signing_key: Ed25519PrivateKey
    connections: Connections
    workshop: Workshop
    bureau: Bureau | None = None
    lists: ListRoom | None = None


def tools(context: JobContext) -> Tools:
    """Return the worker's tools from a task's context."""
    return cast("Tools", context.additional_context[KEY])
