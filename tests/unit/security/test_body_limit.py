"""How much a request may bring, and where."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyramid.httpexceptions import HTTPRequestEntityTooLarge
from pyramid.registry import Registry
from pyramid.request import Request

from yvaxportal.security.body_limit import FILES, FORM_BYTES, body_limit_factory

SETTINGS = SimpleNamespace(max_body_bytes=100_000, import_max_file_bytes=1_000_000)


def answer(path: str, size: int) -> Any:
    registry = cast("Registry", SimpleNamespace(portal=SimpleNamespace(settings=SETTINGS)))
    request = Request.blank(path, method="POST", headers={"Content-Length": str(size)})
    return body_limit_factory(lambda _request: cast("Any", "read"), registry)(request)


@pytest.mark.parametrize(
    ("path", "size"), [("/sign-in", 100_000), (FILES, 1_000_000 + FORM_BYTES), (FILES, 0), ("/", 0)]
)
def test_what_is_read(path: str, size: int) -> None:
    assert answer(path, size) == "read"


@pytest.mark.parametrize(
    ("path", "size"), [("/sign-in", 100_001), ("/imports/", 500_000), (FILES, 1_000_001 + FORM_BYTES)]
)
def test_what_is_too_large(path: str, size: int) -> None:
    with pytest.raises(HTTPRequestEntityTooLarge):
        answer(path, size)
