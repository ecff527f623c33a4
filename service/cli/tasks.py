"""What the jobs process can do."""

from service.alerts.tasks import tasks as alerts
from service.bulletins.make import TASKS as BULLETINS
from service.exports.build import tasks as exports
from service.jobs import Tasks
from service.questions.again import tasks as questions

FEATURES: list[Tasks] = [alerts, BULLETINS, exports, questions]
"""The tasks of every feature that has some."""
