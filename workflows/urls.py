"""Addresses of workflows."""

from django.urls import path

from workflows.views import canvas, deletion, details, exchange, gallery, life, listing, live, node, testing

app_name = "workflows"
urlpatterns = [
    path("", listing.workflow_list, name="list"),
    path("templates/", gallery.gallery, name="gallery"),
    path("templates/<slug:key>/", gallery.template, name="template"),
    path("import/", exchange.import_file, name="import"),
    path("new/", details.new, name="new"),
    path("<int:pk>/", canvas.canvas, name="canvas"),
    path("<int:pk>/list/", canvas.steps, name="steps"),
    path("<int:pk>/draft/", canvas.draft, name="draft"),
    path("<int:pk>/keep/", canvas.keep, name="keep"),
    path("<int:pk>/delete/", deletion.delete, name="delete"),
    path("<int:pk>/duplicate/", deletion.duplicate, name="duplicate"),
    path("<int:pk>/export/", exchange.export, name="export"),
    path("<int:pk>/live/", live.live, name="live"),
    path("<int:pk>/live/<slug:node_id>/", live.contacts_at, name="contacts_at"),
    path("<int:pk>/runs/<int:run_id>/", live.path, name="path"),
    path("<int:pk>/incidents/", live.decide_incidents, name="incidents"),
    path("<int:pk>/test/", testing.test, name="test"),
    path("<int:pk>/test/<int:number>/", testing.test_of, name="test_of"),
    path("<int:pk>/dry-run/", testing.dry, name="dry_run"),
    path("<int:pk>/settings/", details.edit, name="settings"),
    path("<int:pk>/activate/", life.activate, name="activate"),
    path("<int:pk>/pause/", life.pause, name="pause"),
    path("<int:pk>/resume/", life.resume, name="resume"),
    path("<int:pk>/finish/", life.finish, name="finish"),
    path("<int:pk>/nodes/<slug:node_id>/", node.node, name="node"),
]
