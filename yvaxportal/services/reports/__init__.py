"""National tables: definitions as dated data, counting in the database, frozen tables, differences."""
