"""What all views share: media type, pages, filters, and who may see what."""

import json
from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response


class CvatRenderer(JSONRenderer):
    """CVAT answers in this media type only (cvat-sdk 2.80 asks for it; anything else but */* is a 406)."""

    media_type = "application/vnd.cvat+json"
    format = "json"


class CvatPagination(PageNumberPagination):
    """Pages of ten, as upstream; page_size can be asked for."""

    page_size = 10
    page_size_query_param = "page_size"
    max_page_size = 500


def paginated(request: Request, queryset: QuerySet, to_dict: Any) -> Response:
    """One page of rows as {count, next, previous, results}."""
    pages = CvatPagination()
    rows = pages.paginate_queryset(queryset.order_by("-id"), request)
    return pages.get_paginated_response([to_dict(row) for row in rows])


def visible(request: Request, queryset: QuerySet, owner: str = "owner") -> QuerySet:
    """Administrators see every row, others their own. Upstream asks OPA; this is its rule without organizations."""
    return queryset if request.user.is_superuser else queryset.filter(**{owner: request.user})


def get_row(request: Request, model: Any, pk: int, owner: str = "owner") -> Any:
    """One row; 404 when there is none, 403 when it is somebody else's."""
    row = get_object_or_404(model, pk=pk)
    if not visible(request, model.objects.filter(pk=pk), owner).exists():
        raise PermissionDenied
    return row


def filtered(request: Request, queryset: QuerySet, fields: dict[str, str], search: tuple[str, ...] = ()) -> QuerySet:
    """Apply ?FIELD=, ?search= and the equality part of ?filter= (JSON logic); fields maps API names to columns."""
    for name, column in fields.items():
        if name in request.query_params:
            queryset = queryset.filter(**{column: request.query_params[name]})
    if word := request.query_params.get("search"):
        condition = Q()
        for column in search:
            condition |= Q(**{f"{column}__icontains": word})
        queryset = queryset.filter(condition)
    if logic := request.query_params.get("filter"):
        queryset = _json_logic(queryset, json.loads(logic), fields)
    return queryset


def _json_logic(queryset: QuerySet, rule: dict, fields: dict[str, str]) -> QuerySet:
    for operator, arguments in rule.items():
        if operator == "and":
            for part in arguments:
                queryset = _json_logic(queryset, part, fields)
        elif operator == "==":
            name = arguments[0]["var"]
            queryset = queryset.filter(**{fields.get(name, name): arguments[1]})
        else:
            raise ValidationError({"filter": [f"operator {operator!r} is unknown to the stand-in"]})
    return queryset


def user_dict(request: Request, user: Any) -> dict | None:
    """The short form of a user inside other objects."""
    if user is None:
        return None
    return {
        "url": request.build_absolute_uri(f"/api/users/{user.id}"),
        "id": user.id,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
    }
