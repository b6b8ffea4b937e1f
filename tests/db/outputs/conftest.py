"""Outputs on a real database, with two members of staff and folders of their own."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.details import clerk
from tests.people import NOW
from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.models.output import Output
from yvaxportal.outputs.gate import request_output
from yvaxportal.outputs.handover import show_password
from yvaxportal.outputs.layouts import load_layouts
from yvaxportal.outputs.makers import MAKERS
from yvaxportal.outputs.store import archive_path
from yvaxportal.outputs.workshop import Workshop
from yvaxportal.vault.keyring import KeyRing


@dataclass
class Desk:
    """A clerk who asks for files, a manager who decides, and the worker's room."""

    session: Session
    audit: AuditTrail
    shop: Workshop
    clerk: int
    manager: int

    def ask(self, subject: dict[str, Any], layout: str = "target_list", now: datetime = NOW) -> int:
        output = request_output(
            self.session,
            self.audit,
            layout=layout,
            title="見本の一覧",
            purpose="個別通知",
            subject=subject,
            staff_id=self.clerk,
            now=now,
        )
        self.session.commit()
        return output.id

    def made(self, subject: dict[str, Any], layout: str = "target_list") -> Output:
        """Ask for a file and let it be made."""
        output_id = self.ask(subject, layout)
        self.shop.run()
        return self.row(output_id)

    def row(self, output_id: int) -> Output:
        self.session.expire_all()
        return self.session.get_one(Output, output_id)

    def archive(self, output_id: int) -> Path:
        return archive_path(self.shop.folder, output_id)

    def password(self, output_id: int) -> str:
        shown = show_password(
            self.session, self.audit, self.shop.key_ring, output_id=output_id, staff_id=self.clerk, now=NOW
        )
        self.session.commit()
        return shown

    def with_shop(self, **other: Any) -> Workshop:
        """Change the worker's room."""
        self.shop = replace(self.shop, **other)
        return self.shop


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Return where plain files are written."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def desk(engine: Engine, tmp_path: Path, temporary: Path) -> Iterator[Desk]:
    shop = Workshop(
        engine=engine,
        key_ring=KeyRing.with_new_key(),
        layouts=load_layouts(sources=MAKERS),
        folder=tmp_path / "outputs",
        temporary=temporary,
        approval_above=1000,
        keep_days=7,
        clock=lambda: NOW,
    )
    with Session(engine, expire_on_commit=False) as session:
        ids = clerk(session, "tanto"), clerk(session, "kacho")
        session.commit()
        yield Desk(session, AuditTrail(session, engine, Actor("tanto", (), None)), shop, *ids)
