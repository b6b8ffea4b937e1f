from collections.abc import Iterator
from datetime import date
from typing import Any

import colander
import pytest
from bs4 import BeautifulSoup, Tag
from pyramid.i18n import make_localizer
from pyramid.request import Request
from pyramid.testing import DummyRequest, setUp, tearDown

from yvaxportal.forms.base import PortalSchema
from yvaxportal.forms.rendering import PortalForm

TODAY = date(2026, 11, 23)


def one(soup: BeautifulSoup, selector: str) -> Tag:
    """Return the first element of a page; the test fails without it."""
    found = soup.select_one(selector)
    assert found is not None, selector
    return found


def attribute(soup: BeautifulSoup, selector: str, name: str) -> str:
    """Return an attribute of the first such element."""
    return str(one(soup, selector)[name])


class FormMaker:
    """Makes forms for one request in English, with no catalogue."""

    def __init__(self) -> None:
        self.request: Request = DummyRequest(localizer=make_localizer("en", []))

    def __call__(self, *nodes: colander.SchemaNode, **settings: Any) -> PortalForm:
        schema = PortalSchema()
        for node in nodes:
            schema.add(node)
        return PortalForm(
            schema.bind(request=self.request, today=TODAY), **{"buttons": ("save",), **settings}
        )


@pytest.fixture
def make_form() -> Iterator[FormMaker]:
    setUp()
    yield FormMaker()
    tearDown()
