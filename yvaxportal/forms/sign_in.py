"""Forms of signing in and of one's own account."""

import colander
import deform

from yvaxportal.forms.base import PortalSchema, digits_node
from yvaxportal.services.passwords import MAX_LENGTH, MIN_LENGTH
from yvaxportal.values.text import _


def _password(
    name: str, title: str, *, new: bool = False, description: str | None = None
) -> colander.SchemaNode:
    # No cleaning and no checks of content: a password is what was typed.
    return colander.SchemaNode(
        colander.String(),
        name=name,
        title=title,
        description=description,
        validator=colander.Length(max=MAX_LENGTH * 4),
        widget=deform.widget.PasswordWidget(
            strip=False,
            attributes={"autocomplete": "new-password" if new else "current-password"},
        ),
    )


class SignInSchema(PortalSchema):
    """Login and password. What is wrong is never said of one of them alone."""

    login = colander.SchemaNode(
        colander.String(),
        title=_("User ID"),
        validator=colander.Length(max=64),
        widget=deform.widget.TextInputWidget(
            attributes={"autocomplete": "username", "autocapitalize": "off", "spellcheck": "false"},
        ),
    )
    password = _password("password", _("Password"))
    came_from = colander.SchemaNode(
        colander.String(), missing="", widget=deform.widget.HiddenWidget(), validator=colander.Length(max=500)
    )


class SecondFactorSchema(PortalSchema):
    """The six digits that the authenticator app shows."""

    code = digits_node(
        "code",
        _("Code of the authenticator app"),
        length=6,
        description=_("Six digits. Each code works once."),
    )
    came_from = colander.SchemaNode(
        colander.String(), missing="", widget=deform.widget.HiddenWidget(), validator=colander.Length(max=500)
    )


class ChangePasswordSchema(PortalSchema):
    """The present password and twice the new one."""

    present = _password("present", _("Present password"))
    new = _password(
        "new",
        _("New password"),
        new=True,
        description=_(
            "${count} characters or more; a sentence that you remember is best.",
            mapping={"count": MIN_LENGTH},
        ),
    )
    again = _password("again", _("New password, once more"), new=True)

    def validator(self, node: colander.SchemaNode, values: dict[str, str]) -> None:
        """Ask that both writings agree."""
        if values["new"] != values["again"]:
            error = colander.Invalid(node)
            error["again"] = _("The two new passwords differ. Type both again.")
            raise error


class EnrolSchema(PortalSchema):
    """The first code of a new authenticator."""

    code = digits_node(
        "code", _("Code that the app shows"), length=6, description=_("Scan the picture, then type the code.")
    )
