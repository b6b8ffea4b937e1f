"""Where each of the 85 record items of the privacy assessment's annex 1 lives, is entered and is seen.

A test reads the annex and fails when an item has no column, no form or no page (measure M02 asks that the
forms have nothing more). The disclosure package (measure M42) walks the same table, so an item that somebody
adds is disclosed without further work. Forms and pages stand on higher floors and are named, not imported.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from yvaxportal.models.codes import EligibilityKind, RecordGroup
from yvaxportal.models.record_homes import (
    CERTIFICATE,
    CONTACT,
    FOREIGN,
    MEASURE,
    NOTES,
    NUMBERED,
    PASSPORT,
    REGISTER,
    VAULT,
    Home,
    dose_home,
    state_home,
)
from yvaxportal.values.text import _


@dataclass(frozen=True, slots=True)
class RecordItem:
    """One item: its number and names in the annex, its columns with their labels, its field, its home.

    ``columns`` is empty for the personal number: it is in the vault and in no column that can be read.
    """

    group: str
    number: int
    identifier: str
    name_ja: str
    label: str
    columns: tuple[tuple[str, str], ...]
    field: str
    home: Home


@dataclass(frozen=True, slots=True)
class HeldValue:
    """What is held on one person under one item: the values of its columns, keyed by column."""

    item: RecordItem
    values: Mapping[str, Any]


def _item(
    name_ja: str,
    identifier: str,
    label: str,
    home: Home,
    *,
    columns: Sequence[tuple[str, str]] | None = None,
    field: str | None = None,
) -> RecordItem:
    """Return an item; column and field bear the item's own name unless said otherwise."""
    held = ((identifier, label),) if columns is None else tuple(columns)
    return RecordItem("", 0, identifier, name_ja, label, held, field or identifier, home)


def _numbered(group: str, *items: RecordItem) -> tuple[RecordItem, ...]:
    """Return the items of a group, numbered in the annex's order."""
    return tuple(replace(item, group=group, number=number) for number, item in enumerate(items, start=1))


_NAMES = (
    ("name", _("Name")),
    ("name_kana", _("Name in kana")),
    ("name_alphabet", _("Name in the alphabet")),
    ("former_name", _("Former name")),
)
_BIRTH = (("date_of_birth_written", _("Date of birth")),)
_SEX = (("sex", _("Sex")),)
_ADDRESS = (("postal_code", _("Postal code")), ("current_address", _("Current address")))
_STATE_COLUMNS = (
    ("state", _("State")),
    ("detail", _("Details")),
    ("valid_from", _("First day")),
    ("valid_to", _("Last day")),
    ("as_of", _("As of")),
    ("source", _("Source")),
)
_INSTITUTION = (
    ("medical_institution_id", _("Medical institution")),
    ("medical_institution_name", _("Medical institution, as received")),
)
_PASSPORT_COLUMNS = (
    ("former_surname", _("Former surname in the passport")),
    ("other_surname", _("Other surname in the passport")),
    ("other_name", _("Other name in the passport")),
    ("roman_name", _("Name in the passport (alphabet)")),
    ("nationality", _("Nationality or region")),
    ("passport_number", _("Passport number")),
)

_P = "personal"
_I = RecordGroup.INFANT.value
_E = RecordGroup.ELDERLY.value
_C = RecordGroup.COVID19.value
_INFANT_DOSE, _ELDERLY_DOSE, _COVID_DOSE = (dose_home(group) for group in RecordGroup)
_KIND = EligibilityKind

