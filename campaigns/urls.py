"""The addresses in emails."""

from django.urls import path

from campaigns.views import mail

app_name = "mail"
urlpatterns = [
    path("o/<str:token>.gif", mail.opened, name="opened"),
    path("c/<str:token>/<str:signature>", mail.clicked, name="clicked"),
    path("u/<str:token>", mail.unsubscribe, name="unsubscribe"),
    path("s/<str:token>/<str:signature>", mail.confirm, name="confirm"),
    path("v/<str:token>", mail.view, name="view"),
]
