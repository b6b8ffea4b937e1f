"""Finding a resident and the page about one."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import Outcome, ResidentCategory, TicketState
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Residents, SearchNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.find_residents import FoundResident, ResultPage, Sight, find_residents
from yvaxportal.services.outbox.queue import ENTER_PERSON, count_open
from yvaxportal.services.search_terms import (
    NothingToSearchError,
    PersonalNumberTypedError,
    SearchTerms,
    read_terms,
)
from yvaxportal.services.searches import keep_search, own_search, recent_searches
from yvaxportal.services.tickets.reading import ticket_of_line
from yvaxportal.values.clock import format_jst
from yvaxportal.values.kana import fold_address
from yvaxportal.values.text import _
from yvaxportal.values.wareki import parse_date
from yvaxportal.views.letters.words import LetterWords
from yvaxportal.views.wording import Wording

MAX_CURSOR_DIGITS = 18


def search(request: PortalRequest, terms: SearchTerms, *, after: int | None, limit: int = 50) -> ResultPage:
    """Run a search with the reader's rights."""
    settings = request.portal.settings
    return find_residents(
        request.db,
        terms,
        city_prefixes=[fold_address(prefix) for prefix in settings.address_prefixes],
        sight=Sight(
            contact=Permission.CONTACT_VIEW in request.own_permissions,
            protected=Permission.PROTECTED_CONTACT_VIEW in request.own_permissions,
        ),
        after=after,
        limit=limit,
    )


@view_defaults(
    context=Residents,
    permission=Permission.RESIDENT_SEARCH,
    renderer="yvaxportal:templates/residents/search.pt",
)
class FindResidents:
    """The search box and the searches made lately."""

    def __init__(self, context: Residents, request: PortalRequest) -> None:
        self.context, self.request = context, request

    @view_config(request_method="GET")
    def show(self) -> dict[str, Any]:
        """Show the box; the cursor is in it."""
        return self._page(problem=None)

    @view_config(name="search", request_method="POST")
    def find(self) -> dict[str, Any] | Response:
        """Keep what was typed and go to its results; a personal number is neither searched nor kept."""
        request = self.request
        typed = request.POST.get("q", "")
        try:
            terms = read_terms(typed)
        except PersonalNumberTypedError:
            request.audit.record_apart(Action.RESIDENT_SEARCHED, outcome=Outcome.REFUSED)
            return self._refused("personal_number")
        except NothingToSearchError:
            return self._refused("nothing")
        only = self._only_one(terms)
        if only is not None:
            self._tell_of_ticket(terms)
            request.audit.record(Action.RESIDENT_SEARCHED, detail={"terms": typed.strip(), "found": 1})
            return HTTPSeeOther(request.resource_url(self.context, only, ""))
        search_id = keep_search(request.db, request.identity.staff_id, typed.strip(), request.now)
        return HTTPSeeOther(request.resource_url(request.root, "searches", str(search_id), ""))

    def _only_one(self, terms: SearchTerms) -> str | None:
        """Return the atena number when a number was typed and leads to exactly one person."""
        if not (terms.numbers or terms.ticket_numbers or terms.ticket_line):
            return None
        people = search(self.request, terms, after=None, limit=2).people
        return people[0].atena_number if len(people) == 1 else None

    def _tell_of_ticket(self, terms: SearchTerms) -> None:
        """Say on the next page what is wrong with a ticket whose line was scanned, if anything is."""
        if terms.ticket_line is None:
            return
        words = LetterWords(self.request)
        ticket = ticket_of_line(self.request.db, terms.ticket_line)
        if ticket is None:
            text = _("No ticket with this line was issued here; the number is this person's.")
            self.request.flash("warning", text)
        elif ticket.state is TicketState.VOID:
            text = _(
                "This ticket is void: ${reason}. Do not accept it.",
                mapping={"reason": words.void_reason(ticket.void_reason)},
            )
            self.request.flash("warning", text)
        elif ticket.state is TicketState.USED:
            self.request.flash("warning", _("This ticket was used already."))

    def _refused(self, problem: str) -> dict[str, Any]:
        self.request.response.status_int = 422
        return self._page(problem)

    def _page(self, problem: str | None) -> dict[str, Any]:
        request = self.request
        vault = request.root["vault"]
        return {
            "recent": recent_searches(request.db, request.identity.staff_id),
            "problem": problem,
            "may_look_up": request.has_permission(Permission.PERSONAL_NUMBER_LOOK_UP, vault),
            "look_up_url": request.resource_path(vault),
            "may_register": request.has_permission(Permission.RESIDENT_EDIT, self.context),
            "register_url": request.resource_path(self.context, "new-person"),
            "waiting": self._waiting(),
            "waiting_url": request.resource_path(self.context, "waiting"),
            "format_jst": format_jst,
        }

    def _waiting(self) -> int:
        """Return how many entries of new people want somebody to look, for those who may enter people."""
        request = self.request
        if not request.has_permission(Permission.RESIDENT_EDIT, self.context):
            return 0
        return count_open(request.db, ENTER_PERSON)


@view_config(
    context=SearchNode,
    request_method="GET",
    permission=Permission.RESIDENT_SEARCH,
    renderer="yvaxportal:templates/residents/results.pt",
)
def show_results(context: SearchNode, request: PortalRequest) -> dict[str, Any]:
    """Show one page of the results of a search of one's own."""
    typed = own_search(request.db, request.identity.staff_id, context.search_id)
    if typed is None:
        raise HTTPNotFound
    cursor = request.GET.get("after", "")
    after = (
        int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) <= MAX_CURSOR_DIGITS else None
    )
    result = search(request, read_terms(typed), after=after)
    request.audit.record(
        Action.RESIDENT_SEARCHED,
        detail={"terms": typed, "shown": len(result.people), "after": after},
    )
    here = request.resource_path(context)
    residents = request.root["residents"]
    may_register = request.has_permission(Permission.RESIDENT_EDIT, residents)
    register = (
        request.localizer.translate(_("Enter a person who is not registered")),
        request.resource_path(residents, "new-person"),
    )
    return {
        "register_step": [register] if may_register else [],
        "typed": typed,
        "people": [_line(request, person) for person in result.people],
        "by_address": result.by_address_instead,
        "previous_url": None if after is None else here,
        "next_url": f"{here}?after={result.next_cursor}" if result.next_cursor else None,
        "shown_text": request.localizer.translate(
            _("${count} people on this page", mapping={"count": len(result.people)}),
        ),
    }


def _line(request: PortalRequest, person: FoundResident) -> dict[str, Any]:
    words = Wording(request)
    born = parse_date(person.date_of_birth_written)
    exact = born.exact if born else None
    alive = person.resident_category is not ResidentCategory.DECEASED
    return {
        "person": person,
        "url": request.resource_path(request.root, "residents", person.atena_number, ""),
        "other_name": person.alias_name or person.name_alphabet,
        "birth": words.birth(person.date_of_birth_written, foreign=False),
        "age": words.age(exact, request.today) if alive else "",
        "sex": words.code(person.sex),
        "category": words.code(person.resident_category),
        "protected": person.support_measure_flag and person.current_address is None,
    }
