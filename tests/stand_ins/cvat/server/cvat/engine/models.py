"""What the server keeps in PostgreSQL."""

from django.conf import settings
from django.db import models


class Dated(models.Model):
    """Rows that say when they were made and changed."""

    created_date = models.DateTimeField(auto_now_add=True)
    updated_date = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class CloudStorage(Dated):
    """A bucket registered in CVAT. No uniqueness of any kind (facts: REST, cloud storage)."""

    provider_type = models.CharField(max_length=20)
    resource = models.CharField(max_length=222)
    display_name = models.CharField(max_length=63)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    credentials_type = models.CharField(max_length=29)
    key = models.CharField(max_length=40, blank=True)
    secret_key = models.CharField(max_length=64, blank=True)
    specific_attributes = models.CharField(max_length=1024, blank=True)
    description = models.TextField(blank=True)
    manifests = models.JSONField(default=list)


class Task(Dated):
    """A task; its frames stand in one JSON list: {name, width, height}."""

    name = models.CharField(max_length=256)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    bug_tracker = models.CharField(max_length=2000, blank=True)
    subset = models.CharField(max_length=64, blank=True)
    segment_size = models.PositiveIntegerField(default=0)
    overlap = models.PositiveIntegerField(null=True)
    image_quality = models.PositiveIntegerField(default=70)
    storage = models.CharField(max_length=15, default="local")
    cloud_storage = models.ForeignKey(CloudStorage, null=True, on_delete=models.SET_NULL)
    frames = models.JSONField(default=list)
    has_data = models.BooleanField(default=False)


class Label(models.Model):
    """A label of a task."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE)
    name = models.CharField(max_length=64)
    color = models.CharField(max_length=8, blank=True)
    type = models.CharField(max_length=32, default="any")


class AttributeSpec(models.Model):
    """An attribute of a label; its id is the spec_id of values."""

    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="attributes")
    name = models.CharField(max_length=64)
    mutable = models.BooleanField(default=False)
    input_type = models.CharField(max_length=16, default="text")
    default_value = models.CharField(max_length=128, blank=True)
    values = models.JSONField(default=list)


class Job(Dated):
    """A range of frames of a task, both ends inclusive."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE)
    start_frame = models.PositiveIntegerField()
    stop_frame = models.PositiveIntegerField()
    stage = models.CharField(max_length=16, default="annotation")
    state = models.CharField(max_length=16, default="new")


class Annotation(models.Model):
    """One tag, shape or track of a job, as it was sent; the row's id is the object's id."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE)
    kind = models.CharField(max_length=8)
    frame = models.PositiveIntegerField()
    body = models.JSONField()
