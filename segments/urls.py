"""Addresses of segments."""

from django.urls import path

from segments.views import (
    analytics,
    conversion,
    copying,
    deletion,
    editor,
    gallery,
    history,
    listing,
    members,
    segment,
    why,
)

app_name = "segments"
urlpatterns = [
    path("", listing.segment_list, name="list"),
    path("new/", editor.choose_kind, name="create"),
    path("new/<slug:kind>/", editor.new, name="new"),
    path("new/<slug:kind>/preview/", editor.preview_of_new, name="preview_of_new"),
    path("templates/", gallery.gallery, name="gallery"),
    path("templates/<slug:key>/", gallery.template, name="template"),
    path("templates/<slug:key>/preview/", gallery.preview_of_template, name="preview_of_template"),
    path("deleted/", deletion.deleted_list, name="deleted"),
    path("<int:pk>/", segment.detail, name="detail"),
    path("<int:pk>/state/", listing.state, name="state"),
    path("<int:pk>/progress/", segment.progress, name="progress"),
    path("<int:pk>/edit/", editor.edit, name="edit"),
    path("<int:pk>/preview/", editor.preview_of_edited, name="preview"),
    path("<int:pk>/refresh/", segment.refresh, name="refresh"),
    path("<int:pk>/analytics/", analytics.analytics, name="analytics"),
    path("<int:pk>/analytics/comparison/", analytics.comparison, name="comparison"),
    path("<int:pk>/analytics/overlap/", analytics.overlaps, name="overlap"),
    path("<int:pk>/analytics/<slug:table>.csv", analytics.export, name="analytics_table"),
    path("<int:pk>/moved/", analytics.moved, name="moved"),
    path("<int:pk>/uses/", segment.uses, name="uses"),
    path("<int:pk>/find/", members.find, name="find"),
    path("<int:pk>/add/", members.add_member, name="add_member"),
    path("<int:pk>/remove/", members.remove_member, name="remove_member"),
    path("<int:pk>/why/", why.ask, name="ask"),
    path("<int:pk>/why/<int:contact_pk>/", why.why, name="why"),
    path("<int:pk>/history/", history.history, name="history"),
    path("<int:pk>/history/<int:number>/restore/", history.restore, name="restore_version"),
    path("<int:pk>/copy/", copying.copy, name="copy"),
    path("<int:pk>/snapshot/", copying.snapshot, name="snapshot"),
    path("<int:pk>/plus/", conversion.make_plus, name="make_plus"),
    path("<int:pk>/delete/", deletion.delete, name="delete"),
    path("<int:pk>/restore/", deletion.restore, name="restore"),
]
