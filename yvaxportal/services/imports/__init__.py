"""Files of doses: receiving, reading, judging row by row, reviewing, applying, taking back (docs/imports.md)."""
