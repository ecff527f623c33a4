"""Exports: shared records as files for other tools, each no wider than the policies allow, when built and when taken.

A job builds the file as the key that asked, row by row, through the same views as a search; `formats` writes it. What a
file holds is asked of the gate again each time that it is taken.
"""
