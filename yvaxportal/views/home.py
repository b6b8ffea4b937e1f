"""The first page after sign-in."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from yvaxportal.request import PortalRequest
from yvaxportal.resources import Root
from yvaxportal.security.permissions import Permission


@view_config(
    context=Root,
    request_method="GET",
    permission=Permission.SIGNED_IN,
    renderer="yvaxportal:templates/home.pt",
)
def home(context: Root, request: PortalRequest) -> dict[str, Any] | Response:
    """Send those who look after residents to the search; show the others what they may do."""
    residents = context["residents"]
    if request.has_permission(Permission.RESIDENT_SEARCH, residents):
        return HTTPSeeOther(request.resource_url(residents))
    return {}
