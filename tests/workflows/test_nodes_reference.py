"""Every kind of node says what it is, and the page about all of them is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.template import Context, Template

from contacts.models import ContactField
from workflows.graph import PORT
from workflows.nodes import NODES
from workflows.nodes.base import Node, NodeContext
from workflows.reference import reference

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "nodes.md"


@pytest.mark.django_db
def test_the_page_is_up_to_date(tmp_path: Path) -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "write it anew: make nodes-reference"
    call_command("write_nodes_reference", to=tmp_path / "nodes.md", verbosity=0)
    assert (tmp_path / "nodes.md").read_text(encoding="utf-8") == reference()


@pytest.mark.django_db
def test_the_page_is_the_same_whatever_the_data() -> None:
    before = reference()
    ContactField.objects.create(key="renews", label="Renews", type="date")
    assert reference() == before


@pytest.mark.django_db
@pytest.mark.parametrize("node", [pytest.param(node, id=node.key) for node in NODES])
def test_every_node_says_what_it_is(node: Node) -> None:
    assert str(node.label)
    assert str(node.help).endswith(".")
    assert "<svg" in Template("{% load lucide %}{% lucide icon %}").render(Context({"icon": node.icon}))
    keys = [port.key for port in node.ports({})]
    assert len(keys) == len(set(keys))
    assert all(PORT.fullmatch(key) and str(port.label) for key, port in zip(keys, node.ports({}), strict=True))
    assert isinstance(node.describe({}, NodeContext()), str)
    assert isinstance(node.faults({}, NodeContext()), list)
    assert node.segments({}) == set()


def test_labels_are_unique() -> None:
    labels = [str(node.label) for node in NODES]
    assert sorted(set(labels)) == sorted(labels)
