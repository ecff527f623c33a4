"""Places: countries, first-level divisions, their boundaries, place names and crossing points."""
