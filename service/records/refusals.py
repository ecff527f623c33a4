"""Why the bytes of a record were refused, before anything is said about its content."""

from http import HTTPStatus

from service.problems import Problem


class MalformedRecord(Problem):
    """This is not a record in the form that Sarhad accepts."""

    status = HTTPStatus.BAD_REQUEST


class RecordTooLarge(MalformedRecord):
    """The record is larger than the service accepts."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class MalformedHeader(MalformedRecord):
    """The header of the record is not the one form that is accepted."""


class MalformedClaims(MalformedRecord):
    """A clear member of the record is missing, unknown or not of its form."""


class MalformedDisclosure(MalformedRecord):
    """A disclosure is not a salted facet."""


class UnknownDisclosure(MalformedRecord):
    """A disclosure does not belong to this record."""


class DuplicateDisclosure(MalformedRecord):
    """The same facet is disclosed twice."""


class UnknownFacet(MalformedRecord):
    """A disclosure names a facet that does not exist."""


class RecordSignatureInvalid(Problem):
    """The signature over the record does not verify with the key it names."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class AlgorithmMismatch(RecordSignatureInvalid):
    """The record names another algorithm than its key has."""
