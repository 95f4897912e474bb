"""/api/server, /api/users and /api/auth."""

import mimetypes
from pathlib import Path

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cvat import VERSION

from ..api import get_row, paginated, visible


class About(APIView):
    """GET /api/server/about: open to everyone; the client reads the version here."""

    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        """Answer name and version."""
        return Response(
            {
                "name": "Computer Vision Annotation Tool",
                "description": "A stand-in for CVAT's server. It annotates nothing.",
                "version": VERSION,
                "logo_url": request.build_absolute_uri("/static/logo.svg"),
                "subtitle": "",
            }
        )


class Plugins(APIView):
    """GET /api/server/plugins: MODELS says whether the server was started with CVAT_SERVERLESS."""

    def get(self, request: Request) -> Response:
        """Answer which parts are switched on."""
        return Response({"MODELS": settings.SERVERLESS, "ANALYTICS": True})


class Share(APIView):
    """GET /api/server/share?directory=: what the server sees of the share."""

    def get(self, request: Request) -> Response:
        """List one folder."""
        root = settings.SHARE_ROOT.resolve()
        folder = (root / request.query_params.get("directory", "/").lstrip("/")).resolve()
        if not folder.is_relative_to(root) or not folder.is_dir():
            raise ValidationError(f"{request.query_params.get('directory')} is an invalid directory")
        word = request.query_params.get("search", "")
        return Response([_entry(item) for item in sorted(folder.iterdir()) if item.name.startswith(word)])


def _entry(item: Path) -> dict[str, str]:
    if item.is_dir():
        return {"name": item.name, "type": "DIR", "mime_type": "DIR"}
    kind = (mimetypes.guess_type(item.name)[0] or "unknown").split("/")[0]
    return {"name": item.name, "type": "REG", "mime_type": kind}


class Login(APIView):
    """POST /api/auth/login: a session, a CSRF cookie and a token; 400 for wrong names and passwords."""

    permission_classes = [AllowAny]
    authentication_classes: list = []

    def post(self, request: Request) -> Response:
        """Log in by username (or email) and password."""
        name, password = (request.data.get(key, "") for key in ("username", "password"))
        if not password:
            raise ValidationError({"password": ["This field is required."]})
        if email := request.data.get("email"):
            name = User.objects.filter(email=email).values_list("username", flat=True).first() or ""
        user = authenticate(request._request, username=name, password=password)
        if user is None:
            raise ValidationError({"non_field_errors": ["Unable to log in with provided credentials."]})
        login(request._request, user)
        return Response({"key": Token.objects.get_or_create(user=user)[0].key})


class Logout(APIView):
    """POST /api/auth/logout: ends the session and the token."""

    def post(self, request: Request) -> Response:
        """Log out."""
        Token.objects.filter(user=request.user).delete()
        logout(request._request)
        return Response({"detail": "Successfully logged out."})


def _user(request: Request, user: User) -> dict:
    return {
        "url": request.build_absolute_uri(f"/api/users/{user.id}"),
        "id": user.id,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "groups": ["admin"] if user.is_superuser else ["user"],
        "is_staff": user.is_staff,
        "is_superuser": user.is_superuser,
        "is_active": user.is_active,
        "last_login": user.last_login,
        "date_joined": user.date_joined,
        "has_analytics_access": user.is_superuser,
        "email_verified": False,
    }


class Users(APIView):
    """GET /api/users and /api/users/{id}; "self" is whoever asks."""

    def get(self, request: Request, pk: str | None = None) -> Response:
        """Answer one user, or a page of them."""
        if pk == "self":
            return Response(_user(request, request.user))
        if pk:
            return Response(_user(request, get_row(request, User, int(pk), "username")))
        return paginated(request, visible(request, User.objects.all(), "username"), lambda row: _user(request, row))

    def patch(self, request: Request, pk: str) -> Response:
        """Change a user's names; nothing, where nothing is sent."""
        user = get_row(request, User, int(pk), "username")
        for field in {"first_name", "last_name", "email"} & set(request.data):
            setattr(user, field, request.data[field])
        user.save()
        return Response(_user(request, user))


def auth_rules(request: HttpRequest) -> HttpResponse:
    """GET /api/auth/rules: the bundle that OPA fetches; empty here, the stand-in of OPA only answers health."""
    return HttpResponse(b"", content_type="application/x-tar")
