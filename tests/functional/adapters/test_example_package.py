"""The example of docs/adapters.md, installed into a fresh environment: one ini line, and the pages use it."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import sysconfig
import venv
from contextlib import closing
from pathlib import Path

import pytest

from tests.application import ADAPTERS, settings_of
from tests.simulated import ROOT, write_ini
from yvaxportal.adapters.conformance import Subjects
from yvaxportal.embedded.places import DatabaseUrls

#: The tests of every form that staff fill in about a resident.
FORMS = ("test_details_*.py", "test_doses.py", "test_vault_pages.py", "test_waiting.py")
PACKAGE = ROOT / "docs" / "examples" / "adapter-package"


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the Python of an environment with the portal as it is, and the example beside it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    own = Path(
        subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    )
    # What the lock file holds is there already; taking it from here needs no index.
    (own / "portal.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n", "utf-8")
    words = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(own)]
    copy = folder / "source"
    subprocess.run(["cp", "-r", str(PACKAGE), str(copy)], check=True)
    subprocess.run([sys.executable, "-m", "pip", *words, str(copy)], check=True, capture_output=True)
    return python


@pytest.fixture
def ini(tmp_path: Path, database_urls: DatabaseUrls, secrets: Path, subjects: Subjects) -> Path:
    with closing(sqlite3.connect(tmp_path / "tax.sqlite")) as file, file:
        file.execute("CREATE TABLE kazei (atenabango TEXT, setaibango TEXT, nendo INTEGER, kubun TEXT)")
        file.execute("CREATE TABLE teikyo (nichiji TEXT)")
        file.execute("INSERT INTO teikyo VALUES ('2026-11-23T02:00:00+09:00')")
        number, members = subjects.household
        rows = [(one, number if one in members else "H9", 2026, "非課税") for one in subjects.known]
        rows += [(one, number, 2026, "課税") for one in members if one not in subjects.known]
        file.executemany("INSERT INTO kazei VALUES (?, ?, ?, ?)", rows)
    settings = settings_of(database_urls, secrets) | {
        "yvaxportal.var": str(tmp_path),
        "yvaxportal.adapters.tax": "mihon",
        "yvaxportal.adapters.tax.file": "tax.sqlite",
    }
    return write_ini(tmp_path / "mihon.ini", settings)


def yvax(python: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    argv = [str(python), "-m", "yvaxportal", *map(str, words)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, cwd=python.parent)


def test_one_ini_line_and_the_contract_is_kept(fresh: Path, ini: Path) -> None:
    listed = yvax(fresh, "adapters", "list", ini)
    assert "tax                mihon       also installed: files, local, rest" in listed.stdout
    checked = yvax(fresh, "adapters", "check", ini, "tax")
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
    assert " 0 fail" in checked.stdout.splitlines()[-1]
    assert yvax(fresh, "sync", "tax", ini).stdout.split()[0] == "changed"


def test_the_tests_of_the_forms_pass_unchanged(fresh: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "tax.sqlite")) as file, file:
        file.execute("CREATE TABLE kazei (atenabango TEXT, setaibango TEXT, nendo INTEGER, kubun TEXT)")
        file.execute("CREATE TABLE teikyo (nichiji TEXT)")
        file.execute("INSERT INTO teikyo VALUES ('2026-11-23T02:00:00+09:00')")
    adapters = {"tax": "mihon", "tax.file": str(tmp_path / "tax.sqlite")}
    folder = ROOT / "tests" / "functional"
    wanted = [str(path.relative_to(ROOT)) for form in FORMS for path in sorted(folder.glob(form))]
    assert len(wanted) > len(FORMS)
    argv = [str(fresh), "-m", "pytest", "-q", "-p", "no:cacheprovider", *wanted]
    answer = subprocess.run(
        argv,
        cwd=ROOT,
        env=os.environ | {ADAPTERS: json.dumps(adapters)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout[-3000:]
    # All of them, none left out.
    assert re.search(r"^[0-9]+ passed in ", answer.stdout, re.MULTILINE), answer.stdout[-200:]


def test_without_the_package_the_start_says_so(ini: Path) -> None:
    answer = yvax(Path(sys.executable), "adapters", "check", ini, "tax")
    assert answer.returncode == 1
    assert answer.stderr == (
        "yvax adapters: yvaxportal.adapters.tax: no such adapter; installed: files, local, rest\n"
    )
