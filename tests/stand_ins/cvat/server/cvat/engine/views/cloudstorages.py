"""/api/cloudstorages."""

from django.http import HttpResponse, HttpResponseBadRequest
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ..api import filtered, get_row, paginated, user_dict, visible
from ..cloud import FORBIDDEN, NOT_FOUND, S3
from ..models import CloudStorage

FILTERS = {
    "name": "display_name",
    "display_name": "display_name",
    "resource": "resource",
    "provider_type": "provider_type",
    "credentials_type": "credentials_type",
    "owner": "owner__username",
    "id": "id",
}
CREDENTIALS = ("KEY_SECRET_KEY_PAIR", "ANONYMOUS_ACCESS")


class CloudStorageSerializer(serializers.ModelSerializer):
    """Lengths and choices are those of the API's schema (cvat-sdk 2.80: CloudStorageWriteRequest)."""

    provider_type = serializers.ChoiceField(choices=["AWS_S3_BUCKET"])
    credentials_type = serializers.ChoiceField(choices=CREDENTIALS)
    key = serializers.CharField(max_length=40, allow_blank=True, required=False)
    secret_key = serializers.CharField(max_length=64, allow_blank=True, required=False)
    manifests = serializers.ListField(child=serializers.CharField(), default=list)

    class Meta:
        """Fields that can be written."""

        model = CloudStorage
        fields = (
            "provider_type",
            "resource",
            "display_name",
            "credentials_type",
            "key",
            "secret_key",
            "specific_attributes",
            "description",
            "manifests",
        )


def as_dict(request: Request, row: CloudStorage) -> dict:
    """A storage as the API shows it: the keys never come back."""
    return {
        "id": row.id,
        "owner": user_dict(request, row.owner),
        "manifests": row.manifests,
        "provider_type": row.provider_type,
        "resource": row.resource,
        "display_name": row.display_name,
        "created_date": row.created_date,
        "updated_date": row.updated_date,
        "credentials_type": row.credentials_type,
        "specific_attributes": row.specific_attributes,
        "description": row.description,
        "organization": None,
    }


def check_bucket(row: CloudStorage) -> None:
    """HeadBucket before anything is saved, with CVAT's sentences for what comes back."""
    state = S3(row).status()
    if state == FORBIDDEN:
        raise ValidationError(
            {"credentials": f"Cannot create resource {row.resource} with specified credentials. Access forbidden."}
        )
    if state == NOT_FOUND:
        raise ValidationError({"resource": f"The resource {row.resource} not found. It may have been deleted."})


class CloudStorages(APIView):
    """GET and POST /api/cloudstorages."""

    def get(self, request: Request) -> Response:
        """List; ?name= is the display name."""
        rows = filtered(
            request, visible(request, CloudStorage.objects.all()), FILTERS, ("display_name", "resource", "description")
        )
        return paginated(request, rows, lambda row: as_dict(request, row))

    def post(self, request: Request) -> HttpResponse:
        """Register; 400 with plain text when the fields are wrong or the bucket does not answer."""
        try:
            form = CloudStorageSerializer(data=request.data)
            form.is_valid(raise_exception=True)
            row = CloudStorage(owner=request.user, **form.validated_data)
            check_bucket(row)
            row.save()
        except ValidationError as error:
            return HttpResponseBadRequest("\n".join(f"{field}: {_text(text)}" for field, text in error.detail.items()))
        except Exception as error:  # upstream hands every other error of boto3 to the user in this way
            return HttpResponseBadRequest(str(error))
        return Response(as_dict(request, row), status=status.HTTP_201_CREATED)


def _text(detail: list | str) -> str:
    return str(detail[0]) if isinstance(detail, list) else str(detail)


class CloudStorageView(APIView):
    """GET, PATCH and DELETE /api/cloudstorages/{id}."""

    def get(self, request: Request, pk: int) -> Response:
        """Answer one storage."""
        return Response(as_dict(request, get_row(request, CloudStorage, pk)))

    def patch(self, request: Request, pk: int) -> Response:
        """Change fields; the bucket is asked with the new values first."""
        row = get_row(request, CloudStorage, pk)
        form = CloudStorageSerializer(row, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        for field, value in form.validated_data.items():
            setattr(row, field, value)
        check_bucket(row)
        row.save()
        return Response(as_dict(request, row))

    def delete(self, request: Request, pk: int) -> Response:
        """Forget a storage; the bucket stays."""
        get_row(request, CloudStorage, pk).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class CloudStorageAsk(APIView):
    """GET /api/cloudstorages/{id}/status, /actions and /content-v2."""

    def get(self, request: Request, pk: int, what: str) -> HttpResponse:
        """Ask the bucket now."""
        bucket = S3(get_row(request, CloudStorage, pk))
        try:
            if what == "status":
                return Response(bucket.status())
            if what == "actions":
                return Response(" ".join(sorted(bucket.actions())))
            query = request.query_params
            page = bucket.content(query.get("prefix", ""), query.get("next_token"), int(query.get("page_size", 500)))
        except Exception as error:  # as upstream: whatever boto3 says is a 400
            return HttpResponseBadRequest(str(error))
        for item in page["content"]:
            item["mime_type"] = "DIR" if item["type"] == "DIR" else "image"
        return Response(page)
