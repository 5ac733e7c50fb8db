"""Addresses of exports, below those of contacts."""

from django.urls import path

from contacts.views import export_wizard, exports

urlpatterns = [
    path("", exports.exports, name="exports"),
    path("new/", export_wizard.new, name="export_new"),
    path("<int:pk>/", exports.export, name="export"),
    path("<int:pk>/rows/", export_wizard.rows, name="export_rows"),
    path("<int:pk>/properties/", export_wizard.properties, name="export_properties"),
    path("<int:pk>/format/", export_wizard.output_format, name="export_format"),
    path("<int:pk>/remove/", exports.remove_file, name="export_remove"),
    path("<int:pk>/file/<str:signed>/", exports.export_file, name="export_file"),
]
