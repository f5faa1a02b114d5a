"""What can be wrong with a bag."""

from stdc_core.errors import UserError


class BagError(UserError, ValueError):
    """A bag that cannot be read or written; the message names it and says why."""


INSTALL_HINT = "rosbags is not installed: pip install 'stdc_seg_ros[bag]' (or pip install rosbags)"
