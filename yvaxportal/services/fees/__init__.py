"""Fees: what institutions claimed for a month, against the tariff in force and the doses recorded."""
