"""Compile each message catalogue (.po) that is newer than what was compiled from it (.mo)."""

from pathlib import Path

import polib

for catalogue in sorted(Path("yvaxportal/locale").glob("*/LC_MESSAGES/*.po")):
    compiled = catalogue.with_suffix(".mo")
    if not compiled.exists() or compiled.stat().st_mtime < catalogue.stat().st_mtime:
        fresh = compiled.with_suffix(".mo.new")
        polib.pofile(str(catalogue)).save_as_mofile(str(fresh))
        fresh.rename(compiled)
