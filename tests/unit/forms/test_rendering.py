import re

import colander
import deform
import pytest
from bs4 import BeautifulSoup

from tests.unit.forms.conftest import FormMaker, attribute, one
from yvaxportal.forms import base
from yvaxportal.forms.rendering import TEMPLATE_FOLDER, FormRenderer, PortalForm
from yvaxportal.forms.types import CSRF_FIELD
from yvaxportal.forms.widgets import RowsWidget

CHOICES = [("a", "Apple"), ("b", "Bean")]


def every_widget(make_form: FormMaker) -> PortalForm:
    address = colander.SchemaNode(
        colander.Mapping(), base.text_node("town", "Town", max_length=10), name="address", title="Address"
    )
    rows = colander.SchemaNode(
        colander.Sequence(),
        base.text_node("lot", "Lot", max_length=10),
        name="lots",
        title="Lots",
        widget=RowsWidget(),
    )
    group = deform.widget.OptGroup("Group", ("c", "Carrot"))
    return make_form(
        base.text_node("name", "Name", max_length=5, description="As on paper"),
        base.text_node("remarks", "Remarks", max_length=50, required=False, lines=3),
        base.date_node("given_on", "Given on"),
        base.integer_node("fee", "Fee", minimum=0, maximum=9999, required=False, unit="yen"),
        base.digits_node("institution", "Institution", length=10),
        base.choice_node("vaccine", "Vaccine", CHOICES),
        base.choice_node("judgement", "Judgement", CHOICES, as_radio=True),
        base.flag_node("consent", "Consent"),
        colander.SchemaNode(
            colander.Set(),
            name="tags",
            title="Tags",
            widget=deform.widget.CheckboxChoiceWidget(values=CHOICES),
        ),
        colander.SchemaNode(
            colander.String(), name="grouped", widget=deform.widget.SelectWidget(values=(*CHOICES, group))
        ),
        base.text_node("password", "Password", max_length=90, widget=deform.widget.PasswordWidget()),
        base.text_node("fresh", "New password", max_length=90, widget=deform.widget.CheckedPasswordWidget()),
        address,
        rows,
    )


def page(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


GOOD = [
    ("name", "髙﨑"),
    ("remarks", ""),
    ("given_on", "R8.11.1"),
    ("fee", "１，２００"),
    ("institution", "1312345678"),
    ("vaccine", "a"),
    ("__start__", "judgement:rename"),
    ("form-judgement", "b"),
    ("__end__", "judgement:rename"),
    ("__start__", "tags:sequence"),
    ("checkbox", "a"),
    ("__end__", "tags:sequence"),
    ("grouped", "c"),
    ("password", "secret"),
    ("__start__", "fresh:mapping"),
    ("fresh", "s3cret"),
    ("fresh-confirm", "s3cret"),
    ("__end__", "fresh:mapping"),
    ("__start__", "address:mapping"),
    ("town", "Midori"),
    ("__end__", "address:mapping"),
    ("__start__", "lots:sequence"),
    ("lot", "A1"),
    ("lot", " "),
    ("__end__", "lots:sequence"),
]


def changed(**values: str) -> list[tuple[str, str]]:
    return [(name, values.get(name, value)) for name, value in GOOD]


def fail(form: PortalForm, controls: list[tuple[str, str]]) -> BeautifulSoup:
    with pytest.raises(deform.ValidationFailure) as failure:
        form.validate(controls)
    return page(failure.value.render())


@pytest.mark.parametrize("readonly", [False, True])
def test_no_widget_brings_script_or_style(make_form: FormMaker, readonly: bool) -> None:
    soup = page(every_widget(make_form).render(readonly=readonly))
    assert not soup.find_all(["script", "style"])
    for tag in soup.find_all(True):
        assert "style" not in tag.attrs
        assert not [name for name in tag.attrs if name.startswith("on")]


def test_every_template_of_ours_is_free_of_inline_code() -> None:
    templates = list(TEMPLATE_FOLDER.rglob("*.pt"))
    assert len(templates) > 20
    for template in templates:
        assert not re.search(
            r"<script|\sstyle=|\son[a-z]+=|javascript:", template.read_text(encoding="utf-8")
        )


@pytest.mark.parametrize(
    "name",
    [
        "richtext",
        "readonly/richtext",
        "autocomplete_input",
        "deform:templates/form.pt",
        "../layout",
        "/etc/x",
    ],
)
def test_a_template_we_do_not_have_is_an_error(make_form: FormMaker, name: str) -> None:
    with pytest.raises(LookupError):
        FormRenderer(make_form.request)(name)


def test_a_widget_of_deform_with_inline_script_cannot_be_drawn(make_form: FormMaker) -> None:
    node = base.text_node("name", "Name", max_length=5, widget=deform.widget.RichTextWidget())
    with pytest.raises(LookupError):
        make_form(node).render()


def test_labels_hints_and_marks_belong_to_their_fields(make_form: FormMaker) -> None:
    soup = page(every_widget(make_form).render())
    for control in soup.select("input:not([type=hidden]), select, textarea"):
        assert soup.find("label", attrs={"for": control["id"]}), control
    name = one(soup, "#form-name")
    assert name["aria-required"] == "true"
    assert name["aria-describedby"] == "help-form-name"
    assert "Required" in one(soup, "label[for=form-name]").text
    assert "Required" not in one(soup, "label[for=form-remarks]").text
    assert attribute(soup, "#item-form-judgement", "role") == "group"
    assert attribute(soup, "#form-fee", "aria-describedby") == "unit-form-fee"
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))


