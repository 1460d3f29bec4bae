"""The form for a new job, and the form for a new API token.

The form only carries text between the browser and jobs.spec, which knows the rules: the same ones as for the
API and the command line. Browsers end lines with CR and LF; a script typed in one must run all the same, so
its lines end with LF here. Scripts of the API and the command line keep their bytes.
"""

import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from django import forms

from jobs import spec
from jobs.errors import InvalidSpec
from jobs.fields import DEFAULT_ATTEMPTS, DEFAULT_MEMORY_MB
from jobs.form_fields import PlainField, many_lines, number, one_line
from jobs.models import Job
from jobs.resources import describe_duration, format_memory
from jobs.spec import PartitionRule
from jobs.states import OpenMode

FOLDED: Final = (
    "partition", "work_dir", "stdin_path", "stdout_path", "stderr_path", "open_mode", "arguments",
    "environment", "signal", "requeue", "max_attempts", "priority", "hold",
)  # fmt: skip


class JobForm(forms.Form):
    """What a person types to ask for a job."""

    script = PlainField(
        widget=forms.Textarea(
            attrs={
                "rows": 18,
                "class": "code",
                "spellcheck": "false",
                "autocapitalize": "none",
                "wrap": "off",
                "placeholder": "#!/bin/bash\necho hello",
            }
        )
    )
    name = PlainField(
        label="Name", widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "job"})
    )
    cpus = PlainField(label="CPUs", widget=number())
    memory = PlainField(label="Memory", widget=forms.TextInput(attrs={"autocomplete": "off"}))
    gpus = PlainField(label="GPUs", widget=number())
    time_limit = PlainField(label="Time limit", widget=forms.TextInput(attrs={"autocomplete": "off"}))
    partition = forms.CharField(label="Partition", required=False, widget=forms.Select())
    work_dir = PlainField(
        label="Work directory",
        widget=forms.TextInput(attrs={"placeholder": "a private scratch directory", "autocomplete": "off"}),
        help_text="A whole path, from /.",
    )
    arguments = PlainField(
        label="Arguments", widget=many_lines(2, "one a line"), help_text="One a line: $1, $2 … of the script."
    )
    environment = PlainField(
        label="Environment", widget=many_lines(3, "NAME=value"), help_text="NAME=value, one a line."
    )
    stdin_path = PlainField(
        label="Input file", widget=one_line("nothing"), help_text="A path, or a name in the work directory."
    )
    stdout_path = PlainField(
        label="Output file",
        widget=one_line("the platform keeps it"),
        help_text="%j is the number of the job, %x its name, %N the node.",
    )
    stderr_path = PlainField(label="Error output file", widget=one_line("joins the output"))
    open_mode = PlainField(
        label="A file that is there",
        initial=OpenMode.TRUNCATE.value,
        widget=forms.Select(choices=[("truncate", "is emptied"), ("append", "is appended to")]),
    )
    signal = PlainField(
        label="Signal before the limit",
        widget=one_line("none"),
        help_text="USR1@60: 60 s before. B:USR1: to the script alone.",
    )
    requeue = forms.BooleanField(label="Run it again if its node is lost", required=False)
    max_attempts = PlainField(
        label="Runs at most", widget=number(), initial=str(DEFAULT_ATTEMPTS), help_text="If it is run again."
    )
    priority = PlainField(label="Priority", widget=number(), help_text="Jobs with more go first.")
    hold = forms.BooleanField(label="Hold it until I release it", required=False)
    form_key = forms.CharField(required=False, widget=forms.HiddenInput())

    def __init__(
        self, *arguments: Any, rules: Iterable[PartitionRule], default: str, operates: bool, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self.rules = list(rules)
        self.default = default
        if not operates:
            del self.fields["priority"]
        names = [(rule.name, rule.name) for rule in self.rules]
        self.fields["partition"].widget = forms.Select(choices=names)
        self.fields["partition"].initial = default
        self._say_limits()

    def _say_limits(self) -> None:
        sizes = [node.capacity for rule in self.rules for node in rule.nodes]
        self.fields["memory"].help_text = "Such as 512M or 2G."
        self.fields["time_limit"].help_text = "Such as 90m, 2h or 1-12:00:00."
        if sizes:
            self.fields["cpus"].help_text = f"The largest node has {max(size.cpus for size in sizes)}."
            self.fields["gpus"].help_text = f"The largest node has {max(size.gpus for size in sizes)}."
            largest = format_memory(max(size.memory_mb for size in sizes))
            self.fields["memory"].help_text += f" The largest node has {largest}."
        if self.rules:
            longest = describe_duration(max(rule.max_time_limit for rule in self.rules))
            self.fields["time_limit"].help_text += f" At most {longest}."

    def clean_environment(self) -> dict[str, str]:
        """The variables by name."""
        lines = [line for line in _unix_lines(self.cleaned_data["environment"]).split("\n") if line.strip()]
        for line in lines:
            if "=" not in line:
                raise forms.ValidationError(f"{line[:40]!r} has no = in it. Write NAME=value, one a line.")
        pairs = (line.partition("=") for line in lines)
        return {name.strip(): value for name, _, value in pairs}

    def clean(self) -> None:
        """Everything that is odd, each at its field."""
        try:
            spec.parse(self.request, self.rules, self.default)
        except InvalidSpec as invalid:
            self.refuse(invalid.errors)

    @property
    def request(self) -> dict[str, object]:
        """What was typed, as jobs.spec reads it."""
        typed: dict[str, object] = {
            name: self.cleaned_data[name] for name in spec.FIELDS if name in self.cleaned_data
        }
        typed["script"] = _unix_lines(self.cleaned_data.get("script", ""))
        arguments = _unix_lines(self.cleaned_data.get("arguments", "")).split("\n")
        typed["arguments"] = [line for line in arguments if line]
        return typed

    @property
    def key(self) -> str | None:
        """The idempotency key: one for each form that was shown, so a double click is one job."""
        return self.cleaned_data["form_key"] or None

    def refuse(self, errors: Mapping[str, Iterable[str]]) -> None:
        """Put what is wrong at its fields; what belongs to none of them stands at the top."""
        for name, messages in errors.items():
            for message in messages:
                self.add_error(name if name in self.fields else None, message)

    @property
    def is_open(self) -> bool:
        """The folded part holds a value that is not the default, or an error."""
        for name in FOLDED:
            if name in self.fields:
                value, usual = self[name].value(), self.fields[name].initial
                if self[name].errors or (value not in (None, "", False, usual)):
                    return True
        return False


def _unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def new_key() -> str:
    """A key that no other form has."""
    return secrets.token_urlsafe(16)


def empty(default: PartitionRule | None) -> dict[str, object]:
    """What a new form holds: the defaults, spelled out."""
    limit = default.default_time_limit if default else timedelta(hours=1)
    return {
        "cpus": "1",
        "memory": _size(DEFAULT_MEMORY_MB),
        "gpus": "0",
        "time_limit": _span(limit),
        "form_key": new_key(),
    }


def filled_from(job: Job, request: Mapping[str, object], *, shows_values: bool) -> dict[str, object]:
    """The form of an earlier job. The values of its variables are only for its owner."""
    variables = job.environment if shows_values else {}
    return {
        **request,
        "memory": _size(job.memory_mb),
        "time_limit": _span(job.time_limit),
        "arguments": "\n".join(job.arguments),
        "environment": "\n".join(f"{name}={value}" for name, value in variables.items()),
        "max_attempts": str(job.max_attempts),
        "form_key": new_key(),
    }


def _size(mib: int) -> str:
    return f"{mib // 1024}G" if mib % 1024 == 0 else f"{mib}M"


def _span(limit: timedelta) -> str:
    """Exact, in the largest unit that divides it."""
    seconds = int(limit.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


class TokenForm(forms.Form):
    """What an API token is to be called."""

    name = forms.CharField(
        label="What is it for?",
        max_length=64,
        widget=forms.TextInput(attrs={"placeholder": "laptop", "autocomplete": "off"}),
        error_messages={"required": "Give it a name, so that you know later which one to revoke."},
    )
