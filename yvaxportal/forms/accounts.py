"""Forms with which administrators look after accounts."""

from collections.abc import Mapping

import colander

from yvaxportal.forms.base import PortalSchema, choice_node, date_node, text_node
from yvaxportal.request import PortalRequest
from yvaxportal.values.text import _


def _name_and_term() -> list[colander.SchemaNode]:
    return [
        text_node("display_name", _("Name of the member of staff"), max_length=60),
        date_node(
            "valid_to",
            _("Last day"),
            required=False,
            description=_("End of the post or of the contract; empty while it is open."),
        ),
    ]


def new_account_schema(request: PortalRequest) -> PortalSchema:
    """Return the form that creates an account."""
    schema = PortalSchema()
    schema.add(
        text_node(
            "login",
            _("User ID"),
            max_length=63,
            description=_("Small letters, digits, dot, hyphen; never given to another person."),
            validators=[colander.Regex(r"^[a-z0-9][a-z0-9._-]{1,62}$", msg=_("Use a-z, 0-9, dot, hyphen."))],
        )
    )
    for node in _name_and_term():
        schema.add(node)
    bound: PortalSchema = schema.bind(request=request, today=request.today)
    return bound


def account_schema(request: PortalRequest) -> PortalSchema:
    """Return the form that changes an account's name and term."""
    schema = PortalSchema()
    for node in _name_and_term():
        schema.add(node)
    bound: PortalSchema = schema.bind(request=request, today=request.today)
    return bound


def membership_schema(request: PortalRequest, groups: Mapping[str, str]) -> PortalSchema:
    """Return the form that puts an account into a group."""
    schema = PortalSchema()
    schema.add(choice_node("group", _("Group"), list(groups.items())))
    schema.add(date_node("valid_to", _("Last day"), required=False))
    bound: PortalSchema = schema.bind(request=request, today=request.today)
    return bound
