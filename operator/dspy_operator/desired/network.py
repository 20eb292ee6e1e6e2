"""NetworkPolicies: nothing in but what the operator's parts need, nothing out but what the spec names.

Ports in a NetworkPolicy are those of the pods that are reached, which a Service may map from others:
so toward a namespace no port is named, and toward the outside the port of the URL.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final
from urllib.parse import urlsplit

from dspy_agent_core.contracts.cluster import OLLAMA_PORT
from dspy_operator.children import NETWORK_POLICY, Child, agent_name, model_name
from dspy_operator.desired.common import AGENT, MODEL, NETWORK, Context, child, selector

_PORTS: Final = {"https": 443, "http": 80, "ssh": 22, "git": 9418}
_SCP: Final = re.compile(r"(?:[^@/]+@)([^:/]+):(?!//)")
_NAMESPACE: Final = "kubernetes.io/metadata.name"
_OLLAMA_REGISTRY: Final = "https://registry.ollama.ai"

Rule = dict[str, Any]


def build_policies(context: Context) -> list[Child]:
    """Return the policies of agent and model pods; none where the user manages them."""
    policy = context.spec.network_policy
    if policy.management == "Unmanaged":
        return []
    own = [rule.model_dump(by_alias=True, exclude_none=True) for rule in policy.egress or ()]
    agent = {
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],  # said, so that a way in that somebody adds is found and taken out
        "egress": _unique([*_agent_egress(context), *own]),
    }
    policies = [_policy(context, agent_name(context.name), AGENT, agent)]
    if context.spec.model.ollama:
        registry = registry_url(context.spec.model.ollama.model)
        model = {
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {
                    "from": [{"podSelector": {"matchLabels": selector(context.name, AGENT)}}],
                    "ports": [{"protocol": "TCP", "port": OLLAMA_PORT}],
                }
            ],
            "egress": _unique([_dns(context), *rules_for(registry, context.settings.cluster_domain)]),
        }
        policies.append(_policy(context, model_name(context.name), MODEL, model))
    return policies


def _policy(context: Context, name: str, component: str, spec: Rule) -> Child:
    pods = {"podSelector": {"matchLabels": selector(context.name, component)}}
    return child(context, NETWORK_POLICY, name, NETWORK, {"spec": pods | spec})


def _agent_egress(context: Context) -> list[Rule]:
    spec, domain = context.spec, context.settings.cluster_domain
    rules = [_dns(context)]
    if spec.source.git:
        rules += rules_for(spec.source.git.url, domain)
    if spec.model.ollama:
        peer = {"podSelector": {"matchLabels": selector(context.name, MODEL)}}
        rules.append({"to": [peer], "ports": [{"protocol": "TCP", "port": OLLAMA_PORT}]})
    if spec.model.open_ai_compatible:
        rules += rules_for(spec.model.open_ai_compatible.base_url, domain)
    return rules


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
