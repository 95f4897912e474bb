"""Output of `nuctl get`: a table, or one JSON or YAML document per record (never a list)."""

from __future__ import annotations

import json
from typing import Any

import yaml


def documents(records: list[dict[str, Any]], form: str) -> str:
    """Return the records one after another; several JSON documents in a row are not one JSON document."""
    if form == "json":
        return "".join(json.dumps(record, indent="\t") + "\n" for record in records)
    return "".join(yaml.safe_dump(record, sort_keys=False) + "\n" for record in records)


def functions(records: list[dict[str, Any]], form: str) -> str:
    """Return functions in the form asked for."""
    if form in ("json", "yaml"):
        return documents(records, form)
    rows = []
    for record in records:
        metadata, status = record["metadata"], record["status"]
        project = metadata["labels"].get("nuclio.io/project-name", "")
        row = [metadata["namespace"], metadata["name"], project, status["state"], "1/1", status.get("httpPort") or ""]
        if form == "wide":
            row += [
                ",".join(f"{k}={v}" for k, v in metadata["labels"].items()),
                ", ".join(status.get("internalInvocationUrls") or []),
                ", ".join(status.get("externalInvocationUrls") or []),
            ]
        rows.append(row)
    header = ["NAMESPACE", "NAME", "PROJECT", "STATE", "REPLICAS", "NODE PORT"]
    wide = ["LABELS", "INTERNAL INVOCATION URL", "EXTERNAL INVOCATION URLS"] if form == "wide" else []
    return table(header + wide, rows)


def projects(records: list[dict[str, Any]], form: str) -> str:
    """Return projects in the form asked for."""
    if form in ("json", "yaml"):
        return documents(records, form)
    return table(["NAMESPACE", "NAME"], [[record["meta"]["namespace"], record["meta"]["name"]] for record in records])


def table(header: list[str], rows: list[list[Any]]) -> str:
    """Return columns separated by bars, each as wide as its widest cell."""
    lines = [header, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(line[index]) for line in lines) for index in range(len(header))]
    cells = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    return "".join(" " + " | ".join(line) + " \n" for line in cells)
