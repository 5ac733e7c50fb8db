"""Addresses of contacts, lists and contact fields."""

from django.urls import include, path

from contacts import export_urls, import_urls
from contacts.views import bulk, contact, contact_list, fields, lists, profile

app_name = "contacts"
urlpatterns = [
    path("", contact_list.contact_list, name="list"),
    path("columns/", contact_list.choose_columns, name="columns"),
    path("bulk/<slug:key>/", bulk.bulk_action, name="bulk"),
    path("new/", contact.create, name="create"),
    path("lists/", lists.lists, name="lists"),
    path("lists/new/", lists.create_list, name="create_list"),
    path("lists/<int:pk>/edit/", lists.edit_list, name="edit_list"),
    path("lists/<int:pk>/delete/", lists.delete_list_page, name="delete_list"),
    path("imports/", include(import_urls.urlpatterns)),
    path("exports/", include(export_urls.urlpatterns)),
    path("fields/", fields.field_list, name="fields"),
    path("fields/new/", fields.create_field, name="create_field"),
    path("fields/<int:pk>/", fields.edit_field, name="edit_field"),
    path("fields/<int:pk>/archive/", fields.archive_field, name="archive_field"),
    path("<int:pk>/", profile.profile, name="profile"),
    path("<int:pk>/edit/", contact.edit, name="edit"),
    path("<int:pk>/data.json", profile.download_data, name="data"),
    path("<int:pk>/anonymise/", profile.anonymise_contact, name="anonymise"),
    path("<int:pk>/delete/", profile.delete_contact, name="delete"),
    path("<int:pk>/<slug:key>/", profile.profile, name="profile"),
]
