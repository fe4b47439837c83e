# Every resource type of the provider, with count, for_each and a module. Where the broker is, the environment says:
# RABBITMQ_ENDPOINT, RABBITMQ_USERNAME and RABBITMQ_PASSWORD.

terraform {
  required_providers {
    rabbitmq = {
      source  = "cyrilgdn/rabbitmq"
      version = "1.8.0"
    }
  }
}

provider "rabbitmq" {}

resource "rabbitmq_vhost" "this" {
  for_each = toset(["billing", "orders", "scratch"])
  name     = each.key
}

resource "rabbitmq_user" "worker" {
  count    = 2
  name     = "worker-${count.index}"
  password = "loopback-only-${count.index}"
}

resource "rabbitmq_user" "auditor" {
  name     = "auditor"
  password = "loopback-only"
  tags     = ["monitoring", "policymaker"]
}

resource "rabbitmq_permissions" "worker" {
  count = 2
  user  = rabbitmq_user.worker[count.index].name
  vhost = rabbitmq_vhost.this["orders"].name

  permissions {
    configure = "^worker-${count.index}-"
    write     = ".*"
    read      = ".*"
  }
}

resource "rabbitmq_permissions" "auditor" {
  for_each = rabbitmq_vhost.this
  user     = rabbitmq_user.auditor.name
  vhost    = each.value.name

  permissions {
    configure = ""
    write     = ""
    read      = ".*"
  }
}

resource "rabbitmq_topic_permissions" "worker" {
  user  = rabbitmq_user.worker[0].name
  vhost = rabbitmq_permissions.worker[0].vhost

  permissions {
    exchange = "amq.topic"
    write    = "^orders\\."
    read     = ".*"
  }

  permissions {
    exchange = "events"
    write    = ""
    read     = "^orders\\."
  }
}

resource "rabbitmq_policy" "limits" {
  name  = "limits"
  vhost = rabbitmq_vhost.this["orders"].name

  policy {
    pattern  = "^orders-"
    priority = 1
    apply_to = "queues"

    definition = {
      max-length  = 1000
      message-ttl = 600000
      overflow    = "reject-publish"
    }
  }
}

resource "rabbitmq_policy" "expiry" {
  for_each = { billing = 3600000, orders = 7200000 }
  name     = "expiry"
  vhost    = rabbitmq_vhost.this[each.key].name

  policy {
    pattern  = "^tmp-"
    priority = 0
    apply_to = "queues"

    definition = {
      expires = each.value
    }
  }
}

# Somebody else tunes this one.
resource "rabbitmq_policy" "tuned" {
  name  = "tuned"
  vhost = rabbitmq_vhost.this["orders"].name

  policy {
    pattern  = "^tuned-"
    priority = 2
    apply_to = "queues"

    definition = {
      max-length = 10
    }
  }

  lifecycle {
    ignore_changes = [policy[0].definition]
  }
}

resource "rabbitmq_operator_policy" "ceiling" {
  name  = "ceiling"
  vhost = rabbitmq_vhost.this["orders"].name

  policy {
    pattern  = ".*"
    priority = 0
    apply_to = "queues"

    definition = {
      max-length = 100000
    }
  }
}

resource "rabbitmq_federation_upstream" "billing" {
  name  = "billing"
  vhost = rabbitmq_vhost.this["orders"].name

  definition {
    uri             = "amqp://127.0.0.1/billing"
    prefetch_count  = 500
    reconnect_delay = 30
    ack_mode        = "on-confirm"
    exchange        = "events"
  }
}

resource "rabbitmq_exchange" "alone" {
  name  = "alone"
  vhost = rabbitmq_vhost.this["billing"].name

  settings {
    type    = "fanout"
    durable = true
  }
}

resource "rabbitmq_queue" "alone" {
  count = 2
  name  = "alone-${count.index}"
  vhost = rabbitmq_vhost.this["billing"].name

  settings {
    durable = true
    # The server answers with the keys in another order, and without the spaces.
    arguments_json = <<-JSON
      { "x-message-ttl": 60000, "x-max-priority": 5 }
    JSON
  }
}

resource "rabbitmq_queue" "archive" {
  name  = "archive"
  vhost = rabbitmq_vhost.this["billing"].name

  settings {
    durable = true
    arguments = {
      "x-queue-mode" = "lazy"
    }
  }
}

resource "rabbitmq_shovel" "archive" {
  name  = "archive"
  vhost = rabbitmq_vhost.this["billing"].name

  info {
    source_uri            = "amqp:///billing"
    source_queue          = rabbitmq_queue.alone[0].name
    source_prefetch_count = 100
    destination_uri       = "amqp:///billing"
    destination_queue     = rabbitmq_queue.archive.name
    reconnect_delay       = 60
  }
}

module "work" {
  source = "./work"
  vhost  = rabbitmq_vhost.this["orders"].name
  queues = {
    invoices  = "order.paid"
    mails     = "order.*"
    shipments = "order.shipped"
  }
}
