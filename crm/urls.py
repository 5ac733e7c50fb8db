"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from crm import api_key_pages, health, views

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("dashboard/jobs/", views.dashboard_jobs, name="dashboard_jobs"),
    path("segments/", include("segments.urls")),
    path("settings/", views.settings_page, name="settings"),
    path("settings/api-keys/", api_key_pages.key_list, name="api_keys"),
    path("settings/api-keys/new/", api_key_pages.create, name="create_api_key"),
    path("settings/api-keys/<int:pk>/revoke/", api_key_pages.revoke, name="revoke_api_key"),
    path("theme/", views.choose_theme, name="theme"),
    path("accounts/", include("crm.accounts")),
    path("contacts/", include("contacts.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
]
