"""Saved questions: asked by whom they are shared with, and by the service on a schedule, with word of a change."""
