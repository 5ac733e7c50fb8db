"""The API's addresses of segments."""

from django.urls import path

from segments.api import definitions, explaining, members, segments, templates

urlpatterns = [
    path("contacts/<int:pk>/memberships", members.MembershipsOfContact.as_view()),
    path("segment-templates", templates.Templates.as_view()),
    path("segments", segments.Segments.as_view()),
    path("segments/preview", definitions.Preview.as_view()),
    path("segments/sentence", definitions.Sentence.as_view()),
    path("segments/<int:pk>", segments.OneSegment.as_view()),
    path("segments/<int:pk>/members", members.Members.as_view()),
    path("segments/<int:pk>/members/<int:contact>", explaining.Member.as_view()),
    path("segments/<int:pk>/members/remove", members.RemoveMembers.as_view()),
    path("segments/<int:pk>/preview", definitions.PreviewOfSegment.as_view()),
    path("segments/<int:pk>/refresh", segments.Refresh.as_view()),
    path("segments/<int:pk>/sentence", definitions.SentenceOfSegment.as_view()),
]
