"""Muster's addresses, and a view that does nothing."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from crm import urls


@csrf_exempt
def nothing(request: HttpRequest) -> HttpResponse:
    """An empty answer, after what was sent has been read: else the server takes it for the next request's."""
    assert request.body
    return HttpResponse()


urlpatterns = [path("nothing", nothing), *urls.urlpatterns]
