# Added to the root of ../../kubernetes: leaves that come and go.

resource "kubectl_manifest" "spare" {
  for_each  = toset(["a", "b", "c", "d", "e", "f", "g", "h", "kept"])
  yaml_body = <<-YAML
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: spare-${each.key}
      namespace: default
    data:
      key: ${each.key}
  YAML
}
