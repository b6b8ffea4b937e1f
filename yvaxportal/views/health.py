"""``/health`` for a monitor. Open to whoever reaches the portal: it holds states and numbers only."""

from typing import Any

from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from yvaxportal.request import PortalRequest
from yvaxportal.resources import Root
from yvaxportal.services.health import report


@view_config(
    context=Root,
    name="health",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    renderer="json",
)
def health(context: Root, request: PortalRequest) -> dict[str, Any]:
    """Tell how everything stands; 503 when the database does not answer."""
    del context
    request.response.cache_control = "no-store"
    return report(request.db, request.portal.connections, request.now)
