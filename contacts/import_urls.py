"""Addresses of imports, below those of contacts."""

from django.urls import path

from contacts.views.imports import check, fields, history, options, report, source

urlpatterns = [
    path("", history.history, name="imports"),
    path("new/", source.new, name="import_new"),
    path("<int:pk>/", report.report, name="import"),
    path("<int:pk>/source/", source.source, name="import_source"),
    path("<int:pk>/fields/", fields.fields, name="import_fields"),
    path("<int:pk>/fields/<int:place>/", fields.new_field, name="import_new_field"),
    path("<int:pk>/options/", options.options, name="import_options"),
    path("<int:pk>/check/", check.check, name="import_check"),
    path("<int:pk>/run/", check.run, name="import_run"),
    path("<int:pk>/undo/", report.undo, name="import_undo"),
    path("<int:pk>/delete/", history.delete, name="import_delete"),
    path("<int:pk>/refused.csv", report.refused_rows, name="import_refused"),
]
