"""What a task may use: put together once by the worker, handed to each task, never in a job's arguments."""

from dataclasses import dataclass
from typing import cast

from procrastinate import JobContext
from sqlalchemy import Engine

from yvaxportal.settings import Settings

KEY = "tools"


@dataclass(frozen=True)
class Tools:
    """The worker's engine (the application's role) and the settings it runs with."""

    engine: Engine
    settings: Settings


def tools(context: JobContext) -> Tools:
    """Return the worker's tools from a task's context."""
    return cast(Tools, context.additional_context[KEY])
