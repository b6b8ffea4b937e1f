"""Pages for what went wrong: a clear sentence, the right status, nothing personal, no traceback.

A refusal and a failure are audited on a connection of their own, because the request's transaction is
rolled back.
"""

import logging
import traceback
from http import HTTPStatus
from typing import Any

from pyramid.exceptions import BadCSRFOrigin, BadCSRFToken, URLDecodeError
from pyramid.httpexceptions import HTTPError, HTTPForbidden, HTTPNotFound, HTTPSeeOther
from pyramid.renderers import render_to_response
from pyramid.response import Response
from pyramid.view import exception_view_config, forbidden_view_config, notfound_view_config
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from transaction.interfaces import TransactionError

from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import Outcome
from yvaxportal.request import PortalRequest
from yvaxportal.security.identity import Identity

log = logging.getLogger(__name__)

_SHOWN = frozenset({400, 403, 404, 405, 409, 413, 422, 500, 503})


def error_page(request: PortalRequest, status: int, **values: Any) -> Response:
    """Return the page of one status. It asks the database for nothing."""
    shown = status if status in _SHOWN else 400 if status < HTTPStatus.INTERNAL_SERVER_ERROR else 500
    response = render_to_response(f"yvaxportal:templates/errors/{shown}.pt", values, request=request)
    response.status_int = status
    response.cache_control = "no-store"
    return response


@forbidden_view_config()
def forbidden(context: HTTPForbidden, request: PortalRequest) -> Response:
    """Ask a visitor to sign in; tell staff that their groups do not reach this page."""
    del context
    identity = request.identity
    if identity is None and request.method == "GET":
        sign_in = request.resource_url(request.root, "sign-in", query={"came_from": request.path})
        return HTTPSeeOther(sign_in)
    if identity is not None and identity.limited and request.method == "GET":
        return HTTPSeeOther(owed_step(request, identity))
    request.audit.record_apart(
        Action.ACCESS_REFUSED,
        outcome=Outcome.REFUSED,
        detail={"path": request.path, "method": request.method},
    )
    return error_page(request, HTTPStatus.FORBIDDEN)


def owed_step(request: PortalRequest, identity: Identity) -> str:
    """Return where somebody has to go first: to a password of their own, or to the second factor."""
    if identity.must_change_password:
        return str(request.resource_url(request.root, "account", "password"))
    if not identity.has_second_factor:
        return str(request.resource_url(request.root, "account", "second-factor"))
    return str(request.resource_url(request.root, "second-factor", query={"came_from": request.path}))


@notfound_view_config()
def not_found(context: HTTPNotFound, request: PortalRequest) -> Response:
    """Say that nothing is here."""
    del context
    return error_page(request, HTTPStatus.NOT_FOUND)


@exception_view_config(BadCSRFToken)
@exception_view_config(BadCSRFOrigin)
def bad_csrf(context: Exception, request: PortalRequest) -> Response:
    """Refuse a form that was not made in this session."""
    log.warning("request refused: %s", type(context).__name__)
    request.audit.record_apart(
        Action.ACCESS_REFUSED,
        outcome=Outcome.REFUSED,
        detail={"path": request.path, "method": request.method, "why": type(context).__name__},
    )
    return error_page(request, HTTPStatus.BAD_REQUEST, form_expired=True)


@exception_view_config(URLDecodeError)
@exception_view_config(UnicodeDecodeError)
def undecodable(context: Exception, request: PortalRequest) -> Response:
    """Refuse a request whose text is in no encoding we asked for.

    The places are logged: where the fault is ours and not the sender's, they show it.
    """
    frames = "".join(traceback.format_tb(context.__traceback__))
    log.warning("request refused: %s\n%s", type(context).__name__, frames)
    return error_page(request, HTTPStatus.BAD_REQUEST)


@exception_view_config(HTTPError)
def http_error(context: HTTPError, request: PortalRequest) -> Response:
    """Show the page of the status that a view raised."""
    return error_page(request, context.status_int)


@exception_view_config(Exception)
def failed(context: Exception, request: PortalRequest) -> Response:
    """Record that a request failed and where, never with the values it was about."""
    cause = type(context).__name__
    frames = "".join(traceback.format_tb(context.__traceback__))
    log.error("request failed: %s\n%s", cause, frames)
    unreachable = isinstance(context, DBAPIError) and (
        context.connection_invalidated
        or type(context.orig).__name__ in {"OperationalError", "ConnectionTimeout"}
    )
    try:
        request.audit.record_apart(
            Action.REQUEST_FAILED,
            outcome=Outcome.FAILED,
            detail={"path": request.path, "method": request.method, "error": cause},
        )
    except (SQLAlchemyError, TransactionError) as also:
        log.error("the failure could not be audited: %s", type(also).__name__)  # noqa: TRY400 - no values
    status = HTTPStatus.SERVICE_UNAVAILABLE if unreachable else HTTPStatus.INTERNAL_SERVER_ERROR
    return error_page(request, status)
