"""The database, built by migrations only."""
