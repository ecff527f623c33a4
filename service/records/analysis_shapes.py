"""The shape of every facet of an analysis, where it differs from a report's.

An analysis is a laboratory's record: `laboratory` says what was examined and how, `items` what was found, `purity` how
much of it, `marks` what the units look like. Exhibits and techniques are numbered in `laboratory`, findings in `items`;
the other facets name those numbers, so that none of them repeats what another may withhold.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from service.records.codes import code
from service.records.scalars import Day, Maybe, Quantity, Text60, Text64, Text200
from service.records.shapes import Common, Document, ExhibitNumber, RegisterCode, Sha256Hex, Shape, Spectrum

THUMBPRINT_PATTERN = r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
JWS_PATTERN = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"
PROPORTION_PATTERN = r"^(0\.[0-9]{1,4}|1(\.0{1,4})?)$"

AgencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-[A-Z0-9]{2,12}$")]
Thumbprint = Annotated[str, StringConstraints(pattern=THUMBPRINT_PATTERN)]
CompactJws = Annotated[str, StringConstraints(pattern=JWS_PATTERN, max_length=1_024)]
Proportion = Annotated[str, StringConstraints(pattern=PROPORTION_PATTERN)]
PerceptualHash = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{16}$"),
    Field(description="64-bit DCT hash (pHash) of the cropped imprint, hexadecimal, as PyPI `imagehash` writes it."),
]
ProfileMethodCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{1,37}\.[0-9]{1,3}$"),
    Field(description="Code of a declared method and its version: AMP-GCMS.1"),
]
Edition = Literal["8.0", "8.1", "8.2"]
Number = Annotated[int, Field(ge=1, le=1_000)]
Units = Annotated[int, Field(ge=0, le=10**9)]


class Exhibit(Shape):
    """One thing that was handed over, and the chain of its custody up to the laboratory's door."""

    n: Number
    number: ExhibitNumber
    received: Day
    received_from: AgencyCode
    seals: Maybe[Annotated[list[Text64], Field(max_length=50)]] = None
    seals_intact: Maybe[bool] = None
    condition: Maybe[Text200] = None


class Technique(Shape):
    """One technique as used; a hyphenated one (GC-MS) is two, where the result of each was used.

    `category` is the laboratory's, by the given edition of the SWGDRUG recommendations (Part III B, table 1).
    """

    n: Number
    technique: Annotated[str, code("techniques")]
    category: Annotated[str, code("swgdrug_categories")]
    edition: Edition
    result: Annotated[str, code("technique_results")]
    method: Maybe[Text64] = None
    date: Maybe[Day] = None


class SamplingClaim(Shape):
    """At least this proportion of the units is positive, with at least this confidence."""

    proportion: Proportion
    confidence: Proportion


class Sampling(Shape):
    """How units were chosen from an exhibit: `population` units, `sampled` of them examined, `positive` of those."""

    exhibit: Number
    plan: Annotated[str, code("sampling_plans")]
    population: Units
    sampled: Units
    positive: Units
    claim: Maybe[SamplingClaim] = None


class Accreditation(Shape):
    status: Annotated[str, code("accreditations")]
    certificate: Maybe[Text64] = None
    in_scope: Maybe[bool] = None


class Proficiency(Shape):
    """The latest round of a proficiency test that covers the methods used."""

    scheme: Text64
    round: Text64


class Examination(Shape):
    """What the laboratory examined, by what right and how; who analysed and who reviewed.

    `analyst` is the key that signs the record, `reviewer` another key of the laboratory, whose signature `review` is.
    """

    case: Text64
    exhibits: Annotated[list[Exhibit], Field(min_length=1, max_length=100)]
    techniques: Annotated[list[Technique], Field(min_length=1, max_length=100)]
    sampling: Maybe[Annotated[list[Sampling], Field(min_length=1, max_length=100)]] = None
    accreditation: Accreditation
    proficiency: Maybe[Proficiency] = None
    started: Maybe[Day] = None
    issued: Day
    reports: Maybe[Annotated[list[Document], Field(max_length=20)]] = None
    analyst: Thumbprint
    reviewer: Thumbprint
    review: CompactJws


class Finding(Shape):
    """One substance in one exhibit, or one that was looked for. `techniques` are the numbers of those it rests on.

    Without a catalogue code the substance is what the reported words resolve to; what is unknown needs neither.
    """

    line: Number
    exhibit: Number
    substance: Maybe[RegisterCode] = None
    reported: Text200
    role: Annotated[str, code("finding_roles")]
    level: Annotated[str, code("identification_levels")]
    techniques: Annotated[list[Number], Field(min_length=1, max_length=50)]
    isomer: Maybe[Annotated[str, code("isomer_statuses")]] = None
    stereo: Maybe[Annotated[str, code("stereo_statuses")]] = None
    salt: Maybe[Annotated[str, code("salt_forms")]] = None


class Content(Shape):
    """How much of a finding's substance there is. `uncertainty` is expanded, with coverage factor `k` (GUM).

    `uncertainty`, `lod` and `loq` are in the unit of `value`.
    """

    line: Number
    value: Quantity
    unit: Annotated[str, code("purity_units")]
    basis: Annotated[str, code("purity_bases")]
    uncertainty: Maybe[Quantity] = None
    k: Maybe[Quantity] = None
    lod: Maybe[Quantity] = None
    loq: Maybe[Quantity] = None
    replicates: Maybe[Number] = None


class Mass(Shape):
    """Of `n` units weighed one by one: mean and standard deviation, milligrams."""

    mean: Quantity
    sd: Maybe[Quantity] = None
    n: Number


class Appearance(Shape):
    """What the units of an exhibit look like. Lengths are millimetres."""

    exhibit: Number
    form: Annotated[str, code("physical_forms")]
    colour: Text60
    colour_inside: Maybe[Text60] = None
    shape: Maybe[Text60] = None
    logo: Maybe[Text60] = None
    logo_back: Maybe[Text60] = None
    score: Maybe[Annotated[str, code("tablet_scores")]] = None
    coated: Maybe[bool] = None
    diameter_mm: Maybe[Quantity] = None
    thickness_mm: Maybe[Quantity] = None
    length_mm: Maybe[Quantity] = None
    width_mm: Maybe[Quantity] = None
    mass_mg: Maybe[Mass] = None
    image_sha256: Maybe[Sha256Hex] = None
    logo_hash: Maybe[PerceptualHash] = None


class ImpurityProfile(Shape):
    """How much there is of each marker of a declared method, as the method measures it (peak areas, peak heights).

    Only profiles of one method are comparable; what is compared is derived from the areas, and they are kept as given.
    """

    method: ProfileMethodCode
    areas: Annotated[dict[Text60, Quantity], Field(min_length=5, max_length=98)]


class Measurement(Spectrum):
    """A spectrum or chromatogram, and the impurity profile that was measured from it."""

    profile: Maybe[ImpurityProfile] = None


class AnalysisFacets(Common):
    """An analysis' content. Attributes are None where a facet is absent or withheld."""

    items: Maybe[Annotated[list[Finding], Field(min_length=1, max_length=200)]] = None
    marks: Maybe[Annotated[list[Appearance], Field(min_length=1, max_length=100)]] = None
    laboratory: Maybe[Examination] = None
    purity: Maybe[Annotated[list[Content], Field(min_length=1, max_length=500)]] = None
    spectra: Maybe[Annotated[list[Measurement], Field(min_length=1, max_length=200)]] = None
