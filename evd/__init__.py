"""evd: the whole cloud behind connected vehicles, on one VM."""

from evd.version import VERSION

__all__ = ["VERSION"]
__version__ = VERSION
