"""What the dashboard shows: coverage of cohorts over the months, and what waits for whom."""