def test_ids_of_two_forms_do_not_meet(make_form: FormMaker) -> None:
    node = base.text_node("name", "Name", max_length=5)
    first, second = make_form(node, formid="one"), make_form(node.clone(), formid="two", focus="off")
    soup = page(first.render() + second.render())
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert [tag["id"] for tag in soup.select("[autofocus]")] == ["one-name"]


def test_values_come_back_clean_and_without_the_token(make_form: FormMaker) -> None:
    values = every_widget(make_form).validate([("csrf_token", "t"), *GOOD, ("save", "save")])
    assert "csrf_token" not in values
    assert values["name"] == "髙﨑"
    assert values["remarks"] is None
    assert values["fee"] == 1200
    assert values["judgement"] == "b"
    assert values["consent"] is False
    assert values["tags"] == {"a"}
    assert values["lots"] == ["A1"]
    assert values["address"] == {"town": "Midori"}


def test_a_wrong_field_is_marked_named_focused_and_keeps_what_was_typed(make_form: FormMaker) -> None:
    soup = fail(every_widget(make_form), changed(given_on="R8.13.40", vaccine="zzz"))
    field = one(soup, "#form-given_on")
    assert field["value"] == "R8.13.40"
    assert field["aria-invalid"] == "true"
    assert str(field["aria-describedby"]).split()[0] == "error-form-given_on"
    assert "not a date" in one(soup, "#error-form-given_on").text
    links = [link["href"] for link in soup.select(".error-summary a")]
    assert links == ["#form-given_on", "#form-vaccine"]
    assert [tag["id"] for tag in soup.select("[autofocus]")] == ["form-given_on"]
    assert attribute(soup, "#form-name", "value") == "髙﨑"
    assert "zzz" not in str(soup)


def test_a_missing_radio_choice_links_to_its_first_box(make_form: FormMaker) -> None:
    controls = [pair for pair in GOOD if pair[0] != "form-judgement"]
    soup = fail(every_widget(make_form), controls)
    assert attribute(soup, ".error-summary a", "href") == "#form-judgement-0"
    assert attribute(soup, "[autofocus]", "id") == "form-judgement-0"


def test_errors_within_groups_and_rows_are_found(make_form: FormMaker) -> None:
    soup = fail(every_widget(make_form), changed(town="a" * 11, lot="b" * 11))
    assert attribute(soup, ".error-summary a", "href") == "#form-address-town"
    assert len(soup.select(".row-item.has-error")) == 2


@pytest.mark.parametrize("text", ["見た 900012345678", "9000-1234-5678", "９０００１２３４５６７８"])
def test_a_personal_number_in_free_text_is_refused_and_not_shown_again(
    make_form: FormMaker, text: str
) -> None:
    soup = fail(every_widget(make_form), changed(remarks=text))
    assert "personal number" in one(soup, "#error-form-remarks").text
    assert "*" in one(soup, "#form-remarks").text
    assert not re.search(r"\d", one(soup, "#form-remarks").text)
    assert "5678" not in str(soup).replace("1312345678", "")


