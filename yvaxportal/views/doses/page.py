"""What every page about doses of one resident has: the desk, the words, the addresses."""

from pyramid.httpexceptions import HTTPNotFound

from yvaxportal.audit.actions import Action
from yvaxportal.request import PortalRequest
from yvaxportal.resources import DoseNode, Node
from yvaxportal.services.dose_desk import DoseDesk
from yvaxportal.services.dose_history import StoredDose, dose_of
from yvaxportal.views.details.frame import DetailPage
from yvaxportal.views.doses.words import DoseWords


class DosePage(DetailPage):
    """Base of the pages about doses of one resident."""

    words: DoseWords

    def __init__(self, context: Node, request: PortalRequest) -> None:
        super().__init__(context, request)
        self.words = DoseWords(request)
        self.desk = DoseDesk(
            session=request.db,
            schedule=request.portal.schedule,
            audit=request.audit,
            staff_id=request.identity.staff_id,
            now=request.now,
            today=request.today,
        )

    @property
    def person_url(self) -> str:
        """Return the address of the resident."""
        return str(self.request.resource_path(self.node))

    def dose_url(self, dose_id: int, name: str = "") -> str:
        """Return the address of a dose of this resident, or of one of its pages."""
        return f"{self.request.resource_path(self.node, 'doses', str(dose_id))}/{name}"

    def stored(self, dose_id: int) -> StoredDose:
        """Return a dose of this resident. HTTPNotFound for anybody else's."""
        found = dose_of(self.request.db, self.resident.id, dose_id)
        if found is None:
            raise HTTPNotFound
        return found

    def audit_view(self, dose_id: int, page: str, *, rolled_back: bool = False) -> None:
        """Record that a dose was seen; ``rolled_back``: the answer will not commit the request."""
        write = self.request.audit.record_apart if rolled_back else self.request.audit.record
        write(
            Action.DOSE_VIEWED,
            resident_id=self.resident.id,
            subject=f"dose:{dose_id}",
            detail={"page": page},
        )


class OneDosePage(DosePage):
    """Base of the pages about one dose. Of another resident there is none: HTTPNotFound."""

    context: DoseNode

    def __init__(self, context: DoseNode, request: PortalRequest) -> None:
        super().__init__(context, request)
        self.dose = self.stored(context.dose_id)
