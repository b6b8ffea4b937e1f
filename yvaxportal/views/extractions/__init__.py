"""Pages about lists of targets: tried out, saved, looked at, changed by hand, compared."""
