"""The API's addresses of emails."""

from django.urls import path

from campaigns.api import bounces

urlpatterns = [path("emails/bounces", bounces.Bounces.as_view())]
