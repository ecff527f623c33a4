"""The calls about spectra: search with one, the reference library, and submissions to it."""

from typing import Any

from sarhad._calls import BYTES, Call, _get, _named, _nothing, _object, _segment


def search_spectra(data: bytes, **params: Any) -> Call[dict[str, Any]]:
    """Search with a spectrum (MassBank, MSP, JCAMP-DX, mzML) for the client's purpose; nothing of it is stored."""
    asked = {name: str(value).lower() if isinstance(value, bool) else value for name, value in params.items()}
    headers = {"content-type": BYTES}
    return Call(
        "POST", "/v1/spectra/search", _object, params=_named(asked), content=data, headers=headers, purposeful=True
    )


def spectra_library(**params: Any) -> Call[dict[str, Any]]:
    """A page of the reference spectra, newest first, by `substance` and `technique`."""
    return _get("/v1/spectra/library", params)


def library_spectrum(spectrum_id: str) -> Call[dict[str, Any]]:
    """One reference spectrum with its peaks."""
    return _get(f"/v1/spectra/library/{_segment(spectrum_id)}")


def submit_spectra(data: bytes, **params: Any) -> Call[dict[str, Any]]:
    """Submit reference spectra for every member (role laboratory), with `licence` and, if need be, `substance`."""
    headers = {"content-type": BYTES}
    return Call("POST", "/v1/spectra/library", _object, params=_named(params), content=data, headers=headers)


def withdraw_spectrum(spectrum_id: str) -> Call[None]:
    """Take back a reference spectrum that one's agency submitted."""
    return Call("DELETE", f"/v1/spectra/library/{_segment(spectrum_id)}", _nothing, repeatable=False)
