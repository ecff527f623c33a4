"""Configuration, read once from SARHAD_* variables or the TOML file that SARHAD_CONFIG names."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from sqlalchemy.engine import URL, make_url


class Settings(BaseSettings):
    """Every setting of the service. The environment wins over the file."""

    model_config = SettingsConfigDict(env_prefix="SARHAD_", frozen=True, extra="ignore")

    database_url: Annotated[
        str,
        Field(description="PostgreSQL with PostGIS; the user of the URL may create roles and run migrations."),
    ] = "postgresql:///sarhad"
    database_password: Annotated[
        SecretStr | None,
        Field(description="Password shared by the sarhad_* login roles; without it they log in by peer or trust."),
    ] = None
    database_pool: Annotated[int, Field(ge=1, le=100, description="Connections per worker and role.")] = 8
    state_dir: Annotated[Path, Field(description="Service keys, last checkpoints, spooled uploads; mode 0700.")] = Path(
        ".sarhad"
    )
    origin: Annotated[
        str,
        Field(
            description="Public scheme and authority; requests are signed for it.",
            pattern=r"^https?://[^/]+$",
        ),
    ] = "http://127.0.0.1:8000"
    port: Annotated[int, Field(ge=1, le=65535, description="Loopback port to listen on.")] = 8000
    workers: Annotated[int, Field(ge=0, description="Worker processes; 0 means one per core.")] = 0
    request_max_bytes: Annotated[int, Field(description="Largest body of a single request.")] = 262_144
    batch_max_bytes: Annotated[int, Field(description="Largest body of a batch.")] = 1_073_741_824
    batch_max_lines: Annotated[int, Field(description="Most records in one batch.")] = 50_000
    requests_per_minute: Annotated[int, Field(ge=1, description="Signed requests allowed per key and minute.")] = 6_000
    merge_delay_seconds: Annotated[
        int, Field(ge=1, description="Promise of a receipt: its leaf is in the log within this time.")
    ] = 60
    log_dummies_per_minute: Annotated[
        int, Field(ge=0, description="Random leaves added to each log, to blur how much is going on.")
    ] = 0

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = os.environ.get("SARHAD_CONFIG")
        sources = (init_settings, env_settings)
        return (*sources, TomlConfigSettingsSource(settings_cls, Path(file))) if file else sources

    def database_as(self, role: str | None = None) -> URL:
        """The URL under which `role` logs in; without a role, the URL's own user (migrations, administration)."""
        url = make_url(self.database_url).set(drivername="postgresql+psycopg")
        if role is None:
            return url
        password = self.database_password.get_secret_value() if self.database_password else None
        return url.set(username=role, password=password)
