"""Numbers of bytes in words."""


def size_text(num_bytes: float) -> str:
    """A number of bytes with three digits: `12.3 MB`."""
    value, units = float(num_bytes), ["bytes", "kB", "MB", "GB", "TB", "PB"]
    while value >= 999.5 and len(units) > 1:  # from there on three digits are 1000
        value, units = value / 1000, units[1:]
    return f"{value:.3g} {units[0]}"
