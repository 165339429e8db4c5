"""The service's own file, `campaignd.toml`: what may stand in it, and what holds when it does not."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from actors.campaign.settings import Positive, Settings
from actors.prices import PriceList
from supervisor.config.values import (
    Amount,
    Currency,
    Dsn,
    JsonTable,
    Line,
    Listen,
    LiveKitUrl,
    NumberPrefix,
    PathText,
    PhoneNumber,
    Seconds,
    Slug,
    Store,
    parse_range,
)


def _numbers(value: str) -> str:
    parse_range(value)
    return value


class ServiceSettings(Settings):
    """Where the service keeps what it keeps, and how it stops."""

    state_directory: PathText = "/var/lib/campaignd"
    """Folder of the embedded database and of recordings; relative: beside this file."""
    campaigns_directory: PathText = "campaigns.d"
    """Folder with a file for each campaign; relative: beside this file."""
    drain_timeout_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 60
    """How long a stopping service waits for calls in progress; what is still up then, the next start takes over."""
    lease_s: Annotated[float, Field(ge=1, le=3600, allow_inf_nan=False)] = 15
    """How long a service may be out of touch with PostgreSQL before others take its campaigns over."""


class DatabaseSettings(Settings):
    """PostgreSQL."""

    dsn: Dsn | None = None
    """PostgreSQL 14 or newer, without a password; not given: the service's own, in its state directory."""
    pool_size: Annotated[int, Field(ge=2, le=500)] = 10
    # A listener's, an importer's, a reload's, and two for call lists over HTTP.
    """Connections that actors share, at most; the process has up to 5 more."""


class LiveKitSettings(Settings):
    """LiveKit's server; its key and secret come from the environment or from systemd's credentials."""

    url: LiveKitUrl = "http://127.0.0.1:7880"
    """Address of its API."""
    longest_dial_s: Seconds = 90
    """So long after a dial request a phone can't ring any more unseen: LiveKit gives a waiting one up after 80 s."""


class PriceSettings(Settings):
    """What a trunk's provider takes for an answered call, by which its cost is estimated. Amounts are texts, so that
    they are exactly what is written here."""

    currency: Currency
    """ISO 4217, such as EUR."""
    per_minute: Annotated[Mapping[NumberPrefix, Amount], Field(min_length=1)]
    """By the beginning of the number called, of which the longest counts; "+" stands for all others."""
    connection_fee: Amount = "0"
    """For each answered call."""
    increment_s: Annotated[int, Field(ge=1, le=3600)] = 60
    """A call is charged in steps of so many seconds, the last one whole."""

    def price_list(self) -> PriceList:
        """The same, to reckon with."""
        return PriceList(
            currency=self.currency,
            per_minute={prefix: Decimal(amount) for prefix, amount in self.per_minute.items()},
            connection_fee=Decimal(self.connection_fee),
            increment_s=self.increment_s,
        )


class TrunkSettings(Settings):
    """A SIP trunk that campaigns dial through. Its limits hold over all of them; what is not given does not limit."""

    livekit_trunk_id: Line
    """LiveKit's id of the outbound trunk, such as ST_xxxx."""
    from_number: PhoneNumber
    """The number that is shown to those called, E.164."""
    max_concurrent_calls: Positive | None = None
    """Calls through this trunk in progress at once."""
    calls_per_minute: Positive | None = None
    """Calls through this trunk begun in any window of 60 s."""
    calls_per_second: Positive | None = None
    """Calls through this trunk begun in any window of 1 s."""
    prices: PriceSettings | None = None
    """What its calls cost; not given: their receipts come from the provider alone."""


class SkillbaseSettings(Settings):
    """What a voice agent knows."""

    agent_name: Line
    """The LiveKit agent that is dispatched to each call."""
    metadata: JsonTable = Field(default_factory=dict)
    """Handed to the agent with its job, as JSON."""


class CompanySettings(Settings):
    """A tenant."""

    name: Line
    """As people write it."""
    max_concurrent_calls: Positive | None = None
    """Calls of all its campaigns in progress at once."""
    max_attempts_per_day: Positive | None = None
    """Attempts at one number within any 24 hours, over all its campaigns."""
    recording_slots: Annotated[int, Field(gt=0, le=100)] = 3
    """Downloads of recordings at once."""
    retention_days: Annotated[int, Field(gt=0, le=36_500)] | None = None
    """So old, a recording is deleted, its transcript with it; not given: never."""
    skillbases: Mapping[Slug, SkillbaseSettings] = Field(default_factory=dict)
    """Its skillbases, each under its slug."""


