"""The networks from which each group may be used (measure M09)."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Text, cast, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.staff import TerminalNetwork
from yvaxportal.services.sessions import Address


class NetworkError(ValueError):
    """The network cannot be taken: ``form`` (no address range) or ``own`` (one's own way in)."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """One network of one group."""

    id: int
    group_name: str
    network: str
    label: str


def networks(session: Session) -> Sequence[NetworkRow]:
    """Return all networks by group."""
    rows = session.execute(
        select(
            TerminalNetwork.id,
            TerminalNetwork.group_name,
            cast(TerminalNetwork.network, Text),
            TerminalNetwork.label,
        ).order_by(TerminalNetwork.group_name, TerminalNetwork.network)
    )
    return [NetworkRow(*row) for row in rows]


def add_network(session: Session, audit: AuditTrail, *, group: str, network: str, label: str) -> None:
    """Let a group be used from a network as well.

    :raises NetworkError: ``form``.
    """
    try:
        parsed = ipaddress.ip_network(network.strip(), strict=True)
    except ValueError:
        raise NetworkError("form") from None
    session.execute(
        insert(TerminalNetwork)
        .values(group_name=group, network=str(parsed), label=label)
        .on_conflict_do_nothing()
    )
    audit.record(Action.TERMINAL_CHANGED, subject=f"group:{group}", after={"network": str(parsed)})


def remove_network(
    session: Session,
    audit: AuditTrail,
    *,
    network_id: int,
    own_groups: Sequence[str],
    terminal: Address,
) -> None:
    """Take a network from a group; sessions from there lose the group on their next request.

    :raises NetworkError: ``own``, it is the way by which the administrator is here now.
    """
    rows = networks(session)
    row = next((row for row in rows if row.id == network_id), None)
    if row is None:
        return
    left = [other for other in rows if other.group_name == row.group_name and other.id != network_id]
    still = any(terminal in ipaddress.ip_network(other.network) for other in left)
    if row.group_name in own_groups and not still:
        raise NetworkError("own")
    session.execute(delete(TerminalNetwork).where(TerminalNetwork.id == network_id))
    audit.record(Action.TERMINAL_CHANGED, subject=f"group:{row.group_name}", before={"network": row.network})
