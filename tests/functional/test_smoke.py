from webtest import TestApp

from tests.application import SignIn


def test_a_visitor_is_asked_to_sign_in(testapp: TestApp) -> None:
    answer = testapp.get("/residents/", status=303)
    assert answer.location.endswith("/sign-in?came_from=%2Fresidents%2F")


def test_a_registrar_signs_in_and_sees_the_search(sign_in: SignIn) -> None:
    page = sign_in("registrar").get("/", status=303).follow(status=200)
    assert "find-resident" in page.forms
