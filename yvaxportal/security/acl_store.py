"""Which groups hold which permission, read again only when an administrator changed something."""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.models.staff import AclGrant

Grants = Mapping[str, frozenset[str]]


class AclStore:
    """The matrix as this process last read it; one for each process, on the registry."""

    def __init__(self) -> None:
        self._known: tuple[int, Grants] | None = None

    def grants(self, session: Session, version: int) -> Grants:
        """Return permission → groups for ``version`` of the matrix (the identity query read it)."""
        known = self._known
        if known is not None and known[0] == version:
            return known[1]
        holders: dict[str, set[str]] = defaultdict(set)
        for group, permission in session.execute(select(AclGrant.group_name, AclGrant.permission)):
            holders[permission].add(group)
        grants = {permission: frozenset(groups) for permission, groups in holders.items()}
        self._known = (version, grants)
        return grants
