"""What people touch: the command line, the export, and whatever else shows what the lower floors did."""

import backprose as _house  # says clearly when another distribution shadows this package
