"""Doses as rows of the table ``dose``. There are millions: what is written here is written to be quick."""

from datetime import date

from yvaxportal.models.codes import DoseCategory, RecordGroup
from yvaxportal.programme.catalogue import Vaccine
from yvaxportal.sample.copy_text import NULL
from yvaxportal.sample.people import Person
from yvaxportal.services.dose_ages import dose_ages

COLUMNS = (
    "resident_id", "record_group", "vaccine", "dose_number", "given_on", "judgement",
    "ineligibility_judgement", "dose_category", "delivery_category", "medical_institution_id",
    "medical_institution_name", "physician", "lot_number", "fee", "remarks", "pneumococcal_type",
    "age_when_given", "age_at_fiscal_year_end", "age_on_reference_date", "municipality_code",
    "ticket_number", "vaccination_status", "manufacturer", "vaccine_kind", "product_name", "alerts",
    "alert_reason", "source", "state", "changed_at", "change_reason", "revision",
)  # fmt: skip


class DoseRow:
    """One dose on its way to the table; attributes are the columns."""

    __slots__ = (
        "alert",
        "alert_reason",
        "birth",
        "category",
        "day",
        "delivery",
        "fee",
        "ineligibility",
        "institution_id",
        "institution_name",
        "judgement",
        "lot",
        "municipality_code",
        "number",
        "physician",
        "remarks",
        "resident_id",
        "source",
        "ticket_number",
        "vaccine",
    )

    def __init__(
        self,
        person: Person,
        vaccine: Vaccine,
        number: int,
        day: date,
        category: DoseCategory,
    ) -> None:
        self.resident_id, self.birth = person.serial, person.known_birth
        self.vaccine, self.number, self.day, self.category = vaccine, number, day, category
        self.judgement, self.ineligibility, self.delivery = "given", NULL, "individual"
        self.institution_id, self.institution_name = NULL, NULL
        self.physician = self.lot = self.fee = self.remarks = NULL
        self.municipality_code = self.ticket_number = NULL
        self.alert, self.alert_reason, self.source = "", NULL, "migration"

    def line(self) -> str:
        """Return the row in COPY's text format, in the order of ``COLUMNS``."""
        vaccine, day, group = self.vaccine, self.day, self.vaccine.record_group
        ages = dose_ages(self.birth, day, RecordGroup(group))
        covid = group == "covid19"
        status = ("done" if self.judgement == "given" else "not_done") if covid else NULL
        maker = vaccine.manufacturers[0] if covid else NULL
        kind, product = (vaccine.kind, vaccine.product_name) if covid else (NULL, NULL)
        alerts = f'["{self.alert}"]' if self.alert else "[]"
        return (
            f"{self.resident_id}\t{group}\t{vaccine.code}\t{self.number}\t{day}\t{self.judgement}\t"
            f"{self.ineligibility}\t{self.category}\t{self.delivery}\t{self.institution_id}\t"
            f"{self.institution_name}\t{self.physician}\t{self.lot}\t{self.fee}\t{self.remarks}\t"
            f"{vaccine.pneumococcal_type or NULL}\t{_known(ages.age_when_given)}\t"
            f"{_known(ages.age_at_fiscal_year_end)}\t{_known(ages.age_on_reference_date)}\t"
            f"{self.municipality_code}\t{self.ticket_number}\t{status}\t{maker}\t{kind}\t{product}\t"
            f"{alerts}\t{self.alert_reason}\t{self.source}\tactive\t{day} 06:00:00+00\t{NULL}\t1\n"
        )


def _known(months: int | None) -> str | int:
    return NULL if months is None else months
