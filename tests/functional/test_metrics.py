"""What a Prometheus server is told: how connections stand, in numbers, on a listener of its own."""

import socket
from dataclasses import replace
from typing import Any
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.orm import Session

from tests.application import Clock
from tests.atena import Atena
from tests.people import resident
from yvaxportal.adapters.errors import TimedOut
from yvaxportal.adapters.interfaces import SYSTEMS
from yvaxportal.adapters.loading import Adapters
from yvaxportal.audit.trail import Actor
from yvaxportal.models.sync import SyncState
from yvaxportal.portal import Portal
from yvaxportal.services.connections import Connections
from yvaxportal.services.metrics.listener import telling
from yvaxportal.services.outbox.queue import tell_name
from yvaxportal.settings import SettingsError

SETTING = "yvaxportal.metrics.worker"
Sample = tuple[str, tuple[tuple[str, str], ...]]


@pytest.fixture
def atena() -> Atena:
    return Atena()


@pytest.fixture
def connections(portal: Portal, atena: Atena, clock: Clock) -> Connections:
    adapters: dict[str, Any] = dict(portal.connections.adapters.by_system) | {"atena": atena}
    names = dict(portal.connections.names) | {"atena": "rest"}
    return replace(portal.connections, adapters=Adapters(adapters), names=names, clock=clock)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def told(connections: Connections, *, database: bool) -> dict[Sample, float]:
    port = free_port()
    with (
        telling(SETTING, ("127.0.0.1", port), connections, database=database),
        urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer,
    ):
        text = answer.read().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_how_each_connection_stands(connections: Connections, staff: dict[str, int]) -> None:
    numbers = told(connections, database=False)
    state = (("implementation", "rest"), ("state", "unknown"), ("system", "atena"))
    assert numbers["yvax_adapter_state", state] == 1
    systems = {dict(labels)["system"] for name, labels in numbers if name == "yvax_adapter_state"}
    assert systems == set(SYSTEMS)
    assert sum(value for (name, _), value in numbers.items() if name == "yvax_adapter_state") == len(SYSTEMS)
    assert ("process_resident_memory_bytes", ()) in numbers
    assert not [name for name, _ in numbers if name.startswith(("yvax_outbox", "yvax_sync", "yvax_jobs"))]


def test_what_waits_and_how_far_others_were_followed(
    world: Session, connections: Connections, atena: Atena, clock: Clock
) -> None:
    person = resident(world, name="漏れてはならない名前")
    tell_name(world, Actor("clerk", (), None), person.id, now=clock.now)
    world.add(
        SyncState(
            system="tax",
            more=True,
            failure="TimedOut: no answer",
            succeeded_at=clock.now,
            failed_at=clock.now,
        )
    )
    world.commit()
    posted = clock.now.timestamp()
    clock.advance(minutes=1)
    atena.failing = TimedOut("atena", "no answer in time")
    connections.outbox.run()

    numbers = told(connections, database=True)
    tax, of_atena = (("system", "tax"),), (("system", "atena"),)
    assert numbers["yvax_outbox_waiting", of_atena] == 1
    assert numbers["yvax_outbox_refused", of_atena] == 0
    assert numbers["yvax_outbox_oldest_timestamp_seconds", of_atena] == posted
    assert numbers["yvax_sync_failing", tax] == 1
    assert numbers["yvax_sync_behind", tax] == 1
    assert numbers["yvax_sync_success_timestamp_seconds", tax] == posted
    assert numbers["yvax_sync_refusals", ()] == 0
    assert numbers["yvax_jobs", (("status", "todo"),)] == 0
    assert not [
        labels for _, labels in numbers if person.atena_number in str(labels) or "漏れ" in str(labels)
    ]


def test_without_an_address_nothing_listens(connections: Connections) -> None:
    with telling(SETTING, None, connections, database=True):
        pass


def test_the_listener_serves_no_page_and_ends_with_the_process(connections: Connections) -> None:
    port = free_port()
    with (
        telling(SETTING, ("127.0.0.1", port), connections, database=False),
        urlopen(f"http://127.0.0.1:{port}/residents/", timeout=10) as answer,
    ):
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert b"<html" not in answer.read()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


def test_an_address_that_is_taken_is_one_line(connections: Connections) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(SettingsError, match=rf"^{SETTING}: 127\.0\.0\.1:{port} cannot be listened on"),
            telling(SETTING, ("127.0.0.1", port), connections, database=False),
        ):
            pass
