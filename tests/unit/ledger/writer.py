"""One process that appends to a ledger and says which lines it was promised."""

from __future__ import annotations

import sys

from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters.file import FileLedger
from ansible_collections.mas.ops.plugins.module_utils._ledger.policy import LedgerPolicy


def main(path: str, name: str, count: str, max_bytes: str = "") -> None:
    ledger = FileLedger(path, LedgerPolicy(max_bytes=int(max_bytes)) if max_bytes else LedgerPolicy())
    for number in range(int(count)):
        ledger.append({"kind": "test", "by": name, "number": number}, "2026-01-01T00:00:00.000Z")
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
