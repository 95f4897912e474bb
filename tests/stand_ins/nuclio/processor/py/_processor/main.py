"""Starts the workers, then serves."""

import signal
import sys
import threading

from _processor import config as configuration
from _processor.http_trigger import Server, event_handler, readiness_handler
from _processor.workers import Pool


def main(http_port=8080, ready_port=8082):
    """Serve until told to stop; a worker that cannot start ends everything."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = configuration.read()
    pool = Pool(config)
    listening = threading.Event()
    ready = Server(("", ready_port), readiness_handler(pool, listening))
    threading.Thread(target=ready.serve_forever, daemon=True).start()
    try:
        pool.start()
    except EOFError:
        print("Failed to start a worker; see its traceback above", flush=True)
        return 1
    server = Server(("", http_port), event_handler(pool, config))
    listening.set()
    print(f"Processor started with {config.workers} worker(s)", flush=True)
    server.serve_forever()
    return 0
