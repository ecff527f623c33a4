"""`sarhad gateway`: QGIS and GDAL read what is shared with you, without knowing how to sign."""

from typing import Annotated

import typer

from sarhad.cli.output import CaseOption, ProfileOption, PurposeOption, ServiceKeyOption, connect, console
from sarhad.cli.words import say
from sarhad.errors import ConfigurationError
from sarhad.gateway import Gateway
from sarhad.profile import Profile


def gateway(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 8888,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
    service_key: ServiceKeyOption = None,
) -> None:
    """Serve the OGC API of the exchange on this machine, in plain HTTP and read-only, until Ctrl-C.

    Every request is signed with the profile's key for the stated purpose, and logged there as yours.

    Example: sarhad gateway --profile KZ-CUS, then in QGIS a new WFS / OGC API - Features connection to
    http://127.0.0.1:8888, or: ogr2ogr -f GPKG seizures.gpkg OAPIF:http://127.0.0.1:8888 seizures
    """
    with connect(Profile.load(profile), service_key, purpose=purpose, case=case) as client:
        client.service()
        try:
            server = Gateway(client, port=port)
        except OSError as fault:
            raise ConfigurationError(
                "Port {port} cannot be used: {strerror}. Try --port 0.", port=port, strerror=fault.strerror
            ) from None
        with server:
            console.print(
                say(
                    "OGC API - Features and Tiles: {origin} (purpose: {purpose}; Ctrl-C ends it)",
                    origin=server.origin,
                    purpose=purpose,
                ),
                markup=False,
            )
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                console.print(say("The gateway is closed."))
