"""One worker: loads the handler, calls init_context once, then answers one event at a time.

Runs on any Python from 3.9 with nuclio-sdk, whose Context, Event, Response and logger are the real ones.
Talks to the processor over an inherited socket: ("connected",), ("started",), then ("response", dict) per event.
"""

import argparse
import importlib
import logging
import sys
import traceback
from multiprocessing.connection import Connection

import nuclio_sdk
import nuclio_sdk.json_encoder
import nuclio_sdk.logger
from nuclio_sdk.event import EventDeserializerKinds, TriggerInfo


def load_entrypoint(handler):
    """Return the function that "module.sub:name" names."""
    module_name, _, name = handler.partition(":")
    return getattr(importlib.import_module(module_name), name)


def answer(entrypoint, context, encoder, message):
    """Call the handler with one event; an exception becomes a 500 with its traceback and the worker lives on."""
    try:
        # The event arrives decoded; this deserializer parses the body for exactly application/json and no other type.
        event = nuclio_sdk.Event.deserialize(message, kind=EventDeserializerKinds.msgpack)
        output = entrypoint(context, event)
        if isinstance(output, list):
            raise TypeError("a list is taken as a batch of responses; return one Response with a JSON string")
        return nuclio_sdk.Response.from_entrypoint_output(encoder.encode, output)
    except Exception as error:
        formatted = f'Exception caught in handler "{error}": {traceback.format_exc()}'
        context.logger.warn(formatted)
        return {
            "body": formatted,
            "body_encoding": "text",
            "content_type": "text/plain",
            "status_code": 500,
            "headers": {},
        }


def main():
    """Serve until the processor closes the socket."""
    parser = argparse.ArgumentParser()
    for name in ("handler", "namespace", "trigger-kind", "trigger-name"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--worker-id", type=int, required=True)
    parser.add_argument("--descriptor", type=int, required=True)
    options = parser.parse_args()
    logger = nuclio_sdk.Logger(logging.DEBUG)
    logger.set_handler("default", sys.stdout, nuclio_sdk.logger.HumanReadableFormatter())
    connection = Connection(options.descriptor)
    try:
        entrypoint = load_entrypoint(options.handler)
        connection.send(("connected",))
        context = nuclio_sdk.Context(
            logger,
            nuclio_sdk.Platform("local", namespace=options.namespace),
            worker_id=options.worker_id,
            trigger=TriggerInfo(options.trigger_kind, options.trigger_name),
        )
        init_context = getattr(sys.modules[entrypoint.__module__], "init_context", None)
        if init_context is not None:
            init_context(context)
    except Exception as error:
        logger.warn_with(
            "Caught unhandled exception while initializing", err=str(error), traceback=traceback.format_exc()
        )
        return 1
    connection.send(("started",))
    encoder = nuclio_sdk.json_encoder.Encoder()
    while True:
        try:
            message = connection.recv()
        except EOFError:
            return 0
        connection.send(("response", answer(entrypoint, context, encoder, message)))


if __name__ == "__main__":
    sys.exit(main())
