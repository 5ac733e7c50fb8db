"""What all parts of the REST API share: keys and scopes, one form of errors, checked bodies, pages, the schema."""
