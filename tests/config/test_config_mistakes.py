"""Every kind of mistake is told with its file, its key and a reason that a person understands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from config_folder import CAMPAIGN, SERVICE, Folder

from supervisor.config.load import load_service
from supervisor.config.problems import ConfigurationFilesError

Problems = Callable[[], list[str]]
SPRING = "campaigns.d/spring.toml"


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("[limits]\ncalls_per_minute = 0", "limits.calls_per_minute", "Input should be greater than 0"),
        ("[limits]\nmax_concurrent_calls = true", "limits.max_concurrent_calls", "Input should be a valid integer"),
        ('[limits]\nmax_concurrent_calls = "3"', "limits.max_concurrent_calls", "Input should be a valid integer"),
        (
            "[limits]\nmax_concurent_calls = 3",
            "limits.max_concurent_calls",
            "unknown key; did you mean 'max_concurrent_calls'?",
        ),
        (
            "[limits]\nzzz = 3",
            "limits.zzz",
            "unknown key; known here: max_concurrent_calls, calls_per_minute, max_abandon_rate",
        ),
        ("[limit]", "limit", "unknown key; did you mean 'limits'?"),
        ("limits = 3", "limits", "Input should be a table"),
        ("calls_per_minute = 3", "calls_per_minute", "unknown key in this table; it belongs in [limits]"),
        (
            "[limits]\nenabled = true",
            "limits.enabled",
            "unknown key in this table; it belongs at the top of the file, before the first [table]",
        ),
        ('"a key\\nof two lines" = 1', '"a key of two lines"', None),
        (
            '[schedule]\ntimezone = "Moscow"',
            "schedule.timezone",
            "Unknown time zone: 'Moscow' is not an IANA name such as 'Europe/Moscow'",
        ),
        (
            '[schedule]\ndaily_start_time = "9:00"\ndaily_end_time = "21:00"',
            "schedule.daily_start_time",
            "Invalid time format: '9:00' is not HH:MM",
        ),
        (
            '[schedule]\ndaily_start_time = "09:00"',
            "schedule",
            "daily_start_time and daily_end_time are given together or not at all",
        ),
        (
            '[schedule]\ndays = ["mon", "tu"]',
            "schedule.days[1]",
            "Input should be 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun'; did you mean 'tue'?",
        ),
        (
            "[schedule]\nstart_time = 2026-12-01T00:00:00",
            "schedule.start_time",
            "Input should have an offset, such as 2026-12-01T00:00:00+03:00",
        ),
        (
            '[schedule]\nstart_time = "2026-12-01"',
            "schedule.start_time",
            "Input should be a date and time without quotes, such as 2026-12-01T00:00:00+03:00",
        ),
        ("[retry]\njitter = 1", "retry.jitter", "Input should be less than 1"),
        ("[retry]\nretry_delay_minutes = inf", "retry.retry_delay_minutes", None),
        (
            '[retry.outcomes]\nbusy = "nevr"',
            "retry.outcomes.busy",
            "Input should be a valid number; or: Input should be 'never'; did you mean 'never'?",
        ),
        (
            "[retry.outcomes]\nbussy = 5",
            "retry.outcomes.bussy",
            "Input should be 'answered', 'voicemail', 'no_answer', 'busy', 'rejected', 'invalid_number', "
            "'trunk_failed', 'rate_limited', 'agent_failed', 'cancelled', 'interrupted' or 'error'; "
            "did you mean 'busy'?",
        ),
        (
            "[retry.outcomes]\nanswered = 5",
            "retry.outcomes.answered",
            "a contact who has answered is not called again: it can have no rule",
        ),
        (
            "[retry.outcomes]\nrate_limited = 60",
            "retry.outcomes.rate_limited",
            "a refused pace says nothing of the contact, who is called again in seconds: it can have no rule",
        ),
        ('default_region = "ru"', "default_region", "'ru' is not a region's code of two letters, such as 'RU'"),
        (
            'mode = "brodcast"',
            "mode",
            "Input should be 'conversation' or 'broadcast'; did you mean 'broadcast'?",
        ),
        ('description = "\\u0000"', "description", "the character NUL can't be kept"),
        (f'description = "{"x" * 10_001}"', "description", "String should have at most 10000 characters"),
        (
            '[schedule]\ndays = ["tus"]',
            "schedule.days[0]",
            "Input should be 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun'; did you mean 'tue'?",
        ),
        ("[schedule]\ndays = []", "schedule.days", "not a single day; leave it out to call on every day"),
    ],
)
def test_a_mistake_in_a_campaigns_file(
    folder: Folder, problems: Problems, text: str, key: str, reason: str | None
) -> None:
    folder.add_to_campaign(text)
    [problem] = problems()
    assert problem.startswith(f"{SPRING}: {key}: ")
    if reason is not None:
        assert problem == f"{SPRING}: {key}: {reason}"


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ('[service]\nstate_direktory = "x"', "service.state_direktory", "unknown key; did you mean 'state_directory'?"),
        ("[service]\ndrain_timeout_s = -1", "service.drain_timeout_s", "Input should be greater than or equal to 0"),
        (
            '[trunks.Other]\nlivekit_trunk_id = "x"\nfrom_number = "+74951234567"',
            "trunks.Other",
            "a name here has only a-z, 0-9, _ and -, and begins with a letter or digit",
        ),
        (
            '[trunks.other]\nlivekit_trunk_id = "x"\nfrom_number = "84951234567"',
            "trunks.other.from_number",
            "'84951234567' is not an E.164 number: + and 7 to 15 digits, such as +74951234567",
        ),
        (
            '[trunks.other]\nfrom_number = "+74951234567"',
            "trunks.other.livekit_trunk_id",
            "required, but not given",
        ),
        (
            '[companies.gamma]\nname = "C"\nskillbasis = {}',
            "companies.gamma.skillbasis",
            "unknown key; did you mean 'skillbases'?",
        ),
        (
            "[companies.acme.skillbases.x]\nagent_name = 'y'\nmetadata = { since = 2026-01-01 }",
            "companies.acme.skillbases.x.metadata",
            "the agent gets this as JSON: no dates, no infinities, and not too deep",
        ),
        ('[http]\nlisten = "9464"', "http.listen", "'9464' is not host:port, such as 127.0.0.1:9464"),
        (
            '[livekit]\nurl = "livekit.example"',
            "livekit.url",
            "not a LiveKit address: http://, https://, ws:// or wss://, and a host",
        ),
        ("[breaker]\nopen_s = 900", "breaker", "max_open_s is less than open_s"),
        (
            '[recordings]\nstore = "recordings"',
            "recordings.store",
            "not a store: file:///folder, s3://bucket/prefix or gs://bucket/prefix",
        ),
        (
            '[recordings]\nstore = "s3://bucket?endpoint=minio:9000"',
            "recordings.store",
            "'endpoint' is not an option of s3://; it has endpoint_override, region, scheme",
        ),
        (
            '[recordings]\nstore = "file:///recordings?mode=0700"',
            "recordings.store",
            "'mode' is not an option of file://, which has none",
        ),
        (
            '[logging]\nlevel = "warn"',
            "logging.level",
            "Input should be 'debug', 'info', 'warning' or 'error'; did you mean 'warning'?",
        ),
        (
            '[service]\ncampaigns_directory = "elsewhere"',
            "service.campaigns_directory",
            "{folder}/elsewhere: No such file or directory",
        ),
    ],
)
def test_a_mistake_in_the_services_file(folder: Folder, problems: Problems, text: str, key: str, reason: str) -> None:
    folder.add_to_service(text)
    assert problems() == [f"campaignd.toml: {key}: {reason.format(folder=folder.path)}"]


@pytest.mark.parametrize(
    ("key", "wrong", "reason"),
    [
        ("company", "acne", "unknown company: 'acne'; did you mean 'acme'? (there are: acme, beta)"),
        ("skillbase", "surveys", "'surveys' belongs to company 'beta', not to 'acme'"),
        (
            "skillbase",
            "renewal",
            "unknown skillbase of company 'acme': 'renewal'; did you mean 'renewals'? (there are: renewals)",
        ),
        ("trunk", "x", "unknown trunk: 'x' (there are: main)"),
    ],
)
def test_a_name_that_is_not_in_the_services_file(
    folder: Folder, problems: Problems, key: str, wrong: str, reason: str
) -> None:
    lines = [f'{key} = "{wrong}"' if line.startswith(f"{key} =") else line for line in CAMPAIGN.splitlines()]
    folder.campaign.write_text("\n".join(lines), encoding="utf-8")
    assert problems() == [f"{SPRING}: {key}: {reason}"]


@pytest.mark.parametrize("given", ["lists/spring.csv", "campaigns.d"])
def test_a_call_list_that_cannot_be_read(folder: Folder, problems: Problems, given: str) -> None:
    folder.add_to_campaign(f'call_list = "{given}"')
    [problem] = problems()
    why = "Is a directory" if given == "campaigns.d" else "No such file or directory"
    assert problem == f"{SPRING}: call_list: {folder.path}/{given}: {why}"


def test_a_file_that_cannot_be_read(folder: Folder, problems: Problems) -> None:
    (folder.campaign.parent / "autumn.toml").mkdir()
    (folder.campaign.parent / "winter.toml").symlink_to("nowhere")
    assert problems() == [
        "campaigns.d/autumn.toml: can't be read: Is a directory",
        "campaigns.d/winter.toml: can't be read: No such file or directory",
    ]


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        (b'name = "a"\ncompany == "b"\n', "line 2, column 10", "not TOML: Invalid value"),
        (b'name = "a\n', "line 1, column 10", "not TOML: Illegal character '\\n'"),
        (b'name = "', "line 1, column 9", "not TOML: Unterminated string"),
        ("имя = 1".encode("cp1251"), "line 1, column 1", "not UTF-8"),
        (b"a = 1\nb = '\xff'", "line 2, column 6", "not UTF-8"),
    ],
)
def test_what_is_not_toml_is_told_by_line_and_column(
    folder: Folder, problems: Problems, content: bytes, place: str, reason: str
) -> None:
    folder.campaign.write_bytes(content)
    assert problems() == [f"{SPRING}: {place}: {reason}"]


@pytest.mark.parametrize("content", ["a = " + "[" * 5000, "a = " + "1" * 5000])
def test_what_toml_itself_chokes_on_is_a_mistake_like_any_other(
    folder: Folder, problems: Problems, content: str
) -> None:
    folder.campaign.write_text(content, encoding="utf-8")
    [problem] = problems()
    assert problem.startswith(f"{SPRING}: ")


@pytest.mark.parametrize("stem", ["Spring", "spring offers", "-spring", "весна", "x" * 101])
def test_a_file_whose_stem_is_no_slug(folder: Folder, problems: Problems, stem: str) -> None:
    folder.campaign.rename(folder.campaign.with_stem(stem))
    [problem] = problems()
    assert problem.startswith(f"campaigns.d/{stem}.toml: the file's stem is the campaign's slug: ")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[database]\ndsn = "postgresql://dialer:hunter2@db/campaignd"', "database.dsn"),
        ('[database]\ndsn = "host=db password=hunter2"', "database.dsn"),
        ('[database]\ndsn = "postgresql://dialer:hunter2@db:port/x?nonsense=1"', "database.dsn"),
        ('[livekit]\nurl = "https://key:hunter2@livekit.example"', "livekit.url"),
        ('[recordings]\nstore = "s3://key:hunter2@bucket/prefix"', "recordings.store"),
        ('[livekit]\nLIVEKIT_API_SECRET = "hunter2"', "livekit.LIVEKIT_API_SECRET"),
    ],
)
def test_a_secret_in_a_file_is_refused_and_not_repeated(
    folder: Folder, problems: Problems, text: str, key: str
) -> None:
    folder.add_to_service(text)
    [problem] = problems()
    assert problem.startswith(f"campaignd.toml: {key}: ")
    assert "hunter2" not in problem


def test_all_mistakes_of_all_files_are_told_at_once(folder: Folder, problems: Problems) -> None:
    folder.service.write_text(SERVICE.replace("+7495", "8495") + "[http]\nlisten = 3\n", encoding="utf-8")
    folder.add_to_campaign("[limits]\ncalls_per_minute = 0\n[schedule]\ncontact_local_time = 1\n")
    (folder.campaign.parent / "autumn.toml").write_text("name = \n", encoding="utf-8")
    (folder.campaign.parent / "winter.toml").write_text('company = "acne"\n', encoding="utf-8")
    assert [line.rpartition(": ")[0] if "toml: line" in line else line.split(": ")[:2] for line in problems()] == [
        ["campaignd.toml", "trunks.main.from_number"],
        ["campaignd.toml", "http.listen"],
        "campaigns.d/autumn.toml: line 1, column 8: not TOML",
        ["campaigns.d/spring.toml", "limits.calls_per_minute"],
        ["campaigns.d/spring.toml", "schedule.contact_local_time"],
        ["campaigns.d/winter.toml", "name"],
        ["campaigns.d/winter.toml", "skillbase"],
        ["campaigns.d/winter.toml", "trunk"],
        ["campaigns.d/winter.toml", "company"],
    ]


def test_what_does_not_fit_verify_is_told_beside_other_mistakes(folder: Folder, problems: Problems) -> None:
    tables = (
        "[http]\nlisten = 3",
        '[companies.verify]\nname = "V"',
        '[verify]\nnumbers = "7"\ntrunk = "mian"\nagent_name = "a"',
    )
    folder.add_to_service("\n".join(tables))
    assert problems() == [
        "campaignd.toml: http.listen: Input should be a valid string",
        "campaignd.toml: verify.numbers: not a range of numbers, such as +79450000000-+79450009999",
        "campaignd.toml: verify.trunk: unknown trunk: 'mian'; did you mean 'main'? (there are: main)",
        "campaignd.toml: companies.verify: this slug belongs to `campaignd verify`",
    ]
    folder.add_to_service(tables[2].replace('"7"', '"+79450000000-+79450009999"'))
    with pytest.raises(ConfigurationFilesError) as caught:
        load_service(folder.service)
    [problem] = caught.value.problems
    assert problem.key == "verify.trunk"


def test_a_broken_service_file_does_not_hide_the_campaigns_mistakes(folder: Folder, problems: Problems) -> None:
    folder.service.write_text("[trunks", encoding="utf-8")
    folder.add_to_campaign("[limits]\ncalls_per_minute = 0")
    assert [line.split(": ")[0] for line in problems()] == ["campaignd.toml", SPRING]


def test_a_folder_of_campaigns_that_is_gone_is_not_an_empty_one(folder: Folder, problems: Problems) -> None:
    folder.campaign.parent.rename(folder.path / "moved")
    assert problems() == [
        f"campaignd.toml: service.campaigns_directory: {folder.path}/campaigns.d: No such file or directory"
    ]
