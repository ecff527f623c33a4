"""How long each stage takes, and which agencies are silent: of a country's own records, without their content."""
