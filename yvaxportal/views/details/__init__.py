"""Pages about one resident's items that are no doses: shown, entered, corrected."""
