"""The administrators' pages of users, groups and API keys, jobs, and the worker's schedules and tasks."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django_q import admin as queue_admin
from django_q.models import Failure, OrmQ, Schedule, Success, Task
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    BooleanRadioFilter,
    ChoicesCheckboxFilter,
    RelatedCheckboxFilter,
)
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from crm.api_keys import revoke_keys
from crm.model_admin import DaysFilter, RecordAdmin, TableAdmin
from crm.models import ApiKey, Job, JobLine, User
from crm.templatetags.percentages import percent

for model in (Group, Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(model):  # the queue is no table of ours when it is in Redis
        admin.site.unregister(model)


# People


class NewUserForm(UserCreationForm):
    class Meta:
        model = User
        fields = ("username", "email")


class UserForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"


@admin.register(User)
class UserAdmin(auth_admin.UserAdmin, TableAdmin):
    """Users. Only superusers touch superusers and single permissions; a role is what everybody else gives."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "email", "roles", "is_active", "is_staff", "last_login")
    list_filter = (
        ("groups", RelatedCheckboxFilter),
        ("is_active", BooleanRadioFilter),
        ("is_staff", BooleanRadioFilter),
        ("is_superuser", BooleanRadioFilter),
    )
    filter_horizontal = ("user_permissions",)
    autocomplete_fields = ("groups",)
    readonly_fields = ("last_login", "date_joined")
    add_fieldsets = ((None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj) and obj != request.user

    @display(description=_("name"), ordering="last_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @display(description=_("roles"), label=True)
    def roles(self, user: User) -> list[str]:
        named = [gettext("superuser")] if user.is_superuser else []
        return [*named, *(group.name for group in user.groups.all())]


def _may_touch(request: HttpRequest, user: Model | None) -> bool:
    return request.user.is_superuser or not getattr(user, "is_superuser", False)


@admin.register(Group)
class GroupAdmin(auth_admin.GroupAdmin, TableAdmin):
    pass


@admin.register(ApiKey)
class ApiKeyAdmin(RecordAdmin):
    """Keys of programs. They are made under Settings, where the key in full is shown once."""

    list_display = ("name", "prefix", "scopes", "created_by", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_select_related = ("created_by",)
    list_filter = (("created_by", AutocompleteSelectFilter), ("last_used_at", DaysFilter))
    search_fields = ("name", "prefix")
    sortable_by = ("name", "created_at", "last_used_at")
    fields = list_display
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("crm.change_apikey")

    @admin.action(description=_("Revoke selected API keys"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        number = revoke_keys(keys.values_list("pk", flat=True), now=timezone.now())
        text = ngettext("%(number)d API key was revoked.", "%(number)d API keys were revoked.", number)
        self.message_user(request, text % {"number": number}, messages.SUCCESS)


# Background work

JOB_LABELS = {
    Job.State.QUEUED: "info",
    Job.State.RUNNING: "warning",
    Job.State.DONE: "success",
    Job.State.FAILED: "danger",
    Job.State.CANCELLED: "warning",
}


@admin.register(Job)
class JobAdmin(RecordAdmin):
    list_display = ("title", "state_label", "progress", "user", "created_at", "started_at", "finished_at")
    list_select_related = ("user",)
    list_filter = (
        ("state", ChoicesCheckboxFilter),
        ("user", AutocompleteSelectFilter),
        ("created_at", DaysFilter),
    )
    search_fields = ("title", "subject")
    sortable_by = ("title", "created_at")
    fields = (
        *("title", "user", "state", "progress", "message", "error_text"),
        *("created_at", "started_at", "finished_at", "kind", "subject", "params", "attempts", "worker"),
    )
    readonly_fields = ("progress", "error_text")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """What is over may go. A job that is queued or runs is still needed by the worker."""
        allowed = request.user.has_perm("crm.delete_job")
        return allowed and (not isinstance(obj, Job) or obj.is_over)

    @display(description=_("state"), label=JOB_LABELS)
    def state_label(self, job: Job) -> tuple[str, str]:
        return job.state, job.get_state_display()

    @display(description=_("progress"))
    def progress(self, job: Job) -> str:
        return percent(job.percent)

    @display(description=_("error"))
    def error_text(self, job: Job) -> SafeString | str:
        return preformatted(job.error)


@admin.register(JobLine)
class JobLineAdmin(RecordAdmin):
    """The logs of all jobs, the newest line first."""

    list_display = ("text", "job", "at")
    list_select_related = ("job",)
    list_filter = (("at", DaysFilter),)
    search_fields = ("text", "job__title")
    ordering = ("-id",)
    sortable_by = ()


def preformatted(text: Any) -> SafeString | str:
    """A text that keeps its lines, such as a traceback."""
    return format_html('<pre class="whitespace-pre-wrap break-words text-xs">{}</pre>', text) if text else "–"


@admin.register(Schedule)
class ScheduleAdmin(queue_admin.ScheduleAdmin, TableAdmin):
    """Schedules. What they run is for superusers to say: a function's name is as good as a program."""

    list_display = ("name", "func", "schedule_type", "timing", "next_run", "get_last_run", "get_success")
    list_display_links = ("name",)
    list_filter = (("schedule_type", ChoicesCheckboxFilter), ("next_run", DaysFilter))
    sortable_by = ("name", "func", "schedule_type", "next_run")
    fieldsets = (
        (None, {"fields": ("name", "schedule_type", ("minutes", "cron"), "next_run", "repeats")}),
        (_("What it runs"), {"fields": ("func", "args", "kwargs", "hook", "cluster", "intended_date_kwarg")}),
    )
    PROGRAM = ("func", "args", "kwargs", "hook", "cluster", "intended_date_kwarg")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return () if request.user.is_superuser else self.PROGRAM

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and request.user.is_superuser

    @display(description=_("when"))
    def timing(self, schedule: Schedule) -> str:
        if schedule.schedule_type == Schedule.CRON:
            return schedule.cron or ""
        if schedule.schedule_type == Schedule.MINUTES:
            minutes = schedule.minutes or 1
            return ngettext("every minute", "every %(number)d minutes", minutes) % {"number": minutes}
        return ""


class FinishedTaskAdmin(RecordAdmin):
    """A task that the worker has finished, well or badly."""

    search_fields = ("name", "func", "group")
    list_filter = (("started", DaysFilter),)
    sortable_by = ("name", "func", "started", "stopped")
    fields = (
        *("name", "func", "args", "kwargs", "result_text"),
        *("started", "stopped", "attempt_count", "group", "hook", "cluster"),
    )
    readonly_fields = ("result_text",)
    actions = ("run_again",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(f"django_q.delete_{self.opts.model_name}")

    @admin.action(description=_("Run selected tasks again"), permissions=["delete"])
    def run_again(self, request: HttpRequest, tasks: QuerySet[Task]) -> None:
        number = len(tasks)
        queue_admin.resubmit_task(self, request, tasks)
        text = ngettext("%(number)d task is in the queue again.", "%(number)d tasks are in the queue again.", number)
        self.message_user(request, text % {"number": number}, messages.SUCCESS)

    @display(description=_("result"))
    def result_text(self, task: Task) -> SafeString | str:
        return preformatted(task.result)


@admin.register(Success)
class SuccessAdmin(FinishedTaskAdmin, queue_admin.TaskAdmin):
    list_display = ("name", "func", "started", "stopped", "time_taken")


@admin.register(Failure)
class FailureAdmin(FinishedTaskAdmin, queue_admin.FailAdmin):
    list_display = ("name", "func", "started", "stopped", "attempt_count", "short_result")


if queue_admin.Conf.ORM:

    @admin.register(OrmQ)
    class QueueAdmin(RecordAdmin, queue_admin.QueueAdmin):
        list_display = ("id", "name", "func", "task_id", "lock", "key")
        list_filter = ()
        fields = ("name", "func", "args", "kwargs", "task_id", "key", "lock", "q_options")
        readonly_fields = ("name", "func", "task_id", "args", "kwargs", "q_options")

        def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
            return request.user.has_perm("django_q.delete_ormq")
