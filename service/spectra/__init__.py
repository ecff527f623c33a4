"""Spectra: read from the formats instruments write, compared with a library, drawn face to face."""
