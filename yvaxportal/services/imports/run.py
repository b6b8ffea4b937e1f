"""Taking up what was asked for: batches that wait for their check, their application or their undoing."""

import logging
from collections.abc import Callable, Mapping

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from yvaxportal.models.codes import ImportState
from yvaxportal.models.imports import ImportBatch
from yvaxportal.services.imports.applying import apply
from yvaxportal.services.imports.bureau import Bureau
from yvaxportal.services.imports.checking import check
from yvaxportal.services.imports.undoing import undo

log = logging.getLogger(__name__)

_RUNS: Mapping[ImportState, Callable[[Bureau, int], object]] = {
    ImportState.CHECKING: check,
    ImportState.APPLYING: apply,
    ImportState.UNDOING: undo,
}


def run_waiting(bureau: Bureau) -> int:
    """Run every batch that somebody asked something of; return how many were taken up.

    One that fails is left as it is, with the kind of the failure, and comes again with the next run.
    """
    with bureau.engine.connect() as connection:
        waiting = connection.execute(
            select(ImportBatch.id, ImportBatch.state)
            .where(ImportBatch.state.in_(list(_RUNS)))
            .order_by(ImportBatch.id)
        ).all()
    taken = 0
    for batch_id, state in waiting:
        try:
            taken += _RUNS[state](bureau, batch_id) is not None
        except SQLAlchemyError as error:
            log.warning("import %d: %s", batch_id, type(error).__name__)
            _note(bureau, batch_id, type(error).__name__)
    return taken


def _note(bureau: Bureau, batch_id: int, problem: str) -> None:
    with bureau.engine.begin() as connection:
        connection.execute(
            update(ImportBatch)
            .where(ImportBatch.id == batch_id)
            .values(problem=problem, revision=ImportBatch.revision + 1)
        )
