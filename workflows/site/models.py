"""What workflows show on the shop's site, and to whom."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models import Contact


class WebDesign(models.Model):
    """What a web content says. Never changed: another text is another row, and ``digest`` is made of all the rest.

    ``name`` is what events call it, and ``source`` says where it is sent from, such as ``workflow:7:n3``. ``html`` is
    sanitised. ``slot`` is the place on the page for one that stands in the text.
    """

    class Kind(models.TextChoices):
        POPUP = "popup", _("Popup")
        BANNER = "banner", _("Banner at the foot of the page")
        INLINE = "inline", _("In a place of the page")

    digest = models.CharField(max_length=64, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=200)
    source = models.CharField(_("source"), max_length=100, blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.POPUP)
    slot = models.CharField(_("slot"), max_length=64, blank=True)
    title = models.CharField(_("title"), max_length=200, blank=True)
    html = models.TextField(_("text"), blank=True)
    button_text = models.CharField(_("text of the button"), max_length=100, blank=True)
    button_url = models.CharField(_("address of the button"), max_length=2000, blank=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("web content")
        verbose_name_plural = _("web contents")
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["source"], name="workflows_design_source")]

    def __str__(self) -> str:
        return self.name


class WebContent(models.Model):
    """One web content for one contact. ``key`` says why it is sent, such as ``run:5:2``, and is there once.

    A popup waits until it is shown, the others until somebody closes or follows them, and all until they expire.
    """

    design = models.ForeignKey(WebDesign, models.PROTECT, related_name="contents")
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="web_contents", db_index=False, db_constraint=False
    )
    key = models.CharField(_("key"), max_length=120, unique=True)
    created_at = models.DateTimeField(_("sent"))
    expires_at = models.DateTimeField(_("expires"))
    shown_at = models.DateTimeField(_("shown"), null=True, blank=True)
    clicked_at = models.DateTimeField(_("clicked"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("web content for a contact")
        verbose_name_plural = _("web contents for contacts")
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["contact", "id"], name="workflows_content_of_contact")]

    def __str__(self) -> str:
        return self.key
