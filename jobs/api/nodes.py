"""Nodes, for everybody to look at and for operators to steer: the same doors as the admin's actions."""

from typing import Final

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import fleet
from jobs.api.frame import ApiView
from jobs.api.parameters import read_object
from jobs.models import Node
from jobs.models.clock import database_now
from jobs.models.roles import is_operator
from jobs.presentation.node import ShownNode, shown
from jobs.raw_request import RawRequest
from jobs.states import Service

WISHES: Final = {"drain": Service.DRAIN, "resume": Service.UP, "down": Service.DOWN}


class NodeSerializer(serializers.Serializer[ShownNode]):
    """A node. Only ever read."""

    name = serializers.CharField(source="node.name", read_only=True)
    service = serializers.CharField(read_only=True, help_text="The worse of its own word and the operators'.")
    reachable = serializers.BooleanField(read_only=True, help_text="Its agent has been heard in time.")
    heard_at = serializers.DateTimeField(read_only=True, allow_null=True)
    reason = serializers.CharField(read_only=True, help_text="Why it takes no jobs, by whose word.")
    own_service = serializers.CharField(source="node.service", read_only=True)
    wanted = serializers.CharField(source="node.wanted", read_only=True, help_text="By the operators.")
    wanted_reason = serializers.CharField(source="node.wanted_reason", read_only=True)
    wanted_by = serializers.CharField(source="node.wanted_by", read_only=True)
    cpus = serializers.IntegerField(source="node.cpus", read_only=True)
    cpus_taken = serializers.IntegerField(read_only=True)
    memory_mb = serializers.IntegerField(source="node.memory_mb", read_only=True)
    memory_taken_mb = serializers.IntegerField(read_only=True)
    gpus = serializers.IntegerField(source="node.gpus", read_only=True)
    gpus_taken = serializers.IntegerField(read_only=True)
    jobs = serializers.IntegerField(read_only=True, help_text="How many hold something of it.")
    partitions = serializers.ListField(child=serializers.CharField(), read_only=True)
    enforcement = serializers.DictField(
        source="node.enforcement", read_only=True, help_text="By limit: level, means, sentence."
    )


class NodeListSerializer(serializers.Serializer[dict[str, object]]):
    """Every node, by name."""

    results = NodeSerializer(many=True)


class SteeredNodeSerializer(NodeSerializer):
    """A node after an operator has said what they want of it."""

    changed = serializers.BooleanField(read_only=True, help_text="False: it was wanted so already.")
    outlook = serializers.CharField(read_only=True, help_text="What becomes of its jobs.")


class WishSerializer(serializers.Serializer[dict[str, object]]):
    """It only describes: jobs.fleet reads the reason and says what is odd."""

    reason = serializers.CharField(required=False, max_length=fleet.LONGEST_REASON)


class NodesView(ApiView):
    """All nodes."""

    @extend_schema(summary="List nodes", responses=NodeListSerializer)
    def get(self, request: Request) -> Response:
        nodes = shown(Node.objects.all(), database_now())
        listed = NodeSerializer(nodes, many=True)  # type: ignore[arg-type]  # as for jobs
        return Response({"results": listed.data})


class SteerNodeView(ApiView):
    """One node, and what an operator wants of it."""

    verb = ""

    @extend_schema(
        summary="Steer a node (operators)",
        description="To drain it or take it down, say why. `outlook` says what becomes of its jobs.",
        request=WishSerializer,
        responses=SteeredNodeSerializer,
    )
    def post(self, request: Request, name: str) -> Response:
        if not is_operator(self.person):
            raise PermissionDenied("Only operators steer nodes. Ask one of them.")
        node = self._find(name)
        wished = WISHES[self.verb]
        reason = fleet.read_reason(self._said(), needed=wished is not Service.UP)
        changed = fleet.ask_for(node, wished, reason, actor=self.person.get_username())
        after = shown(Node.objects.filter(pk=node.pk), database_now())[0]
        return Response({**NodeSerializer(after).data, "changed": changed, "outlook": after.outlook})

    def _said(self) -> object:
        """The reason in the body. Without a body there is none."""
        headers = self.request.headers
        has_body = int(headers.get("Content-Length") or 0) > 0 or "Transfer-Encoding" in headers
        said = read_object(self.request) if has_body else {}
        RawRequest(said, ("reason",)).raise_errors()
        return said.get("reason", "")

    def _find(self, name: str) -> Node:
        node = Node.objects.filter(name=name).first() if name.isprintable() else None
        if node is None:
            names = ", ".join(Node.objects.values_list("name", flat=True)) or "none yet"
            raise NotFound(f"No node is named {name!r}. There are: {names}.")
        return node
