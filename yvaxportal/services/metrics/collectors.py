"""How the connections stand, in Prometheus' words. Numbers and words of the ini file, nobody's data.

Each process tells what it saw of the other systems itself; what stands in the database is told by the worker
alone, so that nothing is counted twice.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from yvaxportal.adapters.messages.common import AdapterHealth, HealthState
from yvaxportal.models.sync import SyncState
from yvaxportal.services.connections import Connections
from yvaxportal.services.health import jobs_by_status
from yvaxportal.services.outbox.queue import Depth, depths
from yvaxportal.services.sync.refusals import count_open
from yvaxportal.services.sync.state import all_states

_SYSTEM = ("system",)
Value = tuple[tuple[str, ...], float]


class AdapterMetrics(Collector):
    """What this process knows of each implementation without asking its other side."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def collect(self) -> Iterator[Metric]:
        """Give one metric after the other."""
        names = self._connections.names
        health = {system: adapter.health() for system, adapter in self._connections.adapters}
        states = [
            ((system, names[system], state.value), float(found.state is state))
            for system, found in health.items()
            for state in HealthState
        ]
        yield _gauge(
            "yvax_adapter_state",
            "1 for the state in which a connection is",
            ("system", "implementation", "state"),
            states,
        )
        for name, what, moment in (
            ("yvax_adapter_last_success_timestamp_seconds", "when it answered last", _success),
            ("yvax_adapter_last_error_timestamp_seconds", "when it failed last", _error),
        ):
            told = [((system,), _seconds(moment(found))) for system, found in health.items() if moment(found)]
            yield _gauge(name, what, _SYSTEM, told)
        figures = [
            ((system, figure), float(value))
            for system, found in health.items()
            for figure, value in found.figures.items()
        ]
        yield _gauge(
            "yvax_adapter_figure", "a number that an implementation tells", ("system", "figure"), figures
        )


class DatabaseMetrics(Collector):
    """What stands in the database: how far others were followed, and what waits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        """Give one metric after the other."""
        with Session(self._engine) as session:
            states, queues = all_states(session), depths(session)
            refused, jobs = count_open(session), jobs_by_status(session)
        yield from _followed(states)
        yield from _queued(queues)
        yield _gauge("yvax_sync_refusals", "records not taken over that wait for staff", (), [((), refused)])
        counted: list[Value] = [((status,), count) for status, count in jobs.items()]
        yield _gauge("yvax_jobs", "background jobs", ("status",), counted)


def registry_of(connections: Connections, *, database: bool) -> CollectorRegistry:
    """Return what a process tells; with ``database`` what stands there as well."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(AdapterMetrics(connections))
    if database:
        registry.register(DatabaseMetrics(connections.engine))
    return registry


def _followed(states: dict[str, SyncState]) -> Iterator[Metric]:
    done = [((one.system,), _seconds(one.succeeded_at)) for one in states.values() if one.succeeded_at]
    yield _gauge("yvax_sync_success_timestamp_seconds", "when a system was followed last", _SYSTEM, done)
    failing: list[Value] = [((one.system,), float(bool(one.failure))) for one in states.values()]
    yield _gauge("yvax_sync_failing", "1 when the last run failed", _SYSTEM, failing)
    more: list[Value] = [((one.system,), float(one.more)) for one in states.values()]
    yield _gauge("yvax_sync_behind", "1 when the other side had more when it was last asked", _SYSTEM, more)


def _queued(queues: dict[str, Depth]) -> Iterator[Metric]:
    for name, what, number in (
        ("yvax_outbox_waiting", "messages that wait for a system", _waiting),
        ("yvax_outbox_refused", "messages that a system refused, waiting for staff", _refused),
    ):
        yield _gauge(name, what, _SYSTEM, [((system,), number(depth)) for system, depth in queues.items()])
    oldest = [((system,), _seconds(depth.oldest)) for system, depth in queues.items() if depth.oldest]
    yield _gauge("yvax_outbox_oldest_timestamp_seconds", "since when the oldest waits", _SYSTEM, oldest)


def _gauge(name: str, what: str, labels: tuple[str, ...], values: Sequence[Value]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family


Moment = Callable[[AdapterHealth], datetime | None]


def _success(health: AdapterHealth) -> datetime | None:
    return health.last_success_at


def _error(health: AdapterHealth) -> datetime | None:
    return health.last_error_at


def _waiting(depth: Depth) -> float:
    return depth.waiting


def _refused(depth: Depth) -> float:
    return depth.refused


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
