"""Pure values: dates, ages, fiscal years, kana and width folding, check digits. No database, no web."""
