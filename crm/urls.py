"""Every address of the site."""

from django.contrib import admin
from django.urls import path

from crm import health

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
]
