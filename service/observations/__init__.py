"""Precursor incidents, clandestine laboratories, prices: kinds of record with the manners of seizures."""
