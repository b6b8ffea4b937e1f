"""Who is signed in: plain data that outlives the session it was read with."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """A member of staff with a live session.

    ``groups`` are the ones that hold today and at this terminal; ``group_labels`` are theirs in Japanese.
    ``limited`` is set while the password must be changed or the second factor is still owed: such an
    identity reaches its own account and nothing else.
    """

    staff_id: int
    session_id: int
    login: str
    display_name: str
    groups: tuple[str, ...]
    group_labels: tuple[str, ...]
    second_factor_at: datetime | None
    has_second_factor: bool
    must_change_password: bool
    limited: bool
    acl_version: int
    token_hash: bytes = field(repr=False)

    @property
    def userid(self) -> str:
        """Return the login, for logs and print marks."""
        return self.login
