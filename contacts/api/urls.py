"""The API's addresses of contacts, fields, events and lists."""

from django.urls import path

from contacts.api import contacts, events, fields, lists

urlpatterns = [
    path("contacts", contacts.Contacts.as_view()),
    path("contacts/upsert", contacts.UpsertContact.as_view()),
    path("contacts/<int:pk>", contacts.OneContact.as_view()),
    path("events", events.OneEvent.as_view()),
    path("events/batch", events.EventBatch.as_view()),
    path("fields", fields.Fields.as_view()),
    path("lists", lists.Lists.as_view()),
    path("lists/<int:pk>", lists.OneList.as_view()),
    path("lists/<int:pk>/subscribe", lists.Subscribe.as_view()),
    path("lists/<int:pk>/unsubscribe", lists.Unsubscribe.as_view()),
]
