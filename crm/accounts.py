"""Signing in and out, and passwords: Django's own views with our templates."""

from django.contrib.auth import views
from django.contrib.messages.views import SuccessMessageMixin
from django.urls import path, reverse_lazy
from django.utils.translation import gettext_lazy as _


class ChangePassword(SuccessMessageMixin, views.PasswordChangeView):
    success_url = reverse_lazy("dashboard")
    success_message = _("Your password was changed.")


class ChooseNewPassword(SuccessMessageMixin, views.PasswordResetConfirmView):
    success_url = reverse_lazy("login")
    success_message = _("Your password was changed. Log in with the new one.")


urlpatterns = [
    path("login/", views.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", views.LogoutView.as_view(), name="logout"),
    path("password/", ChangePassword.as_view(), name="password_change"),
    path(
        "reset/",
        views.PasswordResetView.as_view(
            subject_template_name="registration/password_reset_subject.txt",
            email_template_name="registration/password_reset_email.txt",
            html_email_template_name="registration/password_reset_email.html",
        ),
        name="password_reset",
    ),
    path("reset/sent/", views.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("reset/<uidb64>/<token>/", ChooseNewPassword.as_view(), name="password_reset_confirm"),
]
