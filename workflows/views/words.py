"""What the canvas says by itself, in the language of the reader."""

from django.utils.translation import gettext as _


def words_of_canvas() -> dict[str, str]:
    """The texts that scripts put onto the page. ``{name}`` stands for what they fill in."""
    return {
        "saved": _("Saved"),
        "saving": _("Saving…"),
        "offline": _("Not saved: no connection"),
        "signedOut": _("Not saved: you were signed out"),
        "refused": _("Not saved"),
        "conflict": _("Not saved: somebody else did"),
        "leave": _("The last changes are not saved yet."),
        "added": _("{node} was added."),
        "removed": _("{node} was removed."),
        "removedSeveral": _("{count} nodes were removed."),
        "connected": _("{from} leads to {to}."),
        "disconnected": _("{from} no longer leads to {to}."),
        "moved": _("Moved."),
        "copied": _("Copied: {count}"),
        "undone": _("Undone."),
        "redone": _("Done again."),
        "arranged": _("Arranged."),
        "intoItself": _("A node cannot lead to itself."),
        "intoStart": _("Nothing comes before Start."),
        "startStays": _("Start cannot be removed or copied."),
        "tooMany": _("A workflow has at most 200 nodes."),
        "fault": _("To put right: {fault}"),
        "selected": _("selected"),
        "note": _("Note: {note}"),
        "removeEdge": _("Remove the connection from {from} to {to}"),
        "nothingFound": _("Nothing found."),
    }
