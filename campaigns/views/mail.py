"""The addresses in emails, for whoever received them: without a login, and for nobody who makes addresses up."""

from base64 import b64decode

from csp.decorators import csp_replace
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from campaigns import happenings, links
from campaigns.liquid import Wrong
from campaigns.models import Message
from campaigns.rendering import Renderer
from contacts.carts import carts_of
from contacts.fields import catalogue
from contacts.models import Contact, Event

DOT = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")  # a transparent picture of one pixel

# An email is no page of ours: it may show pictures from anywhere, and does nothing.
OF_EMAILS = {
    "default-src": ["'none'"],
    "script-src": ["'none'"],
    "img-src": ["*", "data:"],
    "style-src": ["'unsafe-inline'"],
    "form-action": ["'none'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}


@never_cache
@require_safe
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """The picture by which an opened email is noticed. Everybody gets it, whatever they ask for."""
    message = _message(token)
    if message is not None and request.method == "GET":
        happenings.opened(message, now=timezone.now())
    return HttpResponse(DOT, content_type="image/gif")


@never_cache
@require_safe
def clicked(request: HttpRequest, token: str, signature: str) -> HttpResponse:
    """Notice a click, and lead on to where the link of the email leads: nowhere else."""
    url = request.GET.get("u", "")
    if not links.is_link(url, signature):
        raise Http404
    message = _message(token)
    if message is not None and request.method == "GET":
        happenings.clicked(message, url, now=timezone.now())
    response = HttpResponseRedirect(url)
    response["Referrer-Policy"] = "no-referrer"  # the address before says who it is
    return response


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, and unsubscribe on POST: by the button, or by a mail program's own (RFC 8058). A look changes nothing.

    Of somebody who is known no more the page says the same: they get no newsletters.
    """
    if links.message_id_of(token) is None:
        raise Http404
    message = _message(token)
    if request.method == "POST" and message is not None:
        happenings.unsubscribed(message, now=timezone.now())
    address = _address(message) if message is not None else ""
    done = request.method == "POST" or message is None
    return _unindexed(render(request, "campaigns/unsubscribe.html", {"done": done, "address": address}))


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str, signature: str) -> HttpResponse:
    """Ask, and subscribe to the newsletter on POST: programs that look where links lead confirm nothing.

    It holds for the address that the email went to, and as long as that is the contact's.
    """
    message = _message(token) if links.may_confirm(token, signature) else None
    if message is None:
        raise Http404
    is_valid = Contact.objects.filter(pk=message.contact_id, email=message.to).exists()
    if request.method == "POST" and is_valid:
        happenings.confirmed(message, now=timezone.now())
    context = {"is_valid": is_valid, "done": request.method == "POST", "address": _address(message)}
    return _unindexed(render(request, "campaigns/confirm.html", context))


@never_cache
@csp_replace(OF_EMAILS)  # type: ignore[arg-type]  # it knows only views of a request alone
@require_safe
def view(request: HttpRequest, token: str) -> HttpResponse:
    """The email in a browser, for whoever has its address."""
    message = _message(token)
    if message is None:
        raise Http404
    contact = get_object_or_404(Contact, pk=message.contact_id)
    event = Event.objects.filter(pk=message.event_id).first() if message.event_id else None
    renderer = Renderer(message.content, catalogue(), preview=True)
    at = message.sent_at or message.created_at
    carts = carts_of([contact.pk], now=at, until=at) if renderer.reads_cart else {}
    try:
        rendered = renderer.render(message, contact, event, now=at, cart=carts.get(contact.pk))
    except Wrong as wrong:
        raise Http404(_("The email cannot be shown.")) from wrong
    return _unindexed(HttpResponse(rendered.html))


def _message(token: str) -> Message | None:
    message_id = links.message_id_of(token)
    if message_id is None:
        return None
    return Message.objects.select_related("content").filter(pk=message_id).first()


def _address(message: Message) -> str:
    """Enough of the address to know it, and not so much that whoever was forwarded the email learns it."""
    local, at, domain = message.to.partition("@")
    return f"{local[:1]}…{at}{domain}" if at else ""


def _unindexed(response: HttpResponse) -> HttpResponse:
    response["X-Robots-Tag"] = "noindex"
    return response
