{{- define "dspy-agent.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "dspy-agent.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "dspy-agent.labels" -}}
{{ include "dspy-agent.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: dspy-agent
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "dspy-agent.serviceAccountName" -}}
{{- if .Values.serviceAccount.name }}{{ .Values.serviceAccount.name }}{{ else if .Values.serviceAccount.create }}{{ include "dspy-agent.name" . }}{{ else }}default{{ end }}
{{- end }}

{{- define "dspy-agent.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "dspy-agent.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "dspy-agent.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* What the operator does with workspaces and their children. */}}
{{- define "dspy-agent.operatorRules" -}}
- apiGroups: [dspy.dev]
  resources: [agentworkspaces, rltrainingjobs]
  verbs: [get, list, watch, delete]
- apiGroups: [dspy.dev]
  resources: [agentworkspaces/status, rltrainingjobs/status]
  verbs: [get, patch]
- apiGroups: [""]
  resources: [serviceaccounts, configmaps, services, persistentvolumeclaims]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [statefulsets, deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [kafka.strimzi.io]
  resources: [kafkatopics]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [sparkoperator.k8s.io]
  resources: [sparkapplications]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: ["", events.k8s.io]
  resources: [events]
  verbs: [list, create, patch]
{{- end }}

{{/* What people may do: a dict of role name to rules. */}}
{{- define "dspy-agent.userRules" -}}
view:
- apiGroups: [dspy.dev]
  resources: [agentworkspaces, agentworkspaces/status, agentworkspaces/scale, rltrainingjobs, rltrainingjobs/status]
  verbs: [get, list, watch]
edit:
- apiGroups: [dspy.dev]
  resources: [agentworkspaces, rltrainingjobs]
  verbs: [get, list, watch, create, update, patch, delete, deletecollection]
- apiGroups: [dspy.dev]
  resources: [agentworkspaces/scale]
  verbs: [get, update, patch]
connect:
- apiGroups: [dspy.dev]
  resources: [agentworkspaces]
  verbs: [get, list, watch, patch]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [""]
  resources: [pods/exec]
  verbs: [get, create]
{{- end }}
