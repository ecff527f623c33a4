"""Bulletins: a released publication as a printed quarterly, in the languages of its readers."""
