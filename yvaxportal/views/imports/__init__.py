"""The pages of files of doses: hand in, map, check, review, apply, undo, acknowledge."""
