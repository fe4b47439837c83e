# Objects of many kinds, each a manifest, with count and for_each; a custom resource and its definition among them.
# Where the cluster is, the environment says: KUBE_CONFIG_PATH.

terraform {
  required_providers {
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "1.19.0"
    }
  }
}

provider "kubectl" {}

resource "kubectl_manifest" "namespace" {
  for_each = { shop = "team-a", tools = "team-b" }
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "Namespace"
    metadata = {
      name   = each.key
      labels = { owner = each.value }
    }
  })
}

resource "kubectl_manifest" "settings" {
  count      = 3
  depends_on = [kubectl_manifest.namespace]
  yaml_body  = <<-YAML
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: settings-${count.index}
      namespace: shop
      annotations:
        example.com/reviewed: "2026-01"
    data:
      mode: steady
      retries: "${count.index + 1}"
  YAML
}

resource "kubectl_manifest" "credentials" {
  depends_on = [kubectl_manifest.namespace]
  yaml_body  = <<-YAML
    apiVersion: v1
    kind: Secret
    metadata:
      name: credentials
      namespace: shop
    type: Opaque
    data:
      password: ${base64encode("loopback-only")}
  YAML
}

resource "kubectl_manifest" "account" {
  for_each   = toset(["builder", "web"])
  depends_on = [kubectl_manifest.namespace]
  yaml_body  = <<-YAML
    apiVersion: v1
    kind: ServiceAccount
    metadata:
      name: ${each.key}
      namespace: shop
    automountServiceAccountToken: false
  YAML
}

resource "kubectl_manifest" "reader" {
  depends_on = [kubectl_manifest.namespace]
  yaml_body  = <<-YAML
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata:
      name: reader
      namespace: shop
    rules:
      - apiGroups: [""]
        resources: [configmaps]
        verbs: [get, list]
  YAML
}

resource "kubectl_manifest" "reads" {
  for_each   = kubectl_manifest.account
  depends_on = [kubectl_manifest.reader]
  yaml_body  = <<-YAML
    apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata:
      name: ${each.key}-reads
      namespace: shop
    roleRef:
      apiGroup: rbac.authorization.k8s.io
      kind: Role
      name: reader
    subjects:
      - kind: ServiceAccount
        name: ${each.value.name}
        namespace: shop
  YAML
}

resource "kubectl_manifest" "watcher" {
  yaml_body = <<-YAML
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata:
      name: watcher
    rules:
      - apiGroups: [""]
        resources: [namespaces]
        verbs: [get, list, watch]
  YAML
}

resource "kubectl_manifest" "web" {
  depends_on       = [kubectl_manifest.account]
  wait_for_rollout = false
  yaml_body        = <<-YAML
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
      namespace: shop
    spec:
      replicas: 2
      selector:
        matchLabels:
          app: web
      template:
        metadata:
          labels:
            app: web
        spec:
          serviceAccountName: web
          containers:
            - name: web
              image: example.com/web:1.0.0
              resources:
                requests:
                  cpu: 500m
                  memory: 1Gi
  YAML
}

# An autoscaler owns the number of replicas.
resource "kubectl_manifest" "scaled" {
  depends_on       = [kubectl_manifest.account]
  wait_for_rollout = false
  ignore_fields    = ["spec.replicas"]
  yaml_body        = <<-YAML
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: scaled
      namespace: shop
    spec:
      replicas: 1
      selector:
        matchLabels:
          app: scaled
      template:
        metadata:
          labels:
            app: scaled
        spec:
          containers:
            - name: scaled
              image: example.com/scaled:1.0.0
  YAML
}

resource "kubectl_manifest" "front" {
  depends_on        = [kubectl_manifest.namespace]
  server_side_apply = true
  yaml_body         = <<-YAML
    apiVersion: v1
    kind: Service
    metadata:
      name: front
      namespace: shop
    spec:
      selector:
        app: web
      ports:
        - name: http
          port: 80
          targetPort: 8080
  YAML
}

resource "kubectl_manifest" "backups" {
  yaml_body = <<-YAML
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata:
      name: backups.example.com
    spec:
      group: example.com
      scope: Namespaced
      names:
        kind: Backup
        plural: backups
        singular: backup
        shortNames: [bk]
      versions:
        - name: v1
          served: true
          storage: true
          subresources:
            status: {}
          schema:
            openAPIV3Schema:
              type: object
              properties:
                spec:
                  type: object
                  properties:
                    schedule:
                      type: string
                    keep:
                      type: integer
                status:
                  type: object
                  x-kubernetes-preserve-unknown-fields: true
  YAML
}

resource "kubectl_manifest" "backup" {
  for_each   = { daily = 7, weekly = 4 }
  depends_on = [kubectl_manifest.backups, kubectl_manifest.namespace]
  yaml_body  = <<-YAML
    apiVersion: example.com/v1
    kind: Backup
    metadata:
      name: ${each.key}
      namespace: tools
    spec:
      schedule: "@${each.key}"
      keep: ${each.value}
  YAML
}
