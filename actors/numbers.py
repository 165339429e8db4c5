"""Phone numbers: from what people and spreadsheets write to E.164, and masked for logs."""

from __future__ import annotations

import re

import rphonenumbers as phones

from actors.errors import CampaignServiceError

# Numbers that exist, but behind which no contact can be: calling them costs money or reaches a machine.
_REFUSED_TYPES = {
    phones.PhoneNumberType.PREMIUM_RATE: "Premium-rate number",
    phones.PhoneNumberType.PAGER: "Pager number",
    phones.PhoneNumberType.VOICEMAIL: "Voicemail number",
}
_NO_TYPE = phones.PhoneNumberType.UNKNOWN  # this is what `is_valid_number` looks at
_E164 = phones.PhoneNumberFormat.E164
# An import asks these for every row; finding them in their module takes as long as one of its own steps.
_parse, _type_of, _format, _Unreadable = (
    phones.parse,
    phones.number_type,
    phones.format_number,
    phones.NumberParseException,
)
_POSSIBLE = phones.ValidationResult.IS_POSSIBLE
_WHY_IMPOSSIBLE = {
    phones.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too short without its area code",
    phones.ValidationResult.INVALID_COUNTRY_CODE: "no country has this code",
    phones.ValidationResult.TOO_SHORT: "too short",
    phones.ValidationResult.TOO_LONG: "too long",
    phones.ValidationResult.INVALID_LENGTH: "wrong length",
}
_WHY_UNREADABLE = {
    phones.NumberParseException.INVALID_COUNTRY_CODE: "no country has this code",
    phones.NumberParseException.TOO_SHORT_AFTER_IDD: "too short",
    phones.NumberParseException.TOO_SHORT_NSN: "too short",
    phones.NumberParseException.TOO_LONG: "too long",
}
# What a spreadsheet makes of a number that it takes for a quantity; a comma where that is the decimal sign.
_WHOLE_FLOAT = re.compile(r"(\+?\d+)[.,]0+")
_SCIENTIFIC = re.compile(r"(\+?)(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
# Floats are written without their trailing zeros; more than these missing means that digits were rounded away.
_TRAILING_ZEROS = 3
_PUNCTUATION = re.compile(r"[\s().\-\u2010-\u2015]+")
_LOST_PLUS = re.compile(r"(?:00)?([1-9]\d{10,14})", re.ASCII)
_SHOWN = 40
_MOST_DIGITS = 15  # of an E.164 number
_MASKED_FROM = 7  # digits from which a text may be somebody's number
_GAP = r"[ ().\-\u2010-\u2015]{0,2}"
_IN_TEXT = re.compile(
    # With its plus, or as a URL has that, written together or in groups.
    rf"(?:\+|%2[Bb])({_GAP}\d(?:{_GAP}\d){{6,14}})(?!\d)"
    # Digits alone: no part of a word, of an id or of a decimal fraction.
    r"|(?<![\w.+-])((?:00)?[1-9]\d{9,14})(?![\w-]|\.\d)"
)


class NumberError(CampaignServiceError):
    """This text is no number that can be called; the error's text is one line, the number in it masked."""


def normalise(raw: str, region: str | None) -> str:
    """The E.164 form (`+79991111111`) of a number as written in `raw`.

    National numbers are those of `region` (ISO code). Damage done by spreadsheets is undone where nothing was lost:
    `7.9991111111e+10`, `79991111111.0`, and a lost plus where the digits are a valid international number. An
    extension is dropped. Raises NumberError for everything that is not a valid number of a kind that can be called.
    """
    text = raw.strip()
    if not text:
        raise NumberError("Empty phone number")
    if not text[1:].isdecimal():
        text = _without_float(text)
    try:
        number = _parse(text, region)
        kind = _type_of(number)
    except (_Unreadable, UnicodeEncodeError):  # the latter: lone surrogates
        kind = _NO_TYPE
    if kind == _NO_TYPE:
        number, kind = _parsed_with_plus(text)
        if kind == _NO_TYPE:
            raise NumberError(_reason(text, region))
    if kind in _REFUSED_TYPES:
        raise NumberError(f"{_REFUSED_TYPES[kind]}: {_shown(text)}")
    if text == f"+{number.country_code}{number.national_number}":
        return text  # it is written as E.164 already, without zeros that belong to the number
    e164: str = _format(number, _E164)
    return e164


def mask(number: str) -> str:
    """A number as it may stand in a log: `+7999***1111`; at least three of its characters are hidden."""
    if len(number) < _MASKED_FROM:
        return "***"
    return f"{number[: min(5, len(number) - _MASKED_FROM)]}***{number[-4:]}"


def masked(text: str) -> str:
    """Somebody else's text as it may stand in a log: whatever in it looks like a number is masked."""
    return _IN_TEXT.sub(_mask_found, text)


def _mask_found(found: re.Match[str]) -> str:
    international, digits = found.groups()
    return mask(digits or "+" + "".join(filter(str.isdecimal, international)))


def _without_float(text: str) -> str:
    if whole := _WHOLE_FLOAT.fullmatch(text):
        return whole[1]
    if not (scientific := _SCIENTIFIC.fullmatch(text)):
        return text
    plus, first, rest, exponent = scientific.groups(default="")
    digits = first + rest.rstrip("0")
    missing = int(exponent) + 1 - len(digits)
    if missing < 0 or int(exponent) >= _MOST_DIGITS:
        raise NumberError(f"Not a phone number: {_shown(text)}")
    if missing > _TRAILING_ZEROS:
        raise NumberError(f"Digits lost to a spreadsheet's number format: {printable(text)}")
    return plus + digits + "0" * missing


def _parsed_with_plus(text: str) -> tuple[phones.PhoneNumber | None, int]:
    """An international number that lost its plus, or has 00 in its place, and its type: `_NO_TYPE` if it is none."""
    digits = _LOST_PLUS.fullmatch(_PUNCTUATION.sub("", text))
    if digits is None:
        return None, _NO_TYPE
    try:
        number = _parse(f"+{digits[1]}", None)
    except _Unreadable:
        return None, _NO_TYPE
    return number, _type_of(number)


def _reason(text: str, region: str | None) -> str:
    shown = _shown(text)
    try:
        number = phones.parse(text, region)
    except phones.NumberParseException as error:
        if error.error_type == phones.NumberParseException.INVALID_COUNTRY_CODE and not text.startswith("+"):
            return f"National number without a default_region: {shown}"
        why = _WHY_UNREADABLE.get(error.error_type)
        return f"Impossible number: {shown} ({why})" if why else f"Not a phone number: {shown}"
    except UnicodeEncodeError:
        return f"Not a phone number: {shown}"
    possible = phones.is_possible_number_with_reason(number)
    if possible == _POSSIBLE:
        return f"Impossible number: {shown} (not in use under country code {number.country_code})"
    return f"Impossible number: {shown} ({_WHY_IMPOSSIBLE[possible]})"


def _shown(text: str) -> str:
    """The text for an error: one short line, in which nobody's number can be read."""
    digits = "".join(character for character in text if character.isdecimal())
    if len(digits) < _MASKED_FROM:
        return printable(text)
    return mask(f"+{digits[:_MOST_DIGITS]}" if text.startswith("+") else digits[:_MOST_DIGITS])


def printable(text: str) -> str:
    """What somebody wrote, as it may stand in an error: short, and in one line."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in short)
