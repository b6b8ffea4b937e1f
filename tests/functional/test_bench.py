"""``make bench`` runs. What it measures depends on the machine and is no test's business."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_small_run_prints_every_line_and_keeps_nothing() -> None:
    results = ROOT / "bench" / "RESULTS.md"
    before = results.read_bytes() if results.exists() else None
    small = {"RESIDENTS": 120, "GROWTH": 240, "SECONDS": 0.4, "ROWS": 400, "LETTERS": 40}
    sizes = {f"BENCH_{name}": str(value) for name, value in small.items()}
    done = subprocess.run(
        [sys.executable, "-m", "bench"],
        cwd=ROOT,
        env=os.environ | sizes,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    table = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [cell.strip() for cell in table[0].split("|")[1:-1]] == ["what", "measured", "bar", "met"]
    subjects = "\n".join(table)
    for subject in (
        "load 120 residents",
        "bare COPY",
        "bare SQL",
        "times SQL by hand",
        "page of results",
        "resident page among 120",
        "memory of that process",
        "take over 120 residents",
        "changes, the start of the command included",
        "residents from a delivered file",
        "take over 240 residents from a delivered file: memory",
        "the tax register hanging",
        "judge a file of 80 doses against 120 residents",
        "record them, audit and sources included",
        "a page of the review queue",
        "a page of the mismatch desk",
        "matching, 120 residents",
        "digits swapped",
        "household moved",
        "all kinds together",
        "memory while a file of 400 doses",
        "table of coverage for a year over",
        "fees of a month",
        "40 tickets as one PDF",
        "forecast 120 residents from the database",
        "time for each forecast from 120 to 240 residents",
        "resident page in a city of",
        "from 120 to 240 residents",
    ):
        assert subject in subjects
    assert (results.read_bytes() if results.exists() else None) == before
