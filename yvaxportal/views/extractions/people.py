"""The people of a list: paged, searched within, removed by hand; and two lists against each other."""

from http import HTTPStatus
from typing import Any

import deform
from pyramid.httpexceptions import HTTPForbidden, HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.extraction import RemovePersonSchema
from yvaxportal.forms.extraction_labels import SHOWN, SIDES
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import ExtractionState, MemberStanding, ResidentCategory
from yvaxportal.request import PortalRequest
from yvaxportal.resources import ExtractionNode, is_id
from yvaxportal.security.permissions import Permission
from yvaxportal.services.detail_changes import ChangedMeanwhileError
from yvaxportal.services.extraction.changing import StandsAlreadyError, WithdrawnError, remove_person
from yvaxportal.services.extraction.lists import list_of
from yvaxportal.services.extraction.members import (
    MemberPage,
    MemberRow,
    Shown,
    Side,
    compare,
    compared_members,
    find_members,
    members_of,
)
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.services.find_residents import Sight
from yvaxportal.services.residents import find_by_atena_number
from yvaxportal.services.search_terms import NothingToSearchError, PersonalNumberTypedError, read_terms
from yvaxportal.values.text import _
from yvaxportal.views.extractions.listing import cursor_of
from yvaxportal.views.extractions.show import CHANGED, NO_SUCH_PERSON, WITHDRAWN
from yvaxportal.views.extractions.words import ListWords

_BY_HAND = (MemberStanding.ADDED, MemberStanding.REMOVED)


class _People:
    """What the pages with names on them have in common."""

    def __init__(self, context: ExtractionNode, request: PortalRequest) -> None:
        # A list holds names: to see it without the right to see residents is to see too much.
        if Permission.RESIDENT_VIEW not in request.own_permissions:
            raise HTTPForbidden
        self.context, self.request = context, request
        self.words = ListWords(request)
        self.here = request.resource_path(context)
        self.sight = Sight(
            contact=Permission.CONTACT_VIEW in request.own_permissions,
            protected=Permission.PROTECTED_CONTACT_VIEW in request.own_permissions,
        )

    def line(self, row: MemberRow) -> dict[str, Any]:
        """Return one member as the table shows them."""
        words = self.words
        off = row.excluded_by is not None or row.standing is MemberStanding.REMOVED
        why = row.standing_reason or ""
        if row.excluded_by is not None:
            why = f"{words.rule(row.excluded_by)}: {words.facts(row.excluded_by, row.detail)}"
        elif row.detail.get("doubtful") and Permission.DOSE_VIEW in self.request.own_permissions:
            why = words.reasons(row.detail)
        gone = row.resident_category is not ResidentCategory.RESIDENT
        return {
            "row": row,
            "url": self.request.resource_path(self.request.root, "residents", row.atena_number, ""),
            "birth": words.birth(row.date_of_birth_written, foreign=row.is_foreign_national),
            "sex": words.code(row.sex),
            "dose": "" if off or row.dose_number is None else row.dose_number,
            "off": off,
            "doubtful": not off and bool(row.detail.get("doubtful")),
            "gone": words.code(row.resident_category) if gone else "",
            "withheld": row.protected and row.current_address is None,
            "hand": words.code(row.standing) if row.standing in _BY_HAND else "",
            "why": why,
        }

    def seen(self, page: MemberPage, **detail: Any) -> None:
        """Record that these people were looked at."""
        self.request.audit.record(
            Action.EXTRACTION_VIEWED,
            subject=f"extraction:{self.context.row.id}",
            detail={"shown": len(page.members), **detail},
        )


