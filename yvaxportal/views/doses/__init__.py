"""The pages of doses: record, show with every revision, correct, cancel, undo."""
