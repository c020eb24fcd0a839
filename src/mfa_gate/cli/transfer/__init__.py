"""Move a store's content to another store: export and import."""
