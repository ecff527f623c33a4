"""A mirror plot: the query above the line, the candidate below, common peaks in one colour. SVG 1.1, no script."""

from html import escape

from service.spectra.library import MS2_TOLERANCE, matches
from service.spectra.spectrum import Spectrum

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _MIDDLE, _REACH = 800, 420, 56, 16, 205, 160
_LABELLED = 6  # peaks of each side that carry their m/z
_STYLE = (
    "text{font:12px sans-serif;fill:#1a1a1a}.axis{stroke:#555}.common{stroke:#0b6e4f;stroke-width:2}"
    ".alone{stroke:#8c8c8c}.title{font-weight:600}"
)


def mirror(query: Spectrum, candidate: Spectrum, title: str, tolerance: float = MS2_TOLERANCE) -> str:
    """The drawing, 800 × 420; intensities relative to each base peak, m/z in Th."""
    low = min(query.peaks[0][0], candidate.peaks[0][0])
    high = max(query.peaks[-1][0], candidate.peaks[-1][0])
    margin = max(0.05 * (high - low), 1.0)
    span = (low - margin, high + margin)
    pairs = matches(query, candidate, tolerance)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT}" y="20">{escape(title)}</text>',
        *_side(query, {i for i, _ in pairs}, span, up=True),
        *_side(candidate, {j for _, j in pairs}, span, up=False),
        f'<line class="axis" x1="{_LEFT}" y1="{_MIDDLE}" x2="{_WIDTH - _RIGHT}" y2="{_MIDDLE}"/>',
        *_scale(span),
        "</svg>",
    ]
    return "".join(parts)


def _x(mz: float, span: tuple[float, float]) -> float:
    return round(_LEFT + (mz - span[0]) / (span[1] - span[0]) * (_WIDTH - _LEFT - _RIGHT), 1)


def _side(spectrum: Spectrum, common: set[int], span: tuple[float, float], *, up: bool) -> list[str]:
    base = max(intensity for _, intensity in spectrum.peaks)
    sign = -1 if up else 1
    strongest = sorted(range(len(spectrum.peaks)), key=lambda i: -spectrum.peaks[i][1])[:_LABELLED]
    drawn = []
    for i, (mz, intensity) in enumerate(spectrum.peaks):
        relative = intensity / base
        if relative < 0.002:  # thinner than the line that would draw it
            continue
        x, y = _x(mz, span), round(_MIDDLE + sign * relative * _REACH, 1)
        kind = "common" if i in common else "alone"
        drawn.append(f'<line class="{kind}" x1="{x}" y1="{_MIDDLE}" x2="{x}" y2="{y}"/>')
        if i in strongest:
            drawn.append(f'<text x="{x}" y="{y - 4 if up else y + 14}" text-anchor="middle">{mz:.2f}</text>')
    name = escape(spectrum.name or ("query" if up else "library"))
    drawn.append(f'<text x="{_WIDTH - _RIGHT}" y="{40 if up else _HEIGHT - 28}" text-anchor="end">{name}</text>')
    return drawn


def _scale(span: tuple[float, float]) -> list[str]:
    width = span[1] - span[0]
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if width / s <= 12)
    first = int(span[0] // step + 1) * step
    marks = [
        f'<text x="{_x(mz, span)}" y="{_HEIGHT - 8}" text-anchor="middle">{mz}</text>'
        for mz in range(first, int(span[1]) + 1, step)
    ]
    return [*marks, f'<text x="8" y="{_HEIGHT - 8}">m/z</text>']
