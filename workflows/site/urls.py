"""The public addresses that the shop's site uses."""

from django.urls import path

from workflows.site import receiving, script

app_name = "site"
urlpatterns = [
    path("muster.js", script.script, name="script"),
    path("events", receiving.receive, name="events"),
]
