"""A loopback server, and clients for it."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.adapters_http.server import SECRET, Loopback
from yvaxportal.adapters.http import AuthMethod, Protocol, RestClient, RestSettings
from yvaxportal.adapters.http.evidence import Evidence
from yvaxportal.adapters.messages.common import CallContext

PERSON = {
    "type": "object",
    "required": ["atenabango", "shimei", "seibetsu", "seinengappi"],
    "additionalProperties": False,
    "properties": {
        "atenabango": {"type": "string", "pattern": "^[0-9]{1,15}$"},
        "shimei": {"type": "string", "maxLength": 10},
        "seibetsu": {"enum": ["0", "1", "2"]},
        "seinengappi": {"type": "string", "format": "date"},
    },
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "A protocol for the tests", "version": "1"},
    "paths": {
        "/persons/{atenabango}": {
            "get": {
                "operationId": "person",
                "x-what": "person",
                "x-interface-id": "IF_SKI_10111",
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}}
                    }
                },
            },
            "delete": {"operationId": "forget", "responses": {"204": {}}},
        },
        "/persons": {
            "get": {
                "operationId": "list",
                "responses": {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}},
            },
            "post": {
                "operationId": "assign",
                "x-codes": ["contradiction"],
                "responses": {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}},
            },
        },
        "/search": {
            "post": {
                "operationId": "search",
                "x-safe": True,
                "x-what": "person",
                "responses": {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}},
            }
        },
        "/snapshot": {
            "get": {
                "operationId": "snapshot",
                "x-begin-schema": {"type": "object", "required": ["snapshot_id"]},
                "responses": {
                    "200": {
                        "content": {
                            "application/x-ndjson": {"schema": {"$ref": "#/components/schemas/Person"}}
                        }
                    }
                },
            }
        },
    },
    "components": {
        "schemas": {
            "Person": PERSON,
            "Answer": {
                "type": "object",
                "required": ["result"],
                "properties": {"result": {"type": "array", "items": {"$ref": "#/components/schemas/Person"}}},
            },
        }
    },
}
TARO = {"atenabango": "123", "shimei": "米子　太郎", "seibetsu": "1", "seinengappi": "1980-04-01"}
FOUND = {"result": [TARO]}

Clients = Callable[..., RestClient]


@pytest.fixture
def server() -> Iterator[Loopback]:
    running = Loopback()
    yield running
    running.stop()


@pytest.fixture
def client_for() -> Iterator[Clients]:
    """Give a function that makes clients with small limits; they are closed after the test."""
    made: list[RestClient] = []

    def make(server: Loopback, evidence: Evidence | None = None, **settings: Any) -> RestClient:
        chosen: dict[str, Any] = {
            "system": "atena",
            "base_url": f"{server.url}",
            "token_url": f"{server.url}/token",
            "auth": AuthMethod.CLIENT_SECRET_JWT,
            "client_id": "yvaxportal",
            "client_secret": SECRET,
            "attempts": 1,
            "breaker_failures": 100,
            **settings,
        }
        client = RestClient(RestSettings(**chosen), Protocol(DOCUMENT), lambda: datetime.now(UTC), evidence)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


def within(seconds: float = 2.0) -> CallContext:
    """Return a context with a time limit."""
    return CallContext("staff1", timedelta(seconds=seconds), "request-1")


def in_threads(count: int, deed: Callable[[], Any]) -> list[Any]:
    """Do the same in many threads that begin together; return results and exceptions."""
    results: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def run(place: int) -> None:
        barrier.wait()
        try:
            results[place] = deed()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
