"""Ending what expired: the archive is wiped, the register keeps the row and says so (measure M17)."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.codes import OutputState
from yvaxportal.models.output import Output
from yvaxportal.outputs.gate import KEPT, was_taken
from yvaxportal.outputs.private_folders import sweep
from yvaxportal.outputs.store import WipeReason, wipe
from yvaxportal.services.letters.reasons import Unprinted
from yvaxportal.services.letters.settling import withdraw_unprinted


def wipe_expired(engine: Engine, folder: Path, temporary: Path | None, now: datetime) -> int:
    """Wipe every file whose term ended before ``now`` (aware); return how many. May be repeated.

    The file goes first, then the row says so: the register never claims what has not been done.
    """
    sweep(temporary)
    wiped = 0
    while True:
        with Session(engine) as session:
            output = session.scalar(
                select(Output)
                .where(Output.state.in_(KEPT), Output.expires_at <= now)
                .order_by(Output.expires_at)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if output is None:
                return wiped
            wipe(folder, output.id)
            output.state = OutputState.WIPED
            output.sealed_password = None
            output.wiped_at, output.wipe_reason = now, WipeReason.EXPIRED.value
            audit = AuditTrail(session, engine, SYSTEM)
            audit.record(
                Action.OUTPUT_WIPED, subject=f"output:{output.id}", detail={"reason": WipeReason.EXPIRED}
            )
            if not was_taken(session, output.id):
                withdraw_unprinted(
                    session, audit, output_id=output.id, why=Unprinted.NOT_TAKEN, staff_id=None, now=now
                )
            session.commit()
            wiped += 1
