"""What happened, in SQL: typed events, content-addressed blobs, and the queries over them."""

import backprose as _house  # says clearly when another distribution shadows this package

__all__: list[str] = []
