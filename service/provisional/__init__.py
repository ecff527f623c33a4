"""What the catalogue does not have yet: structures examined, unknowns registered, published, and resolved."""
