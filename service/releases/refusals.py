"""Refusals that several acts upon a record share."""

from http import HTTPStatus

from service.problems import Problem


class OfficerRequired(Problem):
    """What lets others see more is the decision of the owner's policy officer."""

    status = HTTPStatus.FORBIDDEN


class NotTheFilingAgency(Problem):
    """What lets others see less is up to the agency that filed the record, and to the country's policy officer."""

    status = HTTPStatus.FORBIDDEN


class InvalidTerm(Problem):
    """The date does not lie within the terms of the exchange."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