@view_defaults(context=ExtractionNode, name="members", renderer="yvaxportal:templates/extractions/members.pt")
class MembersPage(_People):
    """The members of a list."""

    @view_config(request_method="GET", permission=Permission.EXTRACTION_VIEW)
    def show(self) -> dict[str, Any]:
        """Show a page of members."""
        shown, rule = self._wanted()
        after = cursor_of(self.request, "after")
        page = members_of(
            self.request.db, self.context.row.id, shown=shown, rule=rule, sight=self.sight, after=after
        )
        self.seen(page, part=rule or shown, after=after)
        query = f"rule={rule}" if rule else f"show={shown}"
        return self._page(
            page,
            shown=None if rule else shown,
            rule=rule,
            previous_url=f"{self.here}members?{query}" if after else None,
            next_url=f"{self.here}members?{query}&after={page.next_cursor}" if page.next_cursor else None,
        )

    @view_config(name="find", request_method="POST", permission=Permission.EXTRACTION_VIEW)
    def find(self) -> dict[str, Any]:
        """Search within the list; what was typed stands in no address."""
        typed = self.request.POST.get("q", "")
        try:
            page = find_members(self.request.db, self.context.row.id, read_terms(typed), sight=self.sight)
        except PersonalNumberTypedError:
            return self._nothing(_("That looks like a personal number. It was not searched."))
        except NothingToSearchError:
            return self._nothing(_("Type a name, a date of birth or an atena number."))
        self.seen(page, terms=typed.strip())
        return self._page(page, shown=None, rule=None, typed=typed)

    @view_config(name="remove", request_method="GET", permission=Permission.EXTRACTION_MAKE)
    def ask_to_remove(self) -> dict[str, Any]:
        """Ask why somebody shall be removed; who it is stands in the form, not in the address."""
        return self._page(MemberPage((), None), shown=None, rule=None, form=self._form())

    @view_config(name="remove", request_method="POST", permission=Permission.EXTRACTION_MAKE)
    def remove(self) -> dict[str, Any] | Response:
        """Take somebody off the list."""
        form = self._form()
        if "send" not in self.request.POST:
            form.set_appstruct(
                {"number": self.request.POST.get("number", "")[:15], "revision": self._revision()}
            )
            return self._page(MemberPage((), None), shown=None, rule=None, form=form)
        request = self.request
        try:
            values = form.validate(request.POST.items())
            person = find_by_atena_number(request.db, str(values["number"]))
            if person is None:
                raise form.failure({"number": NO_SUCH_PERSON})
            remove_person(
                request.db,
                request.audit,
                self.context.row.id,
                person.id,
                reason=str(values["reason"]),
                revision=int(str(values["revision"])),
                staff_id=request.identity.staff_id,
                now=request.now,
            )
        except deform.ValidationFailure:
            return self._refused(form)
        except StandsAlreadyError:
            form.failure({"number": _("This person is not on the list.")})
            return self._refused(form)
        except WithdrawnError:
            request.flash("warning", WITHDRAWN)
            return HTTPSeeOther(self.here)
        except ChangedMeanwhileError as newer:
            form["revision"].cstruct = str(newer.revision)
            return self._refused(form, HTTPStatus.CONFLICT, notice=CHANGED)
        request.flash("success", _("The person was taken off the list."))
        return HTTPSeeOther(f"{self.here}members?show={Shown.BY_HAND}")

    def _refused(
        self,
        form: PortalForm,
        status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
        *,
        notice: str | None = None,
    ) -> dict[str, Any]:
        self.request.response.status_int = status
        return self._page(MemberPage((), None), shown=None, rule=None, form=form, notice=notice)

    def _form(self) -> PortalForm:
        cancel = deform.Button("cancel", _("Cancel"), type="link", value=f"{self.here}members")
        form = PortalForm(
            RemovePersonSchema().bind(request=self.request),
            action=f"{self.here}remove",
            buttons=(deform.Button("send", _("Take off the list"), css_class="btn-danger"), cancel),
            formid="remove",
        )
        form.set_appstruct({"revision": self._revision()})
        return form

    def _revision(self) -> int:
        return self.context.row.revision

    def _wanted(self) -> tuple[Shown, Rule | None]:
        shown, rule = self.request.GET.get("show", Shown.ON_LIST), self.request.GET.get("rule")
        try:
            return Shown(shown), Rule(rule) if rule else None
        except ValueError:
            raise HTTPNotFound from None

    def _nothing(self, problem: str) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return self._page(MemberPage((), None), shown=None, rule=None, notice=problem)

    def _page(
        self,
        page: MemberPage,
        *,
        shown: Shown | None,
        rule: Rule | None,
        typed: str = "",
        form: PortalForm | None = None,
        notice: str | None = None,
        previous_url: str | None = None,
        next_url: str | None = None,
    ) -> dict[str, Any]:
        say = self.words.say
        stands = self.context.row.state is ExtractionState.SAVED
        return {
            "base": self.here,
            "all_lists": self.request.resource_path(self.context.__parent__),
            "row": self.context.row,
            "notice": say(notice) if notice else None,
            "typed": typed,
            "form_html": form.render() if form else None,
            "tabs": [
                {"url": f"{self.here}members?show={one}", "label": say(text), "active": one is shown}
                for one, text in SHOWN.items()
            ],
            "rule": self.words.rule(rule) if rule else None,
            "members": [self.line(member) for member in page.members],
            "may_change": stands
            and bool(self.request.has_permission(Permission.EXTRACTION_MAKE, self.context)),
            "previous_url": previous_url,
            "next_url": next_url,
            "shown_text": say(_("${count} people on this page", mapping={"count": len(page.members)})),
        }


@view_defaults(context=ExtractionNode, name="compare")
class ComparePage(_People):
    """This list against another one."""

    @view_config(
        request_method="GET",
        permission=Permission.EXTRACTION_VIEW,
        renderer="yvaxportal:templates/extractions/compare.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show how many are on one list only and on both, and a page of one part."""
        request = self.request
        written, part = request.GET.get("with", ""), request.GET.get("part", Side.ONLY_FIRST)
        other = list_of(request.db, int(written)) if is_id(written) else None
        if other is None or part not in set(Side):
            raise HTTPNotFound
        side, after = Side(part), cursor_of(request, "after")
        mine = self.context.row
        page = compared_members(request.db, mine.id, other.id, side, sight=self.sight, after=after)
        self.seen(page, compared_with=other.id, part=side, after=after)
        counted = compare(request.db, mine.id, other.id)
        numbers = {
            Side.ONLY_FIRST: counted.only_first,
            Side.ONLY_SECOND: counted.only_second,
            Side.BOTH: counted.both,
        }
        links = {one: f"{self.here}compare?with={other.id}&part={one}" for one in Side}
        return {
            "base": self.here,
            "all_lists": request.resource_path(self.context.__parent__),
            "row": mine,
            "other": other,
            "other_url": request.resource_path(self.context.__parent__, str(other.id), ""),
            "tabs": [
                {
                    "url": links[one],
                    "label": f"{self.words.say(text)} {numbers[one]:,}",
                    "active": one is side,
                }
                for one, text in SIDES.items()
            ],
            "members": [self.line(member) for member in page.members],
            "may_change": False,
            "previous_url": links[side] if after else None,
            "next_url": f"{links[side]}&after={page.next_cursor}" if page.next_cursor else None,
            "shown_text": self.words.say(
                _("${count} people on this page", mapping={"count": len(page.members)})
            ),
        }
