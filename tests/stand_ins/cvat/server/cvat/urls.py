"""The paths of the API. Those of functions exist only with CVAT_SERVERLESS (facts: the serverless file sets it)."""

from django.conf import settings
from django.urls import path, re_path

from .dataset_manager import views as datasets
from .engine.health import health
from .engine.models import Job, Task
from .engine.views import cloudstorages, jobs, requests, server, tasks

urlpatterns = [
    path("api/server/health/", health),
    path("api/server/about", server.About.as_view()),
    path("api/server/plugins", server.Plugins.as_view()),
    path("api/server/share", server.Share.as_view()),
    path("api/auth/login", server.Login.as_view()),
    path("api/auth/logout", server.Logout.as_view()),
    path("api/auth/rules", server.auth_rules),
    path("api/users", server.Users.as_view()),
    re_path(r"^api/users/(?P<pk>self|\d+)$", server.Users.as_view()),
    path("api/cloudstorages", cloudstorages.CloudStorages.as_view()),
    path("api/cloudstorages/<int:pk>", cloudstorages.CloudStorageView.as_view()),
    re_path(
        r"^api/cloudstorages/(?P<pk>\d+)/(?P<what>status|actions|content-v2)$",
        cloudstorages.CloudStorageAsk.as_view(),
    ),
    path("api/tasks", tasks.Tasks.as_view()),
    path("api/tasks/<int:pk>", tasks.TaskView.as_view()),
    re_path(r"^api/tasks/(?P<pk>\d+)/data/?$", tasks.TaskData.as_view()),
    path("api/tasks/<int:pk>/dataset/export", datasets.DatasetExport.as_view()),
    path("api/tasks/<int:pk>/dataset/download", datasets.DatasetDownload.as_view()),
    path("api/tasks/<int:pk>/data/meta", tasks.TaskMeta.as_view()),
    re_path(r"^api/tasks/(?P<pk>\d+)/annotations/?$", jobs.Annotations.as_view(model=Task)),
    path("api/jobs", jobs.Jobs.as_view()),
    path("api/jobs/<int:pk>", jobs.JobView.as_view()),
    path("api/jobs/<int:pk>/data", jobs.JobData.as_view()),
    path("api/jobs/<int:pk>/data/meta", jobs.JobData.as_view(), {"meta": True}),
    re_path(r"^api/jobs/(?P<pk>\d+)/annotations/?$", jobs.Annotations.as_view(model=Job)),
    path("api/labels", tasks.Labels.as_view()),
    path("api/requests", requests.Requests.as_view()),
    path("api/requests/<str:rq_id>", requests.RequestView.as_view()),
]

if settings.SERVERLESS:
    from .lambda_manager import views

    urlpatterns += [
        path("api/lambda/functions", views.Functions.as_view()),
        re_path(r"^api/lambda/functions/(?P<func_id>[a-zA-Z0-9_.-]+)$", views.FunctionView.as_view()),
        path("api/lambda/requests", views.Requests.as_view()),
        path("api/lambda/requests/<str:rq_id>", views.RequestView.as_view()),
    ]
