"""Attachments: photographs, spectra and reports that records name by their hash, under the facet that names them."""
