"""The advisory locks of the database: numbers that all its sessions share, so two features with one would wait for
each other. PostgreSQL keeps locks of one number and of two apart (its documentation, 13.3.5), so both begin anew.
"""

from enum import IntEnum, unique


@unique
class Alone(IntEnum):
    """One at a time of all."""

    GATE = 7276823  # taken in SQL
    CUBE_FOLDING = 7276824  # taken in SQL
    CUBE_CHECK = 7276825
    NOTICES = 7276826
    LINK_PASSES = 7276827  # taken in SQL
    ALERTS = 7276829  # taken in SQL
    SEQUENCER = 0x5A72_6864


@unique
class Turn(IntEnum):
    """One at a time of each country, or of whom the number says; the second number is the hash of its name."""

    RULES = 7276824  # taken in SQL
    SUSPENSIONS = 7276826  # taken in SQL
    PROVISIONAL = 7276828  # of an agency; taken in SQL
    ATTACHMENTS = 7276829
    EXPORTS = 7276831
    QUESTIONS = 7276832  # of a key
    POLICY_CHANGES = 7276843  # suspensions and readers do not wait for it
    GRANTS = 7276844  # nothing of a record is locked after it
    PACKS = 7276845
    REQUESTS = 7276846
    METHOD_NAMES = 7276847  # of a method of profiling
    METHODS = 7276848
    CALIBRATIONS = 7276849
    SCHEDULES = 7276850
    ACTS = 7276851


@unique
class Seed(IntEnum):
    """Of locks whose one number is the hash of many names: exhibits, records, lanes of jobs."""

    RECORD_RULES = 7276825
    EXHIBITS = 7276828  # taken in SQL
    LANES = 7276842  # taken in SQL
