"""The templates of the gallery. Importing this package registers them."""

from workflows.gallery_templates import knowledge as knowledge
from workflows.gallery_templates import loyalty as loyalty
from workflows.gallery_templates import sales as sales
from workflows.gallery_templates import welcome as welcome
