"""What the resident register knows of a household: how each member came, and left.

Reasons are those of the resident-register standard (異動事由).
"""

from datetime import date, timedelta
from random import Random

from yvaxportal.models.codes import ResidentCategory
from yvaxportal.sample.choice import Weighted, between, chance, day_between, one_of
from yvaxportal.sample.names import SPACE, Names
from yvaxportal.sample.numbers import landline, mobile
from yvaxportal.sample.people import Person
from yvaxportal.sample.places import Places
from yvaxportal.sample.words import words

BORN, MOVED_IN, FROM_ABROAD = "出生", "国内転入", "国外転入等"
MOVED_OUT, GONE_ABROAD, DIED = "国内転出", "国外転出", "死亡"
OFFICE_REMOVED, CANCELLED = "職権消除", "異動の取消し(減)"
_RETURNED = "再転入のため従前の宛名番号を使用"
_LEAVING = Weighted(["stay", "leave", "abroad", "removed"], [94.6, 4.9, 0.3, 0.2])
_YEARS_KEPT = 6
_ADULT, _LEAVES_HOME_UNTIL, _OLD = 18, 27, 60
# The share of each age (from, share) who died in the years that the register looks back on.
_DEATHS = ((85, 0.10), (70, 0.04), (0, 0.004))


class Register:
    """Gives the people of a household what the register has of them."""

    def __init__(self, names: Names, places: Places, today: date) -> None:
        self._names, self._places, self._today = names, places, today
        self._kept_from = date(today.year - _YEARS_KEPT, 4, 1)

    def enter(self, rng: Random, members: list[Person]) -> None:
        """Fill in comings, goings, telephones and remarks of all members."""
        head = members[0]
        arrived_on = self._arrival(rng, head)
        before = self._places.address_elsewhere(rng) if arrived_on else None
        abroad = head.foreign is not None and chance(rng, 0.6)
        phone = landline(rng, self._places.area) if chance(rng, 0.6) else None
        for member in members:
            self._come(rng, member, arrived_on, before, abroad=abroad)
            member.phone = self._phone(rng, member, phone)
            self._note(rng, member)
        self._go(rng, members)
        for member in members:
            self._die(rng, member)

    def _arrival(self, rng: Random, head: Person) -> date | None:
        """Return when the household came, None when its head was born here."""
        if head.foreign is None and chance(rng, 0.64):
            return None
        grown = min(head.birth + timedelta(days=18 * 365), self._today - timedelta(days=20))
        recent = self._today - timedelta(days=365 * (6 if head.foreign else 30))
        return day_between(rng, max(grown, recent), self._today - timedelta(days=15))

    def _come(
        self, rng: Random, member: Person, arrived_on: date | None, before: str | None, *, abroad: bool
    ) -> None:
        married_in = arrived_on is None and member.relationship in {"妻", "夫", "子の妻"}
        if married_in and chance(rng, 0.45):
            grown = member.birth + timedelta(days=22 * 365)
            arrived_on = day_between(rng, grown, min(grown + timedelta(days=3000), self._today))
            arrived_on = min(arrived_on, self._today)
            before = self._places.address_elsewhere(rng)
        if arrived_on is None or arrived_on <= member.birth:
            member.became_reason, member.became_on = BORN, member.known_birth
            if member.known_birth:
                member.became_notified_on = min(
                    member.birth + timedelta(days=between(rng, 1, 14)), self._today
                )
            return
        member.became_reason = FROM_ABROAD if abroad else MOVED_IN
        member.became_on = arrived_on
        member.became_notified_on = min(arrived_on + timedelta(days=between(rng, 0, 14)), self._today)
        member.address_before = None if abroad else before
        if not abroad and chance(rng, 0.02):
            member.remarks = _RETURNED

    def _phone(self, rng: Random, member: Person, household_phone: str | None) -> str | None:
        if member.age_on(self._today) >= _ADULT and chance(rng, 0.55):
            return mobile(rng)
        return household_phone

    @staticmethod
    def _note(rng: Random, member: Person) -> None:
        if chance(rng, 0.02):
            member.remarks = member.remarks or one_of(rng, words("remarks"))
        elif chance(rng, 0.015):
            member.follow_up = one_of(rng, words("follow_ups"))

    def _go(self, rng: Random, members: list[Person]) -> None:
        """Let some whole households leave, and some young adults alone."""
        leaving = _LEAVING.pick(rng)
        if leaving != "stay":
            on = self._leaving_day(rng, members)
            after = self._places.address_elsewhere(rng)
            for member in members:
                self._leave(rng, member, leaving, on, after)
            return
        for member in members[1:]:
            alone = member.relationship == "子" and _ADULT <= member.age_on(self._today) <= _LEAVES_HOME_UNTIL
            if alone and chance(rng, 0.35):
                self._leave(
                    rng,
                    member,
                    "leave",
                    self._leaving_day(rng, [member]),
                    self._places.address_elsewhere(rng),
                )

    def _leaving_day(self, rng: Random, members: list[Person]) -> date:
        earliest = max(
            self._kept_from, *((member.became_on or member.birth) + timedelta(days=30) for member in members)
        )
        return day_between(rng, earliest, self._today)

    def _leave(self, rng: Random, member: Person, how: str, on: date, after: str) -> None:
        on = min(on, self._today)
        member.ceased_on = on
        member.ceased_notified_on = min(on + timedelta(days=between(rng, 0, 14)), self._today)
        if how == "removed":
            member.category = ResidentCategory.REMOVED
            member.ceased_reason = one_of(rng, (OFFICE_REMOVED, CANCELLED))
            return
        member.category = ResidentCategory.MOVED_OUT
        member.ceased_reason = GONE_ABROAD if how == "abroad" else MOVED_OUT
        member.address_after = None if how == "abroad" else after

    def _die(self, rng: Random, member: Person) -> None:
        age = member.age_on(self._today)
        share = next(share for least, share in _DEATHS if age >= least)
        if member.category is not ResidentCategory.RESIDENT or not chance(rng, share):
            return
        member.category = ResidentCategory.DECEASED
        member.ceased_reason = DIED
        member.ceased_on = day_between(
            rng, max(self._kept_from, member.became_on or member.birth), self._today
        )
        member.ceased_notified_on = min(member.ceased_on + timedelta(days=between(rng, 0, 7)), self._today)

    def blur(self, rng: Random, member: Person) -> None:
        """Give a few people what makes registers hard: unknown birth days, no kana, former names."""
        age = member.age_on(self._today)
        if age >= _OLD and chance(rng, 0.002):
            known = member.birth.isoformat()
            member.birth_written = f"{known[:4]}-00-00" if chance(rng, 0.4) else f"{known[:7]}-00"
        if chance(rng, 0.003):
            member.kana_missing = True
        if member.relationship == "妻" and chance(rng, 0.015):
            member.former_name = f"{self._names.surname(rng).written}{SPACE}{member.given.written}"

    def protect(self, rng: Random, members: list[Person]) -> None:
        """Put a parent with children under a support measure: away from the old address, mail elsewhere."""
        home, mail = self._places.home(rng, flat=True), self._places.home(rng, flat=False).address
        for member in members:
            member.home = home
            member.protected = True
            member.mailing_address = f"{mail}\u3000（受取先は担当課で管理）"
            member.follow_up = "郵送物は送付先へ。住所の照会は担当課へ確認"
