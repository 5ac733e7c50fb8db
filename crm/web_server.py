"""The configuration of gunicorn, which serves the pages: ``gunicorn --config python:crm.web_server``."""

from django.conf import settings

wsgi_app = "crm.wsgi:application"
threads = 4
timeout = 60
graceful_timeout = 20
logconfig_dict = settings.LOGGING
# Nothing here uses gunicorn's own control interface, whose socket would lie in the home folder.
control_socket_disable = True
