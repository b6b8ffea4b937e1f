"""Pages about letters: runs, asking for one, what became of each letter."""