PERSONAL = _numbered(
    _P,
    _item("個人番号", "personal_number", _("Personal number"), VAULT, columns=(), field="number"),
    _item("業務宛名番号", "business_atena_number", _("Business atena number"), REGISTER),
    _item("宛名番号", "atena_number", _("Atena number"), NUMBERED),
    _item("世帯番号", "household_number", _("Household number"), REGISTER),
    _item("氏名情報", "name", _("Name"), REGISTER, columns=_NAMES),
    _item("生年月日", "date_of_birth", _("Date of birth"), REGISTER, columns=_BIRTH),
    _item("性別", "sex", _("Sex"), REGISTER),
    _item("続柄", "relationship_to_head", _("Relationship to the head of household"), REGISTER),
    _item("現住所情報", "current_address", _("Current address"), CONTACT, columns=_ADDRESS),
    _item("住所コード", "address_code", _("Address code (municipality)"), CONTACT),
    _item("住所コード", "address_town_code", _("Address code (town)"), CONTACT),
    _item("町内会", "neighbourhood_association", _("Neighbourhood association"), CONTACT),
    _item("小学校区", "elementary_school_district", _("Elementary school district"), CONTACT),
    _item("中学校区", "junior_high_school_district", _("Junior high school district"), CONTACT),
    _item("電話番号", "phone_number", _("Phone number"), CONTACT),
    _item("住民になった事由", "became_resident_reason", _("Reason of becoming a resident"), REGISTER),
    _item("住民になった異動日", "became_resident_on", _("Became a resident on"), REGISTER),
    _item(
        "住民になった届出日", "became_resident_notified_on", _("Becoming a resident notified on"), REGISTER
    ),
    _item(
        "住民でなくなった事由", "ceased_resident_reason", _("Reason of ceasing to be a resident"), REGISTER
    ),
    _item("住民でなくなった異動日", "ceased_resident_on", _("Ceased to be a resident on"), REGISTER),
    _item(
        "住民でなくなった届出日",
        "ceased_resident_notified_on",
        _("Ceasing to be a resident notified on"),
        REGISTER,
    ),
    _item("住民区分", "resident_category", _("Resident category"), REGISTER),
    _item("外国人判定", "is_foreign_national", _("Foreign national"), REGISTER),
    _item("国籍", "nationality", _("Nationality or region"), FOREIGN),
    _item("転入前住所", "address_before_moving_in", _("Address before moving in"), CONTACT),
    _item("転出後住所", "address_after_moving_out", _("Address after moving out"), CONTACT),
    _item("通称名情報", "alias_name", _("Alias"), REGISTER),
    _item("法30条45規定区分", "article_30_45_category", _("Category under Article 30-45"), FOREIGN),
    _item("在留資格情報", "residence_status", _("Status of residence"), FOREIGN),
    _item("在留期間等", "period_of_stay", _("Period of stay"), FOREIGN),
    _item("在留カード等番号情報", "residence_card_number", _("Residence card number"), FOREIGN),
    _item("個人特記情報", "personal_remarks", _("Personal remarks"), NOTES),
    _item("DVフラグ", "support_measure_flag", _("Support measure"), MEASURE, field="starts_on"),
    _item("送付情報", "mailing_address", _("Mailing address"), CONTACT),
    _item("送付先有無区分", "has_mailing_address", _("Separate mailing address"), CONTACT),
    _item("フォロー情報", "follow_up", _("Follow-up"), NOTES),
    *(
        _item(name_ja, kind.value, label, state_home(kind), columns=_STATE_COLUMNS, field="state")
        for name_ja, kind, label in (
            ("国保資格", _KIND.NATIONAL_HEALTH_INSURANCE, _("National health insurance")),
            ("後期資格", _KIND.LATE_ELDERLY_INSURANCE, _("Late-stage elderly insurance")),
            ("生保資格", _KIND.PUBLIC_ASSISTANCE, _("Public assistance")),
            ("非課税情報", _KIND.TAX_EXEMPT, _("Resident tax")),
            ("身障資格", _KIND.PHYSICAL_DISABILITY_CERTIFICATE, _("Physical disability certificate")),
        )
    ),
)
INFANT = _numbered(
    _I,
    _item("個人番号", "personal_number", _("Personal number"), VAULT, columns=(), field="number"),
    _item("宛名番号", "atena_number", _("Atena number"), NUMBERED),
    _item("接種回数", "dose_number", _("Dose number"), _INFANT_DOSE),
    _item("接種日", "given_on", _("Date given"), _INFANT_DOSE),
    _item("接種判定", "judgement", _("Judgement"), _INFANT_DOSE),
    _item("接種日年齢(月齢)", "age_when_given", _("Age when given"), _INFANT_DOSE, field="given_on"),
    _item(
        "年度末年齢(月齢)",
        "age_at_fiscal_year_end",
        _("Age at the end of the fiscal year"),
        _INFANT_DOSE,
        field="given_on",
    ),
    _item("実施区分", "delivery_category", _("Delivery category"), _INFANT_DOSE),
    _item(
        "実施医療機関",
        "medical_institution",
        _("Medical institution"),
        _INFANT_DOSE,
        columns=_INSTITUTION,
    ),
    _item("特記事項", "remarks", _("Special remarks"), _INFANT_DOSE),
    _item("接種料", "fee", _("Fee"), _INFANT_DOSE),
    _item("ロットナンバー", "lot_number", _("Lot number"), _INFANT_DOSE),
    _item("対象外判定", "ineligibility_judgement", _("Ineligibility judgement"), _INFANT_DOSE),
    _item("肺炎球菌種類", "pneumococcal_type", _("Pneumococcal type"), _INFANT_DOSE),
    _item("ワクチン情報", "vaccine", _("Vaccine"), _INFANT_DOSE),
)
ELDERLY = _numbered(
    _E,
    _item("個人番号", "personal_number", _("Personal number"), VAULT, columns=(), field="number"),
    _item("宛名番号", "atena_number", _("Atena number"), NUMBERED),
    _item("接種日", "given_on", _("Date given"), _ELDERLY_DOSE),
    _item("接種日年齢", "age_when_given", _("Age when given"), _ELDERLY_DOSE, field="given_on"),
    _item(
        "年度末年齢",
        "age_at_fiscal_year_end",
        _("Age at the end of the fiscal year"),
        _ELDERLY_DOSE,
        field="given_on",
    ),
    _item(
        "基準日年齢", "age_on_reference_date", _("Age on the reference date"), _ELDERLY_DOSE, field="given_on"
    ),
    _item(
        "実施医療機関",
        "medical_institution",
        _("Medical institution"),
        _ELDERLY_DOSE,
        columns=_INSTITUTION,
    ),
    _item("接種医", "physician", _("Physician"), _ELDERLY_DOSE),
    _item("接種判定", "judgement", _("Judgement"), _ELDERLY_DOSE),
    _item("接種区分", "dose_category", _("Dose category"), _ELDERLY_DOSE),
    _item("特記事項", "remarks", _("Special remarks"), _ELDERLY_DOSE),
    _item("接種料", "fee", _("Fee"), _ELDERLY_DOSE),
    _item("ロットナンバー", "lot_number", _("Lot number"), _ELDERLY_DOSE),
    _item("ワクチン情報", "vaccine", _("Vaccine"), _ELDERLY_DOSE),
)
COVID19 = _numbered(
    _C,
    _item("個人番号", "personal_number", _("Personal number"), VAULT, columns=(), field="number"),
    _item("宛名番号", "atena_number", _("Atena number"), NUMBERED),
    _item("自治体コード", "municipality_code", _("Municipality code"), _COVID_DOSE),
    _item("接種券番号", "ticket_number", _("Ticket number"), _COVID_DOSE),
    _item(
        "属性情報(氏名、生年月日、性別)",
        "person_attributes",
        _("Name, birth date and sex"),
        REGISTER,
        columns=(_NAMES[0], *_BIRTH, *_SEX),
        field="name",
    ),
    _item("接種状況(実施/未実施)", "vaccination_status", _("Vaccination status"), _COVID_DOSE),
    _item("接種回数", "dose_number", _("Dose number"), _COVID_DOSE),
    _item("接種日", "given_on", _("Date given"), _COVID_DOSE),
    _item("ワクチンメーカー", "manufacturer", _("Manufacturer"), _COVID_DOSE),
    _item("ロット番号", "lot_number", _("Lot number"), _COVID_DOSE),
    _item("ワクチン種類", "vaccine_kind", _("Kind of vaccine"), _COVID_DOSE),
    _item("製品名", "product_name", _("Product name"), _COVID_DOSE),
    _item(
        "旅券関係情報(旧姓・別姓・別名、ローマ字氏名、国籍、旅券番号)",
        "passport_details",
        _("Passport details"),
        PASSPORT,
        columns=_PASSPORT_COLUMNS,
        field="passport_number",
    ),
    _item("証明書ID", "certificate_id", _("Certificate id"), CERTIFICATE),
    _item("証明書発行年月日", "certificate_issued_on", _("Certificate issued on"), CERTIFICATE),
)

RECORD_ITEMS: tuple[RecordItem, ...] = (*PERSONAL, *INFANT, *ELDERLY, *COVID19)


def items_of(table: str) -> Iterator[RecordItem]:
    """Yield the personal items that live in one table, in the annex's order."""
    return (item for item in PERSONAL if item.home.table == table)


def held_values(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[HeldValue]:
    """Yield what is held on one person, item after item in the annex's order.

    :param rows: the person's rows by table name, each a mapping from column to value. A table that is left
        out (an address that must not leave the portal) gives nothing, and neither does the vault: a personal
        number is disclosed by its own node only.
    """
    for item in RECORD_ITEMS:
        if not item.columns:
            continue
        for row in rows.get(item.home.table, ()):
            if all(row[column] == value for column, value in item.home.only):
                yield HeldValue(item, {column: row[column] for column, _label in item.columns})
