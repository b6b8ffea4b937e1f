"""The uploaded file: sealed piece by piece as it arrives, opened while it is read, wiped in the end."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.orm import Session

from yvaxportal.models.imports import ImportBatch, ImportFilePart
from yvaxportal.services.imports.encodings import Detector, Found
from yvaxportal.vault.keyring import KeyRing, Sealed

PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """What was learnt of a file while it arrived."""

    sha256: str
    size: int
    encodings: list[Found]


def receive(session: Session, ring: KeyRing, batch_id: int, file: IO[bytes]) -> Received:
    """Seal a file into the table, piece by piece; nothing of it is stored in clear."""
    digest, detector, size, part = hashlib.sha256(), Detector(), 0, 0
    while piece := file.read(PIECE):
        digest.update(piece)
        detector.feed(piece)
        sealed = ring.seal(_name(batch_id, part), piece)
        session.execute(
            insert(ImportFilePart),
            {
                "batch_id": batch_id,
                "part": part,
                "key_id": sealed.key_id,
                "nonce": sealed.nonce,
                "ciphertext": sealed.ciphertext,
            },
        )
        size += len(piece)
        part += 1
    return Received(digest.hexdigest(), size, detector.found())


def pieces(source: Session | Connection, ring: KeyRing, batch_id: int) -> Iterator[bytes]:
    """Give the file back, piece by piece; nothing when it was wiped."""
    part = 0
    while True:
        row = source.execute(
            select(ImportFilePart.key_id, ImportFilePart.nonce, ImportFilePart.ciphertext).where(
                ImportFilePart.batch_id == batch_id, ImportFilePart.part == part
            )
        ).one_or_none()
        if row is None:
            return
        yield ring.open(_name(batch_id, part), Sealed(row.key_id, row.nonce, row.ciphertext))
        part += 1


def wipe(source: Session | Connection, batch_id: int, now: datetime) -> None:
    """Remove the file; what the batch's row says of it stays."""
    source.execute(delete(ImportFilePart).where(ImportFilePart.batch_id == batch_id))
    source.execute(
        update(ImportBatch)
        .where(ImportBatch.id == batch_id, ImportBatch.wiped_at.is_(None))
        .values(wiped_at=now, revision=ImportBatch.revision + 1)
    )


def _name(batch_id: int, part: int) -> bytes:
    return f"import:{batch_id}:{part}".encode()
