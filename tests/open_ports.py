"""Prints the TCP ports of an address that accept a connection, one a line. Standard library only.

python3 open_ports.py ADDRESS
"""

from __future__ import annotations

import asyncio
import sys

AT_ONCE = 500
SECONDS = 2.0


async def answers(address: str, port: int, places: asyncio.Semaphore) -> bool:
    """Tell whether a port accepts a connection."""
    async with places:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), SECONDS)
        except (OSError, asyncio.TimeoutError):
            return False
        writer.close()
        return True


async def main(address: str) -> None:
    """Ask every port."""
    places = asyncio.Semaphore(AT_ONCE)
    open_ones = await asyncio.gather(*(answers(address, port, places) for port in range(1, 65536)))
    print("\n".join(str(port) for port, answered in enumerate(open_ones, 1) if answered))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
