"""Configuration, read once from SARHAD_* variables or the TOML file that SARHAD_CONFIG names."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from sqlalchemy.engine import URL, make_url


class Provider(BaseModel):
    """A country's OpenID Connect provider, at which the console is a client of the authorization code flow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="Whose officers it identifies.")]
    name: Annotated[str, Field(min_length=1, max_length=60, description="As officers know it.")]
    issuer: Annotated[
        str, Field(pattern=r"^(https://|http://(127\.0\.0\.1|localhost)(:|/|$))", description="Issuer identifier.")
    ]
    client_id: str
    client_secret: Annotated[SecretStr | None, Field(description="None for a client that proves itself by PKCE.")] = (
        None
    )
    networks: Annotated[
        tuple[str, ...], Field(description="Networks outside the public one that its addresses may be in.")
    ] = ()


class CountryKeys(BaseModel):
    """The keys under which the sensitive facets of one country's records are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="Whose records.")]
    keys: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="Files of state_dir, or PKCS#11 URIs: the first seals, all open."),
    ]


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
    database_pooler: Annotated[
        bool,
        Field(
            description="The URL leads to PgBouncer in transaction mode: sessions bring no options (the roles have"
            " them, deploy/roles.sql) and keep no prepared statements."
        ),
    ] = False
    replica_url: Annotated[
        str | None,
        Field(
            description="A streaming replica that may answer analysts' questions; roles, password and pooler are as of"
            " the database."
        ),
    ] = None
    replica_staleness: Annotated[
        float, Field(gt=0, description="Seconds that records may be behind there; of policies it is none.")
    ] = 10
    database_pool: Annotated[int, Field(ge=1, le=100, description="Connections per worker and role.")] = 8
    state_dir: Annotated[Path, Field(description="Service keys, last checkpoints, spooled uploads; mode 0700.")] = Path(
        ".sarhad"
    )
    service_key: Annotated[
        str | None,
        Field(
            description="The service's first key, as a PKCS#11 URI (RFC 7512) with its PIN in the file that pin-source"
            " names; without it, the file service-key.pem of state_dir.",
            pattern=r"^pkcs11:",
        ),
    ] = None
    facet_keys: Annotated[
        tuple[CountryKeys, ...],
        Field(description="Under which keys sensitive facets are kept; of a country that is not named, in clear."),
    ] = ()
    origin: Annotated[
        str,
        Field(
            description="Public scheme and authority; requests are signed for it.",
            pattern=r"^https?://[^/]+$",
        ),
    ] = "http://127.0.0.1:8000"
    console_origin: Annotated[
        str | None,
        Field(
            description="Origin of the console where it differs: passkeys belong to a host name, never to an address.",
            pattern=r"^https?://[^/]+$",
        ),
    ] = None
    console_dir: Annotated[
        Path | None,
        Field(description="The console as it was built (clients/web/dist); without it none is served."),
    ] = None
    providers: Annotated[
        tuple[Provider, ...],
        Field(description="Who identifies a country's officers for the console; passkeys are there in any case."),
    ] = ()

    @field_validator("providers")
    @classmethod
    def _one_of_each_country(cls, providers: tuple[Provider, ...]) -> tuple[Provider, ...]:
        countries = [provider.country for provider in providers]
        if twice := {country for country in countries if countries.count(country) > 1}:
            raise ValueError(f"a country has one provider, and {', '.join(sorted(twice))} several")
        return providers

    port: Annotated[int, Field(ge=1, le=65535, description="Loopback port to listen on.")] = 8000
    workers: Annotated[int, Field(ge=0, description="Worker processes; 0 means one per core.")] = 0
    request_max_bytes: Annotated[int, Field(description="Largest body of a single request.")] = 262_144
    batch_max_bytes: Annotated[int, Field(description="Largest body of a batch.")] = 1_073_741_824
    batch_max_lines: Annotated[int, Field(description="Most records in one batch.")] = 50_000
    requests_per_minute: Annotated[
        int,
        Field(
            ge=1,
            description="Signed requests allowed per key, minute and worker: each worker counts for itself, so that the"
            " service as a whole allows up to this times the number of workers.",
        ),
    ] = 6_000
    country_requests_per_minute: Annotated[
        int, Field(ge=1, description="The same for all keys of a country together, per minute and worker.")
    ] = 18_000
    bytes_per_minute: Annotated[
        int,
        Field(
            ge=1,
            description="Bytes of bodies allowed per key, minute and worker: as a whole, up to this times the number of"
            " workers.",
        ),
    ] = 2**30
    country_bytes_per_minute: Annotated[
        int, Field(ge=1, description="The same for all keys of a country together, per minute and worker.")
    ] = 2**31
    policy_changes_per_hour: Annotated[
        int, Field(ge=1, description="Policies approved and suspensions lifted by one country in any hour, together.")
    ] = 60
    merge_delay_seconds: Annotated[
        int, Field(ge=1, description="Promise of a receipt: its leaf is in the log within this time.")
    ] = 60
    log_dummies_per_minute: Annotated[
        int, Field(ge=0, description="Random leaves added to each log, to blur how much is going on.")
    ] = 0
    jobs: Annotated[
        bool, Field(description="Serving also does the jobs; without it, `sarhad jobs run` does them elsewhere.")
    ] = True
    jobs_lost_seconds: Annotated[
        float, Field(ge=1, description="A jobs process not heard of for so long is lost, and its jobs are done again.")
    ] = 30
    attachment_store: Annotated[
        str | None,
        Field(
            description="Where attachments lie: s3://bucket/prefix, with credentials and endpoint in AWS_* variables;"
            " without it, a folder under state_dir.",
            pattern=r"^(s3|gs|az|file)://",
        ),
    ] = None
    attachment_max_bytes: Annotated[int, Field(ge=1, description="Largest attachment.")] = 33_554_432
    attachment_piece_bytes: Annotated[int, Field(ge=1, description="Largest piece of an upload.")] = 8_388_608
    attachment_quota_bytes: Annotated[
        int, Field(ge=1, description="Attachments and uploads that one country may hold together.")
    ] = 53_687_091_200
    attachment_uploads: Annotated[int, Field(ge=1, description="Uploads that one agency may have open.")] = 50
    attachment_days: Annotated[
        int, Field(ge=1, description="Days within which a record must name an attachment, or it is removed.")
    ] = 7
    hits_per_minute: Annotated[
        int, Field(ge=1, description="Searches for hits in spectra that are not shared, per key, minute and worker.")
    ] = 10
    country_hits_per_minute: Annotated[
        int, Field(ge=1, description="The same for all keys of a country together, per minute and worker.")
    ] = 30
    hits_per_day: Annotated[
        int, Field(ge=1, description="Searches with spectra of one country in a day, after which none is for hits.")
    ] = 1_000
    methods_per_day: Annotated[
        int, Field(ge=1, description="Methods of profiling that one country may declare in a day.")
    ] = 20
    calibrations_per_day: Annotated[
        int, Field(ge=1, description="Calibrations of such methods that one country may make in a day.")
    ] = 20
    comparisons_per_day: Annotated[
        int, Field(ge=1, description="Profiles that one country may compare with what is filed, in a day.")
    ] = 200
    exports_reserve_bytes: Annotated[
        int, Field(ge=0, description="Free space below which no export is built: a full disk stops everything.")
    ] = 2**31
    exports_per_country: Annotated[
        int, Field(ge=1, description="Exports of one country that wait or are being built at a time.")
    ] = 6
    exports_per_hour: Annotated[
        int, Field(ge=1, description="Exports that one country may ask for in an hour, whatever becomes of them.")
    ] = 120
    exports_quota_bytes: Annotated[
        int, Field(ge=1, description="Files of exports that are kept for one country together.")
    ] = 10_737_418_240
    exports_hours: Annotated[int, Field(ge=1, description="How long the file of an export is kept.")] = 72
    lake_engine: Annotated[
        Literal["duckdb", "spark"], Field(description="What answers questions to the lake: `sarhad lake ask`.")
    ] = "duckdb"
    lake_spark: Annotated[
        str, Field(description="Spark's master: spark://host:7077, yarn, or local[*] for this machine alone.")
    ] = "local[*]"
    records_granted_per_day: Annotated[
        int, Field(ge=1, description="Records of which one country's officers may give others more, singly, in a day.")
    ] = 100
    requests_per_owner_and_day: Annotated[
        int, Field(ge=1, description="Requests for more of their records that one country may make to one owner a day.")
    ] = 100
    packs_per_day: Annotated[int, Field(ge=1, description="Packs that one country may draft in a day.")] = 100
    alerts_per_day: Annotated[int, Field(ge=1, description="Alerts that one country may issue in a day.")] = 100
    acts_per_day: Annotated[
        int,
        Field(ge=1, description="Acts of one country in the governance log in a day; then none on links and alerts."),
    ] = 10_000
    public_releases: Annotated[
        bool, Field(description="The public tier: releases that owners approved are served to everybody, unsigned.")
    ] = False

    webhook_networks: Annotated[
        tuple[str, ...],
        Field(
            description="Networks outside the public one that webhooks may reach, also by http: for trials, and for"
            " receivers inside a national network. None by default."
        ),
    ] = ()
    webhook_seconds: Annotated[
        float, Field(gt=0, le=600, description="How long a receiver may take for one delivery; then it has failed.")
    ] = 15
    webhook_patience: Annotated[
        float, Field(ge=0, le=100, description="What failed is tried again after so many times 4, 16, 64 … seconds.")
    ] = 1
    webhooks_per_country: Annotated[
        int, Field(ge=1, le=64, description="Receivers of one country that are delivered to at the same time.")
    ] = 4
    streams_per_country: Annotated[int, Field(ge=1, description="Open event streams of one country, per worker.")] = 8

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

    @property
    def origins(self) -> tuple[str, ...]:
        """Every origin that requests may be signed for, the public one first."""
        return (self.origin,) if self.console_origin is None else (self.origin, self.console_origin)

    @property
    def console(self) -> str:
        """The origin of the console, to which passkeys belong."""
        return self.console_origin or self.origin

    def database_as(self, role: str | None = None) -> URL:
        """The URL under which `role` logs in; without a role, the URL's own user (migrations, administration)."""
        url = make_url(self.database_url).set(drivername="postgresql+psycopg")
        return url if role is None else self._login(url, role)

    def replica_as(self, role: str) -> URL | None:
        """The same of the replica, where there is one."""
        if self.replica_url is None:
            return None
        return self._login(make_url(self.replica_url).set(drivername="postgresql+psycopg"), role)

    def _login(self, url: URL, role: str) -> URL:
        password = self.database_password.get_secret_value() if self.database_password else None
        return url.set(username=role, password=password)
