"""Who takes part: countries, their agencies, the agencies' keys and roles, and how all of these change."""
