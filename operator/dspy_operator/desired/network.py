"""NetworkPolicies: nothing in but what the operator's parts need, nothing out but what the spec names.

Ports in a NetworkPolicy are those of the pods that are reached, which a Service may map from others:
so toward a namespace no port is named, and toward the outside the port of the URL.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final
from urllib.parse import urlsplit

from dspy_agent_core.contracts.cluster import LABEL_COMPONENT, LABEL_WORKSPACE, OLLAMA_PORT, ROUTER_PORT
from dspy_operator.api.streaming import StreamingSpec
from dspy_operator.children import (
    NETWORK_POLICY,
    Child,
    agent_name,
    context_name,
    model_name,
    router_name,
    streams_name,
    vectors_name,
    worker_name,
)
from dspy_operator.desired.common import (
    AGENT,
    CONTEXT,
    MODEL,
    NETWORK,
    ROUTER,
    STREAMS,
    VECTORS,
    WORKER,
    Context,
    child,
    selector,
)
from dspy_operator.desired.kafka import KAFKA_PORT, STRIMZI_CLUSTER, bootstrap, has_router
from dspy_operator.desired.spark import takes_application

_PORTS: Final = {"https": 443, "http": 80, "ssh": 22, "git": 9418, "milvus": 19530}
_SCP: Final = re.compile(r"(?:[^@/]+@)([^:/]+):(?!//)")
_API_SERVER_PORTS: Final = (443, 6443)
_NAMESPACE: Final = "kubernetes.io/metadata.name"
_OLLAMA_REGISTRY: Final = "https://registry.ollama.ai"

Rule = dict[str, Any]


def build_policies(context: Context) -> list[Child]:
    """Return the policies of agent and model pods; none where the user manages them."""
    policy = context.spec.network_policy
    if policy.management == "Unmanaged":
        return []
    agent = {
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],  # said, so that a way in that somebody adds is found and taken out
        "egress": _unique([*_agent_egress(context), *_own_egress(context)]),
    }
    policies = [_policy(context, agent_name(context.name), selector(context.name, AGENT), agent)]
    if context.spec.model.ollama:
        registry = registry_url(context.spec.model.ollama.model)
        model = {
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [_from(context, _model_clients(context), OLLAMA_PORT)],
            "egress": _unique([_dns(context), *rules_for(registry, context.settings.cluster_domain)]),
        }
        policies.append(_policy(context, model_name(context.name), selector(context.name, MODEL), model))
    if context.spec.streaming:
        policies += _stream_policies(context, context.spec.streaming)
    if context.spec.vector_store.milvus:
        policies.append(_vectors_policy(context))
    return policies


def _stream_policies(context: Context, streaming: StreamingSpec) -> list[Child]:
    """Return what all pods of the streams may do, and what only workers and the router may."""
    kafka = _kafka_egress(context, streaming)
    shared = {
        "podSelector": {
            "matchLabels": {LABEL_WORKSPACE: context.name},
            "matchExpressions": [{"key": LABEL_COMPONENT, "operator": "In", "values": list(STREAMS)}],
        },
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],
        "egress": _unique([_dns(context), *kafka, *_own_egress(context)]),
    }
    policies = [child(context, NETWORK_POLICY, streams_name(context.name), NETWORK, {"spec": shared})]
    model = _model_egress(context)
    if streaming.apps and model:
        worker = {"policyTypes": ["Egress"], "egress": model}
        policies.append(_policy(context, worker_name(context.name), selector(context.name, WORKER), worker))
    if takes_application(context, streaming):
        policies.append(_spark_policy(context))
    if has_router(streaming):
        router = {"policyTypes": ["Ingress"], "ingress": [_from(context, [AGENT], ROUTER_PORT)]}
        policies.append(_policy(context, router_name(context.name), selector(context.name, ROUTER), router))
    return policies


def _spark_policy(context: Context) -> Child:
    """Return what driver and executors need besides: each other, and the API server, which has no labels."""
    pods = selector(context.name, CONTEXT)
    each_other = [{"podSelector": {"matchLabels": pods}}]
    api_server = {"ports": [{"protocol": "TCP", "port": port} for port in _API_SERVER_PORTS]}
    spec = {
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": each_other}],
        "egress": [{"to": each_other}, api_server],
    }
    return _policy(context, context_name(context.name), pods, spec)


def _vectors_policy(context: Context) -> Child:
    """Return what the watch on the vector store may do: it stands for the agent there."""
    spec = {
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],
        "egress": _unique([_dns(context), *_vector_egress(context), *_own_egress(context)]),
    }
    return _policy(context, vectors_name(context.name), selector(context.name, VECTORS), spec)


def _policy(context: Context, name: str, pods: dict[str, str], spec: Rule) -> Child:
    body = {"spec": {"podSelector": {"matchLabels": pods}} | spec}
    return child(context, NETWORK_POLICY, name, NETWORK, body)


def _own_egress(context: Context) -> list[Rule]:
    egress = context.spec.network_policy.egress or ()
    return [rule.model_dump(by_alias=True, exclude_none=True) for rule in egress]


def _agent_egress(context: Context) -> list[Rule]:
    spec, domain = context.spec, context.settings.cluster_domain
    rules = [_dns(context)]
    if spec.source.git:
        rules += rules_for(spec.source.git.url, domain)
    rules += _model_egress(context)
    rules += _vector_egress(context)
    if spec.streaming:
        rules += _kafka_egress(context, spec.streaming)
        if has_router(spec.streaming):
            rules.append(_to(context, ROUTER, ROUTER_PORT))
    return rules


def _model_egress(context: Context) -> list[Rule]:
    model = context.spec.model
    if model.ollama:
        return [_to(context, MODEL, OLLAMA_PORT)]
    if model.open_ai_compatible:
        return rules_for(model.open_ai_compatible.base_url, context.settings.cluster_domain)
    return []


def _vector_egress(context: Context) -> list[Rule]:
    milvus = context.spec.vector_store.milvus
    if milvus is None:
        return []
    scheme, _, rest = milvus.uri.partition("://")
    url = milvus.uri if scheme == "https" else f"milvus://{rest}"
    return rules_for(url, context.settings.cluster_domain)


def _kafka_egress(context: Context, streaming: StreamingSpec) -> list[Rule]:
    if streaming.kafka.strimzi:
        peer = {"podSelector": {"matchLabels": {STRIMZI_CLUSTER: streaming.kafka.strimzi.cluster}}}
        return [{"to": [peer], "ports": [{"protocol": "TCP", "port": KAFKA_PORT}]}]
    servers = bootstrap(context, streaming).split(",")
    domain = context.settings.cluster_domain
    return [rule for server in servers for rule in rules_for(f"kafka://{server}", domain)]


def _to(context: Context, component: str, port: int) -> Rule:
    peer = {"podSelector": {"matchLabels": selector(context.name, component)}}
    return {"to": [peer], "ports": [{"protocol": "TCP", "port": port}]}


def _from(context: Context, components: list[str], port: int) -> Rule:
    peers = [{"podSelector": {"matchLabels": selector(context.name, item)}} for item in components]
    return {"from": peers, "ports": [{"protocol": "TCP", "port": port}]}


def _model_clients(context: Context) -> list[str]:
    streaming = context.spec.streaming
    return [AGENT, WORKER] if streaming and streaming.apps else [AGENT]


def _dns(context: Context) -> Rule:
    peer = {"namespaceSelector": {"matchLabels": {_NAMESPACE: context.settings.dns_namespace}}}
    return {"to": [peer], "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}


def rules_for(url: str, cluster_domain: str) -> list[Rule]:
    """Return the egress rules that let a pod reach the host of ``url``.

    An address is let through as it is; a bare name may be a Service of the own namespace or a host of
    the nodes' domain, ``name.ns`` a Service or a domain: both get the rules of both; ``name.ns.svc…`` is
    a Service.
    """
    host, port = _host_and_port(url)
    outside: Rule = {"ports": [{"protocol": "TCP", "port": port}]}
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return [outside | {"to": [{"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}}]}]
    labels = host.removesuffix(".").removesuffix(f".{cluster_domain}").split(".")
    if len(labels) == 1:
        return [{"to": [{"podSelector": {}}]}, outside]
    namespace: Rule = {"to": [{"namespaceSelector": {"matchLabels": {_NAMESPACE: labels[1]}}}]}
    if len(labels) == 3 and labels[2] == "svc":
        return [namespace]
    return [namespace, outside] if len(labels) == 2 else [outside]


def registry_url(model: str) -> str:
    """Return the URL of the registry that an Ollama model name points to."""
    scheme, separator, rest = model.partition("://")
    if not separator:
        scheme, rest = "https", model
    host, slash, _ = rest.partition("/")
    named = bool(slash) and ("." in host or ":" in host or bool(separator))
    return f"{scheme}://{host}" if named else _OLLAMA_REGISTRY


def _host_and_port(url: str) -> tuple[str, int]:
    scp = _SCP.match(url)
    if scp:
        return scp[1].lower(), _PORTS["ssh"]
    default = _PORTS.get(url.partition("://")[0], _PORTS["https"])
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port or default
    except ValueError:  # a host or a port that is none: nothing can be reached there
        return "", default


def _unique(rules: list[Rule]) -> list[Rule]:
    return [rule for index, rule in enumerate(rules) if rule not in rules[:index]]
