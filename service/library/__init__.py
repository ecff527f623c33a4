"""The spectral library: reference spectra for every member, and a search in them, in shared records and for hits."""
