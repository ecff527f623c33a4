"""Witnesses of the countries: what they are to cosign, what they cosigned, and the newest checkpoint of many."""
