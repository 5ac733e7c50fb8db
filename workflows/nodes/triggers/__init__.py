"""Triggers: each lets contacts pass when something happens to them."""

from workflows.nodes.triggers import carts as carts
from workflows.nodes.triggers import custom_events as custom_events
from workflows.nodes.triggers import dates as dates
from workflows.nodes.triggers import emails as emails
from workflows.nodes.triggers import lists as lists
from workflows.nodes.triggers import products as products
from workflows.nodes.triggers import segments as segments
from workflows.nodes.triggers import website as website
