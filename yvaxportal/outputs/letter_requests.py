"""Asking for letters: the run, and the file it becomes, in one transaction."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import LetterKind
from yvaxportal.models.letter import LetterRun
from yvaxportal.outputs.gate import request_output
from yvaxportal.outputs.letters import ONE_FILE
from yvaxportal.services.letters.runs import add_run

LAYOUT = "letters"


def request_letters(
    session: Session,
    audit: AuditTrail,
    *,
    kind: LetterKind,
    title: str,
    purpose: str,
    programme: str,
    printed_for: date,
    options: Mapping[str, Any],
    staff_id: int,
    now: datetime,
    extraction_id: int | None = None,
    supplement_of: int | None = None,
) -> LetterRun:
    """Add a run of letters and ask the gate for its file.

    :param title: the heading of the letters and the name in the register: nobody's name.
    :param options: ``until`` (ISO date), ``place``, ``fee``, ``bring``, ``note``, ``ticket_kind``, ``files``;
        ``ticket`` (an id) instead of an extraction.
    :raises RunRefusedError: there is nobody to write to, or it is under way already.
    :raises OutputRefusedError: ``title`` or ``purpose`` is empty or holds a personal number.
    """
    run = add_run(
        session,
        kind=kind,
        title=title.strip(),
        programme=programme,
        printed_for=printed_for,
        options={"files": ONE_FILE, **options},
        extraction_id=extraction_id,
        supplement_of=supplement_of,
        staff_id=staff_id,
        now=now,
    )
    output = request_output(
        session,
        audit,
        layout=LAYOUT,
        title=title,
        purpose=purpose,
        subject={"run": run.id},
        staff_id=staff_id,
        now=now,
    )
    run.output_id = output.id
    session.flush()
    audit.record(
        Action.LETTERS_REQUESTED,
        subject=f"letters:{run.id}",
        purpose=purpose,
        detail={
            "kind": kind,
            "programme": programme,
            "extraction": extraction_id,
            "supplement_of": supplement_of,
            "output": output.id,
        },
    )
    return run
