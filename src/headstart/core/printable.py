"""Text without characters that steer a terminal, tear a line or cannot be encoded."""

import unicodedata

_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}  # controls, lone surrogates, ends of lines and paragraphs
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BYTES = 0xDC00  # what Python adds to a byte of a name that is not UTF-8


def printable(text: str) -> str:
    """Text with escapes (`\\x1b`, `\\u202e`) in place of what is not to be printed.

    Newlines stay. Bytes of a file name that are not UTF-8 are written as such: `caf\\xe9`.
    """
    if text.isprintable():
        return text
    return "".join(char if char == "\n" else escaped(char) for char in text)


def printable_name(name: str) -> str:
    """The same of a name, which has no newline either."""
    return name if name.isprintable() else "".join(map(escaped, name))


def escaped(char: str) -> str:
    """One character, or its escape if it is not to be printed."""
    if unicodedata.category(char) not in _CATEGORIES and char not in _DIRECTIONS:
        return char
    number = ord(char)
    if _BYTES + 0x80 <= number <= _BYTES + 0xFF:
        number -= _BYTES
    return f"\\x{number:02x}" if number <= 0xFF else f"\\u{number:04x}"
