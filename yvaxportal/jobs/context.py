"""What a task may use: put together once by the worker, handed to each task, never in a job's arguments."""

from dataclasses import dataclass
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from procrastinate import JobContext
from sqlalchemy import Engine

KEY = "tools"


@dataclass(frozen=True)
class Tools:
    """The worker's engine (the application's role) and the key that signs the audit trail's seals."""

    engine: Engine
    signing_key: Ed25519PrivateKey


def tools(context: JobContext) -> Tools:
    """Return the worker's tools from a task's context."""
    return cast("Tools", context.additional_context[KEY])
