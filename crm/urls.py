"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path, re_path

from contacts.views.retention import retention
from crm import api_key_pages, health, job_pages, views
from crm.api import schema
from crm.api.endpoint import Nothing
from segments.views import facebook_connection
from workflows.site.settings_page import site

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("dashboard/jobs/", views.dashboard_jobs, name="dashboard_jobs"),
    path("segments/", include("segments.urls")),
    path("jobs/", job_pages.job_list, name="jobs"),
    path("jobs/bell/", job_pages.bell, name="bell"),
    path("jobs/bell/look/", job_pages.look_at_bell, name="look_at_bell"),
    path("jobs/<int:pk>/", job_pages.job_page, name="job"),
    path("jobs/<int:pk>/state/", job_pages.state, name="job_state"),
    path("jobs/<int:pk>/cancel/", job_pages.cancel, name="cancel_job"),
    path("jobs/<int:pk>/retry/", job_pages.retry, name="retry_job"),
    path("settings/", views.settings_page, name="settings"),
    path("settings/api-keys/", api_key_pages.key_list, name="api_keys"),
    path("settings/api-keys/new/", api_key_pages.create, name="create_api_key"),
    path("settings/api-keys/<int:pk>/revoke/", api_key_pages.revoke, name="revoke_api_key"),
    path("settings/retention/", retention, name="retention"),
    path("settings/facebook/", facebook_connection.connection_page, name="facebook"),
    path("settings/facebook/connect/", facebook_connection.connect, name="connect_facebook"),
    path("settings/facebook/disconnect/", facebook_connection.disconnect, name="disconnect_facebook"),
    path("settings/site/", site, name="site_settings"),
    path("theme/", views.choose_theme, name="theme"),
    path("accounts/", include("crm.accounts")),
    path("contacts/", include("contacts.urls")),
    path("workflows/", include("workflows.urls")),
    path("m/", include("campaigns.urls")),
    path("t/", include("workflows.site.urls")),
    path("api/", schema.documentation, name="api_documentation"),
    path("api/v1/schema", schema.schema, name="api_schema"),
    path("api/v1/", include("contacts.api.urls")),
    path("api/v1/", include("segments.api.urls")),
    path("api/v1/", include("workflows.api")),
    path("api/v1/", include("campaigns.api.urls")),
    re_path(r"^api/v1/", Nothing.as_view()),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
]
