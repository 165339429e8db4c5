"""Phone numbers become E.164, or a reason."""

from __future__ import annotations

import phonenumbers
import pytest
import rphonenumbers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors.numbers import NumberError, mask, normalise

NUMBER = "+79991234567"

KINDS = [
    kind
    for kind in range(11)
    if kind
    not in (
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.PAGER,
        phonenumbers.PhoneNumberType.VOICEMAIL,
    )
]
FORMATS = [
    phonenumbers.PhoneNumberFormat.E164,
    phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    phonenumbers.PhoneNumberFormat.NATIONAL,
    phonenumbers.PhoneNumberFormat.RFC3966,
]


def reason(raw: str, region: str | None = "RU") -> str:
    with pytest.raises(NumberError) as refused:
        normalise(raw, region)
    return str(refused.value)


@pytest.mark.parametrize(
    "raw",
    [
        NUMBER,
        "89991234567",
        "9991234567",
        " 8 (999) 123-45-67 ",
        "+7 999 123–45–67",
        "\u00a0+7\u00a0999\u00a01234567",
        "tel:+7-999-123-45-67",
        "＋７９９９１２３４５６７",
        "'+79991234567",
        '="+79991234567"',
        "+79991234567 доб. 5",
    ],
)
def test_what_people_write_becomes_e164(raw: str) -> None:
    assert normalise(raw, "RU") == NUMBER


@pytest.mark.parametrize("region", ["RU", "US", "DE", None])
@pytest.mark.parametrize(
    "raw",
    ["79991234567", "79991234567.0", "79991234567,00", "+79991234567.0", "7.9991234567e+10", "7,9991234567E+10",
     "7.9991234567E10", "0079991234567"],
)  # fmt: skip
def test_what_spreadsheets_make_of_numbers_is_undone_in_any_region(raw: str, region: str | None) -> None:
    assert normalise(raw, region) == NUMBER


def test_zeros_that_a_float_lost_at_its_end_come_back() -> None:
    assert normalise("7.9991234e+10", "RU") == "+79991234000"


@pytest.mark.parametrize("raw", ["7.99912E+10", "8E+10", "7,99912E+10"])
def test_a_number_whose_digits_were_rounded_away_is_not_guessed(raw: str) -> None:
    assert reason(raw) == f"Digits lost to a spreadsheet's number format: {raw}"


@pytest.mark.parametrize(
    ("raw", "region", "why"),
    [
        ("", "RU", "Empty phone number"),
        (" \t\u00a0", "RU", "Empty phone number"),
        ("call me", "RU", "Not a phone number: call me"),
        ("=1+79991234567", "RU", "Not a phone number: 17999***4567"),
        ("1e99", "RU", "Not a phone number: 1e99"),
        ("+7 999 123-45-67, +7 999 765-43-21", "RU", "Not a phone number: +7999***7999"),
        ("\ud800", "RU", "Not a phone number: \N{REPLACEMENT CHARACTER}"),
        ("a\nb", "RU", "Not a phone number: a\N{REPLACEMENT CHARACTER}b"),
        ("112", "RU", "Impossible number: 112 (too short)"),
        ("+7 999 123", "RU", "Impossible number: +***9123 (too short)"),
        ("+7 999 123 45 67 89 01", "RU", "Impossible number: +7999***8901 (not in use under country code 7)"),
        ("9" * 400, "RU", "Impossible number: 99999***9999 (too long)"),
        ("+999 123456789", "RU", "Impossible number: +9991***6789 (no country has this code)"),
        ("+7 000 111-22-33", "RU", "Impossible number: +7000***2233 (not in use under country code 7)"),
        ("8 999 123 45 67", None, "National number without a default_region: 8999***4567"),
        ("999 123 4567", None, "National number without a default_region: 999***4567"),
        ("+1 900 234 5678", None, "Premium-rate number: +1900***5678"),
    ],
)
def test_what_is_no_number_says_why_in_one_line(raw: str, region: str | None, why: str) -> None:
    assert reason(raw, region) == why


def test_a_masked_number_hides_its_middle() -> None:
    assert mask("+79991111111") == "+7999***1111"
    assert mask("+37212345") == "+3***2345"
    assert mask("+1") == "***"


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_regions_examples_are_what_phonenumbers_says(region: str) -> None:
    for kind in KINDS:
        example_number = phonenumbers.example_number_for_type(region, kind)
        for form in FORMATS if example_number is not None else []:
            written = phonenumbers.format_number(example_number, form)
            assert _verdict(phonenumbers, written, region) == _verdict(rphonenumbers, written, region), written
            valid, e164 = _verdict(phonenumbers, written, region)
            if valid:
                assert normalise(written, region) == e164


ODD = st.text("0123456789+-() ./;:ext,#*~eE='\"ФAd\u200e\ufeff\u0660\uff11\uff0b\u2010\u00ad\x00\n", max_size=25)


@given(raw=st.one_of(ODD, ODD.map("+7999{}".format), ODD.map("89991234567{}".format)))
@example("80;4 '")  # rphonenumbers reads an extension here, phonenumbers nothing: no number either way
@settings(deadline=None, max_examples=500)
def test_odd_inputs_are_what_phonenumbers_says(raw: str) -> None:
    for region in ("RU", "US", None):
        ours, theirs = _verdict(rphonenumbers, raw, region), _verdict(phonenumbers, raw, region)
        assert ours == theirs or not (ours[0] or theirs[0])


@given(raw=st.text(max_size=40), region=st.sampled_from(["RU", "US", None]))
@settings(deadline=None)
def test_any_text_is_a_number_or_a_reason(raw: str, region: str | None) -> None:
    try:
        number = normalise(raw, region)
    except NumberError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert phonenumbers.is_valid_number(phonenumbers.parse(number, None))


def _verdict(library: object, written: str, region: str | None) -> tuple[bool, str]:
    phones: phonenumbers = library  # type: ignore[valid-type]
    try:
        number = phones.parse(written, region)
    except phones.NumberParseException:
        return False, ""
    valid = phones.is_valid_number(number)
    return valid, phones.format_number(number, phones.PhoneNumberFormat.E164) if valid else ""
