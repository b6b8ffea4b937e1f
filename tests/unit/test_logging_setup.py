import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError

from yvaxportal.logging_setup import PrivateFormatter, configure_logging
from yvaxportal.values.checkdigits import personal_number_check_digit

NUMBER = "90001234567" + personal_number_check_digit("90001234567")


@pytest.fixture
def written() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    logger, stream = logging.getLogger("test.private"), io.StringIO()
    logger.propagate = False
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PrivateFormatter())
    logger.addHandler(handler)
    yield logger, stream
    logger.removeHandler(handler)


def failed_insert() -> IntegrityError:
    cause = psycopg.errors.UniqueViolation(
        f"duplicate key\nDETAIL:  Key (kana)=(ミホン タロウ) {NUMBER} exists."
    )
    return IntegrityError("INSERT INTO resident", {"name": "見本 太郎"}, cause)


def test_a_personal_number_is_masked_wherever_it_stands(written: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = written
    logger.warning("typed %s", NUMBER)
    logger.warning(f"typed {NUMBER[:4]}-{NUMBER[4:8]}-{NUMBER[8:]}")  # noqa: G004 - what a library may do
    logger.error("failed", exc_info=ValueError(NUMBER))
    text = stream.getvalue()
    assert text.count("*" * 12) == 3
    assert NUMBER not in text
    assert "ValueError" in text


def test_a_database_error_tells_its_kind_only(written: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = written
    try:
        try:
            raise failed_insert() from failed_insert().orig
        except IntegrityError as error:
            raise RuntimeError("the deed failed") from error
    except RuntimeError:
        logger.exception("request failed")
    logger.error("%s", failed_insert())
    logger.error(failed_insert())
    text = stream.getvalue()
    assert text.count("UniqueViolation") >= 3
    assert "SQLSTATE 23505" in text
    assert "the deed failed" in text
    assert "in test_a_database_error_tells_its_kind_only" in text
    for secret in ("見本", "ミホン", NUMBER):
        assert secret not in text


def test_errors_in_a_group_are_told_as_carefully(written: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = written
    logger.error("failed", exc_info=ExceptionGroup("several", [failed_insert(), ValueError("plain")]))
    assert "plain" in stream.getvalue()
    assert "ミホン" not in stream.getvalue()


def test_the_ini_files_handlers_are_careful_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    ini = Path(__file__).parents[2] / "production.ini"
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        configure_logging(ini)
        logging.getLogger("yvaxportal.views").error("typed %s", NUMBER)
    finally:
        root.handlers[:], root.level = before
    assert "*" * 12 in stream.getvalue()
    assert NUMBER not in stream.getvalue()