class HttpSettings(Settings):
    """The service's HTTP interface; its token is CAMPAIGND_HTTP_TOKEN or the credential http_token."""

    listen: Listen = "127.0.0.1:9464"
    """host:port; port 0: any free one."""

    @property
    def host(self) -> str:
        """The host alone, an IPv6 one without its brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port alone."""
        return int(self.listen.rpartition(":")[2])


class BreakerSettings(Settings):
    """When a failing service (LiveKit, a trunk, the agents, the recordings' store) is left alone, and for how long."""

    failure_rate: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of failed calls at which the breaker opens."""
    minimum_calls: Positive = 5
    """Fewer calls within the window, or failures in a row, say nothing."""
    window_s: Seconds = 30
    """How far back calls count."""
    open_s: Seconds = 30
    """How long it stays open the first time; doubles with every failed probe."""
    max_open_s: Seconds = 600
    """The longest it stays open before the next probe."""

    @model_validator(mode="after")
    def _grows(self) -> BreakerSettings:
        if self.max_open_s < self.open_s:
            raise ValueError("max_open_s is less than open_s")
        return self


class RecordingsSettings(Settings):
    """Where recordings go."""

    store: Store | None = None
    """file:///folder, s3://bucket/prefix or gs://bucket/prefix; not given: `recordings` in the state directory."""
    source: Store | None = None
    """Where LiveKit's egress writes, an address of the same kinds; not given: the folder `incoming` of the store."""
    delete_from_source: bool = True
    """Delete what egress wrote, once it is in the store."""
    max_downloads: Annotated[int, Field(ge=1, le=500)] = 12
    """Downloads at once of all companies together, in this process."""
    attempts: Positive = 8
    """Downloads of one recording, after which it is failed."""
    retry_delay_s: Seconds = 10
    """Before the second attempt; doubles with each."""
    max_retry_delay_s: Seconds = 3600
    """The longest delay before an attempt."""
    egress_timeout_s: Seconds = 900
    """How long after its call LiveKit may take to end a recording, before it is given up."""
    transcriber: Annotated[str, Field(pattern=r"^(none|whisper|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$", max_length=255)] = (
        "none"
    )
    """What turns a recording into text: none, whisper (the extra of that name), or module:Class of your own."""
    model: PathText | None = None
    """The transcriber's model, a path or a name; not given: its own choice."""


class JobSettings(Settings):
    """Background jobs: how much of PostgreSQL they take for themselves."""

    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Leads or receipts in one transaction."""
    pause_s: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0.1
    """Between two batches of a job, in which calling has PostgreSQL for itself."""
    attempts: Positive = 5
    """Attempts at a batch in a row, after which its job is failed."""
    retry_delay_s: Seconds = 10
    """Before the second attempt; doubles with each, up to an hour."""
    at_once: Annotated[int, Field(ge=1, le=100)] = 2
    """Jobs worked at a time, each of another company."""


class LoggingSettings(Settings):
    """The log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged."""
    format: Literal["text", "json"] = "text"
    """text for people, json for machines: one object a line."""


class VerifySettings(Settings):
    """What `campaignd verify` may do: it has the service call test numbers, for a company of its own."""

    numbers: Annotated[
        str, AfterValidator(_numbers), Field(json_schema_extra={"examples": ["+79450000000-+79450009999"]})
    ]
    """The only numbers it may ring, first and last: those of a test trunk."""
    trunk: Slug
    """The trunk it dials them through."""
    agent_name: Line
    """The LiveKit agent that talks to them."""


VERIFY_COMPANY = "verify"
"""Slug of the company, and of its skillbase, whose campaigns `campaignd verify` makes."""


class ServiceFile(Settings):
    """campaignd.toml: the service, what it dials through, and for whom."""

    service: ServiceSettings = ServiceSettings()
    database: DatabaseSettings = DatabaseSettings()
    livekit: LiveKitSettings = LiveKitSettings()
    trunks: Mapping[Slug, TrunkSettings] = Field(default_factory=dict)
    """Outbound trunks, each under the name that campaigns use."""
    companies: Mapping[Slug, CompanySettings] = Field(default_factory=dict)
    """Tenants, each under its slug."""
    http: HttpSettings = HttpSettings()
    breaker: BreakerSettings = BreakerSettings()
    recordings: RecordingsSettings = RecordingsSettings()
    jobs: JobSettings = JobSettings()
    logging: LoggingSettings = LoggingSettings()
    verify: VerifySettings | None = None

    @property
    def tenants(self) -> Mapping[str, CompanySettings]:
        """The companies, and that of `campaignd verify`, if it is set up."""
        if self.verify is None:
            return self.companies
        skillbase = SkillbaseSettings(agent_name=self.verify.agent_name)
        return {
            **self.companies,
            VERIFY_COMPANY: CompanySettings(name="Verification", skillbases={VERIFY_COMPANY: skillbase}),
        }
