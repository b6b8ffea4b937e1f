"""Files of doses: receiving, reading, judging, reviewing, applying, taking back (docs/imports.md)."""
