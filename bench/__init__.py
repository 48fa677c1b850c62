"""The benchmark: this gateway, hand-written SQL and Node peers, in interleaved blocks on one database."""

import warnings

# The embedded server's package says this on import wherever nobody is logged in; it has its fallback.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
