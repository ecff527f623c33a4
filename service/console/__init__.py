"""The console: the built page, served beside the interface that it is a client of."""
