"""The access log: every reading through the gate, logged before its answer leaves, and told to the owners."""
