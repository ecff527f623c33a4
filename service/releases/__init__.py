"""Release of single records: asking the originator, rules of one record, and recalls of what was shared."""
