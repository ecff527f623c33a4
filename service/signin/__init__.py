"""Sign-in at the console: a passkey certifies two keys of the browser for one working day, and they sign like any."""
