"""The gate appliance: it decides every scan by itself, and writes it down before it says so."""

from importlib import metadata


def version() -> str:
    """Return the version that is installed, or that this is a checkout."""
    try:
        return metadata.version("usher")
    except metadata.PackageNotFoundError:
        return "checkout"
