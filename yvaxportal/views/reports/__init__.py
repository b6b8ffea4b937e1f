"""The pages of reports: the list, figures now, frozen tables, people behind a figure, differences, files."""