def test_a_personal_number_in_any_other_field_is_not_shown_again(make_form: FormMaker) -> None:
    soup = fail(every_widget(make_form), changed(institution="900012345678", given_on="900012345678"))
    assert "900012345678" not in str(soup)


def test_a_token_that_looks_like_a_personal_number_is_kept(make_form: FormMaker) -> None:
    form = make_form(base.text_node("name", "Name", max_length=5))
    with pytest.raises(deform.ValidationFailure) as refused:
        form.validate([(CSRF_FIELD, "ab900012345678cd"), ("name", "")])
    assert attribute(page(refused.value.render()), f"[name={CSRF_FIELD}]", "value") == "ab900012345678cd"


def test_unknown_fields_are_refused_by_name_and_nothing_typed_is_lost(make_form: FormMaker) -> None:
    soup = fail(every_widget(make_form), [*GOOD, ("support_measure_flag", "1"), ("900012345678", "x")])
    summary = one(soup, ".error-summary").text
    assert "support_measure_flag" in summary
    assert "9000" not in summary
    assert attribute(soup, "#form-name", "value") == "髙﨑"


def test_unknown_fields_within_groups_are_refused(make_form: FormMaker) -> None:
    controls = list(GOOD)
    controls.insert(controls.index(("town", "Midori")), ("street", "1"))
    assert "street" in one(fail(every_widget(make_form), controls), ".error-summary").text


@pytest.mark.parametrize(
    "controls",
    [
        [("__start__", "address:mapping")],
        [("__end__", "address:mapping")],
        [("__start__", "address:nonsense"), ("__end__", "")],
        [("address", "not a group")],
        [("lots", "not rows")],
    ],
)
def test_a_form_of_the_wrong_shape_is_refused(make_form: FormMaker, controls: list[tuple[str, str]]) -> None:
    assert "did not arrive whole" in one(fail(every_widget(make_form), controls), ".error-summary").text


def test_a_group_sent_in_place_of_a_text_is_refused(make_form: FormMaker) -> None:
    controls = [pair for pair in GOOD if pair[0] != "name"]
    soup = fail(
        every_widget(make_form), [*controls, ("__start__", "name:mapping"), ("__end__", "name:mapping")]
    )
    assert one(soup, "#error-form-name")


def test_a_service_adds_what_it_found(make_form: FormMaker) -> None:
    form = every_widget(make_form)
    form.validate(GOOD)
    failure = form.failure(
        {"given_on": "Before birth", "address.town": "Unknown"}, message="Changed meanwhile"
    )
    soup = page(failure.render())
    assert "Changed meanwhile" in one(soup, ".error-summary").text
    assert "Before birth" in one(soup, "#error-form-given_on").text
    assert "Unknown" in one(soup, "#error-form-address-town").text
    assert attribute(soup, "#form-given_on", "value") == "R8.11.1"
    with pytest.raises(KeyError):
        form.failure({"no_such_field": "x"})


def test_what_was_typed_is_escaped(make_form: FormMaker) -> None:
    soup = fail(every_widget(make_form), changed(name='"><b onfocus=x>'))
    assert attribute(soup, "#form-name", "value") == '"><b onfocus=x>'
    assert not soup.find("b")


def test_passwords_are_never_sent_back(make_form: FormMaker) -> None:
    soup = fail(every_widget(make_form), changed(password="open-sesame", name="", fresh="other"))
    assert "open-sesame" not in str(soup)
    assert "s3cret" not in str(soup)
    assert one(soup, "#error-form-fresh")


def test_dates_offer_today_and_yesterday(make_form: FormMaker) -> None:
    soup = page(every_widget(make_form).render())
    assert [tag["data-fill-value"] for tag in soup.select("[data-fill-target=form-given_on]")] == [
        "2026-11-23",
        "2026-11-22",
    ]


def test_rows_grow_without_script(make_form: FormMaker) -> None:
    form = every_widget(make_form)
    assert len(page(form.render()).select(".row-item input")) == 2
    assert len(fail(form, changed(name="")).select(".row-item input")) == 3


def test_enter_goes_on_only_where_asked(make_form: FormMaker) -> None:
    node = base.text_node("name", "Name", max_length=5)
    assert "data-enter-next" not in make_form(node).render()
    assert "data-enter-next" in make_form(node.clone(), enter_next=True).render()
