"""Everything that puts the service on a machine."""
