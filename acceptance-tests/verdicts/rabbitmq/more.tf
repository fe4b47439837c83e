# Added to the root of ../../rabbitmq: leaves that come and go, and arguments that refer to others.

locals {
  source_priority = 10
  ours = {
    limit = 70
  }
}

resource "rabbitmq_exchange" "spare" {
  for_each = toset(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "kept"])
  name     = "spare-${each.key}"
  vhost    = rabbitmq_vhost.this["billing"].name

  settings {
    type = "fanout"
  }
}

resource "rabbitmq_user" "spare" {
  name     = "spare"
  password = "loopback-only"
}

resource "rabbitmq_policy" "spare" {
  name  = "spare"
  vhost = rabbitmq_vhost.this["billing"].name

  policy {
    pattern  = "^spare-"
    priority = 3
    apply_to = "queues"

    definition = {
      max-length = 5
    }
  }
}

resource "rabbitmq_policy" "source" {
  name  = "source"
  vhost = rabbitmq_vhost.this["billing"].name

  policy {
    pattern  = "^source-"
    priority = local.source_priority
    apply_to = "queues"

    definition = {
      max-length = 6
    }
  }
}

resource "rabbitmq_policy" "follows" {
  name  = "follows"
  vhost = rabbitmq_vhost.this["billing"].name

  policy {
    pattern  = "^follows-"
    priority = rabbitmq_policy.source.policy[0].priority
    apply_to = "queues"

    definition = {
      max-length = 7
    }
  }
}

resource "rabbitmq_policy" "ours" {
  name  = "ours"
  vhost = rabbitmq_vhost.this["billing"].name

  policy {
    pattern  = "^ours-"
    priority = 4
    apply_to = "queues"

    definition = {
      max-length = local.ours.limit
    }
  }
}
